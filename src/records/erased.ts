/** Numbers that were erased a moment ago: the PBX still has the records of their calls, and what is read again by itself must not bring them back. */
import type { CallRecord } from '../call/record.ts';
import type { Clock } from '../ports.ts';

export interface Erased {
  /** `digits`: the national digits of a number that is erased now. */
  note(digits: string): void;
  /** True for a call that was erased, or would have been. */
  covers(record: CallRecord): boolean;
}

/** Longer than records are read again: by a look, and once more after a gap, ms. */
const KEPT_MS = 1_800_000;

export function rememberErased(clock: Pick<Clock, 'monotonic'>): Erased {
  const until = new Map<string, number>();
  return {
    note: (digits) => void until.set(digits, clock.monotonic() + KEPT_MS),
    covers({ callSessionId, ...record }) {
      if (until.size === 0) return false;
      const now = clock.monotonic();
      for (const [digits, end] of until) if (end < now) until.delete(digits);
      const text = JSON.stringify(record).replaceAll(callSessionId, '');
      return [...until.keys()].some((digits) => text.includes(digits));
    },
  };
}
