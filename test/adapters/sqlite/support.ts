/** What the tests of the database share: temporary files, events, records, and a look into the WAL. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Run } from '../../../adapters/sqlite/journal/journal.ts';
import { prepare, runsOf } from '../../../adapters/sqlite/journal/runs.ts';
import type { SessionRow } from '../../../adapters/sqlite/sessions/row.ts';
import { openConnection } from '../../../adapters/sqlite/thread/connection.ts';
import { migrate } from '../../../adapters/sqlite/thread/migrate.ts';
import type { Connection } from '../../../adapters/sqlite/thread/rpc.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import type { Clock, JournalBatch, SourceFrame } from '../../../src/ports.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';

export function tempFolder(t: { teardown(run: () => void): unknown }): string {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-sqlite-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An empty database with the whole schema; made once, as the migrations take longer than most tests. */
let empty: Buffer | null = null;

/** A database in memory with the whole schema, for modules called directly. */
export function memoryDatabase(): Connection {
  if (empty === null) {
    const db = openConnection(':memory:');
    migrate(db);
    empty = db.serialize();
    db.close();
  }
  const db = new BetterSqlite3(empty);
  db.pragma('foreign_keys = ON');
  db.pragma('temp_store = MEMORY');
  return db;
}

/** A clock whose pauses end when the test says so. */
export function manualClock(now = 1_000): Pick<Clock, 'now' | 'after'> & { readonly pauses: number[]; fire(): void } {
  let waiting: { readonly run: () => void }[] = [];
  const pauses: number[] = [];
  return {
    pauses,
    now: () => now,
    after(ms, run) {
      const entry = { run };
      pauses.push(ms);
      waiting.push(entry);
      return () => {
        waiting = waiting.filter((other) => other !== entry);
      };
    },
    fire() {
      const due = waiting;
      waiting = [];
      for (const { run } of due) run();
    },
  };
}

export function answered(channel: string, receivedAt: number, source = 'pbx'): CallEvent {
  return { kind: 'answered', source, channel, at: receivedAt, receivedAt };
}

export function connected(receivedAt: number, source = 'pbx'): CallEvent {
  return { kind: 'source-connected', source, at: receivedAt, receivedAt, boot: 'b1', bootedAt: null };
}

export function lost(receivedAt: number, source = 'pbx'): CallEvent {
  return { kind: 'source-lost', source, at: receivedAt, receivedAt, orderly: false, reason: 'reset' };
}

export function frame(event: CallEvent, raw: Uint8Array | null = null): SourceFrame {
  return { source: event.source, receivedAt: event.receivedAt, events: [event], raw };
}

export function batch(part: Partial<JournalBatch>): JournalBatch {
  return { frames: [], opened: [], released: [], ended: [], ...part };
}

/** Stores one batch by the journal of the database thread, called directly or from afar. */
export function commit<R>(
  own: { commit(runs: readonly Run[], ended: readonly SessionRow[], now: number): R },
  part: Partial<JournalBatch>,
  now = 1_000,
): R {
  const prepared = prepare(batch(part));
  return own.commit(runsOf([prepared]), prepared.ended, now);
}

export const on = (channel: string, source = 'pbx') => ({ source, channel });

export function record(callSessionId: string, part: Partial<CallRecord> = {}): CallRecord {
  return {
    callSessionId,
    source: 'pbx',
    direction: 'Inbound',
    status: 'Answered',
    external: '09876543210',
    externalE164: '+919876543210',
    externalName: null,
    withheld: false,
    did: '08041234567',
    didE164: '+918041234567',
    trunk: 'PJSIP/trunk-in',
    queue: null,
    ringGroup: null,
    agent: '1001',
    agentDomain: null,
    responsible: part.agent === undefined ? '1001' : part.agent,
    agentsRung: ['1001', '1002'],
    agentsTalked: [{ ext: '1001', from: 4_000, to: 9_000 }],
    startedAt: 1_000,
    answeredAt: 4_000,
    endedAt: 9_000,
    endBetween: null,
    durationSeconds: 5,
    talkSeconds: 5,
    ringSeconds: 3,
    holdSeconds: 0,
    recording: null,
    recordings: part.recording == null ? [] : [part.recording],
    q850: 16,
    sip: null,
    flags: [],
    legs: 2,
    reasons: null,
    ...part,
  };
}

/**
 * Transactions in the write-ahead log since it last began anew: frames with its salts whose "size after commit" is set
 * (sqlite.org/fileformat2, section 4.1).
 */
export function walTransactions(path: string): number {
  if (!existsSync(`${path}-wal`)) return 0;
  const wal = readFileSync(`${path}-wal`);
  if (wal.length < 32) return 0;
  const size = 24 + wal.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + size <= wal.length; at += size)
    if (wal.readUInt32BE(at + 4) !== 0 && wal.compare(wal, 16, 24, at + 8, at + 16) === 0) commits += 1;
  return commits;
}
