/**
 * How late this program runs: what was to happen in a tenth of a second, and happened later. Measured while young requests are
 * under way, whose starts and answers would be read late as well.
 */
import type { Clock } from '../ports.ts';

export interface Lateness {
  /** A request started. */
  measure(): void;
  /** Something is to be decided by the clock: what should have been measured by now is told first. */
  look(): void;
}

const EVERY_MS = 100;
const YOUNG_MS = 5000;

/** `underWay`: requests, with the monotonic ms of their start. `late` hears by how many ms this program ran late, and when. */
export function createLateness(
  clock: Clock,
  underWay: ReadonlySet<{ readonly since: number }>,
  late: (ms: number, now: number) => void,
): Lateness {
  /** When the next measurement should be; `null`: none is under way. */
  let due: number | null = null;

  function look(): void {
    const now = clock.monotonic();
    if (due !== null && now > due) late(now - due, now);
  }

  function measure(): void {
    const now = clock.monotonic();
    if (due !== null || ![...underWay].some(({ since }) => now - since < YOUNG_MS)) return;
    due = now + EVERY_MS;
    clock.after(EVERY_MS, () => {
      look();
      due = null;
      measure();
    });
  }

  return { measure, look };
}
