/**
 * The request limit as pure bookkeeping: a sliding log of starts, so that no closed window of `windowMs` ever holds more
 * than `requests` of them, wherever the window begins. (A token bucket or a fixed window lets twice as many through.)
 *
 * The limit counts at the CRM's clock, not at ours. A request reaches the CRM between its start and its answer, so each
 * start is moved forward to `answer - shortest answer time seen - half the guard` when that is later: a request that was
 * slow to leave (blocked event loop) holds its entry longer. Strict: without that allowance.
 * A request under way holds its entry: until its answer, or for two windows, as what is sent has reached the CRM within the first
 * of them, however long the CRM thinks about it; time in which this program stood still does not count, as nothing could leave then.
 * Strict: until its answer. A request that may start, and has not, holds its entry until it does. All times are monotonic ms.
 *
 * All of this reads our own clock in time only as far as this program runs in time. How late it runs is measured and added
 * to the guard, so that a loaded machine goes a little slower instead of one request too far.
 */
import type { LimitPolicy, PermitMemory, RateRefusal, Tuning } from './port.ts';
import { configured, recovered, reduced, tightest } from './tuning.ts';

/** One request's entry in the log. */
export interface Entry {
  startedAt: number;
}

export interface SlidingWindow {
  /** The earliest moment a request may start; `Infinity`: when one under way has ended. */
  freeAt(now: number): number;
  /** How many more may start at `now`. */
  free(now: number): number;
  /**
   * The least time between two starts, ms, at which there is always room again before the room that there is now, and that which
   * comes meanwhile, is used up.
   */
  evenPace(now: number): number;
  /** Places that requests of this process will hold at `at`, a moment not before now. */
  held(at: number): number;
  /** The entry of a request that may start, and has not yet. */
  hold(now: number): Entry;
  /** The entry of a request that starts. */
  take(now: number): Entry;
  /** The request was not sent after all, or takes another entry. */
  giveBack(entry: Entry): void;
  /** The request ended, with an answer or without. */
  done(entry: Entry, now: number): void;
  /** Until when each permit of other processes, and of earlier lives of this one, may have been used. */
  others(until: readonly number[]): void;
  /** The program ran so much later than it should have, ms. */
  late(ms: number, now: number): void;
  /** The CRM refused for the rate: holds everything, lowers the rate, becomes strict. `random` is in [0, 1). */
  refused(refusal: RateRefusal, now: number, random: () => number): void;
  /** Ends the wait that a refusal asked for, and forgets what was learned from it (an operator asks for it). */
  reset(now: number): void;
  /** Rates grow back slowly; to be called now and then. True when something changed. */
  recover(now: number): boolean;
  readonly tuning: Tuning;
  /** Window and guard as they count now. */
  readonly spanMs: number;
  /** Until when a refusal holds everything. */
  readonly heldUntil: number;
}

/** A connection needs some requests before its shortest answer time means anything. */
const LATENCIES_NEEDED = 20;
const LATENCIES_KEPT = 128;
/** From 6 of 25 requests to all of them, and from the widest guard to that of the configuration, in under ten minutes. */
export const RECOVER_EVERY_MS = 30_000;
const STEPS_TO_TOP = 100;
const FORGET_CEILING_MS = 24 * 3_600_000;
/** A longer `Retry-After` is not believed: the limit is one of seconds, and a day without calls is worse than a refusal. */
export const HOLD_MAX_MS = 300_000;
/** For how long a measured lateness counts. */
const LATE_FOR_MS = 30_000;
const LATE_MAX_MS = 2000;

/** `used`: moments at which entries may have been used before; `blockedUntil`: nothing starts before. */
export function createWindow(
  limit: LimitPolicy,
  remembered: { readonly used: readonly number[]; readonly blockedUntil: number; readonly tuning: Tuning | null },
): SlidingWindow {
  const base = configured(limit);
  let tuning = remembered.tuning === null ? base : tightest(base, remembered.tuning);
  let anchors: number[] = [];
  let foreign: readonly number[] = [...remembered.used].sort((a, b) => a - b);
  const underWay = new Set<Entry>();
  const holding = new Set<Entry>();
  const latencies: number[] = [];
  let shortest = 0;
  let lateness = 0;
  let lateUntil = Number.NEGATIVE_INFINITY;
  /** Until when the time in which this program stood still has been counted. */
  let stoodUntil = Number.NEGATIVE_INFINITY;
  let { blockedUntil } = remembered;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let lastRefusal = Number.NEGATIVE_INFINITY;
  let lastReduction = Number.NEGATIVE_INFINITY;
  let lastRecovery = Number.NEGATIVE_INFINITY;
  let inARow = 0;

  const span = (): number => tuning.windowMs + tuning.guardMs + lateness;
  const inUse = (): number => holding.size + underWay.size + anchors.length + foreign.length;

  function prune(now: number): void {
    if (now >= lateUntil) lateness = 0;
    let expired = 0;
    while (expired < anchors.length && (anchors[expired] ?? now) + span() <= now) expired += 1;
    if (expired > 0) anchors = anchors.slice(expired);
    for (const entry of underWay) if (!tuning.strict && entry.startedAt + 2 * span() <= now) underWay.delete(entry);
    if (foreign.some((until) => until + span() <= now)) foreign = foreign.filter((until) => until + span() > now);
  }

  /** The earliest first. */
  function taken(): readonly number[] {
    return foreign.length === 0 ? anchors : [...anchors, ...foreign].sort((a, b) => a - b);
  }

  /** When the entries that are taken come free, the earliest first; of those under way it is not known where answers count, nor of those held. */
  function freeing(): readonly number[] {
    const ended = taken().map((anchor) => anchor + span());
    if (tuning.strict || underWay.size === 0) return ended;
    return [...ended, ...[...underWay].map(({ startedAt }) => startedAt + 2 * span())].sort((a, b) => a - b);
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
    get spanMs() {
      return span();
    },
    get heldUntil() {
      return heldUntil;
    },
    freeAt(now) {
      prune(now);
      const gate = Math.max(now, blockedUntil, heldUntil);
      const over = inUse() - tuning.requests + 1;
      return over <= 0 ? gate : Math.max(gate, freeing()[over - 1] ?? Number.POSITIVE_INFINITY);
    },
    free(now) {
      prune(now);
      if (now < blockedUntil || now < heldUntil) return 0;
      return Math.max(0, tuning.requests - inUse());
    },
    evenPace(now) {
      prune(now);
      const free = Math.max(0, tuning.requests - inUse());
      const soon = freeing().filter((at) => at - now <= span());
      // What is held for longer than a window is simply missing: the rest of the window comes free again meanwhile.
      const rest = free + soon.length;
      const missing = rest > 0 && rest < tuning.requests ? span() / rest : 0;
      return soon.reduce((most, at, i) => Math.max(most, (at - now) / (free + i + 1)), missing);
    },
    held: (at) => holding.size + underWay.size + anchors.filter((anchor) => anchor + span() > at).length,
    hold(now) {
      const entry = { startedAt: now };
      holding.add(entry);
      return entry;
    },
    take(now) {
      const entry = { startedAt: now };
      underWay.add(entry);
      return entry;
    },
    giveBack(entry) {
      holding.delete(entry);
      underWay.delete(entry);
    },
    done(entry, now) {
      if (!underWay.delete(entry)) return;
      const latency = now - entry.startedAt;
      learn(latency);
      const allowance = tuning.strict ? 0 : tuning.guardMs / 2;
      // Where this program itself runs late, its shortest answer time says nothing about the network's.
      const known = lateness > 0 ? 0 : Math.min(shortest, latency);
      const arrived = Math.max(entry.startedAt, now - known - allowance);
      add(tuning.strict ? arrived : Math.min(arrived, entry.startedAt + span()));
      if (inARow > 0 && now - lastRefusal > 2 * span()) inARow = 0;
    },
    others(until) {
      foreign = [...until].sort((a, b) => a - b);
    },
    late(ms, now) {
      if (ms < tuning.guardMs / 2) return;
      lateness = Math.min(LATE_MAX_MS, Math.max(now < lateUntil ? lateness : 0, Math.ceil(ms)));
      lateUntil = now + LATE_FOR_MS;
      // Of one stop several timers and answers tell.
      const stood = Math.min(ms, now - stoodUntil);
      stoodUntil = now;
      for (const entry of underWay) entry.startedAt = Math.min(now, entry.startedAt + stood);
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
        const bounded = Math.min(HOLD_MAX_MS, wait + Math.round(random() * 0.2 * tuning.windowMs));
        heldUntil = Math.max(heldUntil, now + bounded);
      }
    },
    reset(now) {
      heldUntil = Number.NEGATIVE_INFINITY;
      inARow = 0;
      // Strict counts answers, and the entries of before were not counted so.
      if (tuning.windowMs < base.windowMs) blockedUntil = Math.max(blockedUntil, now + base.windowMs);
      tuning = base;
    },
    recover(now) {
      if (lastRecovery === Number.NEGATIVE_INFINITY) lastRecovery = now;
      if (now - lastRecovery < RECOVER_EVERY_MS) return false;
      const steps = Math.floor((now - lastRecovery) / RECOVER_EVERY_MS);
      lastRecovery += steps * RECOVER_EVERY_MS;
      const before = tuning;
      const forget = now - lastRefusal > FORGET_CEILING_MS;
      // Nothing was asked meanwhile: all the steps of the time that passed, of which so many lead from anywhere to the top.
      for (let step = 0; step < Math.min(steps, STEPS_TO_TOP); step++) tuning = recovered(tuning, base, forget);
      return JSON.stringify(before) !== JSON.stringify(tuning);
    },
  };
}

/** A monotonic time this far ahead is of another boot. */
const IMPOSSIBLE_MS = 600_000;

/** What earlier lives may have used. Unknown or of another boot: one whole window passes before the first request. */
export function restoredWindow(limit: LimitPolicy, now: number, memory: PermitMemory): SlidingWindow {
  const { tuning } = memory;
  const span = Math.max(limit.windowMs, tuning?.windowMs ?? 0) + Math.max(limit.guardMs, tuning?.guardMs ?? 0);
  const known = memory.permits?.every((until) => until < now + IMPOSSIBLE_MS) === true;
  const used = known ? (memory.permits ?? []) : [];
  // Strict counts answers, and those of earlier lives are not known.
  const strict = limit.strict || tuning?.strict === true;
  const wait = !known || (strict && used.some((until) => until + span > now));
  return createWindow(limit, { used, blockedUntil: wait ? now + span : Number.NEGATIVE_INFINITY, tuning });
}
