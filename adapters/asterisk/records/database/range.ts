/**
 * The index on the linkedid in place of one on the time, which `cel` of FreePBX does not have: a linkedid begins with the second, UTC,
 * in which its call began. No order of the rows is relied on: tables are restored, and filled in later.
 */
import type { Connection } from '../../../database/port.ts';
import type { TableShape } from './shape.ts';

/** No call lasts longer. */
export const LONGEST_CALL_MS = 86_400_000;

/** What stands before the second in the linkedids of a table: `systemname` of asterisk.conf, or nothing. `null`: no index, or too many. */
export type Prefixes = readonly string[] | null;

/** A PBX is seldom renamed. */
const MOST_PREFIXES = 20;
/** Sorts behind every second until 2065, with the same prefix before it. */
const BEHIND = '3';

/** Asks the index for the lowest linkedid, and for the lowest with another prefix, until there is none. */
export async function prefixesOf(connection: Connection, shape: Omit<TableShape, 'prefixes'>): Promise<Prefixes> {
  if (shape.indexed.has(shape.time) || !shape.indexed.has('linkedid')) return null;
  const { sql } = shape.columns.get('linkedid') ?? { sql: 'NULL' };
  const found: string[] = [];
  let after: string | null = null;
  for (let asked = 0; asked < MOST_PREFIXES; asked += 1) {
    const where = after === null ? '' : ` WHERE ${sql} > ?`;
    const statement = `SELECT MIN(${sql}) AS lowest FROM ${shape.sql}${where}`;
    const [row] = await connection.select(statement, after === null ? [] : [after]);
    const lowest = row?.lowest ?? null;
    if (lowest === null) return found;
    const prefix = /^(.*?)\d{9,11}\.\d+$/.exec(lowest)?.[1];
    const fresh = prefix !== undefined && !found.includes(prefix);
    if (fresh) found.push(prefix);
    after = fresh ? prefix + BEHIND : lowest;
  }
  return null;
}

export interface Condition {
  /** Begins with ` AND `, or is empty. */
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** Keeps a statement to calls that were live in [from, to], UTC, ms; nothing where the table has an index on the time, or none at all. */
export function liveIn({ prefixes, columns }: TableShape, from: number, to: number): Condition {
  if (prefixes === null) return { sql: '', values: [] };
  if (prefixes.length === 0) return { sql: ' AND 1 = 0', values: [] };
  const { sql } = columns.get('linkedid') ?? { sql: 'NULL' };
  const second = (at: number): string => String(Math.max(0, Math.floor(at / 1000))).padStart(10, '0');
  const any = prefixes.map(() => `(${sql} >= ? AND ${sql} < ?)`).join(' OR ');
  const values = prefixes.flatMap((prefix) => [prefix + second(from - LONGEST_CALL_MS), prefix + second(to + 2000)]);
  return { sql: ` AND (${any})`, values };
}
