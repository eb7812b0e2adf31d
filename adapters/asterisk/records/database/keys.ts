/**
 * Ranges of a growing key in place of an index on the time, which `cel` of FreePBX and tables of cdr_pgsql do not have: rows are
 * numbered as they are written, so the first of a time is found by halving, with one look-up of the key each.
 */
import type { Connection } from '../../../database/port.ts';
import type { TableShape } from './shape.ts';
import { momentIn, recordedOf } from './sql.ts';

/** Keys from `from` on, and below `to`; `all` where the table has no use for one. */
export type KeyRange = 'all' | { readonly from: number; readonly to: number };

/** Rows are written in batches, calls end out of order, and clocks are put back: how far rows may be from their order, ms. */
const DISORDER_MS = 75 * 60_000;

/** True when the time has no index, and a key that serves in its place. */
export function isKeyed({ key, indexed, time }: TableShape): boolean {
  return key !== null && !indexed.has(time);
}

/** The keys of rows recorded in [from, to], the table's own time, ms; some more at both ends. `null`: there are none. */
export async function keyRange(
  connection: Connection,
  shape: TableShape,
  from: number,
  to: number,
): Promise<KeyRange | null> {
  if (!isKeyed(shape)) return 'all';
  const [ends] = await connection.select(
    `SELECT MIN(${shape.key}) AS low, MAX(${shape.key}) AS high FROM ${shape.sql}`,
  );
  if (ends?.low == null || ends.high == null) return null;
  const [low, high] = [Number(ends.low), Number(ends.high)];
  const first = await firstAt(connection, shape, low, high + 1, from - DISORDER_MS);
  const end = await firstAt(connection, shape, first, high + 1, to + DISORDER_MS);
  return first >= end ? null : { from: first, to: end };
}

/** The lowest key in [low, high] of a row that was recorded at `at` or later; `high` when there is none. */
async function firstAt(
  connection: Connection,
  shape: TableShape,
  low: number,
  high: number,
  at: number,
): Promise<number> {
  const { text } = recordedOf(shape);
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    const [row] = await connection.select(
      `SELECT ${shape.key} AS found, ${text} AS at FROM ${shape.sql} WHERE ${shape.key} >= ? ORDER BY ${shape.key} LIMIT 1`,
      [middle],
    );
    const found = row === undefined ? to : Number(row.found);
    const recorded = row === undefined ? at : momentIn(shape, row.at);
    // A row without a time is passed over: the ones behind it tell.
    if (found >= to || (recorded !== null && recorded >= at)) to = middle;
    else from = found + 1;
  }
  return from;
}

/** The condition that keeps a statement within the keys. */
export function within({ key }: TableShape, keys: KeyRange): { readonly sql: string; readonly values: number[] } {
  if (keys === 'all' || key === null) return { sql: '', values: [] };
  return { sql: ` AND ${key} >= ? AND ${key} < ?`, values: [keys.from, keys.to] };
}
