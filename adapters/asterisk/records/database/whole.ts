/**
 * Calls with all of their rows. A call may have several linkedids: a consultation keeps its own in CDR, and with a transfer or a pickup
 * the linkedid of a channel changes. So what shares a channel with the calls is read as well, until nothing more comes.
 */
import type { Row } from '../../../database/port.ts';
import type { RawTables } from '../tables.ts';
import { keyRange, within } from './keys.ts';
import type { OpenTable, TableShape } from './shape.ts';
import { momentIn, startOf, textOf, valueFor } from './sql.ts';
import { LONGEST_CALL_MS } from './windows.ts';

/** Columns that say something about a call; what else a table has is not read. */
const WANTED = new Set(
  (
    'calldate start answer end endtime clid src dst dcontext channel dstchannel lastapp lastdata duration billsec disposition ' +
    'uniqueid linkedid sequence did recordingfile cnum eventtype eventenum eventtime cid_name cidname cid_num cidnum cid_ani ' +
    'cidani cid_dnid ciddnid exten context channame appname appdata peer userdeftype usereventname extra eventextra'
  ).split(' '),
);

/** Values in one statement. */
const AT_ONCE = 300;
/** A transfer of a transfer of a transfer: more are a circle of names that came again after a restart of the PBX. */
const ROUNDS = 6;

interface Found extends OpenTable {
  readonly rows: Row[];
}

/** All rows of these calls and of those that belong to them, in order of their writing. */
export async function wholeCalls(tables: readonly OpenTable[], linkedIds: readonly string[]): Promise<RawTables> {
  const known = new Set<string>();
  const asked = { uniqueids: new Set<string>(), names: new Set<string>() };
  const found: Found[] = tables.map((table) => ({ ...table, rows: [] }));
  let wanted = [...linkedIds];
  for (let round = 0; wanted.length > 0 && round < ROUNDS; round += 1) {
    for (const id of wanted) known.add(id);
    const fresh: Found[] = [];
    for (const one of found) {
      const rows = await rowsOf(one, wanted);
      for (const row of rows) one.rows.push(row);
      fresh.push({ ...one, rows });
    }
    wanted = (await relatedTo(found, fresh, asked)).filter((id) => id !== '' && !known.has(id));
  }
  const table = (kind: TableShape['kind']) => {
    const one = found.find(({ shape }) => shape.kind === kind);
    return one === undefined ? [] : inOrder(one);
  };
  return { cdr: table('cdr'), cel: table('cel') };
}

async function rowsOf({ connection, shape }: OpenTable, ids: readonly string[]): Promise<Row[]> {
  const columns = [...shape.columns].filter(([name]) => WANTED.has(name));
  const list = columns.map(([name, column]) => `${textOf(shape, column)} AS ${nameIn(shape, name)}`);
  const key = shape.key === null ? [] : [`${shape.key} AS row_key`];
  const { sql: linkedid } = shape.columns.get('linkedid') ?? { sql: 'NULL' };
  return inParts(ids, (part) =>
    connection.select(
      `SELECT ${[...key, ...list].join(', ')} FROM ${shape.sql} WHERE ${linkedid} IN (${marks(part)})`,
      part,
    ),
  );
}

/** `end` and others are words of SQL. */
function nameIn({ dialect }: TableShape, name: string): string {
  return dialect === 'mysql' ? `\`${name}\`` : `"${name}"`;
}

/** The linkedids of what shares a channel with the fresh rows. */
async function relatedTo(
  tables: readonly Found[],
  fresh: readonly Found[],
  asked: { readonly uniqueids: Set<string>; readonly names: Set<string> },
): Promise<string[]> {
  const uniqueids = unasked(
    asked.uniqueids,
    fresh.flatMap(({ rows }) => rows.flatMap(uniqueidsIn)),
  );
  const related: string[] = [];
  for (const table of tables) {
    const column = table.shape.columns.get('uniqueid')?.sql ?? 'NULL';
    related.push(...(await linkedIdsWhere(table, uniqueids, (list) => `${column} IN (${list})`)));
  }
  // CEL names each channel with its Uniqueid; only where there is none, and for those who met in a bridge, names must do.
  const cel = fresh.find(({ shape, rows }) => shape.kind === 'cel' && rows.length > 0);
  const source = cel ?? fresh.find(({ shape }) => shape.kind === 'cdr');
  if (source === undefined || source.rows.length === 0) return related;
  const { shape, rows } = source;
  const own = new Set(rows.map((row) => row.channame ?? ''));
  const names = unasked(asked.names, rows.flatMap(namesIn)).filter((name) => cel === undefined || !own.has(name));
  if (names.length === 0) return related;
  const columns = cel === undefined ? ['channel', 'dstchannel'] : ['channame'];
  const near = await nearby(source, rows);
  if (near === null) return related;
  const holds = (list: string): string =>
    `(${columns.map((name) => `${shape.columns.get(name)?.sql} IN (${list})`).join(' OR ')}) AND ${near.sql}`;
  const values = (part: readonly string[]) => [...columns.flatMap(() => part), ...near.values];
  return [...related, ...(await linkedIdsWhere(source, names, holds, values))];
}

function unasked(asked: Set<string>, values: readonly string[]): string[] {
  const fresh = [...new Set(values)].filter((value) => value !== '' && !asked.has(value));
  for (const value of fresh) asked.add(value);
  return fresh;
}

/** A transfer names the channels of the other call in its details. */
function uniqueidsIn(row: Row): string[] {
  const told = (row.extra ?? row.eventextra ?? '').matchAll(/"\w*uniqueid":"([^"]+)"/g);
  return [row.uniqueid ?? '', ...[...told].map(([, id = '']) => id)];
}

/** `peer`: the other channels in the bridge. */
function namesIn(row: Row): string[] {
  return [row.channel, row.dstchannel, ...(row.peer ?? '').split(',')].map((name) => (name ?? '').trim());
}

/** While these rows were written: names of channels come again after a restart of the PBX. */
async function nearby(
  { connection, shape }: OpenTable,
  rows: readonly Row[],
): Promise<{ readonly sql: string; readonly values: (string | number)[] } | null> {
  const starts = rows.flatMap((row) => momentIn(shape, row[shape.time]) ?? []);
  if (starts.length === 0) return null;
  const low = starts.reduce((a, b) => Math.min(a, b));
  const last = starts.reduce((a, b) => Math.max(a, b));
  const high = Math.min(last + longest(rows), low + 2 * LONGEST_CALL_MS);
  const keys = await keyRange(connection, shape, low, high);
  if (keys === null) return null;
  const range = within(shape, keys);
  const { sql } = startOf(shape);
  const values = [valueFor(shape, low - 1000), valueFor(shape, high + 1000), ...range.values];
  return { sql: `${sql} >= ? AND ${sql} < ?${range.sql}`, values };
}

function longest(rows: readonly Row[]): number {
  return rows.reduce((most, { duration }) => Math.max(most, 1000 * (Number(duration) || 0)), 1000);
}

async function linkedIdsWhere(
  { connection, shape }: OpenTable,
  values: readonly string[],
  condition: (list: string) => string,
  bound: (part: readonly string[]) => readonly (string | number)[] = (part) => part,
): Promise<string[]> {
  const { sql } = shape.columns.get('linkedid') ?? { sql: 'NULL' };
  const rows = await inParts(values, (part) =>
    connection.select(
      `SELECT DISTINCT ${sql} AS linkedid FROM ${shape.sql} WHERE ${condition(marks(part))}`,
      bound(part),
    ),
  );
  return rows.map(({ linkedid }) => linkedid ?? '');
}

async function inParts(
  values: readonly string[],
  ask: (part: readonly string[]) => Promise<readonly Row[]>,
): Promise<Row[]> {
  let rows: Row[] = [];
  for (let at = 0; at < values.length; at += AT_ONCE) rows = rows.concat(await ask(values.slice(at, at + AT_ONCE)));
  return rows;
}

const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

/** By their key, else by the time of their end and their number. */
function inOrder({ shape, rows }: Found): Readonly<Record<string, string>>[] {
  const { key } = shape;
  const recorded = ['end', 'endtime'].find((name) => shape.columns.has(name));
  const rank = (row: Row): number => {
    if (key !== null) return Number(row.row_key);
    const start = momentIn(shape, row[recorded ?? shape.time]) ?? 0;
    return recorded === undefined ? start + 1000 * (Number(row.duration) || 0) : start;
  };
  return rows
    .map((row) => ({ row, rank: rank(row) }))
    .sort((a, b) => a.rank - b.rank || Number(a.row.sequence ?? 0) - Number(b.row.sequence ?? 0))
    .map(({ row: { row_key: _, ...row } }) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? ''])),
    );
}
