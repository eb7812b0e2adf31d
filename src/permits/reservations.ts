/**
 * Durable leave to start so many requests until a moment of the monotonic clock. Asked for in advance, several at a time,
 * so that neither a slow disk nor the number of commits limits the rate. The store counts the permits of all processes.
 */
import type { Clock } from '../ports.ts';
import type { PermitStore } from './port.ts';

export interface Reservation {
  readonly id: number;
  readonly until: number;
}

/** What the asking process holds itself, and the limit it keeps. */
export interface Standing {
  /** When the first of them can be used, monotonic ms. */
  readonly from: number;
  readonly lastsMs: number;
  /** Places that are still held when they run out. */
  readonly held: number;
  readonly spanMs: number;
  readonly requests: number;
  readonly day: string;
  readonly perDay: number | null;
}

export interface Answer {
  /** How many were given; fewer than asked for when others have the rest. */
  readonly count: number;
  /** Until when each permit of others may have been used. */
  readonly others: readonly number[];
  readonly usedToday: number;
}

export interface Reservations {
  readonly count: number;
  /** True while the store is being asked. */
  readonly asking: boolean;
  /** How long before its use a permit has to be asked for, ms. */
  readonly ahead: number;
  /** Drops what has run out; its requests did not happen. Answers how many. */
  expire(now: number): number;
  take(): Reservation | undefined;
  /** Asks for `count`. Rejects when they could not be stored. */
  ask(count: number, standing: Standing): Promise<Answer>;
}

const LASTS_MAX_MS = 1000;
const AHEAD_MAX_MS = 500;

/**
 * How long a reservation lasts beyond the time the store takes, ms. To everybody else it may be used at its very end, so the
 * longer it lasts beside its window, the more of the window is nobody's.
 */
export const lastsMs = (windowMs: number): number => Math.min(LASTS_MAX_MS, windowMs / 5);

/** `owner` names this life of this process. */
export function createReservations(store: PermitStore, clock: Clock, owner: string): Reservations {
  let open: Reservation[] = [];
  let asking = false;
  let storeMs = 1;
  let unused = 0;

  const ahead = (): number => Math.min(AHEAD_MAX_MS, 4 * storeMs + 2);

  return {
    get count() {
      return open.length;
    },
    get asking() {
      return asking;
    },
    get ahead() {
      return ahead();
    },
    expire(now) {
      const valid = open.filter((one) => one.until > now);
      const expired = open.length - valid.length;
      open = valid;
      unused += expired;
      return expired;
    },
    take: () => open.shift(),
    async ask(count, standing) {
      const now = clock.monotonic();
      const { lastsMs: lasts, ...limit } = standing;
      const until = now + ahead() + lasts;
      const { bootId } = clock;
      const givenBack = unused;
      asking = true;
      try {
        // What is reserved and not yet taken is held, too.
        const held = standing.held + open.length;
        const asked = { held, bootId, owner, now, until, count, unused: givenBack };
        const answer = await store.reserve({ ...limit, ...asked });
        unused -= givenBack;
        storeMs = 0.8 * storeMs + 0.2 * (clock.monotonic() - now);
        open.push(...answer.ids.map((id) => ({ id, until })));
        return { count: answer.ids.length, others: answer.others, usedToday: answer.usedToday };
      } finally {
        asking = false;
      }
    },
  };
}
