/** Calls by the hour, kept so that a page does not have them counted again: what is over changes little. */
import type { CallHour } from '../../adapters/sqlite/sessions/hours.ts';
import type { Daemon } from './ask.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** An hour may still change: calls end, are posted, sent again. */
const FRESH_MS = 10_000;
const SETTLED_MS = 15 * 60_000;
/** Kept hours: those of two days and the same a week ago, and some that were looked at before. */
const MOST = 400;

export interface Hours {
  /** One entry for each hour from `from` (a full hour) on, in order; `null`: no call began in it. */
  of(from: number, count: number): Promise<readonly (CallHour | null)[]>;
}

interface Kept {
  readonly hour: CallHour | null;
  readonly until: number;
}

/** `now`: ms since the epoch. */
export function createHours(daemon: Pick<Daemon, 'call'>, now: () => number): Hours {
  const kept = new Map<number, Kept>();
  return {
    async of(from, count) {
      const wanted = Array.from({ length: count }, (_, at) => from + at * HOUR_MS);
      const missing = wanted.filter((at) => (kept.get(at)?.until ?? 0) <= now());
      for (let at = missing[0]; at !== undefined; at = missing[0]) {
        // What lies together is asked for together, a day at most.
        const end = missing.findIndex((one, n) => one !== (missing[0] ?? 0) + n * HOUR_MS || n * HOUR_MS >= DAY_MS);
        const part = missing.splice(0, end < 0 ? missing.length : end);
        const { hours } = await daemon.call('hours', { from: at, to: at + part.length * HOUR_MS });
        for (const one of part) {
          const isOver = one + 2 * HOUR_MS < now();
          kept.set(one, {
            hour: hours.find((hour) => hour.at === one) ?? null,
            until: now() + (isOver ? SETTLED_MS : FRESH_MS),
          });
        }
      }
      const found = wanted.map((at) => kept.get(at)?.hour ?? null);
      for (const at of kept.keys()) {
        if (kept.size <= MOST) break;
        if (!wanted.includes(at)) kept.delete(at);
      }
      return found;
    },
  };
}

/** The full hour of the clocks on the wall in which a moment lies. */
export function hourOf(ms: number): number {
  const offset = new Date(ms).getTimezoneOffset() * 60_000;
  const local = ms - offset;
  return local - (((local % HOUR_MS) + HOUR_MS) % HOUR_MS) + offset;
}
