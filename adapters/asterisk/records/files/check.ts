/** What the files show of settings that keep calls from being recorded, with the lines to add. */
import type { RecordsCheck } from '../../../../src/records/port.ts';
import { timeIn } from '../columns.ts';
import { type TableName, UNKNOWN_LAYOUT } from '../csv.ts';
import { CDR_CSV, CDR_CUSTOM, CDR_GENERAL, CEL_CUSTOM } from '../settings.ts';
import { blocksOf } from './blocks.ts';
import type { FileTable } from './cursor.ts';
import { rowReader, type TimedRow } from './rows.ts';

/** The last rows of a file are looked at. */
const TAIL_BYTES = 256 * 1024;
/** Fewer tell nothing of what is missing. */
const TELLING = 50;
/** Columns of Master.csv without `loguniqueid` and `newcdrcolumns`; the start is the tenth. */
const STOCK_COLUMNS = [16, 17, 18, 19];
const STOCK_START = 9;

export async function checkFiles(tables: readonly FileTable[]): Promise<RecordsCheck> {
  const hints: string[] = [];
  if (!tables.some(({ table }) => table === 'cel')) {
    hints.push(`CEL is not read: it tells who was in which bridge, and calls that a crash cut off. ${CEL_CUSTOM}`);
  }
  for (const table of tables) {
    const [live] = table.files.filter((file) => file.live);
    if (live === undefined) continue;
    const { rows, last, unknown } = await tailOf(table, live);
    if (rows.length === 0 && unknown > 0) {
      if (await isSqlite(live)) return { problem: sqliteFile(live.name, table.table), hints };
      const stock =
        table.table === 'cdr' && STOCK_COLUMNS.includes(last.length) && timeIn(last[STOCK_START] ?? '') !== null;
      const remedy = stock
        ? `its rows have no linkedid: ${CDR_CSV}`
        : `its lines are in no layout that is known; ${UNKNOWN_LAYOUT[table.table]}`;
      return { problem: `${live.name}: ${remedy}.`, hints };
    }
    if (table.table === 'cdr') hints.push(...missingIn(live.name, rows));
  }
  return { problem: null, hints };
}

/** `cdr_sqlite3_custom` and `cel_sqlite3_custom` write such files, which are another type of records. */
async function isSqlite({ handle }: FileTable['files'][number]): Promise<boolean> {
  const head = Buffer.alloc(15);
  await handle.read(head, 0, head.length, 0);
  return head.toString('latin1') === 'SQLite format 3';
}

function sqliteFile(name: string, table: TableName): string {
  return `${name}: is an SQLite database, no CSV: set type = 'sqlite' and ${table === 'cdr' ? 'file' : 'cel_file'} = '${name}' in [[source.records]], in place of ${table}_file.`;
}

interface Tail {
  readonly rows: readonly TimedRow[];
  /** The last record, in whatever layout. */
  readonly last: readonly string[];
  readonly unknown: number;
}

async function tailOf({ table, columns }: FileTable, file: FileTable['files'][number]): Promise<Tail> {
  const reader = rowReader(file.name, table, columns);
  const rows: TimedRow[] = [];
  let last: readonly string[] = [];
  for await (const { records } of blocksOf(file, 0)) {
    if (records[0] !== undefined) reader.read(records[0]);
    break;
  }
  for await (const { records } of blocksOf(file, Math.max(0, file.size - TAIL_BYTES))) {
    rows.push(...records.flatMap((record) => reader.read(record) ?? []));
    last = records.at(-1) ?? last;
  }
  return { rows, last, unknown: reader.unknown() };
}

function missingIn(file: string, rows: readonly TimedRow[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const hints: string[] = [];
  const lacks = ['did', 'recordingfile'].filter((name) => first.row[name] === undefined);
  if (lacks.length > 0) {
    hints.push(
      `${file}: has no column ${lacks.join(', ')}, so the number that was called and the recording of a call that nobody heard may not be known. ${CDR_CUSTOM}`,
    );
  }
  const unanswered = rows.some(({ row }) => row.disposition !== 'ANSWERED' && row.dstchannel === '');
  if (rows.length >= TELLING && !unanswered) hints.push(CDR_GENERAL);
  return hints;
}
