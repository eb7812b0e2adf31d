/**
 * Permits: the leave to make one request of the CRM's API. Every request needs one, whatever it is for, so that the CRM's
 * limit holds for posts, lookups, checks and updates together, and over all processes that share a database.
 */

/**
 * Who goes first. `live`: calls that just ended. `backlog`: older calls, replays, first checks and updates. `retry`: what
 * failed before, so that calls with a fault of their own take little from the others. `background`: user lists and probes.
 */
export type Priority = 'live' | 'backlog' | 'retry' | 'background';

export const PRIORITIES: readonly Priority[] = ['live', 'backlog', 'retry', 'background'];

/** The leave to make one request. Disposing ends it, whether the request was made or not; it may be disposed twice. */
export interface Permit extends Disposable {
  /** Number of its row in the store. */
  readonly id: number;
  /** The moment from which on it is not good any more, monotonic ms of this boot. */
  readonly until: number;
  /** How long it was waited for, ms. */
  readonly waitedMs: number;
  /** A request was made on it. */
  readonly used: boolean;
  /**
   * The request leaves now. False: the time for which the permit was stored has run out, and nothing may be sent on it. To be
   * called once, right before the request is written: nothing else may run in between, as time may pass then, and what leaves later
   * than its permit was good for is not known to the next life of this program, nor to other processes.
   */
  start(): boolean;
}

/** The CRM's own words about its limit, from a refusal. */
export interface RateRefusal {
  readonly limit: number | null;
  readonly windowMs: number | null;
  /** From a Retry-After header, ms. */
  readonly retryAfterMs: number | null;
}

export interface Permits {
  /**
   * Resolves when a request may be made. Rejects with `PermitsClosed` when delivery is stopping, and with the reason of
   * `signal` when that is aborted. `ageMs`: how long ago what the request is for came into the world; 0: just now.
   */
  acquire(priority: Priority, signal?: AbortSignal, ageMs?: number): Promise<Permit>;
  /** To be called when the CRM refused a request for its rate. */
  refused(refusal: RateRefusal): void;
}

/** What a request is made with: a permit that is there already, or how to get one. */
export interface Asking {
  readonly priority: Priority;
  readonly signal?: AbortSignal;
  /** How long ago what it is for came into the world, ms; absent: just now. */
  readonly ageMs?: number;
  /** For the first request. */
  readonly permit?: Permit;
  /** Whether what it is for is still the asker's. Once false, no request leaves any more, on whichever permit; absent: it stays so. */
  readonly isOurs?: () => boolean;
}

/** Nothing was sent: the permit that was given ran out before the request could leave, or what it is for is somebody else's. */
export class PermitLapsed extends Error {
  override readonly name = 'PermitLapsed';
  constructor() {
    super('Nothing was sent: the time in which the request might leave ran out.');
  }
}

/** Nothing was sent: delivery is stopping. */
export class PermitsClosed extends Error {
  override readonly name = 'PermitsClosed';
  constructor() {
    super('Nothing was sent: delivery is stopping.');
  }
}

/** For a program that makes single requests of its own, beside the limiter of another one. */
export const UNLIMITED: Permits = {
  acquire: async () => ({
    ...{ id: 0, until: Number.POSITIVE_INFINITY, waitedMs: 0, used: false },
    start: () => true,
    [Symbol.dispose]: () => undefined,
  }),
  refused: () => undefined,
};

/**
 * Makes one request on a permit that is still good when it leaves: that which is given, for the first request, else a new one, and another
 * one as often as that has run out. `send` asks `leaves` right before the request is written, however long it waited for a connection,
 * and answers `null` when it was told no; the permit is for reading. Rejects with `PermitLapsed` when the given one has run out unused,
 * and when what it is for is not the asker's any more.
 */
export async function onPermit<T extends object>(
  permits: Permits,
  asking: Asking,
  send: (leaves: () => boolean, permit: Permit) => Promise<T | null>,
): Promise<T> {
  const isOurs = asking.isOurs ?? (() => true);
  const on = async (given: Permit): Promise<T | null> => {
    using permit = given;
    return await send(() => isOurs() && permit.start(), permit);
  };
  const { permit } = asking;
  if (permit?.used === false) {
    const done = await on(permit);
    // What it was given for may be somebody else's by now; a second request of the same is not the one that it was given for.
    if (done === null) throw new PermitLapsed();
    return done;
  }
  for (;;) {
    const done = await on(await permits.acquire(asking.priority, asking.signal, asking.ageMs));
    if (done !== null) return done;
    if (!isOurs()) throw new PermitLapsed();
  }
}

/** What the limiter learned from refusals. */
export interface Tuning {
  readonly requests: number;
  readonly windowMs: number;
  readonly guardMs: number;
  /** An entry of the log counts from the answer, not from the request. */
  readonly strict: boolean;
  /** A limit the CRM itself named. */
  readonly ceiling: number | null;
}

export interface LimitPolicy {
  /** Requests that may start in any window. Default 25; plans of the CRM differ, and other tools share the number. */
  readonly requests: number;
  /** Default 5,000 ms. */
  readonly windowMs: number;
  /** Added to each window against the jitter of the network, at least. Default 25 ms. */
  readonly guardMs: number;
  /** An entry of the log counts from the answer, not from the request. `false` (default): only for some time after a refusal. */
  readonly strict: boolean;
  /** Requests under way at the same time, those without an answer for half a second not counted. Default 10. */
  readonly concurrency: number;
  /** Requests per UTC day, `null` for no cap (default). The last tenth is kept for live calls. */
  readonly perDay: number | null;
}

export const DEFAULT_LIMIT: LimitPolicy = {
  requests: 25,
  windowMs: 5000,
  guardMs: 25,
  strict: false,
  concurrency: 10,
  perDay: null,
};

const DAY_MS = 86_400_000;

/**
 * The count of requests that is good today (a UTC day). A stored day that is later than tomorrow was a wrong clock's: what was used then
 * counts today. One that is later by less is kept, as the clock may have been set back over midnight.
 */
export function countOf(stored: { readonly day: string; readonly used: number }, today: string) {
  const { day, used } = stored;
  if (day < today) return { day: today, used: 0 };
  return { day: Date.parse(day) - Date.parse(today) > DAY_MS ? today : day, used };
}

/** One request for permits of the store. Times are monotonic ms of this boot. */
export interface Reservation {
  readonly bootId: string;
  /** The process (one life of it) that asks. */
  readonly owner: string;
  readonly now: number;
  /** The permits may be used from then on: what others hold counts as far as it is still held then. */
  readonly from: number;
  /** And until then. */
  readonly until: number;
  readonly count: number;
  /** Places of the window that the asking process itself still holds at the end. */
  readonly held: number;
  /** Permits whose `until` is older no longer count: window and guard. */
  readonly spanMs: number;
  readonly requests: number;
  /** UTC day, and what is left of its allowance for this request; `null`: no cap. */
  readonly day: string;
  readonly perDay: number | null;
  /** Permits of earlier answers that ran out unused: given back to the allowance. */
  readonly unused: number;
}

export interface Reserved {
  readonly ids: readonly number[];
  /** Until when each permit of other processes, and of earlier lives of this one, may have been used; those that count now. */
  readonly others: readonly number[];
  /** Requests of the day, those of all processes. */
  readonly usedToday: number;
}

/** What is remembered of earlier lives. */
export interface PermitMemory {
  /** Permits of this boot, of any process: until when each may have been used. `null`: of this boot nothing is known. */
  readonly permits: readonly number[] | null;
  readonly day: string;
  readonly usedToday: number;
  readonly tuning: Tuning | null;
}

/** Where permits are kept. Each method is one durable transaction. */
export interface PermitStore {
  load(args: { readonly bootId: string }): Promise<PermitMemory>;
  /**
   * Makes durable that so many requests may start until `until`, as many as the limit allows beside the permits of others
   * (none, some or all of `count`). While others want more than they were given, each gets its share of the limit at most.
   */
  reserve(reservation: Reservation): Promise<Reserved>;
  tune(args: { readonly tuning: Tuning | null }): Promise<void>;
}

export interface PermitSnapshot {
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
