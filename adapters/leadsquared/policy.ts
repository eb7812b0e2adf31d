import type { CallStatus, Direction } from '../../src/call/record.ts';
import type { NumberFormat } from '../../src/telephony/number.ts';

/** What is known about one of the company's own numbers or trunks. */
export interface LineSettings {
  /** Shown as the called (inbound) or calling (outbound) company number, E.164 or as it shall appear. */
  readonly displayNumber?: string;
  /** Lead source of a lead that the call creates; cut at 50 characters. */
  readonly callerSource?: string;
  readonly tag?: string;
}

/** How a finished call becomes a LogCall body, and how a lost post is looked for. */
export interface CallLogPolicy {
  /** IANA zone of StartTime and EndTime. LeadSquared documents UTC; another zone only for an account that proves otherwise. */
  readonly timeZone: string;
  /**
   * What CallDuration counts: `conversation` from the answer to the end, `talk` without hold and transfer gaps, `total` from
   * the first ring to the end.
   */
  readonly duration: 'conversation' | 'talk' | 'total';
  /** Status words that differ from the defaults. */
  readonly status: Partial<Readonly<Record<Direction, Partial<Readonly<Record<CallStatus, string>>>>>>;
  readonly numberFormat: NumberFormat;
  /** Template of ResourceURL; `null`: the field is not sent. */
  readonly recordingUrl: string | null;
  /** IANA zone of `{date}`, `{year}`, `{month}` and `{day}` in templates: the zone in which the PBX names its folders. */
  readonly recordingTimeZone: string;
  /** By DID (E.164 or as the trunk delivers it) or by trunk endpoint; the DID goes first. */
  readonly lines: ReadonlyMap<string, LineSettings>;
  /** For calls without a line of their own. */
  readonly defaultLine: LineSettings;
  /** The agent's own number by extension, or `extension@domain`; what is not in here is sent as the extension. */
  readonly agentNumbers: ReadonlyMap<string, string>;
  /** Sent in place of the agent when the call reached none. `null`: the company number takes that place. */
  readonly noAgent: string | null;
  /** Sent in place of a number that the caller withheld. */
  readonly withheldNumber: string;
  /** Further fields, name to template. */
  readonly extraFields: ReadonlyMap<string, string>;
  /**
   * The field that takes the URLs of all recordings but the first, when no extra field has them; `null`: they are not sent.
   * ResourceURL holds one. LeadSquared documents no other place; `CallNotes` is a part of the note of its phone call
   * activities, and the URL of its telephony connectors takes it.
   */
  readonly moreRecordings: string | null;
  /** ms by which the search for a lost post reaches further back than its first attempt, and further ahead than now. */
  readonly landedMarginMs: number;
}

export const DEFAULT_POLICY: CallLogPolicy = {
  timeZone: 'UTC',
  duration: 'conversation',
  status: {},
  numberFormat: '+CC-NSN',
  recordingUrl: null,
  recordingTimeZone: 'UTC',
  lines: new Map(),
  defaultLine: {},
  agentNumbers: new Map(),
  noAgent: null,
  withheldNumber: 'Anonymous',
  extraFields: new Map(),
  moreRecordings: 'CallNotes',
  landedMarginMs: 600_000,
};

/**
 * The words seen on real activities: inbound `Answered` and `Missed`, outbound `Answered`, `NotAnswered` and `CallFailure`.
 * LeadSquared publishes no list.
 */
const INBOUND: Readonly<Record<CallStatus, string>> = {
  Answered: 'Answered',
  Abandoned: 'Missed',
  Missed: 'Missed',
  Busy: 'Missed',
  Voicemail: 'Missed',
  NoAnswer: 'Missed',
  Cancelled: 'Missed',
  Failed: 'Missed',
};

const OUTBOUND: Readonly<Record<CallStatus, string>> = {
  Answered: 'Answered',
  Abandoned: 'NotAnswered',
  Missed: 'NotAnswered',
  Busy: 'NotAnswered',
  Voicemail: 'NotAnswered',
  NoAnswer: 'NotAnswered',
  Cancelled: 'NotAnswered',
  Failed: 'CallFailure',
};

/** An internal call that is posted at all is posted as an outbound one. */
export const DEFAULT_STATUS: Readonly<Record<Direction, Readonly<Record<CallStatus, string>>>> = {
  Inbound: INBOUND,
  Outbound: OUTBOUND,
  Internal: OUTBOUND,
};
