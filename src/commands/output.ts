/** How things are written for people at a terminal: times, lengths, columns, and masked numbers. */
import { visible } from '../../adapters/host/log-value.ts';
import type { CallRecord } from '../call/record.ts';
import type { Terminal } from '../cli/cli.ts';
import { maskNumber, maskText } from '../telephony/mask.ts';

/** A line of the result. */
export function print(terminal: Terminal, line: string): void {
  terminal.out(`${line}\n`);
}

/** A remark, apart from the result. */
export function tell(terminal: Terminal, line: string): void {
  terminal.error(`${line}\n`);
}

/** `2026-11-22 14:14:22`, local. */
export function dateTime(ms: number): string {
  const date = new Date(ms);
  const day = [String(date.getFullYear()).padStart(4, '0'), two(date.getMonth() + 1), two(date.getDate())];
  return `${day.join('-')} ${timeOfDay(date)}`;
}

/** `14:14:22.104`, local. */
export function clockTime(ms: number): string {
  const date = new Date(ms);
  return `${timeOfDay(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** By hand: the first use of a locale costs more than all else that `status` does. */
const timeOfDay = (date: Date): string => [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');

const two = (value: number): string => String(value).padStart(2, '0');

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** The two largest units: `3 d 4 h`, `2 min 14 s`, `0 s`. */
export function length(ms: number): string {
  const at = UNITS.findIndex(([, size]) => ms >= size);
  const [first, second] = UNITS.slice(at < 0 ? -1 : at);
  if (first === undefined) return '0 s';
  const whole = Math.floor(ms / first[1]);
  const rest = second === undefined ? 0 : Math.floor((ms % first[1]) / second[1]);
  return rest === 0 || second === undefined ? `${whole} ${first[0]}` : `${whole} ${first[0]} ${rest} ${second[0]}`;
}

/** At most so many characters, on one line, nothing in it that steers the terminal. */
export function cut(text: string, width: number): string {
  const line = visible(text.replace(/\s+/g, ' ').trim());
  return line.length <= width ? line : `${line.slice(0, width - 3)}...`;
}

/**
 * Aligned lines; `right`: numbers of the columns that stand to the right. The last column is as long as it is. `widths`: of lines
 * written before, which these are to stand below; they grow where more is needed.
 */
export function columns(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
  widths: number[] = [],
): string[] {
  for (const row of rows)
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
    });
  return rows.map((row) =>
    row
      .map((cell, at) => (right.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** `1 call`, `2 calls`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Fields that are ids: their digits are no telephone number. */
const IDS = new Set([
  ...['callSessionId', 'CallSessionId', 'sessionId', 'channel', 'linkedId', 'bridge', 'wire', 'by', 'target', 'other'],
  ...[
    'activityId',
    'leadId',
    'userId',
    'LeadId',
    'UserId',
    'id',
    'bodyHash',
    'day',
    'linkedIds',
    'parties',
    'channels',
    // Of a config, to be copied.
    'lines',
  ],
]);

/** A copy in which every run of digits that may be a telephone number is masked, ids and numeric values aside. */
export function masked(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return IDS.has(key) ? value : maskText(value);
  if (Array.isArray(value)) return value.map((item) => masked(item, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, masked(inner, name)]));
}

export interface Privacy {
  /** A telephone number, `-` when there is none. */
  number(value: string | null): string;
  /** Text that may hold numbers. */
  text(value: string): string;
  /** For JSON. */
  value(value: unknown): unknown;
}

/** `whole`: the operator asked for whole numbers. */
export function privacy(whole: boolean): Privacy {
  return {
    number: (value) => (value === null ? '-' : visible(whole ? value : maskNumber(value))),
    text: (value) => visible(whole ? value : maskText(value)),
    value: (value) => (whole ? value : masked(value)),
  };
}

/** The other party's number as lists show it. */
export function external(record: CallRecord, secrecy: Privacy): string {
  return record.withheld ? 'withheld' : secrecy.number(record.externalE164 ?? record.external);
}
