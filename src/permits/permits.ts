/**
 * The one way to the CRM. A permit is made durable before the first byte leaves, so a restart can never breach the limit:
 * the store is told "so many requests may start until monotonic t", and a request whose permit has run out by the time it
 * could start, because disk or event loop were slow, gets another one.
 *
 * Of the live calls the latest goes first. While many requests are slow, only what has just come goes: slow answers hold
 * entries of the window, and all of them together must not hold up the next call.
 */
import { type Condition, onceEach } from '../condition.ts';
import type { Clock } from '../ports.ts';
import { createAdmission, type UnderWay, type Waiter } from './admission.ts';
import { createAllowance } from './allowance.ts';
import { daySpent, over, permitsNotStored, rateLimited } from './conditions.ts';
import { createFairness, paceOf, type Waiting } from './fairness.ts';
import { createLateness } from './lateness.ts';
import {
  type LimitPolicy,
  type Permit,
  type PermitMemory,
  type PermitSnapshot,
  type PermitStore,
  type Permits,
  PermitsClosed,
  type Priority,
  type RateRefusal,
} from './port.ts';
import { createRecovery } from './recovery.ts';
import { createReservations, lastsMs, type Reservation } from './reservations.ts';
import { configured } from './tuning.ts';
import { restoredWindow } from './window.ts';

/** Permits as delivery runs them. */
export interface PermitOffice extends Permits {
  /** Requests under way in this class. */
  underWay(priority: Priority): number;
  /** While many requests are slow: only what came after this moment gets permits (monotonic ms); else `null`. */
  slowSince(): number | null;
  /** A request of class `retry` came to an end. */
  retried(worked: boolean): void;
  /** Ends the wait after a refusal and goes on at the configured rate. */
  resume(): void;
  /** Everything that waits is rejected with `PermitsClosed`; requests under way go on. */
  close(): void;
  snapshot(): PermitSnapshot;
}

export interface PermitParts {
  readonly store: PermitStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limit: LimitPolicy;
  /** Names this life of this process. */
  readonly owner: string;
  /** The CRM's name, for messages. */
  readonly crm: string;
  readonly onCondition: (condition: Condition) => void;
}

const STORE_RETRY_MS = 1000;
/** Others had the rest of the window: asked again not sooner than that. */
const OTHERS_AGAIN_MS = 20;

/** Takes up what is remembered of earlier lives. Rejects when the store cannot be read. */
export async function openPermits(parts: PermitParts): Promise<PermitOffice> {
  const memory = await parts.store.load({ bootId: parts.clock.bootId });
  return createPermits({ ...parts, onCondition: onceEach(parts.onCondition) }, memory);
}

function createPermits(parts: PermitParts, memory: PermitMemory): PermitOffice {
  const { store, clock, random, limit, crm, onCondition } = parts;
  const window = restoredWindow(limit, clock.monotonic(), memory);
  const allowance = createAllowance(limit.perDay, { day: memory.day, used: memory.usedToday });
  const fairness = createFairness();
  const reservations = createReservations(store, clock, parts.owner);
  const admission = createAdmission<Reservation>(limit.concurrency);
  const { underWay } = admission;
  const lateness = createLateness(clock, admission.underWay, (ms, now) => window.late(ms, now));
  const recovery = createRecovery(window, clock, configured(limit), {
    grown: saveTuning,
    over: () => onCondition(over('crm-rate-limited')),
  });
  let closed = false;
  let cancelTimer: (() => void) | null = null;

  /** Those whom the day's allowance and the requests under way still let go. */
  function admitted(now: number): Waiting {
    const all = admission.admitted(now);
    const day = clock.now();
    if (allowance.left(day, false) + reservations.count > 0) return all;
    if (allowance.left(day, true) + reservations.count <= 0) return { live: 0, backlog: 0, retry: 0, background: 0 };
    // Live calls need probes and users, too.
    return { live: all.live, backlog: 0, retry: 0, background: all.background };
  }

  function arm(ms: number): void {
    cancelTimer?.();
    const wait = Math.max(1, Math.ceil(ms));
    const due = clock.monotonic() + wait;
    cancelTimer = clock.after(wait, () => {
      cancelTimer = null;
      window.late(clock.monotonic() - due, clock.monotonic());
      pump();
    });
  }

  function pump(): void {
    while (!closed && !reservations.asking) {
      const now = clock.monotonic();
      // After a stop of the whole program an answer may be read before the timers run.
      lateness.look();
      recovery.look(now);
      allowance.giveBack(reservations.expire(now));
      const ready = admitted(now);
      const pick = fairness.pick(ready, now, paceOf(window, admission.nextCameAt('live', now), now));
      if (pick === null) {
        idle(now);
        return;
      }
      const wait = Math.max(window.freeAt(now) - now, typeof pick === 'number' ? pick : 0);
      if (wait === Number.POSITIVE_INFINITY) return;
      if (reservations.count === 0 && wait <= reservations.ahead) {
        refill(now, now + Math.max(0, wait), ready);
        return;
      }
      if (wait > 0 || typeof pick === 'number') {
        arm(reservations.count === 0 ? wait - reservations.ahead : wait);
        return;
      }
      grant(pick, ready, now);
    }
  }

  function grant(priority: Priority, ready: Waiting, now: number): void {
    const waiter = admission.next(priority, now);
    if (waiter === undefined) return;
    const reservation = reservations.take();
    if (reservation === undefined) return;
    fairness.served(priority, ready, now);
    waiter.grant(reservation, now);
  }

  /** Nothing may go now: nobody waits, the day's allowance is spent, or too many requests are under way. */
  function idle(now: number): void {
    const all = admission.waiting();
    if (all.live + all.backlog + all.retry + all.background === 0) return;
    if (allowance.left(clock.now(), all.live > 0) + reservations.count <= 0) {
      onCondition(daySpent(limit.perDay ?? 0, allowance.left(clock.now(), true) <= 0));
      arm(Math.min(600_000, allowance.untilTomorrow(clock.now())));
      return;
    }
    // The end of a request makes room by itself.
    const room = admission.roomIn(now);
    if (room !== null) arm(room);
  }

  function refill(now: number, from: number, ready: Waiting): void {
    const { requests, windowMs } = window.tuning;
    const { spanMs } = window;
    const lasts = lastsMs(windowMs);
    const wanted = ready.live + ready.backlog + ready.retry + ready.background;
    const usable = Math.max(window.free(now), Math.ceil((requests * lasts) / windowMs));
    const left = allowance.left(clock.now(), ready.live + ready.background > 0);
    if (limit.perDay !== null && allowance.left(clock.now(), false) > 0) onCondition(over('crm-daily-cap'));
    const { day } = allowance;
    const perDay = limit.perDay === null ? null : allowance.used + left;
    // Several at a time, for entries that run out one after the other.
    const standing = { from, lastsMs: lasts, held: window.held(from + lasts), spanMs, requests, day, perDay };
    reservations.ask(Math.max(1, Math.min(wanted, usable, left, limit.concurrency)), standing).then(
      (answer) => {
        window.others(answer.others);
        allowance.counted(answer.usedToday);
        onCondition(over('delivery-store'));
        if (answer.count > 0) pump();
        // Others have what is left of the window.
        else if (!closed) arm(Math.max(OTHERS_AGAIN_MS, window.freeAt(clock.monotonic()) - clock.monotonic()));
      },
      (error: unknown) => {
        onCondition(permitsNotStored(error));
        if (!closed) arm(STORE_RETRY_MS);
      },
    );
  }

  function saveTuning(): void {
    // Only a memory of what was learned: without it the next refusal teaches it again.
    store.tune({ tuning: window.tuning }).catch(() => undefined);
  }

  type Who = Pick<UnderWay, 'priority' | 'cameAt' | 'since'>;
  function permitOf(reservation: Reservation, who: Who, granted: number): Permit {
    const { id, until } = reservation;
    const { since } = who;
    const one: UnderWay = { ...who, since: granted, entry: window.hold(granted) };
    let started = false;
    underWay.add(one);
    lateness.measure();
    return {
      id,
      until,
      waitedMs: granted - since,
      get used() {
        return started;
      },
      start() {
        const now = clock.monotonic();
        if (started || !underWay.has(one)) return false;
        if (until <= now) {
          reservations.lapsed(reservation);
          return false;
        }
        started = true;
        reservations.used(reservation, now);
        // The entry counts from this moment on, not from the one at which it was given.
        window.giveBack(one.entry);
        one.entry = window.take(now);
        one.since = now;
        // Now it is known when this entry comes free.
        if (cancelTimer === null) pump();
        return true;
      },
      [Symbol.dispose]() {
        if (!underWay.delete(one)) return;
        if (started) {
          window.done(one.entry, clock.monotonic());
          admission.ended(clock.monotonic() - one.since);
        } else {
          window.giveBack(one.entry);
          allowance.giveBack(reservations.left());
        }
        pump();
      },
    };
  }

  return {
    acquire(priority, signal, ageMs = 0) {
      if (closed) return Promise.reject(new PermitsClosed());
      if (signal?.aborted === true) return Promise.reject(signal.reason);
      return new Promise<Permit>((resolve, reject) => {
        const since = clock.monotonic();
        const cameAt = since - ageMs;
        const onAbort = (): void => {
          admission.remove(priority, waiter);
          reject(signal?.reason);
        };
        const waiter: Waiter<Reservation> = {
          since,
          cameAt,
          grant(reservation, now) {
            signal?.removeEventListener('abort', onAbort);
            resolve(permitOf(reservation, { priority, cameAt, since }, now));
          },
          reject,
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        admission.add(priority, waiter);
        pump();
      });
    },

    refused(refusal: RateRefusal) {
      window.refused(refusal, clock.monotonic(), random);
      onCondition(rateLimited(crm, window.tuning, clock.now() + Math.max(0, window.heldUntil - clock.monotonic())));
      recovery.refused();
      saveTuning();
    },

    underWay: (priority) => [...underWay].filter((one) => one.priority === priority).length,
    slowSince: () => admission.slowSince(clock.monotonic()),
    retried: (worked) => fairness.retried(worked),

    resume() {
      window.reset(clock.monotonic());
      recovery.look(clock.monotonic());
      saveTuning();
      pump();
    },

    close() {
      closed = true;
      cancelTimer?.();
      recovery.stop();
      for (const waiter of admission.clear()) waiter.reject(new PermitsClosed());
    },

    snapshot() {
      const now = clock.monotonic();
      const heldMs = Math.max(0, window.heldUntil - now);
      return {
        tuning: window.tuning,
        used: window.tuning.requests - window.free(now),
        waiting: admission.waiting(),
        underWay: underWay.size,
        heldMs: Number.isFinite(heldMs) ? heldMs : 0,
        ...allowance.today(clock.now()),
      };
    },
  };
}
