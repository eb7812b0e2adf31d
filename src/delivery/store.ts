/**
 * What delivery keeps on disk. Each method is one durable transaction and takes one plain object, so that a worker
 * thread or a network database can stand behind it. Times are ms since the epoch, UTC, unless called monotonic. Due times
 * (`dueAt`, `checkAt`, `retryAt`, and the `now` they are compared with) are of a clock that does not step while the program
 * runs; 0 is always due.
 */
import type { CallRecord } from '../call/record.ts';
import type { CallLogBody, CrmUser, Lead, OutcomeKind, Resolution } from './crm.ts';
import type { DeliveryState } from './delivery.ts';

/** A due time that is always over. */
export const AT_ONCE = 0;

/** Why a request was made for a delivery. */
export type Trigger = 'live' | 'retry' | 'replay' | 'verify' | 'update';

/** Facts that may come after the post and are then written into the posted call log. */
export interface LateFacts {
  readonly recordingUrl: string | null;
  readonly durationSeconds: number | null;
  /** Further fields of the body that hold recordings, by name. Absent: none. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** One row of the outbox: one call on its way to the CRM. */
export interface Delivery {
  readonly id: number;
  readonly sessionId: string;
  readonly state: DeliveryState;
  /** The newest facts of the call. */
  readonly record: CallRecord;
  /** Grows by one with each change of `record`. */
  readonly revision: number;
  readonly trigger: 'live' | 'replay';
  /** Attempts that count against the maximum. */
  readonly attempts: number;
  /** All posts ever begun for this row. */
  readonly tries: number;
  /** Failed updates with late facts since the last one that worked. */
  readonly updateTries: number;
  /** Why the row is where it is, one sentence for the operator. */
  readonly reason: string | null;
  readonly dueAt: number;
  readonly leadId: string | null;
  readonly userId: string | null;
  readonly activityId: string | null;
  /** Body of the last post. */
  readonly body: CallLogBody | null;
  /** What the CRM has, once delivered. */
  readonly posted: LateFacts | null;
  /** An earlier post may have arrived: its fate was never learned. */
  readonly doubtful: boolean;
  readonly firstAttemptAt: number | null;
  readonly deliveredAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The end of a request, as it is kept. */
export interface AttemptResult {
  readonly outcome: OutcomeKind | 'not-sent' | 'interrupted';
  readonly http: number | null;
  readonly exception: string | null;
  readonly message: string;
  /** Body of the answer, scrubbed and capped by the adapter. */
  readonly answer: string | null;
  readonly durationMs: number;
}

/** A request that was made for a delivery; `null` results: no answer was recorded. */
export interface Attempt {
  readonly number: number;
  readonly trigger: Trigger;
  /** Number of the limiter slot it was booked on; `null` for requests made for many rows together. */
  readonly slot: number | null;
  readonly slotWaitMs: number | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly body: CallLogBody | null;
  readonly bodyHash: string | null;
  readonly result: AttemptResult | null;
}

/** Written before the first byte of a post leaves. */
export interface Intent {
  readonly id: number;
  readonly revision: number;
  readonly trigger: Trigger;
  readonly slot: number;
  readonly slotWaitMs: number;
  readonly startedAt: number;
  readonly body: CallLogBody;
  readonly resolution: Resolution;
  readonly facts: LateFacts;
}

/** One transition of one row. It happens only when the row is still in `from`. */
export interface Settlement {
  readonly id: number;
  readonly from: DeliveryState;
  readonly to: DeliveryState;
  readonly now: number;
  readonly dueAt: number;
  readonly reason: string | null;
  /** Counts against the maximum of attempts. */
  readonly burn?: boolean;
  readonly activityId?: string | null;
  /** Ends the attempt that is open. */
  readonly attempt?: AttemptResult;
  /** Adds a finished request of this kind (a check asked for many rows at once). */
  readonly check?: { readonly startedAt: number; readonly result: AttemptResult };
}

/** Which deliveries are meant. Absent fields do not restrict. */
export interface DeliveryFilter {
  readonly ids?: readonly string[] | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly states?: readonly DeliveryState[] | undefined;
  readonly source?: string | undefined;
  /** Matches the end of the external number, digits only. */
  readonly number?: string | undefined;
}

export interface Outbox {
  /**
   * After a start: `sending` becomes `uncertain`, `resolving` becomes `pending`, due times after `latestDue` come back to
   * now, and no uncertain row is checked before `checkAt`.
   */
  recover(args: { now: number; checkAt: number; latestDue: number }): Promise<{ uncertain: number; released: number }>;
  /** Takes due rows (to `resolving`): up to `live` that ended after `liveSince`, up to `backlog` of the rest, oldest first. */
  claim(args: { now: number; liveSince: number; live: number; backlog: number }): Promise<readonly Delivery[]>;
  /** `sending` with its attempt row. False when the row moved or its call changed since the claim; nothing is written then. */
  begin(intent: Intent): Promise<boolean>;
  /** All in one transaction; answers for each whether it happened. */
  settle(args: { items: readonly Settlement[] }): Promise<readonly boolean[]>;
  /** Rows in `uncertain` whose waiting time is over, oldest first. */
  uncertain(args: { now: number; limit: number }): Promise<readonly Delivery[]>;
  /** Delivered rows whose record changed after the post. */
  changed(args: { now: number; limit: number }): Promise<readonly Delivery[]>;
  /** Ends one update: `retryAt` `null` closes it for this revision of the call. */
  updated(args: {
    id: number;
    revision: number;
    now: number;
    retryAt: number | null;
    facts: LateFacts | null;
    activityId: string | null;
    reason: string | null;
    attempt: { startedAt: number; result: AttemptResult } | null;
  }): Promise<boolean>;
  /** Earliest due time later than `now` of anything that waits; `null` when nothing waits. */
  nextDue(args: { now: number }): Promise<number | null>;
  counts(args: { now: number }): Promise<OutboxCounts>;
  select(args: { filter: DeliveryFilter; after: number; limit: number }): Promise<readonly Delivery[]>;
  /** Puts rows back for another post; `doubtful` ones (an earlier post may have landed) are checked first at `checkAt`, unless forced. */
  requeue(args: { ids: readonly number[]; force: boolean; now: number; checkAt: number }): Promise<number>;
  attempts(args: { sessionId: string }): Promise<readonly Attempt[]>;
}

/** `''`: no reason was kept. */
export interface ReasonCount {
  readonly reason: string;
  readonly count: number;
}

export interface OutboxCounts {
  readonly states: Readonly<Record<DeliveryState, number>>;
  /** End of the oldest call that is not in a final state. */
  readonly oldestWaiting: number | null;
  readonly updatesWaiting: number;
  /** The most frequent reasons of all parked rows. */
  readonly parkedReasons: readonly ReasonCount[];
  /** The most frequent reasons of the skipped rows whose calls ended in the last 24 h. */
  readonly skippedReasons: readonly ReasonCount[];
}

/** The limiter's memory across restarts. */
export interface SlotMemory {
  readonly bootId: string;
  /** Monotonic ms up to which each slot may have been used. */
  readonly slots: readonly number[];
  readonly day: string;
  readonly usedToday: number;
  readonly tuning: Tuning | null;
}

/** What the limiter learned from refusals. */
export interface Tuning {
  readonly requests: number;
  readonly windowMs: number;
  readonly guardMs: number;
  readonly strict: boolean;
  /** A limit the CRM itself named. */
  readonly ceiling: number | null;
}

export interface SlotStore {
  load(args: object): Promise<SlotMemory | null>;
  /** Makes durable that `count` slots may be used until monotonic `until`. Answers their numbers. */
  reserve(args: {
    bootId: string;
    until: number;
    count: number;
    day: string;
    usedToday: number;
    forgetBefore: number;
  }): Promise<readonly number[]>;
  tune(args: { tuning: Tuning | null }): Promise<void>;
}

/** Leads found and not found, by number. */
export interface LeadCache {
  get(args: { number: string }): Promise<{ readonly lead: Lead | null; readonly at: number } | null>;
  put(args: { number: string; lead: Lead | null; at: number; forgetBefore: number }): Promise<void>;
  forget(args: { number: string }): Promise<void>;
  /** The number format that found a lead last. */
  format(args: object): Promise<string | null>;
  rememberFormat(args: { format: string }): Promise<void>;
}

export interface UserStore {
  load(args: object): Promise<{ readonly users: readonly CrmUser[]; readonly at: number } | null>;
  save(args: { users: readonly CrmUser[]; at: number }): Promise<void>;
  /** Notes an extension (of a tenant's domain, where the PBX has several) that took part in a call, and its user if known. */
  seen(args: { extension: string; domain: string | null; at: number; userId: string | null }): Promise<void>;
  /** Extensions seen without a user, latest first. */
  missing(
    args: object,
  ): Promise<readonly { extension: string; domain: string | null; calls: number; lastAt: number }[]>;
}

/** Everything delivery stores. */
export interface DeliveryStore {
  readonly outbox: Outbox;
  readonly leads: LeadCache;
  readonly users: UserStore;
}
