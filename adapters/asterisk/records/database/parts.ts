/**
 * Questions that no index answers, asked of a part of the rows at a time. Whoever reads a file of SQLite keeps its writer from committing,
 * and Asterisk waits for a second and then gives its row up for good: so no question may take nearly so long.
 */
import type { Connection, Row } from '../../../database/port.ts';
import type { Condition } from './range.ts';
import type { TableShape } from './shape.ts';

/** What a question is to take, ms, and the rows that it goes through: at first, at least, at most. */
const GOAL_MS = 100;
const ROWS = { first: 2_000, least: 500, most: 20_000 };

const WHOLE: Condition = { sql: '', values: [] };

/** True when rows of a time are found by an index. */
export function foundByTime({ indexed, time, prefixes }: Pick<TableShape, 'indexed' | 'time' | 'prefixes'>): boolean {
  return indexed.has(time) || prefixes !== null;
}

/**
 * The answers to a question, which takes the condition that it is given into its `WHERE`. Servers let their writers write: they are asked
 * once, as is a file whose index answers (`indexed`).
 */
export async function* inRanges(
  connection: Connection,
  { dialect, sql }: Pick<TableShape, 'dialect' | 'sql'>,
  indexed: boolean,
  ask: (range: Condition) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  if (indexed || dialect !== 'sqlite') {
    yield await ask(WHOLE);
    return;
  }
  const [ends] = await connection.select(
    `SELECT (SELECT MIN(rowid) FROM ${sql}) AS low, (SELECT MAX(rowid) FROM ${sql}) AS high`,
  );
  if (ends?.low == null) return;
  const high = Number(ends.high);
  let rows = ROWS.first;
  for (let from = Number(ends.low); from <= high; ) {
    const to = Math.min(from + rows - 1, high);
    const asked = performance.now();
    yield await ask({ sql: ' AND rowid BETWEEN ? AND ?', values: [from, to] });
    const took = performance.now() - asked;
    if (took > GOAL_MS) rows = Math.max(ROWS.least, Math.floor(rows / 2));
    else if (took < GOAL_MS / 2) rows = Math.min(ROWS.most, rows * 2);
    from = to + 1;
  }
}

/** All of them. */
export async function allOf(answers: AsyncIterable<readonly Row[]>): Promise<Row[]> {
  let rows: Row[] = [];
  for await (const some of answers) rows = rows.concat(some);
  return rows;
}

/** The first of them in the order of `at`, of answers that are in that order each. */
export async function firstOf(
  answers: AsyncIterable<readonly Row[]>,
  { timeKind }: Pick<TableShape, 'timeKind'>,
  limit: number,
  direction: 1 | -1 = 1,
): Promise<readonly Row[]> {
  const order = ({ at: a }: Row, { at: b }: Row): number => {
    if (timeKind === 'epoch') return direction * (Number(a) - Number(b));
    return a === b ? 0 : (a ?? '') < (b ?? '') ? -direction : direction;
  };
  let rows: readonly Row[] = [];
  for await (const some of answers) {
    rows = rows.length === 0 ? some : some.length === 0 ? rows : [...rows, ...some].sort(order).slice(0, limit);
  }
  return rows;
}
