/**
 * Who goes next: live calls before the backlog, before what failed before, before housekeeping; with a floor for each, so
 * that nobody starves, and a pace, so that a call that just ended finds a place within a fraction of a second.
 */
import { PRIORITIES, type Priority } from './port.ts';

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
  /** Of the live calls: the places that are left, spread so that there is always one for the next call. */
  readonly live: number;
  /** Of the backlog, after any request: the same. */
  readonly backlog: number;
  /** The whole budget, spread evenly. */
  readonly even: number;
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
  let lastLive = Number.NEGATIVE_INFINITY;
  let lastBacklog = Number.NEGATIVE_INFINITY;
  let lastRetry = Number.NEGATIVE_INFINITY;
  let retryShare = RETRY_SHARE;

  return {
    pick(waiting, now, pace) {
      if (PRIORITIES.every((priority) => waiting[priority] === 0)) return null;
      const wait = {
        live: lastLive + pace.live - now,
        backlog: Math.max(lastBacklog + 0.95 * pace.even, last + pace.backlog) - now,
        retry: lastRetry + retryShare * pace.even - now,
      };
      const may = (priority: 'live' | 'backlog' | 'retry'): boolean => waiting[priority] > 0 && wait[priority] <= 0;
      if (waiting.background > 0 && sinceBackground >= BACKGROUND_SHARE - 1) return 'background';
      if (may('retry')) return 'retry';
      if (may('backlog') && waiting.live > 0 && sinceBacklog >= BACKLOG_SHARE - 1) return 'backlog';
      if (may('live')) return 'live';
      if (may('backlog')) return 'backlog';
      if (waiting.background > 0) return 'background';
      const waits = (['live', 'backlog', 'retry'] as const).filter((priority) => waiting[priority] > 0);
      return Math.min(...waits.map((priority) => wait[priority]));
    },
    served(priority, waiting, now) {
      last = now;
      if (priority === 'live') lastLive = now;
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
