/** Databases as they are after some time: made once in a run, through the journal as the daemon fills it. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { CallRecord } from '../../src/call/record.ts';
import type { JournalBatch } from '../../src/ports.ts';
import { call } from '../../test/delivery/fakes.ts';
import { labPlan } from '../../test/support/recordings.ts';
import { framesOf } from './frames.ts';
import { openJournal } from './journal.ts';
import { scratch } from './process.ts';

export interface Contents {
  /** Calls of which the events are long gone. */
  readonly sessions: number;
  /** Calls with all their events, over the last 30 days. */
  readonly heard: number;
  /** Of the sessions so many are still to be posted; all others are delivered. */
  readonly waiting: number;
}

const MONTH_MS = 30 * 86_400_000;
const AT_ONCE = 200;

const made = new Map<string, Promise<string>>();

/** Copies a database with these contents to `path`. */
export async function copyFilled(contents: Contents, path: string): Promise<void> {
  const { sessions, heard, waiting } = contents;
  const key = `${sessions} ${heard}`;
  const file = made.get(key) ?? make(sessions, heard);
  made.set(key, file);
  copyFileSync(await file, path);
  settle(path, waiting);
}

/** The number of the other party of a stored session, national, ten digits: one call has it. */
export const numberOf = (session: number): string => String(9_000_000_000 + session);

function sessionOf(number: number, of: number): CallRecord {
  const startedAt = Date.now() - 2 * MONTH_MS + Math.floor((number / of) * MONTH_MS);
  return call(number, {
    callSessionId: `asterisk-${Math.floor(startedAt / 1000)}.${number}`,
    source: 'asterisk',
    external: `0${numberOf(number)}`,
    externalE164: `+91${numberOf(number)}`,
    startedAt,
    answeredAt: startedAt + 5000,
    endedAt: startedAt + 65_000,
  });
}

async function make(sessions: number, heard: number): Promise<string> {
  const path = join(scratch(), 'filled.db');
  const journal = await openJournal(path);
  for (let number = 0; number < sessions; number += AT_ONCE) {
    const count = Math.min(AT_ONCE, sessions - number);
    const ended = Array.from({ length: count }, (_, n) => sessionOf(number + n, sessions));
    await journal.commit({ frames: [], opened: [], released: [], ended });
  }
  // A grace of their own: the events of the next call come a moment later.
  const table = new CallTable('asterisk', labPlan('asterisk'), { ...DEFAULT_RULES, graceMs: 0 });
  let commits: Promise<unknown>[] = [];
  for (let number = 0; number < heard; number += 1) {
    const at = Date.now() - MONTH_MS + Math.floor((number / heard) * (MONTH_MS - 60_000));
    commits.push(journal.commit(batchOf(table, number, at)));
    if (commits.length < AT_ONCE) continue;
    await Promise.all(commits);
    commits = [];
  }
  await Promise.all(commits);
  await journal.close();
  return path;
}

function batchOf(table: CallTable, number: number, at: number): JournalBatch {
  const frames = framesOf('asterisk', 'call', number, at);
  const results = [
    ...frames.flatMap(({ events }) => events).map((event) => table.apply(event)),
    table.advance(at + 1000),
  ];
  const channels = (ids: readonly string[]) => ids.map((channel) => ({ source: 'asterisk', channel }));
  return {
    frames,
    opened: channels(results.flatMap(({ opened }) => opened)),
    released: channels(results.flatMap(({ released }) => released)),
    ended: results.flatMap(({ ended }) => ended),
  };
}

/** As if the CRM had taken all calls but the last `waiting`: posting a million would take days. */
function settle(path: string, waiting: number): void {
  const db = new BetterSqlite3(path);
  db.prepare(
    `UPDATE delivery SET state = 'delivered', step = NULL, delivered_at = ended_at
     WHERE id <= (SELECT max(id) FROM delivery) - ?`,
  ).run(waiting);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}
