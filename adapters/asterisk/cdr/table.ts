/**
 * Files of Asterisk's call detail records: `Master.csv` of cdr_csv, files of cdr_custom, tables exported as CSV.
 *
 * Master.csv and cdr_custom files have no line with the names of the columns, so two layouts are known by their form; any
 * other is read when its first line names the columns as Asterisk does. Text is UTF-8 with replacement: Asterisk 16 passes on
 * names in other encodings.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { epochOf } from '../events/channel.ts';

/** One row: party A and one other party. Times are as written, in ms as if they were UTC; the zone is not in the file. */
export interface CdrRow {
  readonly file: string;
  readonly line: number;
  readonly clid: string;
  readonly src: string;
  readonly dst: string;
  readonly dcontext: string;
  readonly channel: string;
  readonly dstchannel: string;
  readonly lastapp: string;
  readonly lastdata: string;
  readonly start: number;
  readonly answer: number | null;
  readonly end: number;
  readonly disposition: string;
  readonly uniqueid: string;
  readonly linkedid: string;
  readonly sequence: number;
  readonly did: string;
  readonly recordingfile: string;
}

const COMMON = 'channel dstchannel lastapp lastdata start answer end duration billsec disposition amaflags';

/** cdr_csv with `loguniqueid=yes` and `newcdrcolumns=yes`, with and without `loguserfield=yes`. */
const MASTER = `accountcode src dst dcontext clid ${COMMON} uniqueid userfield peeraccount linkedid sequence`.split(
  ' ',
);
const MASTER_WITHOUT_USERFIELD = MASTER.filter((name) => name !== 'userfield');
/** The layout that `config/` and the manual of this program give for cdr_custom.conf. */
const CUSTOM =
  `clid src dst dcontext ${COMMON} accountcode peeraccount uniqueid linkedid sequence did recordingfile`.split(' ');
const LAYOUTS = [MASTER, MASTER_WITHOUT_USERFIELD, CUSTOM];

/** Names that tables give to columns. */
const ALIASES: Readonly<Record<string, string>> = { calldate: 'start', endtime: 'end' };
const NEEDED = ['channel', 'dstchannel', 'start', 'disposition', 'uniqueid', 'linkedid'];
const REMEDY =
  'for Master.csv set loguniqueid=yes and newcdrcolumns=yes in cdr.conf; for any other layout put the names of the columns ' +
  '(start, answer, end, channel, dstchannel, disposition, uniqueid, linkedid ...) into the first line';

/** Rows whose channel was created in [from, to], ms since the epoch, in the order of the file. Throws one clear sentence. */
export function readRows(file: string, content: Uint8Array, from: number, to: number): CdrRow[] {
  refuseOtherKinds(file, content);
  const rows: CdrRow[] = [];
  let layout: readonly string[] | null = null;
  const take = (record: readonly string[], line: number): void => {
    if (layout === null) {
      const named = namesIn(file, record);
      layout = named ?? layoutOf(file, line, record);
      if (named !== null) return;
    }
    const row = rowOf(file, line, layout, record);
    const created = epochOf(row.uniqueid) ?? 0;
    if (created >= from && created <= to) rows.push(row);
  };
  try {
    parse(Buffer.from(content), {
      bom: true,
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (record: string[], { lines }) => {
        take(record, lines);
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // The message of the parser may quote the row, which holds numbers and names.
    const line = 'lines' in error && typeof error.lines === 'number' ? `: line ${error.lines}` : '';
    throw new Error(`${file}${line}: is not valid CSV; was the file cut off or edited? Copy it again from the PBX.`);
  }
  return rows;
}

function refuseOtherKinds(file: string, content: Uint8Array): void {
  const head = Buffer.from(content.subarray(0, 16)).toString('latin1');
  const other = head.startsWith('SQLite format 3')
    ? 'an SQLite database'
    : /^\s*[{[]/.test(head)
      ? 'JSON, as FreeSWITCH writes it'
      : head.includes('\0')
        ? 'not a text file'
        : null;
  if (other === null) return;
  throw new Error(`${file}: is ${other}; for Asterisk give Master.csv, a file of cdr_custom, or the cdr table as CSV.`);
}

/** The columns a first line names, `null` when it is a row like the others. */
function namesIn(file: string, record: readonly string[]): readonly string[] | null {
  const names = record.map((name) => name.trim().toLowerCase()).map((name) => ALIASES[name] ?? name);
  if (!names.includes('channel') || !names.includes('uniqueid')) return null;
  const missing = NEEDED.filter((name) => !names.includes(name));
  if (!names.includes('end') && !names.includes('duration')) missing.push('end');
  if (missing.length > 0) {
    throw new Error(`${file}: line 1: has no column ${missing.join(', ')}; export the cdr table with all its columns.`);
  }
  return names;
}

function layoutOf(file: string, line: number, record: readonly string[]): readonly string[] {
  const found = LAYOUTS.find(
    (layout) =>
      layout.length === record.length &&
      timeIn(record[layout.indexOf('start')] ?? '') !== null &&
      epochOf(record[layout.indexOf('linkedid')] ?? '') !== null,
  );
  if (found !== undefined) return found;
  throw new Error(`${file}: line ${line}: ${record.length} columns in no layout that is known; ${REMEDY}.`);
}

function rowOf(file: string, line: number, layout: readonly string[], record: readonly string[]): CdrRow {
  const wrong = (what: string): Error =>
    new Error(
      `${file}: line ${line}: ${what}; was the file cut off, or its layout changed? Remove that line, or split the file.`,
    );
  if (record.length !== layout.length) throw wrong(`${record.length} columns instead of ${layout.length}`);
  const column = (name: string): string => record[layout.indexOf(name)] ?? '';
  const place = (name: string): string => `column ${layout.indexOf(name) + 1} (${name})`;
  const time = (name: string): number => {
    const at = timeIn(column(name));
    if (at === null) throw wrong(`${place(name)} is not a time like 2026-11-22 16:33:25`);
    return at;
  };
  for (const name of ['uniqueid', 'linkedid']) {
    if (epochOf(column(name)) === null) throw wrong(`${place(name)} is not an id like 1795345405.1`);
  }
  if (!/^[A-Z ]+$/.test(column('disposition'))) throw wrong(`${place('disposition')} is not a word like ANSWERED`);
  const start = time('start');
  const end = layout.includes('end') ? time('end') : start + Number(column('duration')) * 1000;
  if (!(end >= start)) throw wrong(`${place(layout.includes('end') ? 'end' : 'duration')} lies before the start`);
  const text = {
    clid: column('clid'),
    src: column('src'),
    dst: column('dst'),
    dcontext: column('dcontext'),
    channel: column('channel'),
    dstchannel: column('dstchannel'),
    lastapp: column('lastapp'),
    lastdata: column('lastdata'),
    disposition: column('disposition'),
    uniqueid: column('uniqueid'),
    linkedid: column('linkedid'),
    did: column('did'),
    recordingfile: column('recordingfile'),
  };
  const answer = layout.includes('answer') ? timeIn(column('answer')) : answerFrom(column, end);
  return { file, line, ...text, start, answer, end, sequence: Number(column('sequence')) || 0 };
}

/** Tables as FreePBX keeps them have no time of answer, but the seconds since. */
function answerFrom(column: (name: string) => string, end: number): number | null {
  const answered = column('disposition') === 'ANSWERED' || Number(column('billsec')) > 0;
  return answered ? end - Number(column('billsec')) * 1000 : null;
}

function timeIn(text: string): number | null {
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?$/.exec(text);
  const time = parts === null ? Number.NaN : Date.parse(`${parts[1]}T${parts[2]}Z`);
  return Number.isNaN(time) ? null : time;
}
