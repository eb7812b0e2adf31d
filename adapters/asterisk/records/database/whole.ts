/** Calls with all of their rows, also those outside of the time that is read. */
import type { Row } from '../../../database/port.ts';
import type { Owns } from '../columns.ts';
import type { RawTables } from '../tables.ts';
import { allOf, inRanges } from './parts.ts';
import { createRelations } from './related.ts';
import { inParts, marks } from './select.ts';
import type { OpenTable, TableShape } from './shape.ts';
import { momentIn, textOf } from './sql.ts';

/** Columns that say something about a call; what else a table has is not read. */
const WANTED = new Set(
  (
    'calldate start answer end endtime clid src dst dcontext channel dstchannel lastapp lastdata duration billsec disposition ' +
    'uniqueid linkedid sequence did recordingfile cnum eventtype eventenum eventtime cid_name cidname cid_num cidnum cid_ani ' +
    'cidani cid_dnid ciddnid exten context channame appname appdata peer userdeftype usereventname extra eventextra'
  ).split(' '),
);

/** A transfer of a transfer of a transfer: more are a circle of names that came again after a restart of the PBX. */
const ROUNDS = 6;

/** All rows of these calls and of those that belong to them and are the PBX's own, in order of their writing. */
export async function wholeCalls(
  tables: readonly OpenTable[],
  linkedIds: readonly string[],
  owns: Owns,
): Promise<RawTables> {
  const known = new Set<string>();
  const relations = createRelations(tables);
  const found = new Map<OpenTable, Row[]>(tables.map((table) => [table, []]));
  let wanted = [...linkedIds];
  for (let round = 0; wanted.length > 0 && round < ROUNDS; round += 1) {
    for (const id of wanted) known.add(id);
    const fresh = new Map<OpenTable, readonly Row[]>();
    for (const [table, rows] of found) {
      const more = await rowsOf(table, wanted);
      for (const row of more) rows.push(row);
      fresh.set(table, more);
    }
    wanted = (await relations.of(fresh)).filter((id) => !known.has(id) && owns(id));
  }
  const table = (kind: TableShape['kind']) =>
    [...found].flatMap(([{ shape }, rows]) => (shape.kind === kind ? inOrder(shape, rows) : []));
  return { cdr: table('cdr'), cel: table('cel') };
}

async function rowsOf({ connection, shape }: OpenTable, ids: readonly string[]): Promise<Row[]> {
  const columns = [...shape.columns].filter(([name]) => WANTED.has(name));
  const list = columns.map(([name, column]) => `${textOf(shape, column)} AS ${nameIn(shape, name)}`);
  const key = shape.key === null ? [] : [`${shape.key} AS row_key`];
  const { sql: linkedid } = shape.columns.get('linkedid') ?? { sql: 'NULL' };
  const statement = `SELECT ${[...key, ...list].join(', ')} FROM ${shape.sql} WHERE ${linkedid} IN`;
  return inParts(ids, (part) =>
    allOf(
      inRanges(connection, shape, shape.indexed.has('linkedid'), ({ sql, values }) =>
        connection.select(`${statement} (${marks(part)})${sql}`, [...part, ...values]),
      ),
    ),
  );
}

/** `end` and others are words of SQL. */
function nameIn({ dialect }: TableShape, name: string): string {
  return dialect === 'mysql' ? `\`${name}\`` : `"${name}"`;
}

/** By their key, else by the time of their end and their number. */
function inOrder(shape: TableShape, rows: readonly Row[]): Readonly<Record<string, string>>[] {
  const recorded = ['end', 'endtime'].find((name) => shape.columns.has(name));
  const rank = (row: Row): number => {
    if (shape.key !== null) return Number(row.row_key);
    const at = momentIn(shape, row[recorded ?? shape.time]) ?? 0;
    return recorded === undefined ? at + 1000 * (Number(row.duration) || 0) : at;
  };
  return rows
    .map((row) => ({ row, rank: rank(row) }))
    .sort((a, b) => a.rank - b.rank || Number(a.row.sequence ?? 0) - Number(b.row.sequence ?? 0))
    .map(({ row: { row_key: _, ...row } }) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? ''])),
    );
}
