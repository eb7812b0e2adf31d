/**
 * Who goes next: live calls before the backlog, before what failed before, before housekeeping; with a floor for each, so
 * that nobody starves, and a pace, so that a call that just ended finds a permit within a fraction of a second.
 */
import { PRIORITIES, type Priority } from './port.ts';
import type { SlidingWindow } from './window.ts';

export type Waiting = Readonly<Record<Priority, number>>;

export interface Fairness {
  /** The class to serve at `now`, or how long to wait (ms) before a paced class may go; `null`: nobody waits. */
  pick(waiting: Waiting, now: number, pace: Pace): Priority | number | null;
  /** `priority` was served. */
  served(priority: Priority, waiting: Waiting, now: number): void;
  /** A request of class `retry` came to an end: those that go on failing go seldom, those that work go as all do. */
  retried(worked: boolean): void;
}

/** The least time between two requests, ms. */
export interface Pace {
  /** Of the live calls: what is left of the window, spread so that there is always a permit for the next call. */
  readonly live: number;
  /** Of the backlog, after any request: the same. */
  readonly backlog: number;
  /** The whole budget, spread evenly. */
  readonly even: number;
}

/** A call that came so lately goes before the others of its class, at once. */
const JUST_CAME_MS = 5000;

/** `cameAt`: when the live call that goes next came into the world, monotonic ms; `null`: none waits. */
export function paceOf(window: SlidingWindow, cameAt: number | null, now: number): Pace {
  const { requests } = window.tuning;
  const even = window.spanMs / requests;
  // The first third of the window goes as it comes; calls that wait already leave room for the next one.
  const backlog = window.evenPace(now);
  const spread = window.free(now) > (2 * requests) / 3 ? 0 : backlog;
  const live = now - (cameAt ?? now) > JUST_CAME_MS ? Math.max(spread, 0.95 * even) : spread;
  return { live, backlog, even };
}

/** While they wait: one in 5 for the backlog, one in 25 for housekeeping. */
const BACKLOG_SHARE = 5;
const BACKGROUND_SHARE = 25;
/** What failed before gets one request in so many, until it works: with its first tries less than a tenth of the budget. */
const RETRY_SHARE = 16;

export function createFairness(): Fairness {
  let sinceBacklog = 0;
  let sinceBackground = 0;
  let last = Number.NEGATIVE_INFINITY;
  let lastBacklog = Number.NEGATIVE_INFINITY;
  let lastRetry = Number.NEGATIVE_INFINITY;
  let retryShare = RETRY_SHARE;

  return {
    pick(waiting, now, pace) {
      if (PRIORITIES.every((priority) => waiting[priority] === 0)) return null;
      // What failed before, and works now, goes as the backlog does; else seldom, whoever waits.
      const share = waiting.live > 0 ? RETRY_SHARE : retryShare;
      const wait = {
        live: last + pace.live - now,
        backlog: Math.max(lastBacklog + 0.95 * pace.even, last + pace.backlog) - now,
        retry: lastRetry + share * pace.even - now,
      };
      if (waiting.background > 0 && sinceBackground >= BACKGROUND_SHARE - 1) return 'background';
      if (waiting.retry > 0 && wait.retry <= 0) return 'retry';
      // What is paced is not overtaken meanwhile by what comes after it: that would take the room that it waits for.
      const inTurn = waiting.backlog > 0 && sinceBacklog >= BACKLOG_SHARE - 1;
      const next = waiting.live > 0 && !inTurn ? 'live' : waiting.backlog > 0 ? 'backlog' : null;
      if (next !== null && wait[next] <= 0) return next;
      if (waiting.background > 0 && waiting.live === 0) return 'background';
      return Math.min(
        next === null ? Number.POSITIVE_INFINITY : wait[next],
        waiting.retry > 0 ? wait.retry : Number.POSITIVE_INFINITY,
      );
    },
    served(priority, waiting, now) {
      last = now;
      if (priority === 'backlog') lastBacklog = now;
      if (priority === 'retry') lastRetry = now;
      sinceBacklog = priority === 'backlog' || waiting.backlog === 0 ? 0 : sinceBacklog + 1;
      sinceBackground = priority === 'background' || waiting.background === 0 ? 0 : sinceBackground + 1;
    },
    retried(worked) {
      retryShare = Math.min(RETRY_SHARE, Math.max(1, worked ? retryShare / 2 : retryShare * 2));
    },
  };
}
