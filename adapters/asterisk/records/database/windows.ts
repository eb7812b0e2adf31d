/** Which calls have something recorded in a window of time, from the few columns that tell it. */
import type { Connection, Row } from '../../../database/port.ts';
import { offsetsOf } from './offsets.ts';
import { firstOf, foundByTime, inRanges } from './parts.ts';
import { LONGEST_CALL_MS, liveIn } from './range.ts';
import type { OpenTable, TableShape } from './shape.ts';
import { type Moment, momentIn, recordedOf, startOf, valueFor } from './sql.ts';

/** A table in a stretch of time: how its own time is told from UTC there. */
export interface Scope {
  readonly shape: TableShape;
  readonly offsets: readonly number[];
}

export interface OpenScope {
  readonly connection: Connection;
  readonly scope: Scope;
}

/** What a window of a table holds. */
export interface Window {
  readonly shape: TableShape;
  readonly rows: readonly {
    readonly linkedId: string /** Possible times, UTC, ms. */;
    readonly at: readonly number[];
  }[];
  /** Everything before that moment was seen; UTC, ms. */
  readonly upTo: number;
}

/** The calls of a window that have a row before `to`, and how many rows name none. */
export function callsBefore({ rows }: Window, to: number): { readonly linkedIds: string[]; readonly nameless: number } {
  const inside = rows.filter(({ at }) => at.some((one) => one < to));
  const ids = inside.flatMap(({ linkedId }) => (linkedId === '' ? [] : [linkedId]));
  return { linkedIds: [...new Set(ids)], nameless: inside.length - ids.length };
}

/** `null`: the table has no rows near that time. */
export async function scopeOf(
  connection: Connection,
  shape: TableShape,
  from: number,
  to: number,
): Promise<Scope | null> {
  const offsets = await offsetsOf(connection, shape, from, to);
  return offsets.length === 0 ? null : { shape, offsets };
}

/** True when rows are found by the start of their leg, so that those of legs that began before have to be looked for. */
export function foundByStart({ kind, indexed, time }: TableShape): boolean {
  return kind === 'cdr' && indexed.has(time);
}

/** The moment by which rows are found: with an index on the start of a leg that one, else when they were recorded. */
function moment(shape: TableShape): Moment {
  return foundByStart(shape) ? startOf(shape) : recordedOf(shape);
}

/** The calls of the rows in [from, to) (UTC, ms), up to about `limit` rows; of a whole second all. */
export async function windowOf(
  connection: Connection,
  scope: Scope,
  from: number,
  to: number,
  limit: number,
): Promise<Window> {
  const { shape, offsets } = scope;
  const low = from + Math.min(...offsets);
  const high = to + Math.max(...offsets);
  for (let most = limit; ; most *= 4) {
    const rows = await light(connection, scope, moment(shape), low, high, most);
    const last = rows.length < most ? null : momentIn(shape, rows.at(-1)?.at);
    const upTo = last === null ? to : Math.min(to, last - Math.max(...offsets));
    // Many rows of one second, or of an hour that the clocks had twice.
    if (upTo <= from && upTo < to) continue;
    const timed = rows.map((row) => {
      const at = momentIn(shape, row.at);
      const times = at === null ? [] : offsets.map((offset) => at - offset).filter((one) => one >= from - 1000);
      return { linkedId: row.linkedid ?? '', at: times };
    });
    return { shape, rows: timed, upTo };
  }
}

/** Legs that began before `from` and ended at it or later, in parts. */
export async function* earlierLegs(
  connection: Connection,
  scope: Scope,
  from: number,
  limit: number,
): AsyncGenerator<Window> {
  const { shape, offsets } = scope;
  const ended = { sql: recordedOf(shape).sql, at: from + Math.min(...offsets) };
  const high = from + Math.max(...offsets);
  let low = from + Math.min(...offsets) - LONGEST_CALL_MS;
  for (let most = limit; low < high; ) {
    const rows = await light(connection, scope, startOf(shape), low, high, most, ended);
    const timed = rows.map((row) => ({ linkedId: row.linkedid ?? '', at: [from - 1] }));
    if (rows.length > 0) yield { shape, rows: timed, upTo: from };
    const last = rows.length < most ? null : momentIn(shape, rows.at(-1)?.at);
    if (last === null) return;
    // The rows of the last second may be cut: they come again, with more at once when they were all.
    if (last <= low) most *= 4;
    else low = last;
  }
}

async function light(
  connection: Connection,
  { shape, offsets }: Scope,
  { sql, text }: Moment,
  low: number,
  high: number,
  limit: number,
  ended?: { readonly sql: string; readonly at: number },
): Promise<readonly Row[]> {
  const range = liveIn(shape, low - Math.max(...offsets), high - Math.min(...offsets));
  const alive = ended === undefined ? '' : ` AND ${ended.sql} >= ?`;
  const values = [valueFor(shape, low), valueFor(shape, high + 999), ...range.values];
  if (ended !== undefined) values.push(valueFor(shape, ended.at));
  const answers = inRanges(connection, shape, foundByTime(shape), (part) =>
    connection.select(
      `SELECT ${text} AS at, ${shape.columns.get('linkedid')?.sql} AS linkedid FROM ${shape.sql}
       WHERE ${sql} >= ? AND ${sql} < ?${range.sql}${alive}${part.sql} ORDER BY ${sql} LIMIT ${limit}`,
      [...values, ...part.values],
    ),
  );
  return firstOf(answers, shape, limit);
}

/** In a longer time clocks may change twice, which rows from both ends of it would not show. */
const STRETCH_MS = 7 * 86_400_000;
/** Where the stretch ends that is looked at in one go, and what the tables are in it. */
export async function stretchOf(
  tables: readonly OpenTable[],
  from: number,
  end: number,
): Promise<{ readonly until: number; readonly scopes: readonly OpenScope[] }> {
  const until = Math.min(end, from + STRETCH_MS);
  const scopes: OpenScope[] = [];
  for (const { connection, shape } of tables) {
    const scope = await scopeOf(connection, shape, from, until);
    if (scope !== null) scopes.push({ connection, scope });
  }
  return { until, scopes };
}
