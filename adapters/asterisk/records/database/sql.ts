/** Expressions about the times of a table, in the words of its database. */
import { timeIn } from '../columns.ts';
import type { Column, TableShape } from './shape.ts';

/** A moment of a row: how a statement compares and tells it. */
export interface Moment {
  readonly sql: string;
  readonly text: string;
}

/** As the other databases print it: without a fraction where there is none, which shows that a time is of whole seconds. */
function printed(timestamp: string): string {
  return `rtrim(rtrim(to_char(${timestamp}, 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.')`;
}

/** The text of a column, as `timeIn` reads it where it is a time. */
export function textOf({ dialect }: TableShape, { sql, type }: Column): string {
  if (dialect !== 'postgres') return sql;
  if (/with time zone/.test(type) && !/without/.test(type)) return printed(`${sql} AT TIME ZONE 'UTC'`);
  return /^timestamp/.test(type) ? printed(sql) : `${sql}::text`;
}

/** The time column: the start of a leg, or the moment of an event. */
export function startOf(shape: TableShape): Moment {
  const column = columnOf(shape, shape.time);
  return { sql: comparable(shape, column), text: textOf(shape, column) };
}

/** When a row was recorded: CDR at the end of its leg, CEL at its event. */
export function recordedOf(shape: TableShape): Moment {
  const start = startOf(shape);
  if (shape.kind === 'cel') return start;
  const end = ['end', 'endtime'].find((name) => shape.columns.has(name));
  if (end !== undefined) {
    const column = columnOf(shape, end);
    return { sql: comparable(shape, column), text: textOf(shape, column) };
  }
  const { sql: duration } = columnOf(shape, 'duration');
  switch (shape.dialect) {
    case 'mysql': {
      const sql = `(${start.sql} + INTERVAL ${duration} SECOND)`;
      return { sql, text: sql };
    }
    case 'postgres': {
      const sql = `(${start.sql} + ${duration} * INTERVAL '1 second')`;
      return { sql, text: printed(shape.timeKind === 'utc' ? `${sql} AT TIME ZONE 'UTC'` : sql) };
    }
    case 'sqlite': {
      const sql = `datetime(${start.sql}, '+' || CAST(${duration} AS INTEGER) || ' seconds')`;
      return { sql, text: sql };
    }
  }
}

function columnOf(shape: TableShape, name: string): Column {
  return shape.columns.get(name) ?? { sql: 'NULL', type: '' };
}

/** Seconds since the epoch may be kept as text; local times are kept as text that sorts like them. */
function comparable({ dialect, timeKind }: TableShape, { sql, type }: Column): string {
  const number = /^(?:float|double|decimal|numeric|real|int|bigint)/.test(type);
  if (timeKind !== 'epoch' || (number && dialect !== 'sqlite')) return sql;
  return dialect === 'mysql'
    ? `CAST(${sql} AS DECIMAL(20, 6))`
    : `CAST(${sql} AS ${dialect === 'sqlite' ? 'REAL' : 'NUMERIC'})`;
}

/** A moment in the table's own time (`at`: ms as if it were UTC), rounded down to a second, as a value to compare with. */
export function valueFor({ timeKind }: TableShape, at: number): string | number {
  const second = Math.floor(at / 1000);
  if (timeKind === 'epoch') return second;
  const text = new Date(second * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return timeKind === 'utc' ? `${text}+00` : text;
}

/** What `Moment.text` says, ms in the table's own time; `null` when it says nothing. */
export function momentIn({ timeKind }: TableShape, text: string | null | undefined): number | null {
  if (text === null || text === undefined) return null;
  if (timeKind !== 'epoch') return timeIn(text);
  const seconds = Number(text);
  return Number.isFinite(seconds) && seconds > 0 ? Math.floor(seconds * 1000) : null;
}
