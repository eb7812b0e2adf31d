/** The records of the recorded calls, laid down as FreeSWITCH lays them down. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CdrLeg } from '../../../../adapters/freeswitch/cdr/leg.ts';
import { legEvents } from '../../../../adapters/freeswitch/cdr/leg.ts';
import { callsOfCdr } from '../../../../src/call/cdr/calls.ts';
import type { Span } from '../../../../src/call/cdr/coverage.ts';
import { DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import type { CallRecord } from '../../../../src/call/record.ts';
import type { CallRecords, RecordedCalls, RecordsPage, WantedCall } from '../../../../src/records/port.ts';
import { bytesOf } from '../../../support/cdr.ts';
import { labPlan, type Scenario } from '../../../support/recordings.ts';

export const SOURCE = 'freeswitch';

/** A leg as mod_json_cdr recorded it. */
export interface RecordedBody {
  /** `<uuid>.cdr.json`. */
  readonly file: string;
  readonly bytes: Buffer;
  readonly leg: CdrLeg;
}

export function bodiesOf(scenario: Scenario): RecordedBody[] {
  const lines = bytesOf(scenario, 'json_cdr.jsonl.gz').toString().trimEnd().split('\n');
  return lines.map((line) => {
    const { file, bodyBase64 } = JSON.parse(line) as { file: string; bodyBase64: string };
    const bytes = Buffer.from(bodyBase64, 'base64');
    return { file, bytes, leg: legEvents(JSON.parse(bytes.toString()), file, SOURCE) };
  });
}

/** A folder for one test, removed at its end. */
export function temporary(t: { teardown(done: () => void): unknown }): string {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-records-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs as somebody whom rights stop: root is not, and tests may be run by it. */
export async function stoppedByRights<T>(folder: string, run: () => Promise<T>): Promise<T> {
  const root = process.geteuid?.() === 0;
  chmodSync(folder, 0o755);
  if (root) process.seteuid?.(65_534);
  try {
    return await run();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

/** Writes a file that is as old as what it tells of; `at`: ms since the epoch. */
export function lay(folder: string, name: string, content: Uint8Array | string, at: number): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  utimesSync(path, at / 1000, at / 1000);
  return path;
}

export interface Told {
  readonly pages: readonly RecordsPage[];
  /** The calls of all pages, each page by itself. */
  readonly calls: readonly CallRecord[];
  /** What was skipped, counted by sentence. */
  readonly skipped: Readonly<Record<string, number>>;
}

export async function told(records: CallRecords, span: Span, plan = labPlan('freeswitch'), aheadMs = 0): Promise<Told> {
  const pages: RecordsPage[] = [];
  for await (const page of records.read(span, aheadMs)) pages.push(page);
  const calls = pages.flatMap(({ events }) => callsOfCdr(events, SOURCE, plan, DEFAULT_RULES));
  const skipped: Record<string, number> = {};
  for (const { why, count } of pages.flatMap((page) => page.skipped)) skipped[why] = (skipped[why] ?? 0) + count;
  return { pages, calls: calls.map(({ record }) => record), skipped };
}

/** The times of the legs. */
export function spanOfLegs(legs: readonly { readonly leg: CdrLeg }[]): Span {
  return {
    from: Math.min(...legs.map(({ leg }) => leg.startedAt)),
    to: Math.max(...legs.map(({ leg }) => leg.endedAt)),
  };
}

export const idsOf = (calls: readonly CallRecord[]): string[] => calls.map((call) => call.callSessionId).sort();

/** What a place finds of calls. */
export async function found(records: CallRecords, wanted: readonly WantedCall[]) {
  const parts: RecordedCalls[] = [];
  for await (const part of records.find(wanted)) parts.push(part);
  const calls = parts.flatMap(({ events }) => callsOfCdr(events, SOURCE, labPlan('freeswitch'), DEFAULT_RULES));
  return { calls: calls.map(({ record }) => record), skipped: parts.flatMap(({ skipped }) => skipped) };
}
