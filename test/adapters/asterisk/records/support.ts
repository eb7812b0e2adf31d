/** Tables of records as a PBX writes them, filled from the recordings of FreePBX, and what they tell. */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readCsv } from '../../../../adapters/asterisk/records/csv.ts';
import { type RawTables, tableEvents } from '../../../../adapters/asterisk/records/tables.ts';
import { callsOfCdr } from '../../../../src/call/cdr/backfill.ts';
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
export function everything(kinds: readonly ('cdr' | 'cel')[] = ['cdr', 'cel']): {
  readonly tables: RawTables;
  readonly calls: Map<string, CallRecord>;
} {
  const all = recordings
    .map(tablesOf)
    .map(({ cdr, cel }) => ({ cdr: kinds.includes('cdr') ? cdr : [], cel: kinds.includes('cel') ? cel : [] }));
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
