/** Rows of which nothing can be stored: left alone for a while, longer each time, so that one of them costs nobody else anything. */
import { events } from '../events.ts';
import type { Clock, Log } from '../ports.ts';

export interface Shelf {
  put(id: number, sessionId: string, why: string): void;
  forget(id: number): void;
  /** Rows to be left alone now. */
  ids(): readonly number[];
  /** Nobody waits for them any more: a timer that is left would keep the process from ending. */
  stop(): void;
}

const FIRST_MS = 30_000;
const LONGEST_MS = 1_800_000;

/** `onFree` is called when a row may be taken again. */
export function createShelf(clock: Clock, log: Log, onFree: () => void): Shelf {
  const rows = new Map<number, { until: number; times: number }>();
  const timers = new Set<() => void>();
  let stopped = false;

  return {
    put(id, sessionId, why) {
      const times = (rows.get(id)?.times ?? 0) + 1;
      const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(10, times - 1));
      rows.set(id, { until: clock.monotonic() + wait, times });
      if (!stopped) {
        const cancel = clock.after(wait, () => {
          timers.delete(cancel);
          onFree();
        });
        timers.add(cancel);
      }
      events.callNotStored(log, sessionId, why, wait);
    },
    forget: (id) => void rows.delete(id),
    ids: () => [...rows].flatMap(([id, { until }]) => (until > clock.monotonic() ? [id] : [])),
    stop() {
      stopped = true;
      for (const cancel of timers) cancel();
      timers.clear();
    },
  };
}
