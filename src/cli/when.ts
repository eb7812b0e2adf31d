/** Points in time on the command line, as people write them; local unless `utc`. */
import { parseDuration } from '../../config/duration.ts';
import { UsageError } from './command.ts';

/** [from, to), ms since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** People read another clock than the PBX, and remember the minute before or after. */
const AROUND_MS = MINUTE_MS;

/**
 * `'2h'` (that long before `now`), `'now'`, `'today'` and `'yesterday'` (the midnight at which the day begins), a date, `'10:02'`
 * (of today), or a day and a time. `option`: named in the error. Result: ms since the epoch. Throws `UsageError`.
 */
export function parseWhen(option: string, text: string, now: number, utc = false): number {
  const ago = parseDuration(text);
  // Longer ago than times are counted is as good as their beginning.
  if (ago !== null) return Math.max(0, now - ago);
  return Math.max(
    0,
    readSpan(option, text, now, utc, `${option} 2h, ${option} yesterday, or ${option} 2026-11-22T09:00`).from,
  );
}

/**
 * The values of `--since` and `--until`, `null` where not given. Throws `UsageError`, also for a span that holds nothing: what is asked for
 * would not be found, as if it were not there.
 */
export function parseSpan(
  { since, until }: { readonly since: string | null; readonly until: string | null },
  now: number,
  utc = false,
): { readonly since?: number; readonly until?: number } {
  const from = since === null ? null : parseWhen('--since', since, now, utc);
  const to = until === null ? null : parseWhen('--until', until, now, utc);
  if (from !== null && from > now)
    throw new UsageError(`--since ${since} is still to come.`, earlier('--since', since ?? ''));
  if (from !== null && to !== null && from >= to)
    throw new UsageError(`--since ${since} is not before --until ${until}.`, '--since yesterday --until today');
  return { ...(from === null ? {} : { since: from }), ...(to === null ? {} : { until: to }) };
}

const around = (from: number, to = from): Span => ({
  from: Math.max(0, from - AROUND_MS),
  to: Math.max(0, to + AROUND_MS),
});

/** In place of a time that is still to come. */
const earlier = (option: string, text: string): string =>
  /^\d\d?:/.test(text) ? `${option} 'yesterday ${text}'` : `${option} yesterday`;

/**
 * What of a time is meant by `--at`: a day is all of it; of a minute or second a minute before and after count as well. An hour
 * that comes twice, when the clocks go back, is meant both times. Throws `UsageError`, also for what is still to come.
 */
export function parseAt(option: string, text: string, now: number, utc = false): Span {
  const ago = parseDuration(text);
  if (ago !== null) return around(Math.max(0, now - ago));
  const { from, to, isDay } = readSpan(option, text, now, utc, `${option} 10:02, or ${option} 'yesterday 10:02'`);
  if (from <= now) return isDay ? { from: Math.max(0, from), to: Math.max(0, to) } : around(from, to);
  throw new UsageError(`${option} ${text} is still to come.`, earlier(option, text));
}

const FORM =
  /^(?:(?<day>today|yesterday|\d{4}-\d\d-\d\d)(?:[T ]+|$))?(?:(?<hour>\d\d?):(?<minute>\d\d)(?::(?<second>\d\d)(?<part>\.\d+)?)?(?<zone>Z|[+-]\d\d:?\d\d)?)?$/i;

function readSpan(option: string, text: string, now: number, utc: boolean, hint: string): Span & { isDay: boolean } {
  const wrong = (why: string) => new UsageError(`${option} ${text} ${why}.`, hint);
  if (text.trim().toLowerCase() === 'now') return { from: now, to: now + MINUTE_MS, isDay: false };
  const { day, hour, minute, second, part, zone } = FORM.exec(text.trim())?.groups ?? {};
  if (day === undefined && hour === undefined) throw wrong('is no time');
  const date = dateOf(day?.toLowerCase() ?? 'today', now, utc);
  if (hour === undefined) {
    const from = date === null ? undefined : moments(date, utc)[0];
    if (date === null || from === undefined) throw wrong('is no day of the calendar');
    return { from, to: moments(date + DAY_MS, utc)[0] ?? from + DAY_MS, isDay: true };
  }
  const time = [Number(hour), Number(minute), Number(second ?? 0)] as const;
  if (date === null || time[0] > 23 || time[1] > 59 || time[2] > 59) throw wrong('is no time');
  if (zone !== undefined && (day === undefined || /^[a-z]/i.test(day))) throw wrong('names a zone without a date');
  if (zone !== undefined && !isOffset(zone)) throw wrong('names a zone that is none');
  const wall =
    date + (time[0] * 60 + time[1]) * MINUTE_MS + time[2] * 1000 + Math.floor(1000 * Number(`0${part ?? ''}`));
  const [from, again = from] = zone === undefined ? moments(wall, utc) : [wall - offsetOf(zone)];
  if (from === undefined || again === undefined) throw wrong('did not exist: the clocks went forward');
  return { from, to: again + (second === undefined ? MINUTE_MS : 1000), isDay: false };
}

/** Clocks are at most 12 h behind UTC and 14 h ahead of it. */
const isOffset = (zone: string): boolean =>
  offsetOf(zone) >= -12 * 60 * MINUTE_MS && offsetOf(zone) <= 14 * 60 * MINUTE_MS && !/[6-9]\d$/.test(zone);

/** `+05:30` to ms. */
function offsetOf(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
}

/** The midnight of a day as a clock on the wall shows it, which is told as if it were UTC; `null`: there is no such day. */
function dateOf(day: string, now: number, utc: boolean): number | null {
  if (day === 'today' || day === 'yesterday') {
    const date = new Date(now);
    const midnight = utc
      ? Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
      : Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
    return day === 'today' ? midnight : midnight - DAY_MS;
  }
  const at = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day) ? at : null;
}

/**
 * When a clock on the wall shows this: usually once; twice where the clocks go back; never where they go forward, except that a
 * midnight which is left out begins with the first moment after it.
 */
function moments(wall: number, utc: boolean): readonly number[] {
  if (utc) return [wall];
  const shows = (at: number) => at - new Date(at).getTimezoneOffset() * MINUTE_MS;
  // A zone changes its offset at most once in two days.
  const found = [wall - DAY_MS, wall + DAY_MS]
    .map((near) => wall + new Date(near).getTimezoneOffset() * MINUTE_MS)
    .filter((at) => shows(at) === wall);
  if (found.length > 0 || wall % DAY_MS !== 0) return [...new Set(found)].sort((a, b) => a - b);
  return [
    new Date(new Date(wall).getUTCFullYear(), new Date(wall).getUTCMonth(), new Date(wall).getUTCDate()).getTime(),
  ];
}
