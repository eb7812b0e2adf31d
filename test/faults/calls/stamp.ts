/**
 * A recording played again under other names: ids of channels, calls and bridges, numbers of customers and times are those of the
 * copy; everything else stays byte for byte.
 */

/** One copy of a recording. */
export interface Copy {
  /** Ids of two copies of one recording with different numbers have nothing in common; below 60 million. */
  readonly number: number;
  /** When the recording begins in this copy, ms since the epoch. */
  readonly beganAt: number;
  /** 1: as fast as recorded; 10: times lie ten times closer together. */
  readonly speed: number;
  /** The last four digits of the customer's number. */
  readonly customer: string;
}

type Part = string | ((copy: Copy) => string);

/** A text of which some parts are made anew for each copy. */
export type Stamped = readonly Part[];

/** Channels of one recording have counters that differ by less than this. */
const CHANNELS = 64;
const DAY_S = 86_400;

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}';
/** Numbers of customers but for the last digits: those of the leads, and of people whom LeadSquared does not know. */
const CUSTOMER = '(?<customer>984501|990011|9714234|97150123|1415555)\\d{4}';
const TOKENS: Readonly<Record<string, RegExp>> = {
  asterisk: new RegExp(
    [
      '(?<![\\d.])(?<second>\\d{10})\\.(?<counter>\\d{1,9})(?![\\d.])',
      '-(?<channel>[0-9a-f]{8})(?=[\\r\\n;]|$)',
      `(?<uuid>${UUID})(?<tail>[0-9a-f]{8})`,
      CUSTOMER,
    ].join('|'),
    'g',
  ),
  freeswitch: new RegExp(
    [
      `(?<![0-9a-f])(?<uuid>${UUID})(?<tail>[0-9a-f]{8})`,
      '(?<!\\d)(?<us>\\d{16})(?!\\d)',
      '(?<!\\d)(?<s>1[789]\\d{8})(?!\\d)',
      CUSTOMER,
    ].join('|'),
    'g',
  ),
};

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0').slice(-8);

/** `beganAt`: when the recording began, ms since the epoch. `fixed`: uuids that belong to the PBX and not to a call. */
export function stamped(pbx: string, text: string, beganAt: number, fixed: ReadonlySet<string>): Stamped {
  const pattern = TOKENS[pbx];
  if (pattern === undefined) throw new Error(`nothing is known of ${pbx}`);
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const part = partOf(match[0], match.groups ?? {}, beganAt, fixed);
    if (part === null) continue;
    parts.push(text.slice(end, match.index), part);
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

function partOf(
  whole: string,
  groups: Readonly<Record<string, string | undefined>>,
  beganAt: number,
  fixed: ReadonlySet<string>,
): Part | null {
  const { second, counter, channel, uuid, tail, us, s, customer } = groups;
  const base = Math.floor(beganAt / 1000);
  const near = (seconds: number): boolean => Math.abs(seconds - base) < DAY_S;
  if (second !== undefined && counter !== undefined) {
    if (!near(Number(second))) return null;
    const [offset, place] = [Number(second) - base, Number(counter) % CHANNELS];
    return ({ number, beganAt: at, speed }) =>
      `${Math.floor((at + (offset * 1000) / speed) / 1000)}.${number * CHANNELS + place}`;
  }
  if (channel !== undefined) {
    const place = Number.parseInt(channel, 16) % CHANNELS;
    return ({ number }) => `-${hex(number * CHANNELS + place)}`;
  }
  if (uuid !== undefined && tail !== undefined) {
    if (fixed.has(whole)) return null;
    const place = Number.parseInt(tail, 16);
    return ({ number }) => `${uuid}${hex(place + number)}`;
  }
  if (us !== undefined) {
    const offset = Number(us) / 1000 - beganAt;
    return near(Number(us) / 1e6) ? ({ beganAt: at, speed }) => String(Math.round((at + offset / speed) * 1000)) : null;
  }
  if (s !== undefined) {
    const offset = Number(s) * 1000 - beganAt;
    return near(Number(s)) ? ({ beganAt: at, speed }) => String(Math.floor((at + offset / speed) / 1000)) : null;
  }
  if (customer !== undefined) return (copy) => `${customer}${copy.customer}`;
  return null;
}

export function textOf(stamp: Stamped, copy: Copy): string {
  let text = '';
  for (const part of stamp) text += typeof part === 'string' ? part : part(copy);
  return text;
}
