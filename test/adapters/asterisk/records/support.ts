/** Tables of records as a PBX writes them, filled from the recordings of FreePBX, and what they tell. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import { readCsv } from '../../../../adapters/asterisk/records/csv.ts';
import { type RawTables, tableEvents } from '../../../../adapters/asterisk/records/tables.ts';
import { callsOfCdr } from '../../../../src/call/cdr/calls.ts';
import { DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import type { CallRecord } from '../../../../src/call/record.ts';
import type { CallRecords, RecordsPage } from '../../../../src/records/port.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { labPlan } from '../../../support/recordings.ts';

export const SOURCE = 'asterisk';

const FREEPBX = new URL('../../../fixtures/recordings/freepbx-17/', import.meta.url);

export type TextRow = Readonly<Record<string, string>>;

/** The tables of one recording, in the order of their writing. */
export function tablesOf(recording: string): RawTables {
  const rows = (file: string): TextRow[] => {
    const name = `${recording}/asteriskcdrdb_${file}.csv.gz`;
    return [...readCsv(name, gunzipSync(readFileSync(new URL(name, FREEPBX)))).rows];
  };
  return { cdr: rows('cdr'), cel: rows('cel') };
}

export const recordings: readonly string[] = readdirSync(FREEPBX).sort();

/** Calls by their id, as the rules make them of events. */
export function callsIn(events: readonly CallEvent[]): Map<string, CallRecord> {
  const calls = callsOfCdr(events, SOURCE, labPlan('asterisk'), DEFAULT_RULES);
  return new Map(calls.map(({ record }) => [record.callSessionId, record]));
}

/** All recordings in one pair of tables, as on a PBX that had these calls one after the other, and the calls of each alone. */
export function everything(
  kinds: readonly ('cdr' | 'cel')[] = ['cdr', 'cel'],
  change: (row: TextRow) => TextRow = (row) => row,
): {
  readonly tables: RawTables;
  readonly calls: Map<string, CallRecord>;
} {
  const all = recordings.map(tablesOf).map(({ cdr, cel }) => ({
    cdr: kinds.includes('cdr') ? cdr.map(change) : [],
    cel: kinds.includes('cel') ? cel.map(change) : [],
  }));
  const begun = (row: TextRow): number => Number(row.uniqueid);
  const written = (row: TextRow): string => row.eventtime ?? '';
  const tables: RawTables = {
    cdr: all.flatMap(({ cdr }) => cdr).sort((a, b) => begun(a) - begun(b)),
    cel: all
      .flatMap(({ cel }) => cel)
      .map((row, order) => ({ row, order }))
      .sort((a, b) => written(a.row).localeCompare(written(b.row)) || a.order - b.order)
      .map(({ row }, index) => ({ ...row, id: String(index + 1) })),
  };
  return { tables, calls: callsIn(all.flatMap((one) => tableEvents(one, SOURCE).events)) };
}

export interface ReadCalls {
  readonly pages: readonly RecordsPage[];
  /** Of each call what each page made of it: all the same, when every page tells it wholly. */
  readonly calls: Map<string, readonly CallRecord[]>;
}

export async function readCalls(place: CallRecords, span: { from: number; to: number }): Promise<ReadCalls> {
  const pages: RecordsPage[] = [];
  const calls = new Map<string, CallRecord[]>();
  for await (const page of place.read(span)) {
    pages.push(page);
    for (const [id, record] of callsIn(page.events)) calls.set(id, [...(calls.get(id) ?? []), record]);
  }
  return { pages, calls };
}

/** The span of everything that was recorded. */
export function spanOf(calls: ReadonlyMap<string, CallRecord>): { from: number; to: number } {
  const all = [...calls.values()];
  return {
    from: Math.min(...all.map(({ startedAt }) => startedAt)) - 1000,
    to: Math.max(...all.map(({ endedAt }) => endedAt)) + 1000,
  };
}

/** The local time of a zone, as Asterisk writes it into a table. */
export function writtenIn(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (at) => format.format(at);
}

/** Where the recordings were made: their tables hold its local time. */
const RECORDED_OFFSET_MS = 5.5 * 3_600_000;
const TIMES = ['calldate', 'eventtime'];

/**
 * The same calls `by` ms later (whole seconds), on a PBX that writes its times by `written`, as calls of their own: with other ids and
 * other channels.
 */
export function moved(tables: RawTables, by: number, copy: number, written: (at: number) => string): RawTables {
  const tag = copy.toString(16).padStart(3, '0');
  const text = (value: string): string =>
    value
      .replaceAll(/\b(17\d{8})\.(\d+)/g, (_, second, number) => `${Number(second) + by / 1000}.${number}`)
      .replaceAll(/-00000([0-9a-f]{3})\b/g, `-00${tag}$1`);
  const row = (one: TextRow): TextRow =>
    Object.fromEntries(
      Object.entries(one).map(([name, value]) => {
        if (!TIMES.includes(name)) return [name, text(value)];
        return [name, written(Date.parse(`${value.replace(' ', 'T')}Z`) - RECORDED_OFFSET_MS + by)];
      }),
    );
  return { cdr: tables.cdr.map(row), cel: tables.cel.map(row) };
}

/** Several in the order of their writing. */
export function together(all: readonly RawTables[]): RawTables {
  return { cdr: all.flatMap(({ cdr }) => cdr), cel: all.flatMap(({ cel }) => cel) };
}

/** A fresh folder, gone after the test. */
export function folderFor(t: { teardown(end: () => void): unknown }): string {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-records-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A file as cdr_sqlite3_custom and cel_sqlite3_custom write it: every column is text. */
export function sqliteFile(file: string, tables: Partial<RawTables>): void {
  const db = new Sqlite(file);
  for (const [name, rows] of Object.entries(tables)) {
    if (rows.length === 0) continue;
    const columns = Object.keys(rows[0] ?? {});
    const list = columns.map((column) => `"${column}" TEXT`).join(', ');
    db.exec(`CREATE TABLE IF NOT EXISTS ${name} (${list})`);
    const insert = db.prepare(`INSERT INTO ${name} VALUES (${columns.map(() => '?').join(', ')})`);
    db.transaction(() => {
      for (const row of rows) insert.run(...columns.map((column) => row[column] ?? ''));
    })();
  }
  db.close();
}

/** What a place finds of calls, each looked for alone. */
export async function foundAlone(place: CallRecords, calls: ReadonlyMap<string, CallRecord>) {
  const found = new Map<string, CallRecord | undefined>();
  for (const [id, { startedAt, endedAt }] of calls) {
    const wanted = { id: id.slice(SOURCE.length + 1), span: { from: startedAt - 5000, to: endedAt + 5000 } };
    for await (const { events } of place.find([wanted])) found.set(id, callsIn(events).get(id));
  }
  return found;
}
