/**
 * The request limit as pure bookkeeping: a sliding log of starts, so that no closed window of `windowMs` ever holds more
 * than `requests` of them, wherever the window begins. (A token bucket or a fixed window lets twice as many through.)
 *
 * The limit counts at the CRM's clock, not at ours. A request reaches the CRM between its start and its answer, so each
 * start is moved forward to `answer - shortest answer time seen - half the guard` when that is later: a request that was
 * slow to leave (new connection, blocked event loop) holds its place longer. Strict: without that allowance.
 * A request under way always holds its place. All times are monotonic ms.
 */
import type { RateRefusal } from './crm.ts';
import type { LimitPolicy } from './policy.ts';
import type { Tuning } from './store.ts';

/** One request's place in the log. */
export interface Place {
  readonly startedAt: number;
}

export interface Limiter {
  /** The earliest moment a request may start; `Infinity`: when one under way has ended. */
  freeAt(now: number): number;
  /** How many more may start at `now`. */
  freeSlots(now: number): number;
  take(now: number): Place;
  /** The request was not sent after all. */
  giveBack(place: Place): void;
  /** The request ended, with an answer or without. */
  done(place: Place, now: number): void;
  /** The CRM refused for the rate: holds everything, lowers the rate, becomes strict. `random` is in [0, 1). */
  refused(refusal: RateRefusal, now: number, random: () => number): void;
  /** Rates grow back slowly; to be called now and then. True when something changed. */
  recover(now: number): boolean;
  readonly tuning: Tuning;
  /** Until when a refusal holds everything. */
  readonly heldUntil: number;
}

/** A connection needs some requests before its shortest answer time means anything. */
const LATENCIES_NEEDED = 20;
const LATENCIES_KEPT = 128;
const RECOVER_EVERY_MS = 600_000;
const FORGET_CEILING_MS = 24 * 3_600_000;
const GUARD_MAX_MS = 1000;

/** `used`: moments at which places may have been used before; `blockedUntil`: nothing starts before. */
export function createLimiter(
  limit: LimitPolicy,
  remembered: { readonly used: readonly number[]; readonly blockedUntil: number; readonly tuning: Tuning | null },
): Limiter {
  const base: Tuning = {
    requests: limit.requests,
    windowMs: limit.windowMs,
    guardMs: Math.max(1, limit.guardMs),
    strict: limit.strict,
    ceiling: null,
  };
  let tuning = remembered.tuning === null ? base : tightest(base, remembered.tuning);
  let anchors = [...remembered.used].sort((a, b) => a - b);
  const underWay = new Set<Place>();
  const latencies: number[] = [];
  let shortest = 0;
  const blockedUntil = remembered.blockedUntil;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let lastRefusal = Number.NEGATIVE_INFINITY;
  let lastReduction = Number.NEGATIVE_INFINITY;
  let lastRecovery = Number.NEGATIVE_INFINITY;
  let inARow = 0;

  const span = (): number => tuning.windowMs + tuning.guardMs;

  function prune(now: number): void {
    let expired = 0;
    while (expired < anchors.length && (anchors[expired] ?? now) + span() <= now) expired += 1;
    if (expired > 0) anchors = anchors.slice(expired);
  }

  function add(anchor: number): void {
    let at = anchors.length;
    while (at > 0 && (anchors[at - 1] ?? 0) > anchor) at -= 1;
    anchors.splice(at, 0, anchor);
  }

  function learn(latency: number): void {
    latencies.push(latency);
    if (latencies.length > LATENCIES_KEPT) latencies.shift();
    shortest = latencies.length < LATENCIES_NEEDED ? 0 : Math.min(...latencies);
  }

  return {
    get tuning() {
      return tuning;
    },
    get heldUntil() {
      return heldUntil;
    },
    freeAt(now) {
      prune(now);
      const gate = Math.max(now, blockedUntil, heldUntil);
      const over = underWay.size + anchors.length - tuning.requests + 1;
      if (over <= 0) return gate;
      const freeing = anchors[over - 1];
      return freeing === undefined ? Number.POSITIVE_INFINITY : Math.max(gate, freeing + span());
    },
    freeSlots(now) {
      prune(now);
      if (now < blockedUntil || now < heldUntil) return 0;
      return Math.max(0, tuning.requests - underWay.size - anchors.length);
    },
    take(now) {
      const place = { startedAt: now };
      underWay.add(place);
      return place;
    },
    giveBack(place) {
      underWay.delete(place);
    },
    done(place, now) {
      if (!underWay.delete(place)) return;
      const latency = now - place.startedAt;
      learn(latency);
      const allowance = tuning.strict ? 0 : tuning.guardMs / 2;
      add(Math.max(place.startedAt, now - Math.min(shortest, latency) - allowance));
      if (inARow > 0 && now - lastRefusal > 2 * span()) inARow = 0;
    },
    refused(refusal, now, random) {
      lastRefusal = now;
      lastRecovery = now;
      const first = now - lastReduction > span();
      if (first) {
        // Answers to requests that were sent before the last reduction say nothing about the new rate.
        lastReduction = now;
        inARow += 1;
        tuning = reduced(tuning, refusal);
      }
      const wait = refusal.retryAfterMs ?? tuning.windowMs * 2 ** Math.min(4, Math.max(0, inARow - 1));
      if (first || refusal.retryAfterMs !== null) {
        heldUntil = Math.max(heldUntil, now + wait + Math.round(random() * 0.2 * tuning.windowMs));
      }
    },
    recover(now) {
      if (lastRecovery === Number.NEGATIVE_INFINITY) lastRecovery = now;
      if (now - lastRecovery < RECOVER_EVERY_MS) return false;
      lastRecovery = now;
      const before = tuning;
      const forget = now - lastRefusal > FORGET_CEILING_MS;
      tuning = recovered(tuning, base, forget);
      return JSON.stringify(before) !== JSON.stringify(tuning);
    },
  };
}

function tightest(base: Tuning, learned: Tuning): Tuning {
  const slower = learned.requests / learned.windowMs < base.requests / base.windowMs;
  return {
    ...(slower ? { requests: learned.requests, windowMs: learned.windowMs } : base),
    guardMs: Math.max(base.guardMs, learned.guardMs),
    strict: base.strict || learned.strict,
    ceiling: learned.ceiling,
  };
}

/** A slower limit that the CRM names is taken as it is; at our own limit somebody else shares it: three quarters. */
function reduced(tuning: Tuning, refusal: RateRefusal): Tuning {
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

/** One step back towards the configuration: a twentieth more requests, a tenth less guard. */
function recovered(tuning: Tuning, base: Tuning, forgetCeiling: boolean): Tuning {
  const ceiling = forgetCeiling ? null : tuning.ceiling;
  const fastest = Math.floor((base.requests / base.windowMs) * tuning.windowMs);
  const top = Math.max(1, Math.min(ceiling ?? fastest, fastest));
  const requests = Math.min(top, tuning.requests + Math.max(1, Math.floor(top / 20)));
  const guardMs = Math.max(base.guardMs, Math.floor(tuning.guardMs * 0.9));
  if (requests === fastest && guardMs === base.guardMs && ceiling === null) return base;
  return { ...tuning, requests, guardMs, strict: base.strict || guardMs > base.guardMs, ceiling };
}
