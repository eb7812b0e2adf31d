/**
 * Why a call is parked or skipped: a code that `status` shows and that can be typed, beside the sentence that tells the very case. What is
 * told to help is what `test/delivery/remedies.test.ts` does, for each of them.
 */

/** Why calls are parked, and what an operator does about it. */
export interface Remedy {
  /** What is wrong with such calls: follows their number. */
  readonly what: string;
  /** What to do before they are sent again. */
  readonly helps: string;
  /** Each is looked at by a person, and sent again by its id, without being looked for in the CRM. */
  readonly oneByOne?: true;
}

const PARKED = {
  'no-user': {
    what: 'the extension has no LeadSquared user',
    helps:
      'give it a line in the users file ([leadsquared.user] file) and restart; where it has one, create or activate that user in LeadSquared and run "logcalld reload". "logcalld users" shows who is missing',
  },
  'no-agent': {
    what: 'no agent took the call, and no user stands for nobody',
    helps:
      "in no_agent of [leadsquared.user] write 'omit' in place of 'park', or 'default-user' and name a default_user; restart",
  },
  'outside-phone': {
    what: "the agent spoke on a telephone that is nobody's",
    helps: 'name the telephone in [source.agent_mobiles], restart, run "logcalld sessions rederive --since 7d --apply"',
  },
  'no-lead': {
    what: 'no lead has the number',
    helps:
      "create the lead in LeadSquared; or set unknown of [leadsquared.lead] to 'let-leadsquared-create' or 'capture' and restart",
  },
  'several-leads': {
    what: 'several leads have the number',
    helps: "merge them in LeadSquared; or set several of [leadsquared.lead] to 'first' and restart",
  },
  'no-number': {
    what: 'there is no number to find a lead by',
    helps: "set anonymous of [leadsquared.lead] to 'send' and restart: they are posted without a lead",
  },
  'lookup-refused': {
    what: 'LeadSquared refuses to look the number up',
    helps: 'set lookup_formats and search of [leadsquared.lead] to what the account takes, and restart',
  },
  'lead-refused': {
    what: 'LeadSquared refuses to make the lead',
    helps:
      "create the lead in LeadSquared; or set unknown of [leadsquared.lead] to 'let-leadsquared-create' and restart",
  },
  'users-unknown': {
    what: 'the users of LeadSquared could not be had for a day',
    helps: 'remove the cause (condition crm-users-stale), then run "logcalld reload"',
  },
  'lookup-failed': {
    what: 'the lookup of the lead failed again and again, while others worked',
    helps: "remove the cause that the call tells; where it is LeadSquared's own, wait until it is over",
  },
  rejected: {
    what: 'LeadSquared rejects the call',
    helps: 'correct what its sentence names: in LeadSquared, or in the users file or [leadsquared.body] and restart',
  },
  'post-failed': {
    what: 'the post failed again and again, while others worked',
    helps: "remove the cause that the call tells; where it is LeadSquared's own, wait until it is over",
  },
  'check-held': {
    what: 'it is not known whether LeadSquared has the call, and policy is "hold"',
    helps: 'nothing to correct: the replay looks for the call in LeadSquared, and posts it if it is not there',
  },
  'check-failed': {
    what: 'it is not known whether LeadSquared has the call, which could not be asked',
    helps: 'remove the cause that the call tells: the replay looks for the call first, and posts it if it is not there',
  },
  'check-impossible': {
    what: 'it is not known whether LeadSquared has the call, and it cannot be asked',
    helps: 'look in LeadSquared: what is not there is sent again by its id, without another look',
    oneByOne: true,
  },
  defect: {
    what: 'logcalld itself fails with the call',
    helps: 'report it, and install the version that mends it',
  },
  unreadable: {
    what: 'what is stored of the call cannot be read',
    helps: 'take it over from a backup that has it: "logcalld salvage FILE"',
  },
  other: {
    what: 'parked by an earlier version',
    helps: 'remove the cause that the call tells',
  },
} as const satisfies Readonly<Record<string, Remedy>>;

export type ParkedCode = keyof typeof PARKED;

export const PARKED_CODES = Object.keys(PARKED) as readonly ParkedCode[];

/** Why calls are skipped, and what to change so that they are posted. Never the code of a parked call, so that a replay of one means no other. */
const SKIPPED = {
  'skip-internal': {
    what: 'internal',
    helps:
      "set internal of [filters] to 'post' and restart; what is none is told by logcalld explain ID, for instance a speed dial for speed_dials",
  },
  'skip-one-extension': {
    what: 'internal, and only one extension is known',
    helps: 'nothing: there is no number to post',
  },
  'skip-old': { what: 'older than max_age of [filters]', helps: 'raise it and restart' },
  'skip-filter': {
    what: 'in skip_dids, skip_trunks, skip_extensions or skip_numbers of [filters]',
    helps: 'take the entry out, which logcalld explain ID names, and restart',
  },
  'skip-own-number': {
    what: 'with one of your own numbers',
    helps: 'correct own_numbers of [filters] or the users file, and restart',
  },
  'skip-no-number': {
    what: 'without a number',
    helps: "set anonymous of [leadsquared.lead] to 'send' and restart",
  },
  'skip-no-lead': {
    what: 'without a lead',
    helps:
      "create the lead in LeadSquared, or set unknown of [leadsquared.lead] to 'let-leadsquared-create' and restart",
  },
  'skip-no-user': {
    what: 'without a user',
    helps: "name the user in the users file, or write 'omit' in place of 'skip' in [leadsquared.user], and restart",
  },
} as const satisfies Readonly<Record<string, Remedy>>;

export type SkippedCode = keyof typeof SKIPPED;

export const SKIPPED_CODES = Object.keys(SKIPPED) as readonly SkippedCode[];

/** What is told of calls that would be skipped again. */
export const changeOf = (code: SkippedCode): Remedy => SKIPPED[code];

export type ReasonCode = ParkedCode | SkippedCode;

/** A code, and one sentence about the very call. */
export interface Why<C extends ReasonCode = ReasonCode> {
  readonly code: C;
  readonly reason: string;
}

const isParkedCode = (code: string): code is ParkedCode => Object.hasOwn(PARKED, code);

/** Of a code that an earlier or later version stored: that of `other`. */
export function remedyOf(code: string | null): Remedy {
  return PARKED[code !== null && isParkedCode(code) ? code : 'other'];
}

/** What is typed to send such calls again. `id`: of the one call it is about; absent: all of the code. */
export function replayCommand(code: string | null, id?: string): string {
  const { oneByOne } = remedyOf(code);
  if (oneByOne === true) return `logcalld replay ${id ?? 'ID'} --force`;
  return `logcalld replay ${id ?? `--reason ${code ?? 'other'}`}`;
}
