/** One finished call as the business sees it. Everything right of the outbox works from this and nothing else. */
export const DIRECTIONS = ['Inbound', 'Outbound', 'Internal'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export const CALL_STATUSES = [
  'Answered' /* a person on the other side picked up and was connected */,
  'Abandoned' /* the caller left before that: ringing, IVR, queue */,
  'Missed' /* nobody took it: the PBX gave up (no answer, closed, queue timeout), or only a greeting was heard */,
  'Busy',
  'Voicemail' /* a message was left */,
  'NoAnswer' /* outbound: nobody picked up */,
  'Cancelled' /* outbound: our agent gave up */,
  'Failed' /* outbound: rejected, unallocated, congestion */,
] as const;
export type CallStatus = (typeof CALL_STATUSES)[number];

/** The rule by which a call is internal although it left by a trunk: an extension or group was dialled, and a mobile rang for it. */
export const EXTENSION_DIALLED = 'extension-dialled';

/** The short number that a phone dialled in a call which that rule made internal; `null` for every other call. */
export function shortNumberOf({ reasons }: CallRecord): string | null {
  if (reasons?.direction.rule !== EXTENSION_DIALLED) return null;
  return / dialled (\d+),/.exec(reasons.direction.fact)?.[1] ?? null;
}

/** An interval in which an extension was connected with the external party. Times: ms since the epoch, UTC. */
export interface Talk {
  readonly ext: string;
  readonly from: number;
  readonly to: number;
}

/** Why a field of the record is what it is: the rule and the fact that decided, and what was rejected. */
export interface Reason {
  readonly value: string | null;
  readonly rule: string;
  readonly fact: string;
  readonly rejected: readonly { readonly value: string | null; readonly rule: string; readonly fact: string }[];
}

/** The four conclusions an administrator asks about. Facts may hold numbers: they are masked like those of the record. */
export interface Reasons {
  readonly direction: Reason;
  readonly external: Reason;
  readonly agent: Reason;
  readonly status: Reason;
}

export interface CallRecord {
  readonly callSessionId: string;
  readonly source: string;
  readonly direction: Direction;
  readonly status: CallStatus;
  /** The other party's number as the trunk delivered it (inbound) or as it was sent to the trunk (outbound). */
  readonly external: string | null;
  readonly externalE164: string | null;
  readonly externalName: string | null;
  /** True when the caller asked not to show the number, even if the network told it, or none was given that could be one. */
  readonly withheld: boolean;
  /** The company number that was called (inbound), as delivered. */
  readonly did: string | null;
  readonly didE164: string | null;
  /** The trunk endpoint of the external party, e.g. `PJSIP/trunk-in`. */
  readonly trunk: string | null;
  readonly queue: string | null;
  /** The ring or hunt group that offered the call to its members; `null`: none, or the PBX does not tell. */
  readonly ringGroup: string | null;
  readonly agent: string | null;
  /** Domain of the responsible phone on a PBX with several tenants, whose extensions are only unique within it; else `null`. */
  readonly agentDomain: string | null;
  readonly agentsRung: readonly string[];
  /**
   * Whose call it is: the agent; of a call that nobody took, the extension to which the setting `calls.missed` gives it (by default the
   * only phone that rang, else the owner of the direct line, the number of the group or queue, the phone that rang last). `null`: nobody's.
   */
  readonly responsible: string | null;
  readonly agentsTalked: readonly Talk[];
  /** ms since the epoch, UTC. */
  readonly startedAt: number;
  /** When a person answered; not when an IVR, a queue or voicemail did. */
  readonly answeredAt: number | null;
  readonly endedAt: number;
  /**
   * Where the end was not heard: when the outside party, or the call where it has none, is known to have lived last, which is
   * `endedAt`, and by when it is known to have been over; `to` is `null` when nothing tells that. `null` when the end was heard;
   * absent in records of versions that did not know. ms since the epoch, UTC, by the clock of the PBX.
   */
  readonly endBetween?: { readonly from: number; readonly to: number | null } | null;
  /** endedAt - answeredAt in whole seconds (rounded), 0 when not answered. */
  readonly durationSeconds: number;
  /** Time in which somebody of the company was connected with the external party, in whole seconds; 0 when not answered. */
  readonly talkSeconds: number;
  /** From the first ring to the answer, else to the end, in whole seconds; 0 when nothing rang. */
  readonly ringSeconds: number;
  /** Time on hold, in whole seconds. */
  readonly holdSeconds: number;
  /** Recording file name as the PBX gives it; of several the one that stands for the call. */
  readonly recording: string | null;
  /** All recordings of the call in order of time, `recording` among them; `[]` when there is none. */
  readonly recordings: readonly string[];
  /** Q.850 cause and SIP status of the leg that decided the status. */
  readonly q850: number | null;
  readonly sip: number | null;
  /** What could not be known is said: `blind-interval`, `end-unknown`, `start-unknown`, `from-cdr` ... */
  readonly flags: readonly string[];
  /** Number of real channels (wires not counted). */
  readonly legs: number;
  /** `null` for records of versions that kept none. */
  readonly reasons: Reasons | null;
}

/** A call that is not finished: how it looks now, and its channels that go on, as the PBX names them. */
export interface LiveCall {
  readonly record: CallRecord;
  readonly channels: readonly string[];
}
