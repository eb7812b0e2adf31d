/** How the limit is lowered after a refusal, and how it grows back. */
import type { LimitPolicy, RateRefusal, Tuning } from './port.ts';

const GUARD_MAX_MS = 1000;

/** The limit as configured. */
export function configured(limit: LimitPolicy): Tuning {
  return {
    requests: limit.requests,
    windowMs: limit.windowMs,
    guardMs: Math.max(1, limit.guardMs),
    strict: limit.strict,
    ceiling: null,
  };
}

/** What was learned in an earlier run counts as far as it is tighter than the configuration. */
export function tightest(base: Tuning, learned: Tuning): Tuning {
  const slower = learned.requests / learned.windowMs < base.requests / base.windowMs;
  return {
    ...(slower ? { requests: learned.requests, windowMs: learned.windowMs } : base),
    guardMs: Math.max(base.guardMs, learned.guardMs),
    strict: base.strict || learned.strict,
    ceiling: learned.ceiling,
  };
}

/** A slower limit that the CRM names is taken as it is; at our own limit somebody else shares it: three quarters. */
export function reduced(tuning: Tuning, refusal: RateRefusal): Tuning {
  const guardMs = Math.min(GUARD_MAX_MS, tuning.guardMs * 2);
  const { limit, windowMs } = refusal;
  if (limit !== null && limit >= 1) {
    const named = windowMs ?? tuning.windowMs;
    if (limit / named < tuning.requests / tuning.windowMs) {
      return { requests: Math.floor(limit), windowMs: named, guardMs, strict: true, ceiling: Math.floor(limit) };
    }
  }
  return { ...tuning, requests: Math.max(1, Math.floor(tuning.requests * 0.75)), guardMs, strict: true };
}

/** One step back towards the configuration: a twelfth more requests, a quarter less guard. */
export function recovered(tuning: Tuning, base: Tuning, forgetCeiling: boolean): Tuning {
  const ceiling = forgetCeiling ? null : tuning.ceiling;
  const fastest = Math.floor((base.requests / base.windowMs) * tuning.windowMs);
  const top = Math.max(1, Math.min(ceiling ?? fastest, fastest));
  const requests = Math.min(top, tuning.requests + Math.max(1, Math.floor(top / 12)));
  const guardMs = Math.max(base.guardMs, Math.floor(tuning.guardMs * 0.75));
  if (requests === fastest && guardMs === base.guardMs && ceiling === null) return base;
  return { ...tuning, requests, guardMs, strict: base.strict || guardMs > base.guardMs, ceiling };
}
