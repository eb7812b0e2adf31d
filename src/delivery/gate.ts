/**
 * The one door to the CRM. A place in the limiter's log is made durable before the first byte leaves, so a restart can
 * never breach the limit: the store is told "so many requests may start until monotonic t" (a cover), and a request whose
 * cover has run out by the time it could start, because disk or event loop were slow, gets a new one.
 *
 * Posts book a place first (`turn`), write their intent, and then send: `run` gives a booked place of the same priority
 * to the first request that comes. If another request took it, the post goes to the head of the queue.
 */
import type { Clock } from '../ports.ts';
import { createAllowance } from './allowance.ts';
import { type OnCondition, onceEach } from './condition.ts';
import { COVER_MS, createCovers } from './covers.ts';
import type { Gate, Priority, RateRefusal } from './crm.ts';
import { createTurns } from './fairness.ts';
import { daySpent, over, rateLimited, slotsNotStored } from './gate-conditions.ts';
import type { LimitPolicy } from './policy.ts';
import { restoredLimiter } from './restore.ts';
import type { SlotMemory, SlotStore, Tuning } from './store.ts';
import type { Place } from './throttle.ts';

/** Nothing was sent: delivery is stopping. */
export class GateClosed extends Error {
  override readonly name = 'GateClosed';
  constructor() {
    super('Nothing was sent: delivery is stopping.');
  }
}

/** A place that waits for its request. */
export interface Booking {
  readonly slot: number;
  readonly waitedMs: number;
  /** True once a request started on it. */
  readonly used: boolean;
  /** Gives the place back if no request took it. */
  release(): void;
}

export interface GateSnapshot {
  readonly tuning: Tuning;
  /** Places of the window that are taken, or barred by a refusal. */
  readonly used: number;
  readonly waiting: Readonly<Record<Priority, number>>;
  readonly underWay: number;
  /** ms for which a refusal still holds everything, 0 when not held. */
  readonly heldMs: number;
  readonly day: string;
  readonly usedToday: number;
}

export interface DeliveryGate extends Gate {
  /** Resolves when a place is free for this priority; it stays taken until used or released. */
  turn(priority: Priority): Promise<Booking>;
  /** Everything that waits is rejected with `GateClosed`; requests under way go on. */
  close(): void;
  snapshot(): GateSnapshot;
}

export interface GateParts {
  readonly store: SlotStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limit: LimitPolicy;
  readonly onCondition: OnCondition;
}

interface Waiter {
  readonly since: number;
  readonly grant: (slot: number, place: Place, coveredUntil: number) => void;
  readonly reject: (error: GateClosed) => void;
}

interface OpenBooking {
  place: Place | null;
  readonly coveredUntil: number;
}

const STORE_RETRY_MS = 1000;

export async function openGate(parts: GateParts): Promise<DeliveryGate> {
  const memory = await parts.store.load({});
  return createGate({ ...parts, onCondition: onceEach(parts.onCondition) }, memory);
}

function createGate({ store, clock, random, limit, onCondition }: GateParts, memory: SlotMemory | null): DeliveryGate {
  const limiter = restoredLimiter(limit, clock, memory);
  const allowance = createAllowance(limit.perDay, memory === null ? null : { day: memory.day, used: memory.usedToday });
  const turns = createTurns();
  const queues: Record<Priority, Waiter[]> = { live: [], backlog: [], background: [] };
  const booked: Record<Priority, OpenBooking[]> = { live: [], backlog: [], background: [] };
  const covers = createCovers(store, clock, allowance);
  let underWay = 0;
  let closed = false;
  let cancelTimer: (() => void) | null = null;

  function waiting(): Record<Priority, number> {
    return { live: queues.live.length, backlog: queues.backlog.length, background: queues.background.length };
  }

  /** Those the day's allowance still lets go. */
  function admitted(): Record<Priority, number> {
    const all = waiting();
    const now = clock.now();
    const rest = allowance.left(now, false) + covers.count > 0;
    const any = allowance.left(now, true) + covers.count > 0;
    return { live: any ? all.live : 0, backlog: rest ? all.backlog : 0, background: rest ? all.background : 0 };
  }

  function arm(ms: number): void {
    cancelTimer?.();
    cancelTimer = clock.after(Math.max(1, Math.ceil(ms)), () => {
      cancelTimer = null;
      pump();
    });
  }

  function pump(): void {
    while (!closed && !covers.asking && underWay < limit.concurrency) {
      const now = clock.monotonic();
      recover(now);
      covers.expire(now);
      const ready = admitted();
      const { requests, windowMs, guardMs } = limiter.tuning;
      const pick = turns.pick(ready, now, (0.95 * (windowMs + guardMs)) / requests);
      if (pick === null) {
        idle();
        return;
      }
      const wait = Math.max(limiter.freeAt(now) - now, typeof pick === 'number' ? pick : 0);
      if (wait === Number.POSITIVE_INFINITY) return;
      if (covers.count === 0 && wait <= covers.ahead) {
        refill(now, ready);
        return;
      }
      if (wait > 0 || typeof pick === 'number') {
        arm(covers.count === 0 ? wait - covers.ahead : wait);
        return;
      }
      grant(pick, ready, now);
    }
  }

  function grant(priority: Priority, ready: Readonly<Record<Priority, number>>, now: number): void {
    const waiter = queues[priority].shift();
    const cover = covers.take();
    if (waiter === undefined || cover === undefined) return;
    turns.served(priority, ready, now);
    underWay += 1;
    waiter.grant(cover.slot, limiter.take(now), cover.until);
  }

  /** Nothing may go: either nobody waits, or the day's allowance is spent. */
  function idle(): void {
    const all = waiting();
    if (all.live + all.backlog + all.background === 0) return;
    onCondition(daySpent(limit.perDay ?? 0));
    arm(Math.min(600_000, allowance.untilTomorrow(clock.now())));
  }

  function refill(now: number, ready: Readonly<Record<Priority, number>>): void {
    const { requests, windowMs, guardMs } = limiter.tuning;
    const wanted = ready.live + ready.backlog + ready.background;
    const usable = Math.max(limiter.freeSlots(now), Math.ceil((requests * COVER_MS) / windowMs));
    const left = allowance.left(clock.now(), ready.live > 0);
    const count = Math.min(wanted, usable, left, limit.concurrency - underWay);
    if (limit.perDay !== null && allowance.left(clock.now(), false) > 0) onCondition(over('crm-daily-cap'));
    covers.ask(count, now - 2 * (windowMs + guardMs) - COVER_MS).then(
      () => {
        onCondition(over('delivery-store'));
        pump();
      },
      (error: unknown) => {
        onCondition(slotsNotStored(error));
        if (!closed) arm(STORE_RETRY_MS);
      },
    );
  }

  function recover(now: number): void {
    if (!limiter.recover(now)) return;
    onCondition(over('crm-rate-limited'));
    saveTuning();
  }

  function saveTuning(): void {
    // Only a memory of what was learned: without it the next refusal teaches it again.
    store.tune({ tuning: limiter.tuning }).catch(() => undefined);
  }

  async function sendOn<T>(place: Place, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } finally {
      limiter.done(place, clock.monotonic());
      underWay -= 1;
      pump();
    }
  }

  function giveBack(place: Place): void {
    limiter.giveBack(place);
    underWay -= 1;
  }

  /** A place booked for this priority, started anew at this moment; `null` when there is none with a valid cover. */
  function takeBooked(priority: Priority): { place: Place | null } | null {
    const booking = booked[priority].shift();
    if (booking === undefined || booking.place === null) return null;
    limiter.giveBack(booking.place);
    booking.place = null;
    const now = clock.monotonic();
    if (booking.coveredUntil > now) return { place: limiter.take(now) };
    underWay -= 1;
    return { place: null };
  }

  return {
    run<T>(priority: Priority, send: () => Promise<T>): Promise<T> {
      if (closed && booked[priority].length === 0) return Promise.reject(new GateClosed());
      const taken = takeBooked(priority);
      if (taken !== null && taken.place !== null) return sendOn(taken.place, send);
      if (closed) return Promise.reject(new GateClosed());
      return new Promise<T>((resolve, reject) => {
        const waiter: Waiter = {
          since: clock.monotonic(),
          grant: (_slot, place) => resolve(sendOn(place, send)),
          reject,
        };
        if (taken === null) queues[priority].push(waiter);
        else queues[priority].unshift(waiter);
        pump();
      });
    },

    turn(priority) {
      if (closed) return Promise.reject(new GateClosed());
      return new Promise<Booking>((resolve, reject) => {
        const since = clock.monotonic();
        const grant = (slot: number, place: Place, coveredUntil: number): void => {
          const open: OpenBooking = { place, coveredUntil };
          booked[priority].push(open);
          resolve({
            slot,
            waitedMs: clock.monotonic() - since,
            get used() {
              return open.place === null;
            },
            release() {
              if (open.place === null) return;
              giveBack(open.place);
              open.place = null;
              booked[priority] = booked[priority].filter((other) => other !== open);
              pump();
            },
          });
        };
        queues[priority].push({ since, grant, reject });
        pump();
      });
    },

    refused(refusal: RateRefusal) {
      limiter.refused(refusal, clock.monotonic(), random);
      onCondition(rateLimited(limiter.tuning));
      saveTuning();
    },

    close() {
      closed = true;
      cancelTimer?.();
      const left = [...queues.live, ...queues.backlog, ...queues.background];
      for (const queue of Object.values(queues)) queue.length = 0;
      for (const waiter of left) waiter.reject(new GateClosed());
    },

    snapshot() {
      const heldMs = Math.max(0, limiter.heldUntil - clock.monotonic());
      return {
        tuning: limiter.tuning,
        used: limiter.tuning.requests - limiter.freeSlots(clock.monotonic()),
        waiting: waiting(),
        underWay,
        heldMs: Number.isFinite(heldMs) ? heldMs : 0,
        day: allowance.day,
        usedToday: allowance.used,
      };
    },
  };
}
