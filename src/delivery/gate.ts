/**
 * The one door to the CRM. A place in the limiter's log is made durable before the first byte leaves, so a restart can
 * never breach the limit: the store is told "so many requests may start until monotonic t" (a cover), and a request whose
 * cover has run out by the time it could start, because disk or event loop were slow, gets a new one.
 *
 * Posts book a place first (`turn`), write their intent, and then send: `run` gives a booked place of the same priority
 * to the first request that comes. If another request took it, the post goes to the head of the queue.
 */
import type { Clock } from '../ports.ts';
import { type Allowance, createAllowance } from './allowance.ts';
import { type OnCondition, onceEach } from './condition.ts';
import type { Gate, Priority, RateRefusal } from './crm.ts';
import { createTurns } from './fairness.ts';
import type { LimitPolicy } from './policy.ts';
import type { SlotMemory, SlotStore, Tuning } from './store.ts';
import { createLimiter, type Limiter, type Place } from './throttle.ts';

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

/** How long a cover lasts beyond the time the store takes, ms. */
const COVER_MS = 1000;
const STORE_RETRY_MS = 1000;
/** A monotonic time this far ahead is of another boot. */
const IMPOSSIBLE_MS = 600_000;

export async function openGate(parts: GateParts): Promise<DeliveryGate> {
  const memory = await parts.store.load({});
  return createGate({ ...parts, onCondition: onceEach(parts.onCondition) }, memory);
}

function createGate({ store, clock, random, limit, onCondition }: GateParts, memory: SlotMemory | null): DeliveryGate {
  const limiter = restoredLimiter(limit, clock, memory);
  const allowance: Allowance = createAllowance(
    limit.perDay,
    memory === null ? null : { day: memory.day, used: memory.usedToday },
  );
  const turns = createTurns();
  const queues: Record<Priority, Waiter[]> = { live: [], backlog: [], background: [] };
  const booked: Record<Priority, OpenBooking[]> = { live: [], backlog: [], background: [] };
  let covers: { slot: number; until: number }[] = [];
  let underWay = 0;
  let refilling = false;
  let closed = false;
  let storeMs = 1;
  let cancelTimer: (() => void) | null = null;

  function waiting(): Record<Priority, number> {
    return { live: queues.live.length, backlog: queues.backlog.length, background: queues.background.length };
  }

  /** Those the day's allowance still lets go. */
  function admitted(): Record<Priority, number> {
    const all = waiting();
    const now = clock.now();
    const rest = allowance.left(now, false) + covers.length > 0;
    const any = allowance.left(now, true) + covers.length > 0;
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
    while (!closed && !refilling && underWay < limit.concurrency) {
      const now = clock.monotonic();
      recover(now);
      covers = covers.filter((cover) => cover.until > now);
      const ready = admitted();
      const { requests, windowMs, guardMs } = limiter.tuning;
      const pick = turns.pick(ready, now, (0.95 * (windowMs + guardMs)) / requests);
      if (pick === null) {
        idle();
        return;
      }
      const wait = Math.max(limiter.freeAt(now) - now, typeof pick === 'number' ? pick : 0);
      if (wait === Number.POSITIVE_INFINITY) return;
      const ahead = Math.min(500, 4 * storeMs + 2);
      if (covers.length === 0 && wait <= ahead) {
        refill(now, ahead, ready);
        return;
      }
      if (wait > 0 || typeof pick === 'number') {
        arm(covers.length === 0 ? wait - ahead : wait);
        return;
      }
      grant(pick, ready, now);
    }
  }

  function grant(priority: Priority, ready: Readonly<Record<Priority, number>>, now: number): void {
    const waiter = queues[priority].shift();
    const cover = covers.shift();
    if (waiter === undefined || cover === undefined) return;
    turns.served(priority, ready, now);
    underWay += 1;
    waiter.grant(cover.slot, limiter.take(now), cover.until);
  }

  /** Nothing may go: either nobody waits, or the day's allowance is spent. */
  function idle(): void {
    const all = waiting();
    if (all.live + all.backlog + all.background === 0) return;
    onCondition({
      code: 'crm-daily-cap',
      raised: true,
      severity: 'warning',
      text: `The ${limit.perDay ?? 0} requests of today are used; calls wait until midnight UTC. Raise per_day if the plan allows more.`,
    });
    arm(Math.min(600_000, allowance.untilTomorrow(clock.now())));
  }

  function refill(now: number, ahead: number, ready: Readonly<Record<Priority, number>>): void {
    const { requests, windowMs, guardMs } = limiter.tuning;
    const wanted = ready.live + ready.backlog + ready.background;
    const usable = Math.max(limiter.freeSlots(now), Math.ceil((requests * COVER_MS) / windowMs));
    const left = allowance.left(clock.now(), ready.live > 0);
    const count = Math.min(wanted, usable, left, limit.concurrency - underWay);
    const until = now + ahead + COVER_MS;
    const { bootId } = clock;
    refilling = true;
    allowance.spend(count);
    if (limit.perDay !== null && left > count) clear('crm-daily-cap');
    const forgetBefore = now - 2 * (windowMs + guardMs) - COVER_MS;
    store.reserve({ bootId, until, count, day: allowance.day, usedToday: allowance.used, forgetBefore }).then(
      (slots) => {
        refilling = false;
        storeMs = 0.8 * storeMs + 0.2 * (clock.monotonic() - now);
        covers.push(...slots.map((slot) => ({ slot, until })));
        clear('delivery-store');
        pump();
      },
      (error: unknown) => {
        refilling = false;
        const why = error instanceof Error ? error.message : String(error);
        onCondition({
          code: 'delivery-store',
          raised: true,
          severity: 'error',
          text: `Requests wait because their slots cannot be stored (${why}). Check the disk of the database.`,
        });
        if (!closed) arm(STORE_RETRY_MS);
      },
    );
  }

  function clear(code: 'crm-daily-cap' | 'delivery-store' | 'crm-rate-limited'): void {
    onCondition({ code, raised: false, severity: 'warning', text: 'Requests go out again.' });
  }

  function recover(now: number): void {
    if (!limiter.recover(now)) return;
    clear('crm-rate-limited');
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
      const { requests, windowMs } = limiter.tuning;
      onCondition({
        code: 'crm-rate-limited',
        raised: true,
        severity: 'warning',
        text: `The CRM refused requests for their rate; going on with ${requests} in ${windowMs} ms. Other tools share the account's limit: lower "requests" if this stays.`,
      });
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

/** What the last run may have used. Unknown or of another boot: one whole window passes before the first request. */
function restoredLimiter(limit: LimitPolicy, clock: Clock, memory: SlotMemory | null): Limiter {
  const now = clock.monotonic();
  const tuning = memory?.tuning ?? null;
  const window = Math.max(limit.windowMs, tuning?.windowMs ?? 0) + Math.max(limit.guardMs, tuning?.guardMs ?? 0);
  const known = memory !== null && memory.bootId === clock.bootId && memory.slots.every((t) => t < now + IMPOSSIBLE_MS);
  const used = known ? memory.slots : [];
  // Strict counts answers, and those of the last run are not known.
  const strict = limit.strict || tuning?.strict === true;
  const wait = !known || (strict && used.some((t) => t + window > now));
  return createLimiter(limit, { used, blockedUntil: wait ? now + window : Number.NEGATIVE_INFINITY, tuning });
}
