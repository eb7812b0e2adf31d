/**
 * Whose fault it was, and what is stored: the end of one step of one row. A failure counts against the row only when the CRM
 * was seen to work for others; else it was the CRM's, and the row waits with all others.
 */
import { PermitsClosed } from '../permits/port.ts';
import type { Log } from '../ports.ts';
import type { Reply } from './crm.ts';
import type { Health } from './health.ts';
import type { Probe } from './probe.ts';
import { backoff } from './retry.ts';
import { next, type Position, type Step } from './states.ts';
import {
  failedBefore,
  isNobodys,
  type Outcome,
  putOff,
  type Ran,
  type StepParts,
  StoreRefused,
  textOf,
} from './steps/step.ts';
import { AT_ONCE, type AttemptResult, type Delivery, type Outbox, type Settlement } from './store.ts';

export interface WorkerParts extends StepParts {
  readonly outbox: Outbox;
  readonly health: Health;
  readonly probe: Probe;
  readonly log: Log;
  /** Names this life of this process. */
  readonly owner: string;
  /** The clock of due times and leases; runs once the outbox is open. */
  readonly steady: () => number;
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
  /**
   * Stores the end of a step. Answers the row as it is now when the same worker goes on with it (`goesOn`), else `null`.
   * Throws `StoreRefused` when the store takes the results of others, but not this one.
   */
  settle(row: Delivery, ran: Ran, goesOn: (to: Position) => boolean): Promise<Delivery | null>;
  /** Rows whose step is not over when the program ends: posts become uncertain, the others are free again. */
  giveUp(rows: readonly Delivery[]): Promise<void>;
}

/** The CRM worked so lately that a failure is the row's own. */
const LATELY_MS = 60_000;
const STORE_AGAIN_MS = 1000;
const STORE_AGAIN_MAX_MS = 5000;
/** Results of other rows were stored meanwhile: after so many refusals it is this row's. */
const REFUSALS = 5;

export function createSettler(parts: WorkerParts, leaseMs: number, stopping: () => boolean): Settler {
  const { outbox, clock, steady, policy, random, health, probe, owner, log } = parts;
  let workedAt = Number.NEGATIVE_INFINITY;
  let storedAt = Number.NEGATIVE_INFINITY;

  /** True when the CRM works for others, so that a failure is the row's own. */
  async function isOwn(row: Delivery, reply: Reply<unknown> | null): Promise<boolean> {
    const aside = row.step === 'check' || row.step === 'update';
    if (reply !== null && isNobodys(reply) && !(aside && reply.kind === 'denied')) return false;
    if (health.state !== 'closed') return false;
    // Some accounts refuse checks or updates by themselves; whether the account is refused, the probe tells.
    const refused = reply?.kind === 'denied';
    const lately = clock.monotonic() - workedAt < LATELY_MS;
    if (!refused && reply !== null && !failedBefore(row)) return reply.reached && lately;
    if (!refused && lately) return true;
    if (!(await probe.now())) return false;
    workedAt = clock.monotonic();
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
    const { kind: _, again, exhausted, reply, reason, finally: last, ...facts } = outcome;
    const burn = await isOwn(row, reply);
    // Whatever stands in the way of all is no attempt, and is not kept as one, unless it was a post.
    const nobodys = reply !== null && !burn && isNobodys(reply);
    if (nobodys && facts.attempt === undefined) {
      return { ...base, to: next(from, 'put-off'), dueAt: AT_ONCE, reason };
    }
    const step: Step = from.step ?? 'look-up';
    const count = row.attempts[step] + (burn ? 1 : 0);
    const over = burn && count >= policy.retry.maxAttempts;
    const to = next(from, over ? exhausted : again);
    const pause =
      to.state === 'uncertain' && step === 'post'
        ? policy.uncertain === 'verify'
          ? policy.verifyAfterMs
          : 0
        : backoff(policy.retry, burn ? count : 1, random);
    const dueAt = pause === 0 || to.step === null ? AT_ONCE : steady() + pause;
    const told = over && last !== undefined ? last.replace('{n}', String(count)) : reason;
    return { ...base, ...facts, to, dueAt, reason: told, ...(burn ? { burn: step } : {}) };
  }

  /** Repeats a write until the store takes it (full disk): what the CRM answered must not be lost. */
  async function keep(item: Settlement): Promise<boolean> {
    const since = clock.monotonic();
    for (let tries = 1; ; tries++) {
      try {
        const [done] = await outbox.settle({ items: [item] });
        storedAt = clock.monotonic();
        return done === true;
      } catch (error) {
        if (stopping() || (tries >= REFUSALS && storedAt > since))
          throw new StoreRefused(textOf(error), { cause: error });
        if (tries === 1) {
          log.write('error', 'delivery-store', `A result could not be stored and is kept in memory: ${textOf(error)}`);
        }
        const wait = Math.min(STORE_AGAIN_MAX_MS, STORE_AGAIN_MS * tries);
        await new Promise<void>((resolve) => clock.after(wait, resolve));
      }
    }
  }

  return {
    hearing: (row) => (subject, reply) => {
      const now = clock.monotonic();
      const { step } = row;
      const witness = step === 'look-up' || step === 'post' ? step : null;
      switch (reply.kind) {
        case 'accepted':
        case 'rejected':
          workedAt = now;
          if (witness !== null) health.worked(witness);
          return;
        case 'rate-limited':
          workedAt = now;
          return;
        case 'denied':
          if (witness !== null) health.denied(reply.message);
          return;
        case 'unavailable':
        case 'uncertain':
          if (step !== null) health.failed(step, subject, { fresh: !failedBefore(row), ...reply }, now);
      }
    },

    broken(row, error) {
      if (error instanceof StoreRefused) throw error;
      if (error instanceof PermitsClosed || error instanceof Stopped) return putOff(row, row.reason);
      const what = row.step ?? 'step';
      const reason = `The ${what} of this call failed in logcalld itself (${textOf(error)}); this is a defect, please report it.`;
      log.write('error', 'delivery-defect', reason, { call: row.sessionId });
      const exhausted = what === 'check' ? 'held' : 'exhausted';
      const outcome: Outcome = { kind: 'failed', reason, again: 'failed', exhausted, reply: null };
      return { from: row, outcome };
    },

    async settle(row, ran, goesOn) {
      const item = await settlementOf(row, ran);
      if (item === null) return null;
      const goes = goesOn(item.to) && item.found !== undefined;
      const done = await keep(goes ? { ...item, leaseUntil: steady() + leaseMs } : item);
      if (!done || !goes || item.found === undefined) return null;
      const { leadId, userId } = item.found;
      return { ...row, ...item.to, leadId, userId, reason: item.reason };
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

const NO_ANSWER: AttemptResult = {
  outcome: 'interrupted',
  http: null,
  exception: null,
  message: 'Stopped before the answer came.',
  answer: null,
  durationMs: 0,
};
