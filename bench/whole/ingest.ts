/**
 * Durable events a second, sustained: the journal as the pipeline hands events to it, beside a bare loop that inserts the same
 * bytes in the same groups with the same promise (WAL, synchronous=FULL), a row for each event and no index.
 */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { createClock } from '../../adapters/host/clock.ts';
import { gatherBatches } from '../../src/batches.ts';
import type { SourceFrame } from '../../src/ports.ts';
import { stormFrames } from '../support/frames.ts';
import { openJournal } from '../support/journal.ts';
import { discard, scratch } from '../support/process.ts';
import type { Pbx } from '../support/recorded.ts';
import type { Line, Options } from '../support/report.ts';

const EVENTS: Readonly<Record<Pbx, number>> = { asterisk: 200_000, freeswitch: 50_000 };
const EVENTS_SHORT: Readonly<Record<Pbx, number>> = { asterisk: 25_000, freeswitch: 7000 };
/** As a busy socket hands them on. */
const PER_TURN = 50;
/** What is handed over and not durable yet: the pipeline would pause the socket. */
const UNDER_WAY = 5000;

interface Stored {
  readonly seconds: number;
  /** Events of each durable transaction, by when they were answered. */
  readonly groups: readonly number[];
}

async function throughJournal(path: string, frames: readonly SourceFrame[]): Promise<Stored> {
  const journal = await openJournal(path);
  const groups: number[] = [];
  let answered = 0;
  let open = 0;
  const onStored = (count: number): void => {
    answered += count;
    // All of a group are answered in one turn.
    if (open === 0) {
      setImmediate(() => {
        groups.push(open);
        open = 0;
      });
    }
    open += count;
  };
  const batches = gatherBatches({
    clock: createClock(),
    journal: {
      async commit(batch) {
        const result = await journal.commit(batch);
        onStored(batch.frames.length);
        return result;
      },
    },
    isOpen: () => false,
    onStored: () => {},
    onRefused(error) {
      throw error;
    },
    onPressure: () => {},
  });
  const began = performance.now();
  for (const [number, frame] of frames.entries()) {
    batches.said(frame);
    if (number % PER_TURN === PER_TURN - 1) await nextTurn();
    while (number - answered > UNDER_WAY) await nextTurn();
  }
  await batches.drain();
  const seconds = (performance.now() - began) / 1000;
  await nextTurn();
  await journal.close();
  return { seconds, groups };
}

function bareLoop(path: string, frames: readonly SourceFrame[], groups: readonly number[]): number {
  const db = new BetterSqlite3(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE frame (id INTEGER PRIMARY KEY, raw BLOB) STRICT');
  const insert = db.prepare('INSERT INTO frame (raw) VALUES (?)');
  const commit = db.transaction((some: readonly SourceFrame[]): void => {
    for (const { raw } of some) insert.run(raw);
  });
  const began = performance.now();
  let at = 0;
  for (const count of groups) {
    commit(frames.slice(at, at + count));
    at += count;
  }
  const seconds = (performance.now() - began) / 1000;
  db.close();
  return seconds;
}

async function linesOf(pbx: Pbx, { short, print }: Options): Promise<Line[]> {
  const wanted = (short ? EVENTS_SHORT : EVENTS)[pbx];
  const folder = scratch();
  try {
    const one = stormFrames(pbx, 0);
    const frames = Array.from({ length: wanted }, (_, number) => one[number % one.length]).filter(
      (it) => it !== undefined,
    );
    const { seconds, groups } = await throughJournal(join(folder, 'journal.db'), frames);
    const bare = bareLoop(join(folder, 'bare.db'), frames, groups);
    print(`${pbx}: ${frames.length} events in ${groups.length} groups`);
    return [
      {
        measure: `${pbx} durable ingest, beside a bare loop of inserts`,
        unit: 'events/s',
        value: frames.length / seconds,
        baseline: frames.length / bare,
        bar: { on: 'ratio', least: 0.5 },
      },
    ];
  } finally {
    discard(folder);
  }
}

export async function run(options: Options): Promise<Line[]> {
  return [...(await linesOf('asterisk', options)), ...(await linesOf('freeswitch', options))];
}
