/**
 * What delivery asks of a CRM. An adapter implements these ports; every request it makes takes a permit, so that the CRM's
 * request limit holds for posts, lookups, checks and updates together.
 */
import type { CallRecord } from '../call/record.ts';
import type { Asking } from '../permits/port.ts';

/**
 * What became of one request. `uncertain` only for requests that write: the CRM may or may not have done it.
 *
 * accepted: done. rejected: this request is wrong and stays wrong (400, MX exception). rate-limited: not done, try later,
 * no fault of the request. denied: refused without a word about the request (401, 403, 404, 407, a redirect); whether that is the
 * whole account, a probe tells. unavailable: surely not done (no connection, or a read failed). uncertain: sent, and no trustworthy
 * reply (timeout, reset, 5xx without an MX body).
 */
export const OUTCOMES = ['accepted', 'rejected', 'rate-limited', 'denied', 'unavailable', 'uncertain'] as const;
export type OutcomeKind = (typeof OUTCOMES)[number];

/** Every reply of the CRM, as it is kept with the attempt. */
export interface Reply<T> {
  readonly kind: OutcomeKind;
  /** The result when `accepted`, else `null`. */
  readonly value: T | null;
  /** One sentence for the operator, with the remedy where there is one; never holds a secret. */
  readonly message: string;
  /** False: no connection came about, so it was the fault of no call. */
  readonly reached: boolean;
  /** Exception type of the CRM, e.g. `MXInvalidInputException`. */
  readonly exception: string | null;
  readonly http: number | null;
  /** Body as received, without secrets, cut at 4,000 characters. */
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
  /** It was captured: the CRM may have given it an owner, but did not tell. Absent where it was looked up. */
  readonly captured?: true;
  /** Where it was taken of several that have the number: why, and which others there were. Absent where it was the only one. */
  readonly choice?: LeadChoice;
}

/** Which of several leads with one number was taken. */
export interface LeadChoice {
  /** Why this one, as a part of a sentence. */
  readonly why: string;
  /** How many have the number. */
  readonly of: number;
  /** Some of the others. */
  readonly others: readonly { readonly id: string; readonly name: string | null }[];
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

/**
 * The extensions of an internal call: who dialled, and who talked with him or else was rung last. `null` where the PBX told only one of
 * them: nothing true can be posted of such a call.
 */
export function insideParties(record: CallRecord): { readonly from: string; readonly to: string } | null {
  const { agent: from, agentsTalked, agentsRung } = record;
  if (from === null) return null;
  const to = agentsTalked.find(({ ext }) => ext !== from)?.ext ?? agentsRung.findLast((ext) => ext !== from);
  return to === undefined ? null : { from, to };
}

/** The fields sent to the CRM for one call, ready to be shown and sent. */
export type CallLogBody = Readonly<Record<string, string | number>>;

/** Facts that may come after the post and are then written into the posted call log. */
export interface LateFacts {
  readonly recordingUrl: string | null;
  readonly durationSeconds: number | null;
  /** Further fields of the body that hold recordings, by name. Absent: none. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** What the CRM did with a call log. */
export interface CallWritten {
  readonly activityId: string | null;
  /** Fields that it refuses, without which it took the rest. Absent: none. */
  readonly leftOut?: readonly string[];
}

/** Late facts without the fields that were left out. */
export function without<T extends LateFacts>(facts: T, leftOut: readonly string[] = []): T {
  if (facts.fields === undefined || leftOut.length === 0) return facts;
  const fields = Object.fromEntries(Object.entries(facts.fields).filter(([name]) => !leftOut.includes(name)));
  return { ...facts, fields };
}

/** Whether a post whose fate is unknown has arrived after all. */
export interface Landed {
  /** Ids of the activities that can be this call, the likeliest first; none: it is not there. */
  readonly activityIds: readonly string[];
}

/** Which posted call to look for. */
export interface LandedQuery {
  readonly record: CallRecord;
  readonly resolution: Resolution;
  readonly body: CallLogBody;
  /** When the first attempt was made, ms since the epoch. */
  readonly firstAttemptAt: number;
  /** Only what was changed last by then is looked through where the lead is not known, ms since the epoch; absent: by now. */
  readonly until?: number;
  /**
   * The leads among whose calls it is looked for, one after the other; `null`: the lead is not known, and the call is looked
   * for among all that changed since the first attempt.
   */
  readonly leadIds: readonly string[] | null;
}

/** People of the CRM. */
export interface Directory {
  /** Leads with this phone number, written exactly like this. Empty: none. */
  findLeads(phone: string, asking: Asking): Promise<Reply<readonly Lead[]>>;
  /** The same, and each of them, where `findLeads` may show one of several. */
  findEveryLead(phone: string, asking: Asking): Promise<Reply<readonly Lead[]>>;
  /** Finds or makes the lead with this phone number; answers its id. Safe to repeat. */
  captureLead(phone: string, source: string | null, asking: Asking): Promise<Reply<string>>;
  users(asking: Asking): Promise<Reply<readonly CrmUser[]>>;
}

/** The CRM's list of phone calls. */
export interface CallLog {
  /** The request body for this call, without fields that the CRM is known to refuse. Makes no request. */
  body(record: CallRecord, resolution: Resolution): CallLogBody;
  /** Those facts of the call that may change after its post, as the body has them. Makes no request. */
  lateFacts(record: CallRecord): LateFacts;
  /** `asking.permit` is the one its intent was written with. */
  post(body: CallLogBody, asking: Asking): Promise<Reply<CallWritten>>;
  /** Writes late facts into a call log that is posted already. Does no harm when repeated. */
  update(activityId: string, late: LateFacts, asking: Asking): Promise<Reply<CallWritten>>;
  /**
   * Looks for a post whose fate is unknown, in a bounded number of requests. `rejected`: the CRM cannot be asked about this
   * call, or not so that the answer would prove anything.
   */
  findLanded(query: LandedQuery, asking: Asking): Promise<Reply<Landed>>;
  /** The cheapest request that proves that the CRM is there and the keys are good. */
  probe(asking: Asking): Promise<Reply<{ readonly text: string }>>;
}

/** One CRM. */
export interface Crm {
  /** As it is written in messages, e.g. `LeadSquared`. */
  readonly name: string;
  readonly directory: Directory;
  readonly callLog: CallLog;
}
