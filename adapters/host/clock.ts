/** The Clock port on this machine. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Clock, ClockNews } from '../../src/ports.ts';

/** Longest delay a Node timer keeps; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;
/** How often the clocks are compared when nobody asks for the time, ms. */
const LOOK_MS = 1_000;
/** A wall clock that is farther from where it should be has been set, ms. */
const STEP_MS = 500;
/** A look that comes later than this, ms, was kept waiting: this process, or this machine, stood still. */
const STALL_MS = 2_000;

export interface ClockOptions {
  /**
   * Id of this boot. Under systemd it comes from the unit (`%b`), because `ProcSubset=pid` hides the kernel's file;
   * otherwise it is read from there. If neither is to be had, a new one is made: then nothing that was measured on the
   * monotonic clock is believed after a restart of the daemon, which is the safe side.
   */
  readonly bootId?: string | undefined;
  readonly bootIdFile?: string;
  /** The clocks of the machine, which a test sets as it likes. */
  readonly machine?: Machine;
}

/** What a machine counts, all in ms. */
export interface Machine {
  /** Wall clock: since the epoch, UTC. May be set. */
  wall(): number;
  /** CLOCK_MONOTONIC: since the boot, without the time for which the machine was suspended. */
  monotonic(): number;
  /** CLOCK_BOOTTIME: the same with that time; to about 10 ms. */
  sinceBoot(): number;
  after(ms: number, run: () => void): () => void;
}

/** `performance.now()` counts on the same clock from the start of the process, and costs a fraction. */
const origin = Number(process.hrtime.bigint()) / 1e6 - performance.now();

const machine: Machine = {
  wall: Date.now,
  monotonic: () => origin + performance.now(),
  sinceBoot: () => uptime() * 1000,
  after,
};

/**
 * Wall clock, and CLOCK_MONOTONIC, which counts from the boot and so goes on over restarts of the daemon.
 *
 * While somebody watches, the time told is the wall clock at the beginning and what CLOCK_MONOTONIC has counted since: it does not
 * step. Both clocks are compared once a second and whenever the time is asked for, so that what is told of a step, or of a standstill,
 * comes before the first time that is told after it. A suspended machine has stood still; its wall clock has not been set.
 */
export function createClock(options: ClockOptions = {}): Clock {
  const { wall, monotonic, sinceBoot, after } = options.machine ?? machine;
  const bootId = options.bootId || readBootId(options.bootIdFile ?? '/proc/sys/kernel/random/boot_id') || randomUUID();
  const watchers = new Set<(news: ClockNews) => void>();
  /** The wall clock less the monotonic one. */
  let anchor = 0;
  /** How long the machine was suspended since its boot. */
  let suspended = 0;
  /** When the next look is late, on the monotonic clock. */
  let lateAt = Number.POSITIVE_INFINITY;
  let cancel = () => {};

  const tell = (news: ClockNews): void => {
    for (const hear of [...watchers]) hear(news);
  };

  const now = (): number => {
    if (watchers.size === 0) return wall();
    const steady = monotonic();
    if (steady > lateAt || Math.abs(wall() - steady - anchor) > STEP_MS) look();
    return Math.floor(anchor + steady);
  };

  /** Compares the clocks, and tells what has happened since they were compared last. */
  function look(): void {
    const steady = monotonic();
    const slept = sinceBoot() - steady - suspended;
    const asleep = slept > STEP_MS ? slept : 0;
    const stalledFor = steady - lateAt + STALL_MS + asleep;
    const by = wall() - steady - anchor - asleep;
    suspended += asleep;
    anchor += asleep;
    lateAt = steady + LOOK_MS + STALL_MS;
    cancel();
    cancel = after(LOOK_MS, look);
    if (stalledFor > STALL_MS) tell({ kind: 'stalled', ms: Math.round(stalledFor), at: Math.floor(anchor + steady) });
    if (Math.abs(by) <= STEP_MS) return;
    anchor += by;
    tell({ kind: 'stepped', by: Math.round(by), at: Math.floor(anchor + steady) });
  }

  return {
    now,
    monotonic,
    bootId: bootId.replaceAll('-', '').toLowerCase(),
    after,
    watch(hear) {
      watchers.add(hear);
      if (watchers.size === 1) {
        anchor = wall() - monotonic();
        suspended = sinceBoot() - monotonic();
        lateAt = Number.POSITIVE_INFINITY;
        look();
      }
      return () => {
        watchers.delete(hear);
        if (watchers.size === 0) cancel();
      };
    },
  };
}

function readBootId(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}

function after(ms: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (left: number): void => {
    const part = Math.min(Math.max(left, 0), LONGEST_TIMER_MS);
    timer = setTimeout(() => (left > part ? wait(left - part) : run()), part);
  };
  wait(ms);
  return () => clearTimeout(timer);
}
