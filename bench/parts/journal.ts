/**
 * Storing events: through the database thread with group commit, as the daemon does it, against the plain way of one
 * transaction of rows for each event on the main thread. Both make every event durable (WAL, synchronous=FULL). Events arrive
 * 20 in a turn of the event loop, as a busy socket hands them on.
 */
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JournalBatch } from '../../src/ports.ts';
import { openJournal } from '../support/journal.ts';
import { discard, scratch } from '../support/process.ts';
import type { Line, Options } from '../support/report.ts';
import { oldRows } from '../support/rows.ts';

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

function onTheMainThread(path: string, events: number): Promise<Measured> {
  const rows = oldRows(path);
  const measured = measure(
    events,
    ({ frames }) => rows.commit(frames),
    () => Promise.resolve(),
  );
  return measured.finally(rows.close);
}

async function throughTheThread(path: string, events: number): Promise<Measured> {
  const journal = await openJournal(path);
  const commits: Promise<unknown>[] = [];
  const measured = await measure(
    events,
    (batch) => commits.push(journal.commit(batch)),
    async () => void (await Promise.all(commits)),
  );
  await journal.close();
  return measured;
}

/** Events per second of both, and how late the main thread was. */
export async function run({ short, print }: Options): Promise<Line[]> {
  const folder = scratch();
  try {
    const plain = await onTheMainThread(join(folder, 'plain.db'), short ? PLAIN_EVENTS / 4 : PLAIN_EVENTS);
    const grouped = await throughTheThread(join(folder, 'grouped.db'), short ? GROUPED_EVENTS / 2 : GROUPED_EVENTS);
    print(`Journal: durable events of ${RAW_BYTES} raw bytes, ${EVENTS_PER_TURN} in a turn`);
    return [
      {
        measure: 'durable events by group commit, beside one transaction each',
        unit: 'events/s',
        value: grouped.eventsPerSecond,
        baseline: plain.eventsPerSecond,
      },
      { measure: 'main thread late meanwhile, p99', unit: 'ms', value: grouped.delayP99, baseline: plain.delayP99 },
      { measure: 'main thread late meanwhile, at most', unit: 'ms', value: grouped.delayMax, baseline: plain.delayMax },
    ];
  } finally {
    discard(folder);
  }
}
