/** Which company line was called, and which number was called from it: the numbers of both ends, read by the rules of the trunk. */
import { NETWORK_DIGITS } from '../telephony/digits.ts';
import { bareNumber, type TrunkFormat, toE164 } from '../telephony/number.ts';
import { Lately } from '../telephony/oldest.ts';
import type { SourcePlan } from './plan.ts';

/** How numbers are written on one trunk: what `Party` tells of it. */
export interface Writing {
  /** Home country (ISO 3166). */
  readonly country: string;
  readonly format: TrunkFormat;
  /** What the PBX puts before the numbers that it sends to this trunk. */
  readonly dialPrefixes?: readonly string[];
}

/**
 * Fewest digits of a number that a carrier delivers cut off: the end of the line within its block, by custom four. Three may as
 * well be an extension that another exchange dials over a tie line.
 */
const DELIVERED_DIGITS = 4;

/** The ways in which a number of a trunk may be meant. */
const MEANT: Readonly<Record<TrunkFormat, readonly TrunkFormat[]>> = {
  auto: ['auto', 'national', 'international'],
  national: ['national'],
  international: ['international'],
};

/**
 * What an unwritten number may mean: a DID is one of a few known lines, so each reading is held against them. The first reading
 * that `fits`, `null` when none does.
 */
function readingThat(number: string, { country, format }: Writing, fits: (e164: string) => boolean): string | null {
  for (const one of MEANT[format]) {
    const read = toE164(number, country, one);
    if (read?.startsWith('+') === true && fits(read)) return read;
  }
  return null;
}

/** The source itself, where it is not known on which trunk a number was seen. */
const homeOf = ({ country }: SourcePlan): Writing => ({ country, format: 'auto' });

/**
 * The company line (E.164) that was called, `null` when it is none of the configured ones. Trunks write one DID in many ways
 * (`+918041110001`, `08041110001`, `8041110001`, as a URI with parameters), so it is compared as a number of the trunk's
 * country.
 *
 * Some deliver only its end: the extension within a block (`0001`) or the number without its area (`44110001`). That is no
 * number by itself; it stands for the line that ends so when there is exactly one.
 */
export function lineOf(plan: SourcePlan, did: string | null, trunk: Writing = homeOf(plan)): string | null {
  if (did === null) return null;
  if (plan.owners.size === 0 && plan.own.size === 0) return null;
  const line = readingThat(did, trunk, (one) => plan.owners.has(one) || plan.own.has(one));
  if (line !== null || readingThat(did, trunk, () => true) !== null) return line;
  return lineEnding([...new Set([...plan.owners.keys(), ...plan.own])], bareNumber(did));
}

/** Extension that owns the line that was called. */
export function ownerOf(plan: SourcePlan, did: string | null, trunk: Writing = homeOf(plan)): string | null {
  const line = lineOf(plan, did, trunk);
  return line === null ? null : (plan.owners.get(line) ?? null);
}

/** The only line that ends in these digits; zeros before them may be the prefix of a call within the country. */
function lineEnding(lines: readonly string[], delivered: string | null): string | null {
  if (delivered === null || !/^\d+$/.test(delivered)) return null;
  for (const digits of [delivered, delivered.replace(/^0+/, '')]) {
    const ending = digits.length < DELIVERED_DIGITS ? [] : lines.filter((line) => line.endsWith(digits));
    if (ending.length > 0) return ending.length === 1 ? (ending[0] ?? null) : null;
  }
  return null;
}

/** True for a number of the company itself, which is never the external party. */
export function isOwnNumber(plan: SourcePlan, number: string, trunk?: Writing): boolean {
  return plan.own.size > 0 && readingThat(number, trunk ?? homeOf(plan), (reading) => plan.own.has(reading)) !== null;
}

/** The agent whose outside telephone this number is, with his tenant; `null` when the config names none. */
export function mobileOwner(
  plan: SourcePlan,
  number: string | null,
  trunk: Writing = homeOf(plan),
): { readonly ext: string; readonly domain: string | null } | null {
  if (number === null || plan.mobiles.size === 0) return null;
  const known = readingThat(number, trunk, (one) => plan.mobiles.has(one));
  const ext = known === null ? undefined : plan.mobiles.get(known);
  return known === null || ext === undefined ? null : { ext, domain: plan.domains?.get(known) ?? null };
}

/** The digits by which numbers are compared. The same few are asked for with each event of a call. */
const compared = new Lately(1000, (number) =>
  (bareNumber(number) ?? number).replace(/\D/g, '').replace(/^0+/, '').slice(-10),
);

/**
 * True for two writings of one number: the same digits behind what stands for the country, the prefix within it and an outside line,
 * which may be one of these for the one who dials and another for the trunk. National numbers with a prefix that is not zero
 * (North America, India, Russia) have ten digits; more are not compared.
 */
export function isSameNumber(a: string, b: string): boolean {
  const [one, other] = [compared.get(a), compared.get(b)];
  const [long, short] = one.length < other.length ? [other, one] : [one, other];
  return short !== '' && (long === short || (short.length >= NETWORK_DIGITS && long.endsWith(short)));
}

/**
 * How the number was found: in what was sent, behind a configured prefix or a code that ends in `*` or `#`; else the number
 * that the caller dialled; `raw`: none of them could be read.
 */
export type OutgoingRule = 'dial-prefix' | 'sent' | 'after-code' | 'dialled' | 'raw';

export interface Outgoing {
  /** As sent or dialled, without prefix, host and parameters. */
  readonly number: string | null;
  readonly e164: string | null;
  readonly rule: OutgoingRule;
}

/**
 * The number of the outside party that a call was sent to.
 *
 * @param sent to the trunk; the PBX may have put digits before it that the carrier wants.
 * @param dialled by the caller, before the dialplan changed it; only what can be read as a number is taken from here.
 */
export function outgoingNumber(sent: string | null, dialled: string | null, trunk: Writing): Outgoing {
  const whole = sent === null ? null : (bareNumber(sent) ?? sent);
  const asDialled = dialled === null ? null : readDialled(bareNumber(dialled) ?? dialled, trunk);
  if (whole !== null) {
    const found = readSent(whole, trunk, asDialled);
    if (found !== null) return found;
  }
  return asDialled ?? { number: whole, e164: null, rule: 'raw' };
}

function readSent(whole: string, trunk: Writing, asDialled: Outgoing | null): Outgoing | null {
  const { country, format } = trunk;
  const e164 = toE164(whole, country, format);
  const sure = isSure(whole, trunk);
  const stripped = withoutPrefix(whole, trunk, sure);
  if (stripped !== null) return { number: stripped, e164: toE164(stripped, country, format), rule: 'dial-prefix' };
  if (e164 !== null) {
    // A prefix and a number of this country can look like a foreign number whose "+" was lost: 1 and 9845012345.
    const hidden = !sure && asDialled?.number != null && whole !== asDialled.number && whole.endsWith(asDialled.number);
    return hidden && asDialled.e164 !== e164 ? asDialled : { number: whole, e164, rule: 'sent' };
  }
  const behind = /[*#](\+?\d+)$/.exec(whole)?.[1];
  if (behind === undefined || !isSure(behind, trunk)) return null;
  return { number: behind, e164: toE164(behind, country, format), rule: 'after-code' };
}

function readDialled(dialled: string, trunk: Writing): Outgoing | null {
  // People dial as their country does, however the trunk wants its numbers.
  const habit: Writing = { ...trunk, format: 'auto' };
  const number = withoutPrefix(dialled, habit, isSure(dialled, habit)) ?? dialled;
  const e164 = toE164(number, habit.country, 'auto');
  return e164 === null ? null : { number, e164, rule: 'dialled' };
}

/** What is left behind the longest prefix, when that is a number at least as surely as the whole is one. */
function withoutPrefix(number: string, trunk: Writing, wholeIsSure: boolean): string | null {
  if (trunk.dialPrefixes === undefined || trunk.dialPrefixes.length === 0) return null;
  const prefixes = [...trunk.dialPrefixes].sort((a, b) => b.length - a.length);
  for (const prefix of prefixes) {
    if (!number.startsWith(prefix)) continue;
    const rest = number.slice(prefix.length);
    if (isSure(rest, trunk) || (!wholeIsSure && toE164(rest, trunk.country, trunk.format) !== null)) return rest;
  }
  return null;
}

/** True for a number as its country writes it or with its country code marked; false for one whose `+` may have been lost. */
function isSure(number: string, { country, format }: Writing): boolean {
  const marked = /^(?:\+|00)/.test(number) || format === 'international';
  return toE164(number, country, marked ? format : 'national') !== null;
}

/** What may stand before a number of the country that cannot be read as it is, the shortest first; none where nothing helps. */
export function prefixesBefore(number: string, country: string): string[] {
  const trunk: Writing = { country, format: 'auto' };
  const digits = bareNumber(number) ?? number;
  if (toE164(digits, country) !== null) return [];
  const lengths = Array.from({ length: Math.min(LONGEST_PREFIX, digits.length - 1) }, (_, at) => at + 1);
  return lengths.filter((length) => isSure(digits.slice(length), trunk)).map((length) => digits.slice(0, length));
}

/** Fewest different numbers that make a common beginning more than chance. */
const SUGGESTING_NUMBERS = 3;
const LONGEST_PREFIX = 12;

/**
 * What most of these numbers begin with when none of them can be read and they could be read without it: the value that
 * `dial_prefix` of their trunk lacks; `null` when there is no such beginning.
 *
 * @param numbers as sent to one trunk. @param country of the trunk.
 */
export function suggestDialPrefix(numbers: readonly string[], country: string): string | null {
  const trunk: Writing = { country, format: 'auto' };
  const unread = [...new Set(numbers)].filter((number) => toE164(number, country) === null);
  const counts = new Map<string, number>();
  for (const number of unread) {
    for (let length = 1; length <= Math.min(LONGEST_PREFIX, number.length - 1); length += 1) {
      if (!isSure(number.slice(length), trunk)) continue;
      const prefix = number.slice(0, length);
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  const best = [...counts].reduce<[string, number] | null>(
    (a, b) => (a !== null && (a[1] > b[1] || (a[1] === b[1] && a[0].length <= b[0].length)) ? a : b),
    null,
  );
  if (best === null || best[1] < SUGGESTING_NUMBERS || best[1] * 2 <= unread.length) return null;
  return best[0];
}
