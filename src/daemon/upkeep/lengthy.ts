/** What keeps the database from answering for minutes, and is no sign that it is stuck. */
import type { Clock } from '../../ports.ts';

export interface Lengthy {
  /** Work that the database does in one go. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Asks the database whether it answers; while such work is under way, at once. */
  alive(ask: () => Promise<unknown>): Promise<unknown>;
}

/** Work that takes longer is stuck, ms. */
const LONGEST_MS = 3_600_000;

export function createLengthy(clock: Pick<Clock, 'monotonic'>): Lengthy {
  const begun = new Set<{ readonly at: number }>();
  return {
    async during(work) {
      const one = { at: clock.monotonic() };
      begun.add(one);
      try {
        return await work();
      } finally {
        begun.delete(one);
      }
    },
    async alive(ask) {
      for (const { at } of begun) if (clock.monotonic() - at < LONGEST_MS) return;
      await ask();
    },
  };
}
