/** The recorded storm over a socket into the daemon, and into the library that only parses it, measured alike. */
import type { ChildProcess } from 'node:child_process';
import { startBeside, startDaemon } from './daemon.ts';
import { type FedPbx, openPbx } from './feeder/pbx.ts';
import type { Played } from './feeder/protocol.ts';
import { storedBytes } from './journal.ts';
import { cpuOf, discard, ended, memoryOf, pause, quiet, scratch } from './process.ts';
import type { Pbx } from './recorded.ts';

export interface Passed extends Played {
  /** CPU of the whole process from the first byte to its rest, us an event. */
  readonly micros: number;
  /** Seconds from the first byte until all of it was taken. */
  readonly seconds: number;
  /** Events that were not sent, as the client took nothing any more. */
  readonly untaken: number;
  /** Most resident memory of its life, MB. */
  readonly peakMb: number;
}

export interface DaemonPassed extends Passed {
  /** Events that did not reach the daemon, by its own count, and those that it did not take. */
  readonly missing: number;
  /** Times the log told of events that the journal could not take. */
  readonly refused: number;
  /** Times the log told of a lost link. */
  readonly lostLinks: number;
  /** Bytes of the database after the end, an event: calls and deliveries included. */
  readonly databaseBytes: number;
}

export const LIBRARY = { asterisk: 'asterisk-manager', freeswitch: 'esl-lite' } as const;

const DAY_MS = 86_400_000;
/** What a client still does after its login, ms. */
const SETTLE_MS = 1000;
/** A client that needs longer for one event, ms, has stuck. */
const LIMIT_PER_EVENT_MS = 2;
const LIMIT_LEAST_MS = 120_000;
const QUIET_WITHIN_MS = 300_000;

async function feed(pbx: FedPbx, child: ChildProcess, tiles: number): Promise<Passed> {
  const pid = child.pid ?? 0;
  await pbx.joined;
  await pause(SETTLE_MS);
  const wanted = tiles * EVENTS[pbx.pbx];
  const limitMs = Math.max(LIMIT_LEAST_MS, LIMIT_PER_EVENT_MS * wanted);
  const before = cpuOf(pid);
  const began = performance.now();
  const played = await pbx.play({
    recording: 'storm',
    tiles,
    firstTile: 0,
    rate: 0,
    beganAt: Date.now() - DAY_MS,
    limitMs,
  });
  const seconds = (performance.now() - began) / 1000;
  await quiet(pid, QUIET_WITHIN_MS);
  const cpu = cpuOf(pid) - before;
  return {
    ...played,
    micros: (cpu / played.events) * 1e6,
    seconds,
    peakMb: memoryOf(pid).peak,
    untaken: wanted - played.events,
  };
}

/** `tiles` repetitions of the storm into the named library. */
export async function throughLibrary(kind: Pbx, tiles: number): Promise<Passed> {
  const pbx = await openPbx(kind, 'storm');
  const child = startBeside(LIBRARY[kind], String(pbx.port));
  try {
    return await feed(pbx, child, tiles);
  } finally {
    await ended(child);
    await pbx.close();
  }
}

/** The same into a daemon that stores everything and leaves all calls out of its posts. */
export async function throughDaemon(kind: Pbx, tiles: number): Promise<DaemonPassed> {
  const pbx = await openPbx(kind, 'storm');
  const folder = scratch();
  const daemon = startDaemon({ folder, pbxs: [pbx] });
  try {
    await daemon.connected;
    const control = await daemon.control();
    // One that does not answer any more has heard nothing, for all that is known.
    const heard = (): Promise<number> =>
      control.call('status', {}).then(
        ({ sources }) => sources[0]?.frames ?? 0,
        () => 0,
      );
    const before = await heard();
    const passed = await feed(pbx, daemon.child, tiles);
    const frames = (await heard()) - before;
    const lostLinks = daemon.logged('pbx-lost');
    const refused = daemon.logged('storage-backlog');
    await daemon.stop();
    const databaseBytes = storedBytes(daemon.database) / passed.events;
    return {
      ...passed,
      missing: Math.max(0, passed.events - frames) + passed.untaken,
      refused,
      lostLinks,
      databaseBytes,
    };
  } finally {
    await daemon.stop();
    await pbx.close();
    discard(folder);
  }
}

const passed = new Map<string, Promise<DaemonPassed>>();

/** As `throughDaemon`, but two benches that ask for the same get the same run. */
export function sharedRun(kind: Pbx, tiles: number): Promise<DaemonPassed> {
  const key = `${kind} ${tiles}`;
  const run = passed.get(key) ?? throughDaemon(kind, tiles);
  passed.set(key, run);
  return run;
}

/** So many repetitions of the storm have at least so many events. */
export const tilesFor = (kind: Pbx, events: number): number => Math.ceil(events / EVENTS[kind]);
const EVENTS = { asterisk: 13_572, freeswitch: 7146 } as const;
