import type { Clock } from '../ports.ts';
import type { LimitPolicy } from './policy.ts';
import type { SlotMemory } from './store.ts';
import { createLimiter, type Limiter } from './throttle.ts';

/** A monotonic time this far ahead is of another boot. */
const IMPOSSIBLE_MS = 600_000;

/** What the last run may have used. Unknown or of another boot: one whole window passes before the first request. */
export function restoredLimiter(limit: LimitPolicy, clock: Clock, memory: SlotMemory | null): Limiter {
  const now = clock.monotonic();
  const tuning = memory?.tuning ?? null;
  const window = Math.max(limit.windowMs, tuning?.windowMs ?? 0) + Math.max(limit.guardMs, tuning?.guardMs ?? 0);
  const known = memory !== null && memory.bootId === clock.bootId && memory.slots.every((t) => t < now + IMPOSSIBLE_MS);
  const used = known ? memory.slots : [];
  // Strict counts answers, and those of the last run are not known.
  const strict = limit.strict || tuning?.strict === true;
  const wait = !known || (strict && used.some((t) => t + window > now));
  return createLimiter(limit, { used, blockedUntil: wait ? now + window : Number.NEGATIVE_INFINITY, tuning });
}
