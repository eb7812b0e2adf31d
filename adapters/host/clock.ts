/** The Clock port on this machine. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../../src/ports.ts';

/** Longest delay a Node timer keeps; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export interface ClockOptions {
  /**
   * Id of this boot. Under systemd it comes from the unit (`%b`), because `ProcSubset=pid` hides the kernel's file;
   * otherwise it is read from there. If neither is to be had, a new one is made: then nothing that was measured on the
   * monotonic clock is believed after a restart of the daemon, which is the safe side.
   */
  readonly bootId?: string | undefined;
  readonly bootIdFile?: string;
}

/** Wall clock, and CLOCK_MONOTONIC, which counts from the boot and so goes on over restarts of the daemon. */
export function createClock(options: ClockOptions = {}): Clock {
  const bootId = options.bootId || readBootId(options.bootIdFile ?? '/proc/sys/kernel/random/boot_id') || randomUUID();
  return {
    now: Date.now,
    monotonic: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
    bootId: bootId.replaceAll('-', '').toLowerCase(),
    after,
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
