import { countOf } from './port.ts';

/** Requests per UTC day. The last tenth is kept for live calls. The store has the count, as several processes may post. */
export interface Allowance {
  readonly day: string;
  readonly used: number;
  /** How many more requests may be made now, for live calls or for the rest. `now`: ms since the epoch. */
  left(now: number, live: boolean): number;
  /** The day at `now`, and its count: of a day without a request nothing else begins a new one. */
  today(now: number): { readonly day: string; readonly usedToday: number };
  /** The store's own count of the day. */
  counted(used: number): void;
  /** Permits that were reserved and ran out unused. */
  giveBack(count: number): void;
  /** ms until the next UTC day. */
  untilTomorrow(now: number): number;
}

const DAY_MS = 86_400_000;

/** `remembered`: day and count of the last run. A clock set back never makes the count forgotten. */
export function createAllowance(perDay: number | null, remembered: { day: string; used: number }): Allowance {
  let { day, used } = remembered;

  function roll(now: number): void {
    ({ day, used } = countOf({ day, used }, new Date(now).toISOString().slice(0, 10)));
  }

  return {
    get day() {
      return day;
    },
    get used() {
      return used;
    },
    left(now, live) {
      roll(now);
      if (perDay === null) return Number.POSITIVE_INFINITY;
      return Math.max(0, (live ? perDay : Math.floor(perDay * 0.9)) - used);
    },
    today(now) {
      roll(now);
      return { day, usedToday: used };
    },
    counted(count) {
      used = count;
    },
    giveBack(count) {
      used = Math.max(0, used - count);
    },
    untilTomorrow(now) {
      return DAY_MS - (now % DAY_MS);
    },
  };
}
