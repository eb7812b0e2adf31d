/**
 * How late this program runs: what was to happen in a tenth of a second, and happened later. Measured while young requests are
 * under way, whose starts and answers would be read late as well.
 */
import type { Clock } from '../ports.ts';

export interface Lateness {
  /** A request started. */
  measure(): void;
}

const EVERY_MS = 100;
const YOUNG_MS = 5000;

/** `underWay`: requests, with the monotonic ms of their start. `late` hears by how many ms this program ran late, and when. */
export function createLateness(
  clock: Clock,
  underWay: ReadonlySet<{ readonly since: number }>,
  late: (ms: number, now: number) => void,
): Lateness {
  let measuring = false;

  function measure(): void {
    const now = clock.monotonic();
    if (measuring || ![...underWay].some(({ since }) => now - since < YOUNG_MS)) return;
    measuring = true;
    const due = now + EVERY_MS;
    clock.after(EVERY_MS, () => {
      measuring = false;
      const at = clock.monotonic();
      late(at - due, at);
      measure();
    });
  }

  return { measure };
}
