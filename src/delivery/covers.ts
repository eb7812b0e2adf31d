/**
 * Covers: durable leave to start so many requests until a moment of the monotonic clock. Asked for in advance, several at
 * a time, so that neither a slow disk nor the number of commits limits the rate.
 */
import type { Clock } from '../ports.ts';
import type { Allowance } from './allowance.ts';
import type { SlotStore } from './store.ts';

export interface Cover {
  readonly slot: number;
  readonly until: number;
}

export interface Covers {
  readonly count: number;
  /** True while the store is being asked. */
  readonly asking: boolean;
  /** How long before its use a cover has to be asked for, ms. */
  readonly ahead: number;
  /** Drops what has run out; its requests did not happen. */
  expire(now: number): void;
  take(): Cover | undefined;
  /** Asks for `count`; `forgetBefore`: older uses no longer matter. Rejects when they could not be stored. */
  ask(count: number, forgetBefore: number): Promise<void>;
}

/** How long a cover lasts beyond the time the store takes, ms. */
export const COVER_MS = 1000;
const AHEAD_MAX_MS = 500;

export function createCovers(store: SlotStore, clock: Clock, allowance: Allowance): Covers {
  let covers: Cover[] = [];
  let asking = false;
  let storeMs = 1;

  function ahead(): number {
    return Math.min(AHEAD_MAX_MS, 4 * storeMs + 2);
  }

  return {
    get count() {
      return covers.length;
    },
    get asking() {
      return asking;
    },
    get ahead() {
      return ahead();
    },
    expire(now) {
      const valid = covers.filter((cover) => cover.until > now);
      allowance.spend(valid.length - covers.length);
      covers = valid;
    },
    take: () => covers.shift(),
    async ask(count, forgetBefore) {
      const now = clock.monotonic();
      const until = now + ahead() + COVER_MS;
      asking = true;
      allowance.spend(count);
      try {
        const { day, used: usedToday } = allowance;
        const slots = await store.reserve({ bootId: clock.bootId, until, count, day, usedToday, forgetBefore });
        storeMs = 0.8 * storeMs + 0.2 * (clock.monotonic() - now);
        covers.push(...slots.map((slot) => ({ slot, until })));
      } catch (error) {
        allowance.spend(-count);
        throw error;
      } finally {
        asking = false;
      }
    },
  };
}
