/** Requests per UTC day. The last tenth is kept for live calls. */
export interface Allowance {
  readonly day: string;
  readonly used: number;
  /** How many more requests may be made now, for live calls or for the rest. `now`: ms since the epoch. */
  left(now: number, live: boolean): number;
  spend(count: number): void;
  /** ms until the next UTC day. */
  untilTomorrow(now: number): number;
}

const DAY_MS = 86_400_000;

/** `remembered`: day and count of the last run. A clock set back never makes the count forgotten. */
export function createAllowance(perDay: number | null, remembered: { day: string; used: number } | null): Allowance {
  let day = remembered?.day ?? '';
  let used = remembered?.used ?? 0;

  function roll(now: number): void {
    const today = new Date(now).toISOString().slice(0, 10);
    if (today > day) used = 0;
    day = today;
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
    spend(count) {
      used += count;
    },
    untilTomorrow(now) {
      return DAY_MS - (now % DAY_MS);
    },
  };
}
