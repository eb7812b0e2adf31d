/**
 * Telephone numbers: what a trunk delivers -> E.164. Extensions never come here: they are told by the endpoint they belong to
 * (`endpoint.ts`), because short numbers would be read as numbers of the default country.
 */
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { addressOf, dialable } from './address.ts';
import { Lately } from './oldest.ts';
import { isWithheld } from './withheld.ts';

export { isHidden, isWithheld } from './withheld.ts';

/** How a number is written in requests and lookups. CC: country code, NSN: national significant number (ITU-T E.164). */
export const NUMBER_FORMATS = ['+CC-NSN', '+CCNSN', 'CCNSN', 'NSN'] as const;
export type NumberFormat = (typeof NUMBER_FORMATS)[number];

/** True when `country` is an ISO 3166 alpha-2 code that the number metadata knows. */
function isCountry(country: string): country is CountryCode {
  return isSupportedCountry(country);
}

/** How a trunk writes numbers without `+`: of its own country, international with the `+` dropped, or sometimes one and sometimes the other. */
export type TrunkFormat = 'auto' | 'national' | 'international';

/**
 * E.164 form of a number as a trunk delivers it, `null` when it is none.
 *
 * - `+` and a leading `00` mean international whatever the country: SIP trunks of every country send both. No country code
 *   begins with 0, so a `+` before one is a gateway's mistake and means nothing.
 * - A `phone-context` that is a number (RFC 3966) goes before the country of the trunk.
 * - Otherwise the digits are read as a number of `country`, then as an international number that has lost its `+`. A number
 *   that could be both is taken as international only when at home it would be a fixed line without its national prefix
 *   (trunks that write national numbers send the prefix) and abroad it is a mobile.
 * - A number that exists only inside its country (toll-free, shared cost) has no international form: its national digits
 *   come back as they are.
 */
export function toE164(raw: string | null, country: string, trunkFormat: TrunkFormat = 'auto'): string | null {
  if (raw === null) return null;
  let formats = readBefore.get(country);
  if (formats === undefined) {
    const reader = (format: TrunkFormat) => new Lately(REMEMBERED, (text) => readNumber(text, country, format));
    formats = { auto: reader('auto'), national: reader('national'), international: reader('international') };
    if (readBefore.size >= REMEMBERED_COUNTRIES) readBefore.clear();
    readBefore.set(country, formats);
  }
  return formats[trunkFormat].get(raw);
}

/** A number is asked about many times while its call goes on, and reading one takes longer than all else that an event costs. */
const REMEMBERED = 2000;
/** More countries than the trunks of a company are in. */
const REMEMBERED_COUNTRIES = 20;
const readBefore = new Map<string, Readonly<Record<TrunkFormat, Lately<string | null>>>>();

function readNumber(raw: string, country: string, trunkFormat: TrunkFormat): string | null {
  if (isWithheld(raw)) return null;
  const address = addressOf(raw);
  const text = dialable(address.user)?.replace(/^\+(?=0)/, '') ?? '';
  if (!/^\+?\d+$/.test(text)) return null;
  const digits = text.replace(/\D/g, '');
  if (digits.length < 5 || digits.length > 17) return null;
  if (text.startsWith('+')) return international(digits);
  const there = address.context === null ? null : inContext(digits, address.context);
  if (there !== null) return there;
  if (digits.startsWith('00')) return international(digits.slice(2));
  if (trunkFormat === 'international') return international(digits);
  const home = isCountry(country)
    ? parsePhoneNumberFromString(digits, { defaultCountry: country, extract: false })
    : undefined;
  if (home?.isValid()) {
    const type = home.getType();
    if (type === 'TOLL_FREE' || type === 'SHARED_COST') return digits;
    const prefixMissing = type === 'FIXED_LINE' && home.nationalNumber === digits;
    if (trunkFormat === 'auto' && prefixMissing && isForeignMobile(digits)) return international(digits);
    return home.number;
  }
  if (trunkFormat === 'national') return null;
  if (digits.startsWith('0')) {
    // 0091... of which one zero was lost on the way.
    const again = parsePhoneNumberFromString(`+${digits.slice(1)}`, { extract: false });
    return again?.isValid() && again.country === country ? again.number : null;
  }
  const abroad = parsePhoneNumberFromString(`+${digits}`, { extract: false });
  return abroad?.isValid() ? abroad.number : null;
}

/**
 * E.164 form of a number that states its country itself (`+91-98450 12345`, `0091...`), `null` when it states none, or is no number that
 * exists there.
 */
export function statedNumber(text: string): string | null {
  const digits = /^(?:\+|00)([1-9]\d+)$/.exec(dialable(addressOf(text).user) ?? '')?.[1];
  const parsed = digits === undefined ? undefined : parsePhoneNumberFromString(`+${digits}`, { extract: false });
  return parsed?.isValid() ? parsed.number : null;
}

/** Country (ISO 3166) of an E.164 number, `null` when it is none or belongs to no single country. */
export function countryOf(e164: string): string | null {
  return parsePhoneNumberFromString(e164, { extract: false })?.country ?? null;
}

/**
 * The number alone, of an address that may be a URI with a host and parameters (`+918041110001;npdi;rn=...`): the number to
 * which a ported one is routed (`rn`) is nobody's. `null` when it is no number.
 */
export function bareNumber(raw: string): string | null {
  const { user, context } = addressOf(raw);
  const number = dialable(user);
  if (number === null || context === null || !/^\d+$/.test(number)) return number;
  return inContext(number, context) ?? number;
}

/** A number inside of a global context: `41110001` in `+9180`, `09845012345` in `+91`; `null` when it is none there. */
function inContext(digits: string, context: string): string | null {
  const whole = parsePhoneNumberFromString(`${context}${digits}`, { extract: false });
  if (whole?.isValid()) return whole.number;
  for (const length of [1, 2, 3]) {
    const defaultCallingCode = context.slice(1, 1 + length);
    const parsed = parsePhoneNumberFromString(digits, { defaultCallingCode, extract: false });
    if (parsed?.isValid()) return parsed.number;
  }
  return null;
}

function international(digits: string): string | null {
  const parsed = parsePhoneNumberFromString(`+${digits}`, { extract: false });
  // Possible is enough where the sender wrote the country code himself: number ranges open faster than metadata is updated.
  return parsed?.isPossible() ? parsed.number : null;
}

function isForeignMobile(digits: string): boolean {
  const parsed = parsePhoneNumberFromString(`+${digits}`, { extract: false });
  return parsed?.getType() === 'MOBILE';
}

/** The E.164 number in another form; `null` when the text is not E.164 or has a country code that does not exist. */
export function formatNumber(e164: string, format: NumberFormat): string | null {
  const parsed = /^\+\d{4,15}$/.test(e164) ? parsePhoneNumberFromString(e164, { extract: false }) : undefined;
  if (parsed === undefined) return null;
  const code = parsed.countryCallingCode;
  const national = parsed.nationalNumber;
  switch (format) {
    case '+CCNSN':
      return `+${code}${national}`;
    case 'CCNSN':
      return `${code}${national}`;
    case 'NSN':
      return national;
    case '+CC-NSN':
      return `+${code}-${national}`;
  }
}
