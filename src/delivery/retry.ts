import type { RetryPolicy } from './policy.ts';

/**
 * ms to wait before the next try of one row: between half and all of min(cap, base * 2^(tries - 1)), so that rows that failed
 * together do not come back together, and the pause grows all the same. At least 1 s, so that a row never spins. `random` is in
 * [0, 1).
 */
export function backoff(policy: RetryPolicy, tries: number, random: () => number): number {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(30, Math.max(0, tries - 1)));
  return Math.max(1000, Math.round((0.5 + 0.5 * random()) * ceiling));
}
