/** What the steps of a delivery share: a step takes a row and answers what became of it; it knows no queue and no timer. */
import type { OnCondition } from '../../condition.ts';
import type { Asking, Permits } from '../../permits/port.ts';
import type { Clock } from '../../ports.ts';
import type { Crm, Reply } from '../crm.ts';
import type { ReasonCode } from '../parked/reasons.ts';
import type { Leads } from '../parties/leads.ts';
import type { Resolve } from '../parties/resolve.ts';
import type { DeliveryPolicy } from '../policy.ts';
import type { DeliveryEvent, Position } from '../states.ts';
import type { AttemptResult, Delivery, Outbox, Settlement } from '../store.ts';

export interface StepParts {
  readonly crm: Crm;
  readonly permits: Permits;
  readonly outbox: Pick<Outbox, 'begin' | 'taken'>;
  readonly leads: Leads;
  readonly resolve: Resolve;
  readonly clock: Clock;
  /** The clock of due times and leases, ms; it does not step. Runs once the outbox is open. */
  readonly steady: () => number;
  readonly policy: DeliveryPolicy;
  readonly onCondition: OnCondition;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** One run of a step. */
export interface Run {
  readonly row: Delivery;
  /** The life of a process that has the lease. */
  readonly owner: string;
  readonly asking: Asking;
  /** Hears of each reply that says something about the CRM. `subject`: the number or the call that was asked about. */
  readonly heard: (subject: string, reply: Reply<unknown>) => void;
}

/** What is stored with the end of a step. */
type Facts = Pick<Settlement, 'found' | 'activityId' | 'certain' | 'written' | 'updated' | 'attempt' | 'attempted'>;

export type Outcome =
  /** The step is over. `pauseMs`: before the next one. */
  | ({
      readonly kind: 'done';
      readonly event: DeliveryEvent;
      readonly reason: string | null;
      /** Where the call is parked or skipped. */
      readonly code?: ReasonCode;
      readonly pauseMs?: number;
    } & Facts)
  /** It did not work. Whose fault it was, and what follows, is for the worker to say. */
  | ({
      readonly kind: 'failed';
      readonly reason: string;
      /** What follows when it is tried once more, and when it was tried often enough. */
      readonly again: DeliveryEvent;
      readonly exhausted: DeliveryEvent;
      /** Of a call that is parked when it was tried often enough. */
      readonly code?: ReasonCode;
      /** `null`: nothing was asked of the CRM. */
      readonly reply: Reply<unknown> | null;
      /** The reason that is kept when it was tried often enough; `{n}` is the number of attempts. */
      readonly finally?: string;
    } & Facts)
  /** Somebody else has the row now; nothing is stored. */
  | { readonly kind: 'lost' };

/** From where the outcome of a step is counted: a post whose intent is stored stands elsewhere than the row that was taken. */
export interface Ran {
  readonly from: Position;
  readonly outcome: Outcome;
}

export type RunStep = (parts: StepParts, run: Run) => Promise<Ran>;

/** The store refused a write of this row. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
}

/** A write of a step; a refusal is told from a fault of the step itself. */
export async function stored<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    throw new StoreRefused(textOf(error), { cause: error });
  }
}

export function resultOf(reply: Reply<unknown>): AttemptResult {
  const { kind: outcome, http, exception, message, body: answer, durationMs } = reply;
  return { outcome, http, exception, message, answer, durationMs };
}

/** An answer the adapter did not give: the port threw. */
export function thrown<T>(error: unknown, kind: 'uncertain' | 'unavailable'): Reply<T> {
  const message = textOf(error);
  return { kind, value: null, message, reached: true, exception: null, http: null, body: null, durationMs: 0 };
}

/** A request that ended with an answer, or with that of a port that threw. `unsent`: nothing left. */
export async function answered<T>(
  request: Promise<Reply<T>>,
  kind: 'uncertain' | 'unavailable',
  isUnsent: (error: unknown) => boolean,
): Promise<Reply<T> | 'unsent'> {
  try {
    return await request;
  } catch (error) {
    return isUnsent(error) ? 'unsent' : thrown(error, kind);
  }
}

/** The same for a row that stands still: no attempt is counted. */
export function putOff(row: Delivery, reason: string | null): Ran {
  return { from: row, outcome: { kind: 'done', event: 'put-off', reason } };
}

/** Failed before at this step: it goes behind the others, and says nothing about the CRM. */
export function failedBefore({ state, step, attempts, failures }: Delivery): boolean {
  if (step === 'check') return failures > 0 || attempts.post > 1;
  return state === 'retrying' || (step === 'update' && failures > 0);
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
