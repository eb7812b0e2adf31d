/**
 * What delivery asks of a CRM. An adapter implements these ports; every request it makes goes through the `Gate`, so that
 * the CRM's request limit holds for posts, lookups, checks and updates together.
 */
import type { CallRecord } from '../call/record.ts';

/** Live calls go first, then the backlog and replays, then housekeeping (user lists, probes). */
export type Priority = 'live' | 'backlog' | 'background';

/** The CRM's own words about its limit, from a refusal. */
export interface RateRefusal {
  readonly limit: number | null;
  readonly windowMs: number | null;
  /** From a Retry-After header, ms. */
  readonly retryAfterMs: number | null;
}

/** The one door to the CRM's API. */
export interface Gate {
  /**
   * Waits for a free slot and calls `send` in the same turn of the event loop in which the slot was taken.
   * Rejects with `GateClosed` when delivery is stopping.
   */
  run<T>(priority: Priority, send: () => Promise<T>): Promise<T>;
  /** To be called when the CRM refused a request for its rate. */
  refused(refusal: RateRefusal): void;
}

/**
 * What became of one request. `uncertain` only for requests that write: the CRM may or may not have done it.
 *
 * accepted: done. rejected: this request is wrong and stays wrong (400, MX exception). rate-limited: not done, try later,
 * no fault of the request. denied: the whole account is refused (401, 403, 404). unavailable: surely not done (no
 * connection, or a read failed). uncertain: sent, and no trustworthy reply (timeout, reset, 5xx without an MX body).
 */
export type OutcomeKind = 'accepted' | 'rejected' | 'rate-limited' | 'denied' | 'unavailable' | 'uncertain';

/** Every reply of the CRM, as it is kept with the attempt. */
export interface Reply<T> {
  readonly kind: OutcomeKind;
  /** The result when `accepted`, else `null`. */
  readonly value: T | null;
  /** One sentence for the operator, with the remedy where there is one; never holds a secret. */
  readonly message: string;
  /** Exception type of the CRM, e.g. `MXInvalidInputException`. */
  readonly exception: string | null;
  readonly http: number | null;
  /** Body as received, secrets scrubbed, cut at 4,000 characters. */
  readonly body: string | null;
  /** ms from the first byte sent to the last received. */
  readonly durationMs: number;
}

export interface Lead {
  readonly id: string;
  readonly name: string | null;
  readonly ownerId: string | null;
  readonly phone: string | null;
  readonly mobile: string | null;
}

export interface CrmUser {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly active: boolean;
  /** Extensions or numbers the CRM itself knows for this user (TelephonyAgentId and the phone fields), as written there. */
  readonly phones: readonly string[];
}

/** What lookups found out for one call. `null`: nobody, or not to be sent. */
export interface Resolution {
  readonly leadId: string | null;
  readonly userId: string | null;
}

/** The fields sent to the CRM for one call, ready to be shown and sent. */
export type CallLogBody = Readonly<Record<string, string | number>>;

/** Whether a post whose fate is unknown has arrived after all. */
export interface Landed {
  /** Id of the activity found, `null` when none. */
  readonly activityId: string | null;
}

/** Which posted call to look for. */
export interface LandedQuery {
  readonly record: CallRecord;
  readonly resolution: Resolution;
  readonly body: CallLogBody;
  /** When the first attempt was made, ms since the epoch. */
  readonly firstAttemptAt: number;
}

/** People of the CRM. */
export interface Directory {
  /** Leads with this phone number, written exactly like this. Empty: none. */
  findLeads(phone: string, priority: Priority): Promise<Reply<readonly Lead[]>>;
  /** Finds or makes the lead with this phone number; answers its id. Safe to repeat. */
  captureLead(phone: string, source: string | null, priority: Priority): Promise<Reply<string>>;
  users(): Promise<Reply<readonly CrmUser[]>>;
}

/** The CRM's list of phone calls. */
export interface CallLog {
  /** The request body for this call. Pure. */
  body(record: CallRecord, resolution: Resolution): CallLogBody;
  post(body: CallLogBody, priority: Priority): Promise<Reply<{ readonly activityId: string | null }>>;
  /** Late facts of a call that is posted already: recording and duration, and further fields that hold recordings. */
  update(
    activityId: string,
    late: {
      readonly recordingUrl: string | null;
      readonly durationSeconds: number | null;
      readonly fields?: Readonly<Record<string, string>>;
    },
    priority: Priority,
  ): Promise<Reply<{ readonly activityId: string | null }>>;
  /** Looks for posts whose fate is unknown, many in as few requests as possible. Answers in the order of `queries`. */
  findLanded(queries: readonly LandedQuery[], priority: Priority): Promise<Reply<readonly Landed[]>>;
  /** The cheapest request that proves that the CRM is there and the keys are good. */
  probe(): Promise<Reply<{ readonly text: string }>>;
}
