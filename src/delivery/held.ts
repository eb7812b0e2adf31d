/** The rows that are worked on, by class, and how many more of each are wanted. */
import type { PermitOffice } from '../permits/permits.ts';
import type { Lane } from './health/health.ts';
import { failedBefore } from './steps/step.ts';
import type { Delivery, Wanted } from './store.ts';

export type Class = keyof Wanted;

export interface Held {
  readonly class: Class;
  readonly trial: Lane | null;
  /** When it was claimed, ms since the epoch. */
  readonly takenAt: number;
  /** The row as it stands now. */
  row: Delivery;
}

export interface HeldRows {
  readonly rows: Map<number, Held>;
  trials(lane: Lane): readonly Held[];
  /** When the newest of the live calls was stored, ms since the epoch. */
  newest(): number;
  /** `liveAfter`: live calls that were stored before wait behind slow requests, ms since the epoch. */
  wanted(liveAfter: number): Wanted;
  /** Live calls beside those that wait: they must not stand in the way of a call that comes after them. */
  newcomers(): Wanted;
  /** A row ended, or goes on to its post; `asked`: the CRM was, or will be, asked for something. */
  passed(asked: boolean): void;
}

/** Rows of a class that wait for a permit; the backlog is claimed by the half dozen, as each claim is a commit. */
const AHEAD = { live: 5, backlog: 12 } as const;
/** Where rows pass without asking the CRM for anything, so many are claimed at once in the end. */
const PASSING_MAX = { live: 80, backlog: 25 } as const;
/** Rows of a class that are worked on at the same time, slow requests and all. */
const HELD_MAX: Wanted = { live: 100, backlog: 25, aside: 2, retry: 2 };

export const NONE: Wanted = { live: 0, backlog: 0, aside: 0, retry: 0 };

/** `liveSince`: calls that ended after it are live, ms since the epoch. */
export function classOf(row: Delivery, liveSince: number): Class {
  if (failedBefore(row)) return 'retry';
  if (row.step === 'check' || row.step === 'update') return 'aside';
  return row.trigger === 'live' && row.record.endedAt > liveSince ? 'live' : 'backlog';
}

export function createHeld(permits: Pick<PermitOffice, 'underWay'>): HeldRows {
  const rows = new Map<number, Held>();
  /** Rows that asked the CRM for nothing since the last one that did: so many more are claimed, up to a limit. */
  let passing = 0;

  const count = (which: Class, after = 0): number => {
    let found = 0;
    for (const one of rows.values()) if (one.class === which && one.row.createdAt >= after) found += 1;
    return found;
  };

  const room = (which: Class): number => Math.max(0, HELD_MAX[which] - count(which));

  const ahead = (which: keyof typeof AHEAD): number => Math.min(PASSING_MAX[which], AHEAD[which] + passing);

  /** Rows of a class, without those whose request is under way, or that wait behind slow ones. */
  function waiting(which: 'live' | 'backlog', after = 0): number {
    const all = count(which, after);
    return all - Math.min(all, permits.underWay(which));
  }

  return {
    rows,
    trials: (lane) => [...rows.values()].filter((one) => one.trial === lane),
    newest() {
      let newest = 0;
      for (const { class: which, row } of rows.values()) if (which === 'live') newest = Math.max(newest, row.createdAt);
      return newest;
    },
    wanted(liveAfter) {
      const backlog = waiting('backlog');
      return {
        live: Math.min(room('live'), Math.max(0, ahead('live') - waiting('live', liveAfter))),
        backlog: Math.min(room('backlog'), backlog > ahead('backlog') / 2 ? 0 : ahead('backlog') - backlog),
        aside: room('aside'),
        retry: room('retry'),
      };
    },
    newcomers: () => ({ ...NONE, live: Math.min(AHEAD.live, room('live')) }),
    passed(asked) {
      passing = asked ? 0 : passing + 1;
    },
  };
}
