/**
 * What a table of records looks like: names and columns differ from one backend of Asterisk to the next (FreePBX by ODBC, cdr_pgsql,
 * cdr_sqlite3_custom), so the database is asked first, and only what is there is selected.
 */
import { RecordsError } from '../../../../src/records/port.ts';
import type { Connection, Dialect, Row } from '../../../database/port.ts';
import { timeIn } from '../columns.ts';
import { type Prefixes, prefixesOf } from './range.ts';
import { missingColumns, missingTable } from './remedies.ts';

export type TableKind = 'cdr' | 'cel';

/**
 * How a column tells a time. `written`: a local time without zone, or UTC, which only the rows show. `utc`: with a zone. `epoch`:
 * seconds since the epoch.
 */
export type TimeKind = 'written' | 'utc' | 'epoch';

export interface Column {
  /** As it stands in statements. */
  readonly sql: string;
  readonly type: string;
}

export interface TableShape {
  readonly dialect: Dialect;
  readonly kind: TableKind;
  /** As the config names it. */
  readonly name: string;
  readonly sql: string;
  readonly columns: ReadonlyMap<string, Column>;
  /** A whole number that grows with each row; `null` when there is none. */
  readonly key: string | null;
  /** Columns with which an index begins. */
  readonly indexed: ReadonlySet<string>;
  /** The column of the time of a row: of CDR the start of the leg, of CEL the event. */
  readonly time: string;
  readonly timeKind: TimeKind;
  readonly prefixes: Prefixes;
}

/** A table that is open for a reading. */
export interface OpenTable {
  readonly connection: Connection;
  readonly shape: TableShape;
}

const TIMES: Readonly<Record<TableKind, readonly string[]>> = { cdr: ['calldate', 'start'], cel: ['eventtime'] };
const ENDS = ['end', 'endtime', 'duration'];

/** Alternatives stand in one entry; the first that exists is used. */
const NEEDED: Readonly<Record<TableKind, readonly (readonly string[])[]>> = {
  cdr: [TIMES.cdr, ENDS, ['channel'], ['dstchannel'], ['disposition'], ['uniqueid'], ['linkedid']],
  cel: [TIMES.cel, ['eventtype', 'eventenum'], ['channame'], ['uniqueid'], ['linkedid']],
};

/** Quotes of an identifier; names come from the config, where they are checked, and from the database itself. */
export function quoted(dialect: Dialect, name: string): string {
  const quote = dialect === 'mysql' ? '`' : '"';
  return quote + name.replaceAll(quote, quote + quote) + quote;
}

/** Asks for the shape of a table. Rejects with a `RecordsError` that names the table and what it lacks. */
export async function shapeOf(
  connection: Connection,
  place: { readonly dialect: Dialect; readonly name: string },
  kind: TableKind,
  name: string,
): Promise<TableShape> {
  const { dialect } = place;
  const sql = name
    .split('.')
    .map((part) => quoted(dialect, part))
    .join('.');
  const { columns: rows, leads } = await describe(connection, dialect, name, sql);
  if (rows.length === 0) throw new RecordsError(missingTable(place.name, dialect, kind, name));
  const columns = new Map(
    rows.map((row): [string, Column] => {
      const column = row.name ?? '';
      return [column.toLowerCase(), { sql: quoted(dialect, column), type: (row.type ?? '').toLowerCase() }];
    }),
  );
  const missing = NEEDED[kind].filter((any) => !any.some((one) => columns.has(one))).map(([first = '']) => first);
  if (missing.length > 0) throw new RecordsError(missingColumns(place.name, dialect, kind, name, missing));
  const time = TIMES[kind].find((one) => columns.has(one)) ?? '';
  const shape = { dialect, kind, name, sql, columns, key: keyIn(dialect, rows), indexed: new Set(leads), time };
  const timed = { ...shape, timeKind: await timeKindOf(connection, place.name, shape) };
  return { ...timed, prefixes: await prefixesOf(connection, timed) };
}

interface Described {
  readonly columns: readonly Row[];
  readonly leads: readonly string[];
}

async function describe(connection: Connection, dialect: Dialect, name: string, sql: string): Promise<Described> {
  const select = async (statement: string, ...values: string[]): Promise<readonly Row[]> =>
    connection.select(statement, values);
  const leadsOf = (rows: readonly Row[]): string[] => rows.map((row) => (row.name ?? '').toLowerCase());
  if (dialect === 'sqlite') {
    const columns = await select('SELECT name, type, pk FROM pragma_table_info(?)', name);
    const leads = await select(
      'SELECT i.name AS name FROM pragma_index_list(?) l, pragma_index_info(l.name) i WHERE i.seqno = 0',
      name,
    );
    return { columns, leads: leadsOf(leads) };
  }
  if (dialect === 'postgres') {
    const columns = await select(
      `SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
         (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND i.indnatts = 1 AND i.indkey[0] = a.attnum) AS pk
       FROM pg_attribute a WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
      sql,
    );
    const leads = await select(
      `SELECT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
       WHERE i.indrelid = to_regclass(?)`,
      sql,
    );
    return { columns, leads: leadsOf(leads) };
  }
  const [table = '', schema] = name.split('.').reverse();
  const where = `table_schema = ${schema === undefined ? 'DATABASE()' : '?'} AND table_name = ?`;
  const values = schema === undefined ? [table] : [schema, table];
  const columns = await select(
    `SELECT column_name AS name, data_type AS type, CASE column_key WHEN 'PRI' THEN 1 END AS pk
     FROM information_schema.columns WHERE ${where} ORDER BY ordinal_position`,
    ...values,
  );
  const leads = await select(
    `SELECT column_name AS name FROM information_schema.statistics WHERE ${where} AND seq_in_index = 1`,
    ...values,
  );
  return { columns, leads: leadsOf(leads) };
}

/** The primary key, when it is one whole number. SQLite numbers all rows. */
function keyIn(dialect: Dialect, rows: readonly Row[]): string | null {
  if (dialect === 'sqlite') return 'rowid';
  const keys = rows.filter(({ pk }) => pk !== null && pk !== undefined && pk !== '0');
  const [only] = keys;
  return only !== undefined && keys.length === 1 && /int|serial/i.test(only.type ?? '')
    ? quoted(dialect, only.name ?? '')
    : null;
}

async function timeKindOf(
  connection: Connection,
  place: string,
  shape: Omit<TableShape, 'timeKind' | 'prefixes'>,
): Promise<TimeKind> {
  const { sql = '', type = '' } = shape.columns.get(shape.time) ?? {};
  if (/with time zone|timestamptz/.test(type)) return 'utc';
  if (/^(?:datetime|timestamp)/.test(type) && shape.dialect !== 'sqlite') return 'written';
  if (/^(?:float|double|decimal|numeric|real|int|bigint)/.test(type) && shape.dialect !== 'sqlite') return 'epoch';
  // Text of any form: a row shows it.
  const order = shape.key === null ? '' : ` ORDER BY ${shape.key} DESC`;
  const [row] = await connection.select(
    `SELECT ${sql} AS at FROM ${shape.sql} WHERE ${sql} IS NOT NULL${order} LIMIT 1`,
  );
  const seen = row?.at ?? null;
  if (seen === null || timeIn(seen) !== null) return 'written';
  if (/^\d{9,11}(?:\.\d+)?$/.test(seen)) return 'epoch';
  const remedy = shape.kind === 'cel' ? 'dateformat = %F %T in cel.conf writes them' : `'\${CDR(start)}' writes them`;
  throw new RecordsError(
    `${place}: column ${shape.time} of table ${shape.name} holds no times like 2026-11-22 16:33:25: ${remedy}.`,
  );
}
