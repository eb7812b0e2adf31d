/** One row of mod_cdr_csv: when the leg lived, whatever the template tells of that. */

import type { localTimes } from './local-time.ts';
import type { Template, Variables } from './template.ts';

export interface CsvRow {
  readonly id: string;
  readonly variables: Variables;
  /** The template tells how legs belong together; see `Template`. */
  readonly tied: boolean;
  /** ms since the epoch, UTC. */
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly endedAt: number;
}

/** Rows are written in order of their ends, but by several threads, ms. */
const DISORDER_MS = 60_000;

/** Where only the second is known, its middle is the nearest guess, ms. */
const HALF_MS = 500;

/**
 * The row; `null` when it tells no times. `before`: the end of the row before, ms since the epoch, which with `duration` and `billsec` tells
 * which of two hours a local time means when clocks are set back; `null` for the first.
 */
export function rowOf(
  variables: Variables,
  { tied }: Template,
  zone: ReturnType<typeof localTimes>,
  before: number | null,
): CsvRow | null {
  const starts = momentsOf(variables, 'start', zone);
  const ends = momentsOf(variables, 'end', zone).filter((at) => before === null || at >= before - DISORDER_MS);
  const all = ends.length > 0 ? ends : momentsOf(variables, 'end', zone);
  const lasted = secondsOf(variables, 'duration');
  const pairs = starts.flatMap((start) => all.map((end) => ({ start, end })));
  const possible = pairs.filter(({ start, end }) => end >= start);
  const fitting = possible.find(({ start, end }) => lasted !== null && Math.abs(end - start - lasted * 1000) <= 1000);
  const times = fitting ?? possible[0];
  if (times === undefined || variables.uuid === undefined) return null;
  const talked = secondsOf(variables, 'billsec');
  const answers = momentsOf(variables, 'answer', zone).filter((at) => at >= times.start && at <= times.end);
  const answer =
    answers.find((at) => talked !== null && Math.abs(times.end - at - talked * 1000) <= 1000) ?? answers[0];
  return {
    id: variables.uuid,
    variables,
    tied,
    startedAt: times.start,
    answeredAt: answer ?? null,
    endedAt: times.end,
  };
}

/** What a time of the leg can mean, ms since the epoch: microseconds, seconds, or a local time. */
function momentsOf(variables: Variables, name: string, zone: ReturnType<typeof localTimes>): readonly number[] {
  const micros = Number(variables[`${name}_uepoch`] ?? 0);
  if (micros > 0) return [Math.round(micros / 1000)];
  const seconds = Number(variables[`${name}_epoch`] ?? 0);
  if (seconds > 0) return [seconds * 1000 + HALF_MS];
  return zone.read(variables[`${name}_stamp`] ?? '').map((at) => at + HALF_MS);
}

function secondsOf(variables: Variables, name: string): number | null {
  const text = variables[name] ?? '';
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** When the row was written: the end of the second in which the leg ended, ms since the epoch. */
export function writtenAt(row: CsvRow): number {
  return row.variables.end_uepoch === undefined ? Math.ceil(row.endedAt / 1000) * 1000 - 1 : row.endedAt;
}
