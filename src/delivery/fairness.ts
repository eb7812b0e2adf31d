/**
 * Who goes next: live calls before the backlog before housekeeping, with a floor for each so that nobody starves, and the
 * backlog spread over the window so that a live call finds a place within a fraction of a second.
 */
import type { Priority } from './crm.ts';

export interface Turns {
  /** The class to serve at `now`, or how long to wait (ms) before the paced class may go; `null`: nobody waits. */
  pick(waiting: Readonly<Record<Priority, number>>, now: number, paceMs: number): Priority | number | null;
  /** `priority` was served. */
  served(priority: Priority, waiting: Readonly<Record<Priority, number>>, now: number): void;
}

/** While they wait: one turn in 5 for the backlog, one in 25 for housekeeping. */
const BACKLOG_SHARE = 5;
const BACKGROUND_SHARE = 25;

export function createTurns(): Turns {
  let sinceBacklog = 0;
  let sinceBackground = 0;
  let lastBacklog = Number.NEGATIVE_INFINITY;

  return {
    pick(waiting, now, paceMs) {
      if (waiting.background > 0 && sinceBackground >= BACKGROUND_SHARE - 1) return 'background';
      if (waiting.backlog > 0 && waiting.live > 0 && sinceBacklog >= BACKLOG_SHARE - 1) return 'backlog';
      if (waiting.live > 0) return 'live';
      if (waiting.backlog > 0) {
        const wait = lastBacklog + paceMs - now;
        if (wait <= 0) return 'backlog';
        return waiting.background > 0 ? 'background' : wait;
      }
      return waiting.background > 0 ? 'background' : null;
    },
    served(priority, waiting, now) {
      if (priority === 'backlog') lastBacklog = now;
      sinceBacklog = priority === 'backlog' || waiting.backlog === 0 ? 0 : sinceBacklog + 1;
      sinceBackground = priority === 'background' || waiting.background === 0 ? 0 : sinceBackground + 1;
    },
  };
}
