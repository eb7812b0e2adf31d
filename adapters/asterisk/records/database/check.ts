/** What the tables show of settings that keep calls from being recorded, with the lines to add. */
import type { RecordsCheck } from '../../../../src/records/port.ts';
import type { Row } from '../../../database/port.ts';
import { epochOf } from '../../events/channel.ts';
import { CDR_GENERAL, CEL_EVENTS, CEL_GENERAL } from '../settings.ts';
import { writerOf } from './remedies.ts';
import type { OpenTable } from './shape.ts';
import { startOf } from './sql.ts';

/** The last rows of a table are looked at: enough of them to have seen each kind of event. */
const LOOKED_AT = 2_000;
/** Fewer tell nothing of what is missing. */
const TELLING = 50;
/** Rows of a table that is better read by an index. */
const LONG_TABLE = 100_000;
/** Channels live at the same moment: CEL of the newest call is written before its CDR. */
const BEHIND_MS = 3_600_000;

/** Never rejects for what the tables lack; a database that fails is the caller's to tell. */
export async function checkTables(tables: readonly OpenTable[]): Promise<RecordsCheck> {
  const of = (kind: 'cdr' | 'cel') => tables.find(({ shape }) => shape.kind === kind);
  const [cdr, cel] = [of('cdr'), of('cel')];
  const cdrRows = cdr === undefined ? [] : await newest(cdr, ['uniqueid', 'disposition', 'dstchannel']);
  const celRows = cel === undefined ? [] : await newest(cel, ['uniqueid', 'eventtype', 'eventenum']);
  const behind = cel === undefined ? null : celBehind(cel, celRows, latest(cdrRows));
  const hints = [
    ...(cel === undefined
      ? [`CEL is not read: it tells who was in which bridge, and calls that a crash cut off. ${CEL_GENERAL}`]
      : []),
    ...(behind === null ? [] : [behind]),
    ...(cel === undefined || behind !== null ? [] : missingEvents(cel, celRows)),
    ...(cdr === undefined ? [] : missingFacts(cdr)),
    ...(await Promise.all(tables.map(missingIndexes))).flat(),
    ...(cdr === undefined || (cel !== undefined && behind === null) ? [] : unseenCalls(cdrRows)),
  ];
  return { problem: null, hints };
}

/** The last rows that were written, newest first. */
async function newest({ connection, shape }: OpenTable, wanted: readonly string[]): Promise<readonly Row[]> {
  const columns = wanted.flatMap((name) => {
    const column = shape.columns.get(name);
    return column === undefined ? [] : [`${column.sql} AS ${name}`];
  });
  const order = shape.key ?? startOf(shape).sql;
  return connection.select(`SELECT ${columns.join(', ')} FROM ${shape.sql} ORDER BY ${order} DESC LIMIT ${LOOKED_AT}`);
}

/** When the newest channel of these rows was created, ms since the epoch: Uniqueids tell it in UTC, whatever the zone of the table. */
function latest(rows: readonly Row[]): number | null {
  return rows.reduce<number | null>((most, { uniqueid }) => {
    const at = epochOf(uniqueid ?? '');
    return at === null ? most : Math.max(most ?? at, at);
  }, null);
}

function celBehind({ shape }: OpenTable, rows: readonly Row[], lastCall: number | null): string | null {
  const seen = latest(rows);
  const module = writerOf(shape.dialect, 'cel');
  if (seen === null) {
    return `table ${shape.name} is empty: CEL is not being written. ${CEL_GENERAL} ${module}.conf names the table; "cel show status" in Asterisk lists ${module}.`;
  }
  if (lastCall === null || seen >= lastCall - BEHIND_MS) return null;
  return `table ${shape.name} is older than the newest call: CEL is not being written any more. ${CEL_GENERAL} "cel show status" in Asterisk lists ${module} when it is.`;
}

function missingEvents({ shape }: OpenTable, rows: readonly Row[]): string[] {
  if (rows.length < TELLING) return [];
  const seen = new Set(rows.flatMap(({ eventtype, eventenum }) => [eventtype ?? '', eventenum ?? '']));
  // As numbers: cel_odbc writes them into a column that takes numbers.
  if ([...seen].every((type) => /^\d*$/.test(type))) return [];
  const missing = ['CHAN_START', 'ANSWER', 'HANGUP', 'BRIDGE_ENTER', 'BRIDGE_EXIT'].filter((type) => !seen.has(type));
  if (missing.length === 0) return [];
  return [`table ${shape.name} has no ${missing.join(', ')}: add them in cel.conf [general]: ${CEL_EVENTS}`];
}

/** Without them each question for the rows of a call goes through the whole table, which only matters when that is long. */
async function missingIndexes({ connection, shape }: OpenTable): Promise<string[]> {
  const lacks = ['linkedid', 'uniqueid'].filter((name) => !shape.indexed.has(name));
  if (lacks.length === 0) return [];
  if (shape.key !== null) {
    // Each by itself, which an index answers.
    const [row] = await connection.select(
      `SELECT (SELECT MIN(${shape.key}) FROM ${shape.sql}) AS low, (SELECT MAX(${shape.key}) FROM ${shape.sql}) AS high`,
    );
    if (Number(row?.high ?? 0) - Number(row?.low ?? 0) < LONG_TABLE) return [];
  }
  const index = lacks.map((name) => `CREATE INDEX ${shape.kind}_${name} ON ${shape.name} (${name});`);
  return [
    `table ${shape.name} has no index on ${lacks.join(' and ')}, so each reading goes through all of it: ${index.join(' ')}`,
  ];
}

function missingFacts({ shape }: OpenTable): string[] {
  const lacks = ['did', 'recordingfile'].filter((name) => !shape.columns.has(name));
  if (lacks.length === 0) return [];
  const means = { did: 'the number that was called', recordingfile: 'the recording' };
  const what = lacks.map((name) => (name === 'did' ? means.did : means.recordingfile)).join(' and ');
  const module = writerOf(shape.dialect, 'cdr');
  const column = lacks.map((name) => `ADD COLUMN ${name} VARCHAR(255)`).join(', ');
  const set = lacks
    .map((name) => (name === 'did' ? `Set(CDR(did)=\${EXTEN})` : 'Set(CDR(recordingfile)=FILE)'))
    .join(' and ');
  return [
    `table ${shape.name} has no column ${lacks.join(', ')}, so ${what} of a call that nobody heard may not be known: ALTER TABLE ${shape.name} ${column}; ${set} in the dialplan where the call comes in; "module reload ${module}.so".`,
  ];
}

/** Calls that leave no row without these settings, which the rows themselves may show to be on. */
function unseenCalls(rows: readonly Row[]): string[] {
  if (rows.length < TELLING) return [];
  const unanswered = rows.some(
    ({ disposition, dstchannel }) => disposition !== 'ANSWERED' && (dstchannel ?? '') === '',
  );
  const congestion = rows.some(({ disposition }) => disposition === 'CONGESTION');
  return unanswered && congestion ? [] : [CDR_GENERAL];
}
