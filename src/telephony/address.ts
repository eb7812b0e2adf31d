/**
 * What stands where a telephone number is expected: digits, a SIP or tel URI (RFC 3261, RFC 3966), a name with such a URI in
 * angle brackets. Only taken apart here; what the number means is read by `number.ts`.
 */

export interface Address {
  /** The user: a number with its separators, or a name. No scheme, host, password or parameters. */
  readonly user: string;
  readonly host: string | null;
  /** `phone-context` where it is a number (`+91`): the user is a number inside of it. A domain there says nothing. */
  readonly context: string | null;
}

/** Space, dash and mark characters that travel along when numbers are copied; none is ever a part of one. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Separators of RFC 3966, and the dashes that word processors make of its hyphen. */
const SEPARATORS = /[\s().\u2010-\u2015\u2212-]/g;

/** What can be dialled, without separators. */
const DIALLED = /^\+?[\d*#]+$/;

const SCHEME = /^(?:sips?|tel|callto|h323|xmpp):(?:\/\/)?/i;

/** A number and nothing else, which is what most texts are. */
const BARE = /^[+\d*#]+$/;

/** Takes a text apart; any text has an address, if only an empty one. */
export function addressOf(text: string): Address {
  if (BARE.test(text)) return { user: text, host: null, context: null };
  const plain = withAsciiDigits(text.normalize('NFKC').replace(INVISIBLE, '')).trim();
  const inBrackets = /<([^<>]*)>/.exec(plain)?.[1] ?? plain;
  const bare = inBrackets.replace(/^["']+|(?<!["'])["']+$/g, '').trim();
  const uri = bare.replace(SCHEME, '').replace(/\?.*$/s, '');
  const at = uri.indexOf('@');
  const [named = '', ...parameters] = (at < 0 ? uri : uri.slice(0, at)).split(';');
  const context = parameters.map((one) => /^phone-context=(\+[\d().-]+)$/i.exec(decoded(one))?.[1]).find(Boolean);
  return {
    user: decoded(named.replace(/:.*$/s, '')).trim(),
    host: at < 0 ? null : uri.slice(at + 1).replace(/[;:].*$/s, ''),
    context: context?.replace(SEPARATORS, '') ?? null,
  };
}

/**
 * The digits of a user, with its `+`, `*` and `#`; `null` when it is no number. `+44 (0)20` loses the zero in brackets,
 * which is dialled at home only.
 */
export function dialable(user: string): string | null {
  if (DIALLED.test(user)) return user;
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(user)) return null;
  const digits = user.replace(/^(\+|00)(.*?)\(0\)/, '$1$2').replace(SEPARATORS, '');
  return DIALLED.test(digits) ? digits : null;
}

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Digits of all scripts as 0 to 9. Unicode puts the ten digits of a script next to each other, the zero first. */
function withAsciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    if (code < 0x80) return digit;
    let value = 0;
    while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1;
    return String(value);
  });
}
