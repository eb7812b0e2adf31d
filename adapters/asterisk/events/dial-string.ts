/**
 * The number in a dial string of Asterisk. Each channel driver has a syntax of its own; these are the ones its sources and
 * documents give, `[...]` being optional:
 *
 *     PJSIP/[number@]endpoint[/URI]              SIP/[number[:password]@]host, SIP/peer/number[/proxy][!to[!from]]
 *     IAX2/[user[:password]@]peer[/number[@context][/options]]
 *     DAHDI/(channel|g1|G1|r1|R1|i1-g1)[/number[:subaddress][/options]]      Local/number@context[/options]
 *     OOH323/[number@]peer, OOH323/peer/number   Motif/account/number@host
 *     CAPI/line/[caller:]number[/options]        Dongle/(device|g1|r1|i:IMEI|p:provider)/[option:]number
 *     mISDN/(port|g:group)/number[/options]      Khomp/B0C1/number[/options], and all others alike
 *
 * What is left when the number is missing is the name of a line or phone: it may consist of digits and is still none.
 */
import { addressOf, dialable } from '../../../src/telephony/address.ts';
import { NETWORK_DIGITS } from '../../../src/telephony/digits.ts';
import { bareNumber } from '../../../src/telephony/number.ts';

type Syntax = (resource: string) => string | null;

const line: Syntax = (resource) => dialledOnLine(second(resource));

const h323: Syntax = (resource) => {
  const [head, extension] = cut(resource, '/');
  const alias = number(head);
  // Without a peer the gatekeeper finds whoever has the number.
  return number(extension) ?? (head.includes('@') || (alias?.length ?? 0) >= NETWORK_DIGITS ? alias : null);
};

const SYNTAX: Readonly<Record<string, Syntax>> = {
  pjsip: (resource) => {
    const [endpoint, uri] = cut(resource, '/');
    return number(uri) ?? (endpoint.includes('@') ? number(endpoint) : null);
  },
  sip: (resource) => {
    const [head, behind] = cut(resource.replace(/!.*$/, ''), '/');
    const extension = number(cut(behind, '/')[0]);
    if (!head.includes('@')) return extension;
    // With a password it is the account that logs in; without one it is the number.
    const account = /^[^@]*:/.test(head.replace(/^sips?:/i, ''));
    return account ? (extension ?? number(head)) : (number(head) ?? extension);
  },
  iax2: (resource) => number(second(resource)),
  dahdi: line,
  zap: line,
  local: (resource) => number(cut(resource, '/')[0]),
  ooh323: h323,
  h323,
  capi: (resource) => dialledOnLine(second(resource).replace(/^.*:/, '')),
};

/** Drivers of telephones: what they are told to dial is a line of one, and how it rings (`SCCP/1001/aa=1w`, `USTM/1001@phone/r44`). */
const PHONES = new Set(['sccp', 'skinny', 'mgcp', 'ustm', 'console']);

/** A line, then the number, then options; a word with a colon before the number is an option too. */
const other: Syntax = (resource) => dialledOnLine(second(resource).replace(/^[a-z]+:(?=[+\d])/i, ''));

/**
 * The number that a dial string sends out, `null` when it names a line or a phone alone.
 *
 * @param technology of the channel that was made (`PJSIP`); AMI leaves it out of the dial strings of some applications and
 *   puts it in front in others. `null`: not known, the dial string is read as SIP reads it.
 */
export function dialledNumber(dialString: string | null, technology: string | null): string | null {
  if (dialString === null) return null;
  const named = (technology ?? 'SIP').toLowerCase();
  const resource = dialString.toLowerCase().startsWith(`${named}/`) ? dialString.slice(named.length + 1) : dialString;
  if (PHONES.has(named)) return null;
  return (Object.hasOwn(SYNTAX, named) ? (SYNTAX[named] ?? other) : other)(resource);
}

/** The same for a target of Dial, which always begins with its technology: `PJSIP/+971501234567@trunk-out`. */
export function targetNumber(target: string): string | null {
  const [technology, resource] = cut(target, '/');
  return dialledNumber(resource, technology);
}

/** Technology of a channel by its name: `PJSIP` of `PJSIP/trunk-out-0000001a`. */
export function technologyOf(channel: string | undefined): string | null {
  return channel?.includes('/') ? cut(channel, '/')[0] : null;
}

function cut(text: string, mark: string): [before: string, behind: string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

const second = (resource: string): string => resource.split('/')[1] ?? '';

/** The user of a URI, or of `number@endpoint`. */
function number(text: string): string | null {
  if (text === '') return null;
  return bareNumber(text) ?? withoutPauses(addressOf(text).user);
}

/** `9w09845012345`: the outside line, a pause, the number; `09845012345w12`: the number and what is dialled when it answers. */
function withoutPauses(user: string): string | null {
  if (!/^[+\d*#]/.test(user)) return null;
  const pieces = user.split(/[wp,]+/i).map(dialable);
  if (pieces.length < 2 || pieces.includes(null)) return null;
  const numbers = pieces.filter((one) => one !== null);
  return numbers.find((one) => one.length >= NETWORK_DIGITS) ?? numbers.reduce((a, b) => (b.length > a.length ? b : a));
}

/**
 * The number given to an ISDN or analog line. Letters before it are pauses (`ww`) or say how it is to be read (Q.931: `N`
 * national, `I` international, and others).
 */
function dialledOnLine(text: string): string | null {
  const [, letters = '', rest = ''] = /^([A-Za-z]*)(.*)$/s.exec(text) ?? [];
  const read = number(rest);
  return read !== null && letters.includes('I') && /^[1-9]/.test(read) ? `+${read}` : read;
}
