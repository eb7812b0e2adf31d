/**
 * Storing events: through the database thread with group commit, as the daemon does it, against the plain way of one
 * transaction for each event on the main thread. Both make every event durable (WAL, synchronous=FULL) and use the same
 * statements. Events arrive 20 in a turn of the event loop, as a busy socket hands them on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { journalModule } from '../adapters/sqlite/journal/journal.ts';
import { sqliteJournal } from '../adapters/sqlite/journal/port.ts';
import { prepare, runsOf } from '../adapters/sqlite/journal/runs.ts';
import { openConnection } from '../adapters/sqlite/thread/connection.ts';
import { openDatabase } from '../adapters/sqlite/thread/database.ts';
import { migrate } from '../adapters/sqlite/thread/migrate.ts';
import type { JournalBatch } from '../src/ports.ts';

/** The plain way gets fewer: on a disk that takes 5 ms for a sync it stores 200 in a second. */
const GROUPED_EVENTS = 20_000;
const PLAIN_EVENTS = 2_000;
const EVENTS_PER_TURN = 20;
/** The usual size of an AMI packet, bytes. */
const RAW_BYTES = 475;
const RESOLUTION_MS = 1;

interface Measured {
  readonly eventsPerSecond: number;
  /** How late timers of the main thread were, ms. */
  readonly delayP99: number;
  readonly delayMax: number;
}

function oneEvent(number: number): JournalBatch {
  const stamp = { source: 'bench', at: number, receivedAt: number };
  const raw = new Uint8Array(RAW_BYTES).fill(number % 256);
  const event = { ...stamp, kind: 'answered', channel: `1700000000.${number >> 3}` } as const;
  return { frames: [{ ...stamp, events: [event], raw }], opened: [], released: [], ended: [] };
}

/** Hands on events turn by turn, then waits for `finish`. */
async function measure(
  events: number,
  store: (batch: JournalBatch) => void,
  finish: () => Promise<void>,
): Promise<Measured> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const start = performance.now();
  for (let number = 0; number < events; number++) {
    store(oneEvent(number));
    if (number % EVENTS_PER_TURN === EVENTS_PER_TURN - 1) await nextTurn();
  }
  await finish();
  const seconds = (performance.now() - start) / 1_000;
  delay.disable();
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  return { eventsPerSecond: events / seconds, delayP99: late(delay.percentile(99)), delayMax: late(delay.max) };
}

async function onTheMainThread(path: string): Promise<Measured> {
  const db = openConnection(path);
  migrate(db);
  const journal = journalModule([])(db);
  const measured = await measure(
    PLAIN_EVENTS,
    (batch) => void journal.commit(runsOf([prepare(batch)]), prepare(batch).ended, 1),
    () => Promise.resolve(),
  );
  db.close();
  return measured;
}

async function throughTheThread(path: string): Promise<Measured> {
  const db = await openDatabase(path);
  const after = (ms: number, run: () => void): (() => void) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  };
  const journal = sqliteJournal(db, { clock: { now: Date.now, after }, readerOf: () => null });
  const commits: Promise<unknown>[] = [];
  const measured = await measure(
    GROUPED_EVENTS,
    (batch) => commits.push(journal.commit(batch)),
    async () => void (await Promise.all(commits)),
  );
  await db.close();
  return measured;
}

/** Prints events per second and the delay of the main thread for both, and their ratio. */
export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-bench-'));
  try {
    const plain = await onTheMainThread(join(folder, 'plain.db'));
    const grouped = await throughTheThread(join(folder, 'grouped.db'));
    const line = (name: string, { eventsPerSecond, delayP99, delayMax }: Measured): string =>
      `${name.padEnd(44)} ${eventsPerSecond.toFixed(0).padStart(8)} events/s` +
      `   main thread late by p99 ${delayP99.toFixed(1)} ms, max ${delayMax.toFixed(1)} ms`;
    console.log(`Journal: durable events of ${RAW_BYTES} raw bytes, ${EVENTS_PER_TURN} in a turn`);
    console.log(line('one transaction per event, main thread', plain));
    console.log(line('group commit, database thread', grouped));
    const ratio = grouped.eventsPerSecond / plain.eventsPerSecond;
    console.log(`group commit / transaction per event: ${ratio.toFixed(2)} times the throughput`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await run();
