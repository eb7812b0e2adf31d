/** How things are written for people at a terminal: times, lengths, columns, and masked numbers. */

import type { CallRecord } from '../call/record.ts';
import type { Terminal } from '../cli/cli.ts';
import type { Standing } from '../delivery/health/standing.ts';
import { maskNumber, maskText } from '../telephony/mask.ts';
import { visible } from '../telephony/visible.ts';
import { padEnd, padStart, take, widthOf, wrap } from './print/width.ts';

export { clockTime, dateTime, type Times, timesOf } from './print/times.ts';

/** How much a line needs somebody: `bad` is red, `doubt` yellow, `good` green, `quiet` grey (ECMA-48, SGR). */
export type Tone = 'bad' | 'doubt' | 'good' | 'quiet';

const SGR: Readonly<Record<Tone, number>> = { bad: 31, doubt: 33, good: 32, quiet: 90 };

/**
 * A line of the result. With `tell` and the errors in `terminal.ts` the one way to a terminal: what was said by callers, PBXs and
 * the CRM is made harmless here, whatever it is part of. Colours are for terminals alone, and may be switched off.
 */
export function print(terminal: Terminal, line: string, tone?: Tone): void {
  const text = visible(line);
  const painted = tone !== undefined && terminal.colour === true;
  terminal.out(painted ? `\u001b[${SGR[tone]}m${text}\u001b[0m\n` : `${text}\n`);
}

/** What this program is called where it was started from: in a source folder by npm, or as an installed command. */
export const programName = (): string => (process.env.npm_lifecycle_event === 'start' ? 'npm start --' : 'logcalld');

/** Whether LeadSquared takes calls, for people. */
export const STANDINGS: Readonly<Record<Standing, string>> = {
  untried: 'not asked yet',
  works: 'takes calls',
  answers: 'answers, but no call has gone through since it failed',
  away: 'unavailable',
  refused: 'refuses the account',
};

/** A remark, apart from the result. */
export function tell(terminal: Terminal, line: string): void {
  terminal.error(`${visible(line)}\n`);
}

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

/** At most so many columns of a terminal, on one line, with nothing in it that `print` would make longer. */
export function cut(text: string, width: number): string {
  const line = visible(text.replace(/\s+/g, ' ').trim());
  return widthOf(line) <= width ? line : `${take(line, width - 3)}...`;
}

/** The last column gets no less, however narrow the terminal is. */
const LEAST = 24;

/**
 * Aligned lines; `right`: numbers of the columns that stand to the right. The last column is as long as it is; where the terminal
 * has only `width` columns it goes on below itself. `widths`: of lines written before, which these are to stand below; they grow
 * where more is needed.
 */
export function columns(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
  widths: number[] = [],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const cells = rows.map((row) => row.map(visible));
  for (const row of cells)
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, widthOf(cell));
    });
  return cells.flatMap((row) => {
    const last = row.length - 1;
    const before = row
      .slice(0, last)
      .map((cell, at) => `${(right.includes(at) ? padStart : padEnd)(cell, widths[at] ?? 0)}  `)
      .join('');
    const end = right.includes(last) ? padStart(row[last] ?? '', widths[last] ?? 0) : (row[last] ?? '');
    const indent = widthOf(before);
    return (before.length + LEAST > width ? [before + end] : wrap(before + end, width, indent)).map((line) =>
      line.trimEnd(),
    );
  });
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
    'cursor',
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
    // Of a config or a shell, to be copied.
    'lines',
    'commands',
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

/** What the other side said, which may repeat telephone numbers: they are masked. */
export const told = (said: string | null): string => privacy(false).text(said ?? 'no reason given');

/** The other party's number as lists show it. */
export function external(record: CallRecord, secrecy: Privacy): string {
  return record.withheld ? 'withheld' : secrecy.number(record.externalE164 ?? record.external);
}
