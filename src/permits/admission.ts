/**
 * Those who wait for a permit and those who have one, and who of the first may go beside the second. While many requests are
 * slow, only what came after them goes: slow answers hold entries of the window, and all of them together must not hold up the
 * next call.
 */
import type { Waiting } from './fairness.ts';
import type { Priority } from './port.ts';
import type { Entry } from './window.ts';

export interface Waiter<T> {
  /** When it began to wait, monotonic ms. */
  readonly since: number;
  /** When what it is for came into the world, monotonic ms. */
  readonly cameAt: number;
  readonly grant: (granted: T, now: number) => void;
  readonly reject: (error: unknown) => void;
}

export interface UnderWay {
  readonly priority: Priority;
  /** As of the waiter it was. */
  readonly cameAt: number;
  since: number;
  entry: Entry;
}

export interface Admission<T> {
  readonly underWay: Set<UnderWay>;
  /** A request that was under way ended after so many ms. */
  ended(ms: number): void;
  add(priority: Priority, waiter: Waiter<T>): void;
  remove(priority: Priority, waiter: Waiter<T>): void;
  /** All who wait. */
  waiting(): Waiting;
  /** Of them, those who may go at `now`. */
  admitted(now: number): Waiting;
  /** While many requests are slow: only what came after this moment goes (monotonic ms); else `null`. */
  slowSince(now: number): number | null;
  /** Who goes next in this class: of the live calls those that ended just now in their order, then the latest; else who began to wait first. */
  next(priority: Priority, now: number): Waiter<T> | undefined;
  /** When what the next of this class is for came into the world, monotonic ms; `null`: nobody may go. */
  nextCameAt(priority: Priority, now: number): number | null;
  /** ms until a request that is under way becomes slow and so makes room; `null`: none will. */
  roomIn(now: number): number | null;
  /** Empties the queues. */
  clear(): readonly Waiter<T>[];
}

/** A request without an answer for so long is slow. */
const SLOW_MS = 500;
/** Calls that ended so lately go in their order, before all others. */
const NEW_MS = 1000;
/** Of so many live calls one is that which has waited longest. */
const OLDEST_SHARE = 100;
/** Requests that tell how fast the CRM is as a rule. */
const LASTED_KEPT = 32;
/** Moments that differ by less are the same: they are made of whole ms of another clock. */
const SAME_MS = 2;

function oldestAt<T>(queue: readonly Waiter<T>[], fits: (waiter: Waiter<T>) => boolean): number {
  let best = -1;
  queue.forEach((waiter, at) => {
    if (fits(waiter) && waiter.cameAt < (queue[best]?.cameAt ?? Number.POSITIVE_INFINITY)) best = at;
  });
  return best;
}

/** Of new calls the one that came first, else the one that came last. */
function goesBefore<T>(one: Waiter<T>, other: Waiter<T>, isNew: (waiter: Waiter<T>) => boolean): boolean {
  if (isNew(one) !== isNew(other)) return isNew(one);
  return isNew(one) ? one.cameAt < other.cameAt : one.cameAt >= other.cameAt;
}

/**
 * `concurrency`: requests under way at the same time that are not slow, half as many where the CRM is fast as a rule. While so
 * many are slow, only what came into the world after that which they are for goes.
 */
export function createAdmission<T>(concurrency: number): Admission<T> {
  const queues: Record<Priority, Waiter<T>[]> = { live: [], backlog: [], retry: [], background: [] };
  const underWay = new Set<UnderWay>();
  /** Live calls that went. */
  let served = 0;
  /** How long the last requests took, ms. */
  const lasted: number[] = [];

  const count = (of: (queue: readonly Waiter<T>[]) => number): Waiting => ({
    live: of(queues.live),
    backlog: of(queues.backlog),
    retry: of(queues.retry),
    background: of(queues.background),
  });

  /**
   * Requests that may be under way, and so become slow, at once. Half of them where requests are fast as a rule: that is plenty then,
   * and leaves room for the others when some are not.
   */
  function atOnce(): number {
    const median = [...lasted].sort((a, b) => a - b)[lasted.length >> 1] ?? 0;
    return median < SLOW_MS ? Math.ceil(concurrency / 2) : concurrency;
  }

  /** What so many slow requests, or more, are for came then or later: whatever came before them waits. */
  function slowSince(now: number): number | null {
    const came = [...underWay].flatMap(({ since, cameAt }) => (now - since >= SLOW_MS ? [cameAt] : []));
    const since = came.sort((a, b) => b - a)[atOnce() - 1];
    return since === undefined ? null : since + SAME_MS;
  }

  function fitting(now: number): (waiter: Waiter<T>) => boolean {
    const since = slowSince(now);
    return ({ cameAt }) => since === null || cameAt > since;
  }

  function young(now: number): number {
    let found = 0;
    for (const { since } of underWay) if (now - since < SLOW_MS) found += 1;
    return found;
  }

  function nextAt(priority: Priority, now: number): number {
    const fits = fitting(now);
    const queue = queues[priority];
    if (priority !== 'live') return queue.findIndex(fits);
    // The one that waits longest has its share, else a line that never empties would hold it for ever.
    if (served % OLDEST_SHARE === OLDEST_SHARE - 1) return oldestAt(queue, fits);
    let best = -1;
    const isNew = ({ cameAt }: Waiter<T>): boolean => now - cameAt < NEW_MS;
    queue.forEach((waiter, at) => {
      if (!fits(waiter)) return;
      const before = queue[best];
      if (before === undefined || goesBefore(waiter, before, isNew)) best = at;
    });
    return best;
  }

  return {
    underWay,
    ended(ms) {
      lasted.push(ms);
      if (lasted.length > LASTED_KEPT) lasted.shift();
    },
    slowSince,
    add: (priority, waiter) => void queues[priority].push(waiter),
    remove(priority, waiter) {
      queues[priority] = queues[priority].filter((other) => other !== waiter);
    },
    waiting: () => count((queue) => queue.length),
    admitted(now) {
      if (young(now) >= atOnce()) return count(() => 0);
      const fits = fitting(now);
      return count((queue) => queue.filter(fits).length);
    },
    next(priority, now) {
      const at = nextAt(priority, now);
      if (at >= 0 && priority === 'live') served += 1;
      return at < 0 ? undefined : queues[priority].splice(at, 1)[0];
    },
    nextCameAt: (priority, now) => queues[priority][nextAt(priority, now)]?.cameAt ?? null,
    roomIn(now) {
      let soonest: number | null = null;
      for (const { since } of underWay) {
        const left = since + SLOW_MS - now;
        if (left > 0) soonest = Math.min(soonest ?? left, left);
      }
      return soonest;
    },
    clear() {
      const left = Object.values(queues).flat();
      for (const queue of Object.values(queues)) queue.length = 0;
      return left;
    },
  };
}
