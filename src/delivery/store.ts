/**
 * What delivery keeps on disk. Each method is one durable transaction and takes one plain object, so that a worker
 * thread or a network database can stand behind it. Times are ms since the epoch, UTC, unless called monotonic. Due times and
 * leases (`dueAt`, `leaseUntil`, `checkAt`, and the `now` they are compared with) are of the outbox's own clock, which
 * `open` tells: it does not step while the machine runs, and it is the same for all processes; 0 is always due.
 */
import type { CallRecord } from '../call/record.ts';
import type { CallLogBody, CrmUser, LateFacts, Lead, OutcomeKind, Resolution } from './crm.ts';
import type { ParkedCount, ParkedCounts, ReasonCount } from './parked/counts.ts';
import type { ReasonCode } from './parked/reasons.ts';
import type { DeliveryState, Position, Step } from './states.ts';

/** A due time that is always over. */
export const AT_ONCE = 0;

/** How long a row is leased, ms. */
export const LEASE_MS = 30_000;

/** What a post was made for. */
export type Trigger = 'live' | 'retry' | 'replay';

/** One row of the outbox: one call on its way to the CRM. */
export interface Delivery extends Position {
  readonly id: number;
  readonly sessionId: string;
  /** Which CRM it goes to. */
  readonly destination: string;
  /** The newest facts of the call. */
  readonly record: CallRecord;
  /** Grows by one with each change of `record`. */
  readonly revision: number;
  readonly trigger: 'live' | 'replay';
  /** An operator named this very call: what the config leaves out does not hold it back. */
  readonly named: boolean;
  /** Failures of each step that count against the maximum. */
  readonly attempts: Readonly<Record<Step, number>>;
  /** Failures of the present step in a row, whosever fault they were. */
  readonly failures: number;
  /** All posts ever begun for this row. */
  readonly tries: number;
  /** Why the row is where it is, one sentence for the operator. */
  readonly reason: string | null;
  /** The same as a code, of parked and skipped rows; `null`: of others, or of an earlier version. */
  readonly code: string | null;
  readonly dueAt: number;
  /** The life of a process that runs the step now; `null`: nobody. */
  readonly leaseOwner: string | null;
  readonly leadId: string | null;
  readonly userId: string | null;
  readonly activityId: string | null;
  /** Body of the last post. */
  readonly body: CallLogBody | null;
  /** What the CRM has, once delivered. */
  readonly posted: LateFacts | null;
  /** An earlier post may have arrived: its fate was never learned. */
  readonly doubtful: boolean;
  /** It may have been made by a database that is lost, or by this one before it was taken back. */
  readonly elsewhere: boolean;
  readonly firstAttemptAt: number | null;
  /** When the last post began. */
  readonly lastAttemptAt: number | null;
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
  /** Body of the answer, without secrets and cut by the adapter. */
  readonly answer: string | null;
  readonly durationMs: number;
}

/** A request that was made for a delivery; `null` results: no answer was recorded. Of a lookup that worked, the answer is not kept. */
export interface Attempt {
  readonly number: number;
  readonly step: Step;
  readonly trigger: Trigger;
  /** Number of its permit; `null` for steps that make several requests. */
  readonly permit: number | null;
  readonly permitWaitMs: number | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly body: CallLogBody | null;
  readonly bodyHash: string | null;
  readonly result: AttemptResult | null;
}

/** Written before the first byte of a post leaves. */
export interface Intent {
  readonly id: number;
  readonly owner: string;
  readonly revision: number;
  readonly trigger: Trigger;
  readonly permit: number;
  readonly permitWaitMs: number;
  readonly startedAt: number;
  /** The lease goes on until then, and the post may leave until then. */
  readonly leaseUntil: number;
  readonly body: CallLogBody;
  readonly resolution: Resolution;
  readonly facts: LateFacts;
}

/** `changed`: the facts of the call are newer than those the intent was made of. `lost`: the lease is somebody else's now. */
export type Begun = 'begun' | 'changed' | 'lost';

/** The end of one step of one row. It happens only while `owner` has the lease and the row is still at `from`. */
export interface Settlement {
  readonly id: number;
  readonly owner: string;
  readonly from: Position;
  readonly to: Position;
  /** Of the facts of the call that the step was run with. */
  readonly revision: number;
  readonly now: number;
  readonly dueAt: number;
  readonly reason: string | null;
  /** Of what is parked or skipped. */
  readonly code?: ReasonCode | undefined;
  /** The lease goes on until then: the same worker runs the next step. Absent: it ends. */
  readonly leaseUntil?: number;
  /** It failed, whosever fault it was. */
  readonly failed?: boolean;
  /** A failure of this step that counts against its maximum. */
  readonly burn?: Step;
  /** Of a look-up: what was found. */
  readonly found?: Resolution;
  readonly activityId?: string | null;
  /** An answer settled whether an earlier post arrived. */
  readonly certain?: boolean;
  /** Of a post: what was really written, where the CRM took less than the intent had. */
  readonly written?: { readonly body: CallLogBody; readonly facts: LateFacts } | undefined;
  /** Of an update: what the CRM has now. */
  readonly updated?: { readonly facts: LateFacts | null };
  /** Ends the attempt that is open. */
  readonly attempt?: AttemptResult;
  /** Adds an attempt that is over: of a step other than the post. */
  readonly attempted?: { readonly step: Step; readonly startedAt: number; readonly result: AttemptResult };
}

/**
 * What became of a settlement: whether it happened, or why this row alone could not be stored, in which case it may be tried
 * again.
 */
export type Settled = boolean | { readonly refused: string };

/** How many rows are wanted of each class, and for which steps of the way to the post. */
export interface Wanted {
  /** Never failed, of calls that ended after `liveSince`: the latest first. */
  readonly live: number;
  /** Never failed, of older calls and then of what an operator sends again: the oldest first. */
  readonly backlog: number;
  /** Checks and updates that never failed, by due time. */
  readonly aside: number;
  /** Any step that failed before: what failed seldom first, then by due time. */
  readonly retry: number;
}

export interface Claim {
  readonly owner: string;
  readonly now: number;
  readonly leaseUntil: number;
  readonly liveSince: number;
  /** Of the live ones only rows that were made after. */
  readonly liveAfter: number;
  readonly wanted: Wanted;
  /** Rows at other steps are left alone. */
  readonly steps: readonly Step[];
  /** Rows that are left alone for now. */
  readonly except: readonly number[];
}

/** A row of which what is stored, of its call or its post, cannot be read. */
export interface UnreadableRow extends Position {
  readonly id: number;
  readonly sessionId: string;
  readonly revision: number;
}

export interface Claimed {
  readonly rows: readonly Delivery[];
  /** Leased as the others. */
  readonly unreadable: readonly UnreadableRow[];
  /** Posts that were left without an answer. */
  readonly interrupted: number;
  /** As of `Outbox.nextDue`. */
  readonly nextDue: number | null;
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
  /** The code of a reason, and no other; of a parked row without one: `other`. */
  readonly code?: string | undefined;
  /** A piece of the sentence, upper and lower case alike, or a code that nobody knows; `sentence`: all of it, as in `ReasonCount`. */
  readonly reason?: string | undefined;
  readonly sentence?: string | undefined;
}

export interface Outbox {
  /**
   * The first call of a process. Answers how far the clock of due times is ahead of the monotonic one, ms. Where the machine
   * was started since the last run, nobody has a lease any more, and no post of unknown fate is looked for within `checkMs`.
   * `alone`: this process is the only one on the outbox, so that all leases are of processes that ended.
   */
  open(args: {
    bootId: string;
    wall: number;
    monotonic: number;
    checkMs: number;
    latestMs: number;
    alone: boolean;
  }): Promise<number>;
  /**
   * Takes due rows under a lease. A row whose lease ran out is free again: a post of which no answer is on record becomes
   * uncertain, to be looked for at `checkAt`.
   */
  claim(args: Claim & { checkAt: number }): Promise<Claimed>;
  /** Leases of this owner go on until then. */
  renew(args: { owner: string; ids: readonly number[]; leaseUntil: number }): Promise<void>;
  /** `sending` with its attempt row. Nothing is written unless it answers `begun`. */
  begin(intent: Intent): Promise<Begun>;
  /** All in one transaction, each row for itself. Rejects when nothing was stored. `false` of a find that is another row's: it is due. */
  settle(args: { items: readonly Settlement[] }): Promise<readonly Settled[]>;
  /** Of these activities of the CRM, those that are known to be another row's. */
  taken(args: { id: number; activityIds: readonly string[] }): Promise<readonly string[]>;
  /** Earliest time later than `now` at which a row is due or a lease runs out; `null` when nothing waits. */
  nextDue(args: { now: number }): Promise<number | null>;
  counts(args: { now: number }): Promise<OutboxCounts>;
  /** Without rows of which what is stored cannot be read. */
  select(args: { filter: DeliveryFilter; after: number; limit: number }): Promise<readonly Delivery[]>;
  /**
   * Puts rows back for another post; `doubtful` ones (an earlier post may have landed) are checked first at `checkAt`, unless forced.
   * That nobody has their numbers is forgotten: somebody may have made the lead since. `named`: as of `Delivery`.
   */
  requeue(args: {
    ids: readonly number[];
    force: boolean;
    named: boolean;
    now: number;
    checkAt: number;
  }): Promise<number>;
  attempts(args: { sessionId: string }): Promise<readonly Attempt[]>;
  /**
   * Takes note of all rows that are parked now, `at` ms since the epoch. Answers how many of each code were not noted before. `seen`: the
   * most that they may be; `null`: they are more, and nothing was noted.
   */
  acknowledge(args: { at: number; seen?: number | undefined }): Promise<readonly ParkedCount[] | null>;
}

export interface OutboxCounts {
  readonly states: Readonly<Record<DeliveryState, number>>;
  /** End of the oldest call that is not in a final state. */
  readonly oldestWaiting: number | null;
  readonly updatesWaiting: number;
  readonly parked: ParkedCounts;
  /** The most frequent sentences of the parked rows of each reason. */
  readonly parkedReasons: readonly ReasonCount[];
  /** The most frequent sentences of the skipped rows whose calls ended in the last 24 h. */
  readonly skippedReasons: readonly ReasonCount[];
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
