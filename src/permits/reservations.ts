/**
 * Durable leave to start so many requests until a moment of the monotonic clock. Asked for in advance, several at a time,
 * so that neither a slow disk nor the number of commits limits the rate. The store counts the permits of all processes.
 *
 * How long a request needs from the asking to its start is not known beforehand: the commit of the permit, that of the intent of a
 * post, and whatever keeps this program from running. So each permit that ran out before its request could leave makes the next ones
 * last twice as long, and requests that left early make them shorter again: however slow the disk, some permit lasts.
 */
import type { Clock } from '../ports.ts';
import type { PermitStore } from './port.ts';

export interface Reservation {
  readonly id: number;
  /** Times: monotonic ms. */
  readonly askedAt: number;
  readonly until: number;
  /** So many times as long as it should need it lasts. */
  readonly stretch: number;
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
  /** The request of one that was taken left at `now`. */
  used(reservation: Reservation, now: number): void;
  /** One that was taken ran out before its request could leave. */
  lapsed(reservation: Reservation): void;
  /** The request of one that was taken did not happen. Answers how many are given back to the day's allowance. */
  left(): number;
  /** Asks for `count`. Rejects when they could not be stored. */
  ask(count: number, standing: Standing): Promise<Answer>;
}

const LASTS_MAX_MS = 1000;
const AHEAD_MAX_MS = 500;
/** No permit is good for longer, ms: to the next life, and to other processes, it may be used at its very end. */
const LIFE_MAX_MS = 120_000;
/** A request that left in a quarter of the time that its permit had makes the next ones last a tenth less. */
const EARLY = 4;
const SHORTER = 0.9;

/**
 * How long a reservation lasts beyond the time the store takes, ms, at least. To everybody else it may be used at its very end, so the
 * longer it lasts beside its window, the more of the window is nobody's.
 */
export const lastsMs = (windowMs: number): number => Math.min(LASTS_MAX_MS, windowMs / 5);

/** `owner` names this life of this process. */
export function createReservations(store: PermitStore, clock: Clock, owner: string): Reservations {
  let open: Reservation[] = [];
  let asking = false;
  let storeMs = 1;
  let unused = 0;
  let stretch = 1;

  /** Those that were asked for together ran out together: once. */
  const lapsed = (one: Omit<Reservation, 'id'>): void => {
    if (one.until - one.askedAt < LIFE_MAX_MS) stretch = Math.max(stretch, 2 * one.stretch);
  };

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
    used({ askedAt, until }, now) {
      if ((now - askedAt) * EARLY < until - askedAt) stretch = Math.max(1, stretch * SHORTER);
    },
    lapsed,
    left() {
      unused += 1;
      return 1;
    },
    async ask(count, standing) {
      const now = clock.monotonic();
      const { lastsMs: lasts, ...limit } = standing;
      const until = now + Math.min(LIFE_MAX_MS, stretch * (ahead() + lasts));
      const times = { askedAt: now, until, stretch };
      const { bootId } = clock;
      const givenBack = unused;
      asking = true;
      try {
        // What is reserved and not yet taken is held, too.
        const held = standing.held + open.length;
        const asked = { held, bootId, owner, now, until, count, unused: givenBack };
        const answer = await store.reserve({ ...limit, ...asked });
        unused -= givenBack;
        const answeredAt = clock.monotonic();
        storeMs = 0.8 * storeMs + 0.2 * (answeredAt - now);
        if (until <= answeredAt) lapsed(times);
        open.push(...answer.ids.map((id) => ({ id, ...times })));
        return { count: answer.ids.length, others: answer.others, usedToday: answer.usedToday };
      } finally {
        asking = false;
      }
    },
  };
}
