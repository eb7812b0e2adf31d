/**
 * Whose fault it was, and what is stored: the end of one step of one row. A failure counts against the row only when the CRM
 * was seen to work for others; else it was the CRM's, and the row waits with all others.
 */
import { events } from '../events.ts';
import { PermitsClosed } from '../permits/port.ts';
import type { Log } from '../ports.ts';
import type { Reply } from './crm.ts';
import { grouped } from './grouped.ts';
import type { Health } from './health/health.ts';
import type { Probe } from './health/probe.ts';
import { backoff, isLookedFor, NOT_OWN } from './policy.ts';
import { afterChange, isFinal, next, type Position, type Step } from './states.ts';
import { failedBefore, type Outcome, putOff, type Ran, type StepParts, StoreRefused, textOf } from './steps/step.ts';
import {
  AT_ONCE,
  type AttemptResult,
  type Delivery,
  LEASE_MS,
  type Outbox,
  type Settlement,
  type UnreadableRow,
} from './store.ts';
import type { StoreWatch } from './stored.ts';

export interface WorkerParts extends StepParts {
  readonly outbox: Outbox;
  readonly health: Health;
  readonly probe: Probe;
  readonly stored: StoreWatch;
  readonly log: Log;
  /** Names this life of this process. */
  readonly owner: string;
}

/** A step was broken off before it asked for anything: delivery pauses or stops. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export interface Settler {
  /** Hears of the replies of one run of a step. */
  hearing(row: Delivery): (subject: string, reply: Reply<unknown>) => void;
  /** What an exception in a step says about the row. Throws `StoreRefused` on, as nothing can be stored then. */
  broken(row: Delivery, error: unknown): Ran;
  /** Stores the end of a step. Throws `StoreRefused` when the store takes the results of others, but not this one. */
  settle(row: Delivery, ran: Ran, goesOn: (to: Position) => boolean): Promise<End>;
  /** Rows that cannot be read are parked, and so stop none of the others. */
  unreadable(rows: readonly UnreadableRow[]): Promise<void>;
  /** Rows whose step is not over when the program ends: posts become uncertain, the others are free again. */
  giveUp(rows: readonly Delivery[]): Promise<void>;
}

export interface End {
  /** The row as it is now when the same worker goes on with it (`goesOn`), else `null`. */
  readonly row: Delivery | null;
  /** Nothing more is done for it by itself, whatever its facts are now. */
  readonly over: boolean;
}

/** A step worked so lately for others that a first failure is the row's own. */
const LATELY_MS = 60_000;
/** An answer to a probe counts for so long. */
const PROBED_MS = 15_000;
const STORE_AGAIN_MS = 1000;
const STORE_AGAIN_MAX_MS = 5000;
/** Results of other rows were stored meanwhile: after so many refusals it is this row's. */
const REFUSALS = 5;

/** `stopping`: true once the program ends: a result that cannot be stored is then given up at once, with `StoreRefused`. */
export function createSettler(parts: WorkerParts, stopping: () => boolean): Settler {
  const { outbox, clock, steady, policy, random, health, probe, stored, owner, log } = parts;
  /** When each step last worked, for any row: ms since the epoch. */
  const workedAt = new Map<Step, number>();
  /** What the running step of a row asked about last. */
  const subjects = new Map<number, string>();
  let storedAt = Number.NEGATIVE_INFINITY;

  /** True when the CRM works for others, so that a failure is the row's own. */
  async function isOwn(row: Delivery, step: Step, reply: Reply<unknown> | null): Promise<boolean> {
    // A defect of ours.
    if (reply === null) return true;
    if (health.admits(step, clock.monotonic()) !== 'all') return false;
    if (!reply.reached) {
      // Nobody's fault; whether it is the network's, the probe tells.
      if (failedBefore(row)) await probe.now(PROBED_MS);
      return false;
    }
    const at = workedAt.get(step) ?? Number.NEGATIVE_INFINITY;
    // Since its last try; a post is looked for in between.
    const before = step === 'post' ? row.lastAttemptAt : row.updatedAt;
    const since = failedBefore(row) && before !== null ? before : clock.now() - LATELY_MS;
    if (reply.kind === 'rate-limited') return failedBefore(row) && at > since;
    if (reply.kind === 'denied') return isDeniedAlone(row, step, reply);
    if (at > since) return true;
    if (!failedBefore(row)) return false;
    // Nobody else asked for the same: for lookups somebody else is asked for; nothing is posted to find out.
    if (step === 'look-up') return probe.lookUp();
    return (await probe.now(PROBED_MS)) && step !== 'post';
  }

  /** Some accounts refuse one method by themselves, or one call; whether the account is refused, the probe tells. */
  async function isDeniedAlone(row: Delivery, step: Step, { message }: Reply<unknown>): Promise<boolean> {
    if (!(await probe.now(PROBED_MS))) return false;
    const failure = { fresh: !failedBefore(row), reached: true, denied: true, message };
    health.failed(step, subjects.get(row.id) ?? row.sessionId, failure, clock.monotonic());
    return true;
  }

  async function settlementOf(row: Delivery, { from, outcome }: Ran): Promise<Settlement | null> {
    if (outcome.kind === 'lost') return null;
    const base = { id: row.id, owner, from, revision: row.revision, now: clock.now() };
    if (outcome.kind === 'done') {
      const { kind: _, event, reason, pauseMs, ...facts } = outcome;
      const dueAt = pauseMs === undefined || pauseMs === 0 ? AT_ONCE : steady() + pauseMs;
      return { ...base, ...facts, to: next(from, event), dueAt, reason };
    }
    const { kind: _, again, exhausted, reply, reason, code, finally: last, attempted, ...facts } = outcome;
    const step: Step = from.step ?? 'look-up';
    const own = await isOwn(row, step, reply);
    if (reply?.kind === 'denied' && health.state === 'denied') {
      // The account: the row stands still, with all others.
      const event = from.state === 'sending' ? 'refused' : 'put-off';
      return { ...base, ...facts, to: next(from, event), dueAt: AT_ONCE, reason };
    }
    const failures = row.step === step ? row.failures + 1 : 1;
    const count = row.attempts[step] + (own ? 1 : 0);
    const { maxAttempts } = policy.retry;
    const spent = own && count >= maxAttempts;
    const over = spent || failures >= NOT_OWN * maxAttempts;
    const to = next(from, over ? exhausted : again);
    const pause = pauseOf(row, to, step, Math.max(count, failures));
    const dueAt = pause === 0 || to.step === null ? AT_ONCE : steady() + pause;
    const told = over && last !== undefined ? last.replace('{n}', String(spent ? count : failures)) : reason;
    // What tells nothing new is not kept as an attempt, in an outage it would be thousands.
    const kept = attempted !== undefined && (own || failures === 1) ? { attempted } : {};
    return { ...base, ...facts, ...kept, to, dueAt, reason: told, code, failed: true, ...(own ? { burn: step } : {}) };
  }

  /** ms; a post without an answer is looked for when the CRM has had time to show it. */
  function pauseOf({ trigger }: Delivery, to: Position, step: Step, failures: number): number {
    if (to.state !== 'uncertain' || step !== 'post') return backoff(policy.retry, failures, random);
    return isLookedFor(policy, { trigger, elsewhere: false }) ? policy.verifyAfterMs : 0;
  }

  const write = grouped((items: readonly Settlement[]) => outbox.settle({ items }));

  /** Repeats a write until the store takes it (full disk): what the CRM answered must not be lost. */
  async function keep(item: Settlement): Promise<boolean> {
    const since = clock.monotonic();
    for (let tries = 1; ; tries++) {
      try {
        const done = await write(item);
        if (typeof done === 'object') throw new Error(done.refused);
        storedAt = clock.monotonic();
        stored.worked('results');
        return done;
      } catch (error) {
        if (stopping() || (tries >= REFUSALS && storedAt > since))
          throw new StoreRefused(textOf(error), { cause: error });
        if (tries === 1) events.resultNotStored(log, textOf(error));
        if (tries >= REFUSALS) stored.failed('results', textOf(error));
        const wait = Math.min(STORE_AGAIN_MAX_MS, STORE_AGAIN_MS * tries);
        await new Promise<void>((resolve) => clock.after(wait, resolve));
      }
    }
  }

  return {
    hearing: (row) => (subject, reply) => {
      const now = clock.monotonic();
      const { step } = row;
      if (step === null) return;
      subjects.set(row.id, subject);
      switch (reply.kind) {
        case 'accepted':
        case 'rejected':
          workedAt.set(step, clock.now());
          if (step === 'look-up' || step === 'post') health.worked(step);
          return;
        case 'unavailable':
        case 'uncertain':
          health.failed(step, subject, { fresh: !failedBefore(row), denied: false, ...reply }, now);
          return;
        case 'rate-limited':
        case 'denied':
          // Whose fault that is, is asked when the step is settled.
          return;
      }
    },

    broken(row, error) {
      if (error instanceof StoreRefused) throw error;
      if (error instanceof PermitsClosed || error instanceof Stopped) return putOff(row, row.reason);
      const what = row.step ?? 'step';
      const reason = `The ${what} of this call failed in logcalld itself (${textOf(error)}); this is a defect, please report it.`;
      events.deliveryDefect(log, row.sessionId, reason);
      const exhausted = parkedBy(row.step);
      const outcome: Outcome = { kind: 'failed', reason, code: 'defect', again: 'failed', exhausted, reply: null };
      return { from: row, outcome };
    },

    async settle(row, ran, goesOn) {
      const item = await settlementOf(row, ran).finally(() => subjects.delete(row.id));
      if (item === null) return { row: null, over: false };
      const goes = goesOn(item.to) && item.found !== undefined;
      const done = await keep(goes ? { ...item, leaseUntil: steady() + LEASE_MS } : item);
      const { to, found, reason } = item;
      if (!done || !goes || found === undefined) return { row: null, over: done && isFinal(to.state) && !changes(to) };
      const { leadId, userId } = found;
      return { row: { ...row, ...to, leadId, userId, failures: 0, reason }, over: false };
    },

    async unreadable(rows) {
      if (rows.length === 0) return;
      const now = clock.now();
      const items = rows.map(({ id, revision, ...from }): Settlement => {
        const to = next(from, parkedBy(from.step));
        return { id, owner, from, to, revision, now, dueAt: AT_ONCE, reason: UNREADABLE, code: 'unreadable' };
      });
      await outbox.settle({ items });
    },

    async giveUp(rows) {
      if (rows.length === 0) return;
      const now = clock.now();
      const dueAt = steady() + policy.verifyAfterMs;
      const from: Position = { state: 'sending', step: 'post' };
      const to = next(from, 'doubtful');
      const { message: reason } = NO_ANSWER;
      const posts = rows.map(
        ({ id, revision }): Settlement => ({ id, owner, from, to, revision, now, dueAt, reason, attempt: NO_ANSWER }),
      );
      const done = await outbox.settle({ items: posts });
      const others = rows.filter((_, at) => done[at] !== true);
      const items = others.map((row): Settlement => {
        const { id, revision, reason: why } = row;
        return { id, owner, from: row, to: next(row, 'put-off'), revision, now, dueAt: AT_ONCE, reason: why };
      });
      if (items.length > 0) await outbox.settle({ items });
    },
  };
}

/** Newer facts of the call are sent after such a row. */
const changes = (to: Position): boolean => afterChange(to) !== null;

/** What ends a step that cannot be done. */
const parkedBy = (step: Step | null): 'held' | 'exhausted' => (step === 'check' ? 'held' : 'exhausted');

const UNREADABLE = 'What is stored of this call cannot be read: somebody or the disk changed the database.';

const NO_ANSWER: AttemptResult = {
  outcome: 'interrupted',
  http: null,
  exception: null,
  message: 'Stopped before the answer came.',
  answer: null,
  durationMs: 0,
};
