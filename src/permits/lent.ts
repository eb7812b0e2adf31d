/**
 * Permits that the daemon lends to another program of this machine, for a request of its own (`check-config`). That leaves in the other
 * program, when a connection is up: so it is told until when, and its place is held for longer than that.
 */
import type { Clock } from '../ports.ts';
import { onPermit, type Permits, PermitsClosed } from './port.ts';

export interface Lent {
  /** The request may leave before this moment: monotonic ms of this boot, which all programs of a machine share. */
  readonly until: number;
}

/** No permit is lent for longer, ms. */
const LENT_MS = 1000;
/** Its place is held for so long after that: it counts from its end, less what an answer takes. */
const HELD_MS = 4000;

/** Takes a permit and lends it. Rejects with `PermitsClosed` when delivery is stopping. */
export function lend(permits: Permits, clock: Pick<Clock, 'monotonic' | 'after'>): Promise<Lent> {
  return new Promise((resolve, reject) => {
    onPermit(permits, { priority: 'background' }, async (leaves, permit) => {
      if (!leaves()) return null;
      const now = clock.monotonic();
      // No longer than it is stored for: the next life of the daemon knows nothing else of it.
      const until = Math.min(permit.until, now + LENT_MS);
      resolve({ until });
      await new Promise<void>((ended) => clock.after(until - now + HELD_MS, ended));
      return {};
    }).catch(reject);
  });
}

/** Permits of the program that borrows them. `ask`: one from the daemon; `null`: it has none. */
export function borrowed(ask: () => Promise<Lent | null>, clock: Pick<Clock, 'monotonic'>): Permits {
  return {
    async acquire() {
      const since = clock.monotonic();
      const lent = await ask();
      if (lent === null) throw new PermitsClosed();
      const { until } = lent;
      let used = false;
      return {
        id: 0,
        until,
        waitedMs: clock.monotonic() - since,
        get used() {
          return used;
        },
        start() {
          if (used || until <= clock.monotonic()) return false;
          used = true;
          return true;
        },
        [Symbol.dispose]: () => undefined,
      };
    },
    // The daemon learns its limit from its own requests.
    refused: () => undefined,
  };
}
