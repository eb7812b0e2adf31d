/**
 * Records in files of comma-separated values: `Master.csv` of cdr_csv, files of cdr_custom and cel_custom, tables exported as CSV.
 *
 * The files of Asterisk have no line with the names of the columns, so some layouts are known by their form; any other is read when
 * its first line names the columns. Text is UTF-8 with replacement: Asterisk 16 passes on names in other encodings.
 */
import { CsvError, parse } from 'csv-parse/sync';
import type { SkippedRecords } from '../../../src/records/port.ts';
import { epochOf } from '../events/channel.ts';
import { type RawRow, timeIn } from './columns.ts';

export type TableName = 'cdr' | 'cel';

/** The rows of one file. A line that is no row of it is left out and counted. */
export interface CsvTable {
  readonly table: TableName;
  readonly rows: readonly RawRow[];
  /** The line of each row, from 1. */
  readonly lines: readonly number[];
  readonly skipped: readonly SkippedRecords[];
}

const COMMON = 'channel dstchannel lastapp lastdata start answer end duration billsec disposition amaflags';

/** cdr_csv with `loguniqueid=yes` and `newcdrcolumns=yes`, with and without `loguserfield=yes`. */
const MASTER = `accountcode src dst dcontext clid ${COMMON} uniqueid userfield peeraccount linkedid sequence`;
/** The layout that `config/` and the manual of this program give for cdr_custom.conf. */
const CUSTOM = `clid src dst dcontext ${COMMON} accountcode peeraccount uniqueid linkedid sequence did recordingfile`;
/** The sample of cel_custom.conf, without and with its literal. */
const CEL =
  'eventtime cidname cidnum cidani cidrdnis ciddnid exten context channame appname appdata amaflags accountcode uniqueid linkedid ' +
  'peer userfield userdeftype eventextra';

export interface Layout {
  readonly table: TableName;
  readonly names: readonly string[];
}

const LAYOUTS: readonly Layout[] = [
  { table: 'cdr', names: MASTER.split(' ') },
  { table: 'cdr', names: MASTER.split(' ').filter((name) => name !== 'userfield') },
  { table: 'cdr', names: CUSTOM.split(' ') },
  { table: 'cel', names: ['eventtype', ...CEL.split(' ')] },
  { table: 'cel', names: ['eventtype', 'literal', ...CEL.split(' ')] },
];

const NEEDED: Readonly<Record<TableName, readonly string[]>> = {
  cdr: ['channel', 'dstchannel', 'disposition', 'uniqueid', 'linkedid'],
  cel: ['eventtype', 'eventtime', 'channame', 'uniqueid', 'linkedid'],
};

/** What is to be done about a file of this table that is in no layout that is known. */
export const UNKNOWN_LAYOUT: Readonly<Record<TableName, string>> = {
  cdr:
    'for Master.csv set loguniqueid=yes and newcdrcolumns=yes in cdr.conf; for any other layout put the names of the columns ' +
    '(start, answer, end, channel, dstchannel, disposition, uniqueid, linkedid ...) into the first line',
  cel:
    'for cel-custom/Master.csv take the mapping of the sample cel_custom.conf as it is; for any other layout put the names of the ' +
    'columns (eventtype, eventtime, channame, uniqueid, linkedid, appname, appdata, extra ...) into the first line',
};
const CUT = 'was the file cut off, or its layout changed? The line was left out';

/** Reads a file. `wanted`: for the remedy; what it holds, its columns tell. Throws one clear sentence when it is none of these: another kind of file, an unknown layout, no such columns. */
export function readCsv(file: string, content: Uint8Array, wanted: TableName = 'cdr'): CsvTable {
  refuseOtherKinds(file, content, wanted);
  const rows: RawRow[] = [];
  const lines: number[] = [];
  let count = 0;
  let why = '';
  const skip = (line: number, what: string): void => {
    if (count++ === 0) why = `${file}: line ${line}: ${what}; ${CUT}.`;
  };
  let layout: Layout | null = null;
  const take = (record: readonly string[], line: number): void => {
    if (layout === null) {
      const named = namesIn(file, record);
      layout = named ?? layoutOf(record);
      if (layout === null)
        throw new Error(
          `${file}: line ${line}: ${record.length} columns in no layout that is known; ${UNKNOWN_LAYOUT[wanted]}.`,
        );
      if (named !== null) return;
    }
    const { names } = layout;
    if (record.length !== names.length) {
      skip(line, `${record.length} columns instead of ${names.length}`);
      return;
    }
    rows.push(Object.fromEntries(names.map((name, index) => [name, record[index] ?? ''])));
    lines.push(line);
  };
  parse(Buffer.from(content), {
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      // The message of the parser may quote the row, which holds numbers and names.
      const line = error instanceof CsvError && 'lines' in error ? Number(error.lines) : lines.length + 1;
      skip(line, 'is not valid CSV');
    },
    on_record: (record: string[], { lines: line }) => {
      take(record, line);
      return null;
    },
  });
  const table = (layout as Layout | null)?.table ?? 'cdr';
  return { table, rows, lines, skipped: count === 0 ? [] : [{ count, why }] };
}

export function refuseOtherKinds(file: string, content: Uint8Array, wanted: TableName): void {
  const head = Buffer.from(content.subarray(0, 16)).toString('latin1');
  const other = head.startsWith('SQLite format 3')
    ? 'an SQLite database'
    : /^\s*[{[]/.test(head)
      ? 'JSON, as FreeSWITCH writes it'
      : head.includes('\0')
        ? 'not a text file'
        : null;
  if (other === null) return;
  throw new Error(
    `${file}: is ${other}; for Asterisk give ${wanted === 'cdr' ? 'Master.csv, a file of cdr_custom, or' : 'a file of cel_custom, or'} ` +
      `the ${wanted} table as CSV with the names of its columns (sqlite3 -header -csv FILE "select * from ${wanted}" > ${wanted}.csv).`,
  );
}

/** The columns a first line names, `null` when it is a row like the others. */
export function namesIn(file: string, record: readonly string[]): Layout | null {
  const names = record.map((name) => name.trim().toLowerCase());
  if (!names.includes('uniqueid') || !(names.includes('channel') || names.includes('channame'))) return null;
  const table = names.includes('channame') ? 'cel' : 'cdr';
  const missing = NEEDED[table].filter((name) => !names.includes(name));
  const lacks = (...any: readonly string[]) => !any.some((name) => names.includes(name));
  if (table === 'cdr' && lacks('start', 'calldate')) missing.push('start');
  if (table === 'cdr' && lacks('end', 'endtime', 'duration')) missing.push('end');
  if (missing.length > 0) {
    throw new Error(
      `${file}: line 1: has no column ${missing.join(', ')}; export the ${table} table with all its columns.`,
    );
  }
  return { table, names };
}

export function layoutOf(record: readonly string[]): Layout | null {
  const holds = ({ table, names }: Layout): boolean => {
    if (names.length !== record.length) return false;
    const value = (name: string) => record[names.indexOf(name)] ?? '';
    if (epochOf(value('linkedid')) === null) return false;
    return table === 'cdr' ? timeIn(value('start')) !== null : /^[A-Z_]+$/.test(value('eventtype'));
  };
  return LAYOUTS.find(holds) ?? null;
}
