/**
 * Keeps the condition about parked calls true: looked at when calls are parked or leave, every minute, as calls are erased, or grow too old
 * to be among the latest, and whenever `status` is asked for.
 */
import type { ParkedCounts } from '../delivery/parked/counts.ts';
import type { Outbox } from '../delivery/store.ts';
import type { Conditions } from '../health/conditions.ts';
import { PARKED, parkedFinding } from '../health/parked.ts';
import type { Clock } from '../ports.ts';

/** Looked at at once, then at most so often, ms: a replay may park thousands in a minute. */
const AGAIN_MS = 10_000;
const EVERY_MS = 60_000;

export function tellParked(conditions: Conditions, counts: ParkedCounts): void {
  const found = parkedFinding(counts);
  if (found === null) conditions.set(PARKED, null);
  else conditions.set(PARKED, found.text, found.severity, { lines: found.lines, gist: found.gist });
}

export interface ParkedWatch {
  /** The same outbox; what it moves into parked, or out of it, is looked at. */
  readonly outbox: Outbox;
  /** Looks from now on; resolves when it was looked at. Rejects when the store cannot be read, which later is asked again by the next look. */
  start(): Promise<void>;
  stop(): void;
}

export function watchParked(outbox: Outbox, conditions: Conditions, clock: Pick<Clock, 'now' | 'after'>): ParkedWatch {
  let stopped = false;
  let cancel: (() => void) | null = null;
  let cancelNext = (): void => {};
  let again = false;

  async function look(): Promise<void> {
    const { parked } = await outbox.counts({ now: clock.now() });
    tellParked(conditions, parked);
  }

  function soon(): void {
    if (stopped) return;
    if (cancel !== null) {
      again = true;
      return;
    }
    cancel = clock.after(AGAIN_MS, () => {
      cancel = null;
      if (again) soon();
      again = false;
    });
    look().catch(() => undefined);
  }

  function later(): void {
    cancelNext = clock.after(EVERY_MS, () => {
      soon();
      later();
    });
  }

  return {
    async start() {
      await look();
      if (!stopped) later();
    },
    stop() {
      stopped = true;
      cancel?.();
      cancelNext();
    },
    outbox: {
      ...outbox,
      async settle(args) {
        const done = await outbox.settle(args);
        if (args.items.some(({ to }, at) => done[at] === true && to.state === 'parked')) soon();
        return done;
      },
      async requeue(args) {
        const count = await outbox.requeue(args);
        if (count > 0) soon();
        return count;
      },
    },
  };
}
