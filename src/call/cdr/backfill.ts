/**
 * Calls that ended, or happened wholly, while the PBX was not heard: completed and created from the PBX's own call detail
 * records (CDR).
 *
 * An adapter reads the records as call events; they are folded and judged here by the same rules as live events, into the
 * calls as the CDR knows them. Those are then held against the calls that were heard:
 *
 *   the call was heard          | and                                      | then
 *   ----------------------------|------------------------------------------|--------------------------------------------
 *   completely                  |                                          | nothing: events know more than a CDR
 *   completely                  | the PBX was lost soon after its end      | the recording, where none is known
 *   with a blind interval       | its end or answer was not seen           | the CDR's end, answer, talks and agents
 *   with a blind interval       | it was found in a list of channels       | the CDR's beginning, direction and numbers
 *   with a blind interval       | a leg ended in vain, another was called  | the same, and who answered
 *   with a blind interval       | its end and answer were seen             | agents rung and recordings, where missing
 *   with a blind interval       | the records lack its first channel, or   | nothing yet: the rest is still to be written, or lost
 *                               | end before it was last known to live     |
 *   not at all                  | the CDR's times lie in one blind interval | it is created
 *   without its beginning       | it began in a blind interval, and the PBX | it is created: no list of channels told
 *                               | spoke of it later                         | what it was
 *   not at all                  | otherwise                                | nothing: it belongs to another time
 */
import type { CallEvent, ChannelId } from '../../telephony/call-event.ts';
import type { CallRecord, Talk } from '../record.ts';
import { distinctRecordings, flagsWith } from '../recordings.ts';
import { covered } from '../talk.ts';
import type { CdrCall } from './calls.ts';
import { type Heard, LATE_MS, type Span } from './coverage.ts';
import { isWhole, MARGIN_MS, matching } from './matching.ts';

/** One file of call detail records, unpacked. */
export interface CdrFile {
  readonly name: string;
  readonly content: Uint8Array;
  /** What it should hold, for what is said of one that holds nothing; its content tells what it does. */
  readonly table?: 'cdr' | 'cel';
}

/**
 * Reads call detail records as call events. Calls that were over before `during` or began after it may be left out. Throws an
 * Error with one sentence that names the file, the line and the remedy.
 */
export type CdrReader = (files: readonly CdrFile[], source: string, during: Span) => readonly CallEvent[];

/** What records say. */
export interface RecordsRead {
  readonly events: readonly CallEvent[];
  /** Records that could not be used and were left out: how many, and what is wrong with the first, one sentence. */
  readonly skipped: readonly { readonly count: number; readonly why: string }[];
}

/** The same as `CdrReader` for records of every kind, of which a wrong one is left out and counted. */
export type RecordsReader = (files: readonly CdrFile[], source: string, during: Span) => RecordsRead;

/** The span of time whose records matter; `null` when the PBX was heard all the time. */
export function spanOf(gaps: readonly Span[]): Span | null {
  if (gaps.length === 0) return null;
  return {
    from: Math.min(...gaps.map((gap) => gap.from)) - MARGIN_MS,
    to: Math.max(...gaps.map((gap) => gap.to)) + MARGIN_MS,
  };
}

/** The calls that were heard, completed, and those that were not, in order of their ends. */
export function backfill(heardCalls: readonly CallRecord[], heard: Heard, cdr: readonly CdrCall[]): CallRecord[] {
  const known = new Set(heardCalls.map((record) => record.callSessionId));
  const recordOf = matching(cdr, known);
  const lostAt = heard.lostAt ?? heard.gaps.map(({ from }) => from);
  const completed = heardCalls.map((record) => {
    const own = recordOf(record);
    if (own === undefined) return record;
    if (grew(record, own.record)) return unheard(own.record);
    if (record.flags.includes('blind-interval')) return isWhole(own, record) ? complete(record, own.record) : record;
    return lostAt.some((at) => endedSoonBefore(record, at)) ? withRecording(record, own.record) : record;
  });
  const created = cdr
    .filter(({ record, ids }) => !known.has(record.callSessionId) && !names(ids, heard.ids))
    .filter(({ record, ids }) => heard.gaps.some((gap) => liesIn(record, gap, names(ids, heard.mentioned))))
    .map(({ record }) => unheard(record));
  return [...completed, ...created].sort((a, b) => a.endedAt - b.endedAt);
}

const NOT_HEARD = 'not-heard';

/** A call of which the records alone tell. */
const unheard = (record: CallRecord): CallRecord => ({
  ...record,
  flags: withFlags(record.flags, ['blind-interval', 'from-cdr', NOT_HEARD]),
});

/**
 * It was taken from the records while it still went on: Asterisk writes the row of a leg that was transferred away when that one is over.
 * What is written later tells all of it.
 */
function grew(known: CallRecord, now: CallRecord): boolean {
  return known.flags.includes(NOT_HEARD) && now.endedAt > known.endedAt && now.startedAt <= known.startedAt;
}

function names(ids: ReadonlySet<ChannelId>, heard: ReadonlySet<string>): boolean {
  return [...ids].some((id) => heard.has(id));
}

/** `mentioned`: the PBX spoke of the call, so that it may have gone on when the PBX was heard again. */
function liesIn(record: CallRecord, gap: Span, mentioned: boolean): boolean {
  const { startedAt, endedAt } = record;
  const begun = startedAt >= gap.from - MARGIN_MS && startedAt <= gap.to + MARGIN_MS;
  return begun && (mentioned || endedAt <= gap.to + MARGIN_MS);
}

/** So soon that what the PBX tells of a call after its end may not have been heard. */
function endedSoonBefore({ endedAt }: CallRecord, at: number): boolean {
  return endedAt >= at - LATE_MS && endedAt <= at + MARGIN_MS;
}

/** A call that was heard wholly, but for the name of its recording, which FreePBX tells with its CDR alone. */
function withRecording(known: CallRecord, { recording, recordings }: CallRecord): CallRecord {
  if (known.status !== 'Answered' || known.recordings.length > 0 || recordings.length === 0) return known;
  return { ...known, recording, recordings, flags: withFlags(flagsWith(recordings, known.flags), ['from-cdr']) };
}

/** A call of which a part was heard. What events saw stays; the CDR says what they could not. */
function complete(known: CallRecord, cdr: CallRecord): CallRecord {
  const wentOn = goesOn(known, cdr);
  const endMissing = wentOn || known.flags.includes('end-unknown');
  const answerMissing = known.flags.includes('answer-unknown') && !cdr.flags.includes('answer-unknown');
  const rung = [...new Set([...known.agentsRung, ...cdr.agentsRung])];
  const recording = known.recording ?? cdr.recording;
  const recordings = distinctRecordings([...known.recordings, ...cdr.recordings]);
  const beginMissing = known.flags.includes('start-unknown') && !cdr.flags.includes('start-unknown');
  if (!endMissing && !beginMissing && !(answerMissing && cdr.answeredAt !== null)) {
    if (rung.length === known.agentsRung.length && recordings.length === known.recordings.length) return known;
    const flags = withFlags(flagsWith(recordings, known.flags), ['from-cdr']);
    return { ...known, agentsRung: rung, recording, recordings, flags };
  }
  const endedAt = endMissing ? Math.max(cdr.endedAt, known.endedAt) : known.endedAt;
  const answer = answerOf(known, cdr, endMissing, answerMissing);
  const answeredAt = answer === null ? null : Math.min(answer, endedAt);
  const talks = talksOf(known, cdr, endMissing, answerMissing, endedAt);
  const talked = talks.length > 0 ? covered(talks) : answeredAt === null ? 0 : endedAt - answeredAt;
  const agent = endMissing ? (cdr.agent ?? known.agent) : (known.agent ?? cdr.agent);
  return {
    ...known,
    // Where the external party had not been heard of yet, or only found in a list, the CDR says who it was.
    ...(wentOn || beginMissing || (endMissing && endsOtherwise(known, cdr)) ? partiesOf(known, cdr) : {}),
    // Records tell whole seconds.
    startedAt: beginMissing ? Math.min(cdr.startedAt, answeredAt ?? endedAt) : known.startedAt,
    queue: known.queue ?? cdr.queue,
    ringGroup: known.ringGroup ?? cdr.ringGroup,
    legs: Math.max(known.legs, cdr.legs),
    status: statusOf(known, cdr, answeredAt, endMissing),
    agent,
    agentsRung: rung,
    responsible: agent ?? rung.at(-1) ?? known.responsible ?? cdr.responsible,
    agentsTalked: talks,
    answeredAt,
    endedAt,
    endBetween: endMissing ? betweenOf(known, cdr) : (known.endBetween ?? null),
    durationSeconds: answeredAt === null ? 0 : seconds(endedAt - answeredAt),
    talkSeconds: seconds(talked),
    ringSeconds:
      !beginMissing && answeredAt !== null && answeredAt === known.answeredAt ? known.ringSeconds : cdr.ringSeconds,
    recording,
    recordings,
    q850: known.q850 ?? cdr.q850,
    sip: known.sip ?? cdr.sip,
    flags: flagsWith(recordings, flagsOf(known, cdr, answeredAt, { endMissing, answerMissing, beginMissing })),
  };
}

/** What either tells of an end that neither knows. */
function betweenOf(
  { endBetween: heard }: CallRecord,
  { endBetween: recorded }: CallRecord,
): NonNullable<CallRecord['endBetween']> | null {
  if (heard == null || recorded == null) return recorded ?? null;
  const from = Math.max(heard.from, recorded.from);
  const to = [heard.to, recorded.to].filter((at) => at !== null);
  return { from, to: to.length === 0 ? null : Math.max(from, Math.min(...to)) };
}

/** It had no outside party as far as it was heard, or turned out to have none but an employee's mobile. */
function endsOtherwise(known: CallRecord, cdr: CallRecord): boolean {
  return known.external === null || (cdr.direction === 'Internal' && known.direction !== 'Internal');
}

/** The leg that was heard ended unanswered, as with a trunk that fails; another one was called and answered in the gap. */
function goesOn(known: CallRecord, cdr: CallRecord): boolean {
  return known.answeredAt === null && cdr.answeredAt !== null && cdr.answeredAt > known.endedAt;
}

/** The parties as the CDR has them, with the reasons that belong to them. What it does not know of the same parties stays. */
function partiesOf(known: CallRecord, cdr: CallRecord) {
  const { direction, external, externalE164, externalName, withheld, trunk } = cdr.external === null ? known : cdr;
  const { did, didE164 } = cdr.did === null && direction === known.direction ? known : cdr;
  const { reasons: why } = cdr;
  const reasons =
    known.reasons === null || why === null
      ? why
      : { ...known.reasons, direction: why.direction, external: why.external };
  return { direction, external, externalE164, externalName, withheld, did, didE164, trunk, reasons };
}

function statusOf(
  known: CallRecord,
  cdr: CallRecord,
  answeredAt: number | null,
  endMissing: boolean,
): CallRecord['status'] {
  if (answeredAt !== null) return 'Answered';
  return endMissing || known.direction !== cdr.direction ? cdr.status : known.status;
}

interface Missing {
  readonly endMissing: boolean;
  readonly answerMissing: boolean;
  readonly beginMissing: boolean;
}

/** What is known now is flagged no longer; that a part was not heard is. */
function flagsOf(
  known: CallRecord,
  cdr: CallRecord,
  answeredAt: number | null,
  { endMissing, answerMissing, beginMissing }: Missing,
): string[] {
  const endTold = endMissing && !cdr.flags.includes('end-unknown');
  const told = [
    ...(endTold ? ['end-unknown'] : []),
    ...(answerMissing ? ['answer-unknown'] : []),
    ...(beginMissing ? ['start-unknown'] : []),
  ];
  const inferred = known.answeredAt === null && answeredAt !== null && cdr.flags.includes('answer-unknown');
  const left = known.flags.filter((flag) => !told.includes(flag));
  return withFlags(left, inferred ? ['answer-unknown', 'from-cdr'] : ['from-cdr']);
}

function answerOf(known: CallRecord, cdr: CallRecord, endMissing: boolean, answerMissing: boolean): number | null {
  if (known.answeredAt !== null) return answerMissing ? (cdr.answeredAt ?? known.answeredAt) : known.answeredAt;
  // Nobody had answered as long as the call was heard: where that was to its end, nobody has.
  if (!endMissing) return null;
  return cdr.answeredAt === null ? null : Math.max(cdr.answeredAt, unansweredUntil(known, cdr));
}

/** Until then it was heard that nobody talks. A list of channels alone is no hearing: a record that tells the answer knows it. */
function unansweredUntil(known: CallRecord, cdr: CallRecord): number {
  const listed = known.flags.includes('start-unknown') && !cdr.flags.includes('answer-unknown');
  return listed ? Number.NEGATIVE_INFINITY : known.endedAt;
}

/** Talks that were cut off by the gap go on to their end by the CDR; those that began in the gap are added. */
function talksOf(
  known: CallRecord,
  cdr: CallRecord,
  endMissing: boolean,
  answerMissing: boolean,
  endedAt: number,
): Talk[] {
  const lastHeard = known.endedAt;
  const talks = known.agentsTalked.map((talk, index): Talk => {
    const same = cdr.agentsTalked.find((one) => one.ext === talk.ext && one.to >= talk.from - 1000);
    const open = endMissing && talk.to >= lastHeard && same !== undefined;
    const from = index === 0 && answerMissing && same !== undefined ? Math.min(talk.from, same.from) : talk.from;
    return { ext: talk.ext, from, to: open ? Math.min(Math.max(same.to, talk.to), endedAt) : talk.to };
  });
  if (!endMissing) return talks;
  const added = cdr.agentsTalked
    .filter((talk) => !known.agentsTalked.some((one) => one.ext === talk.ext && one.to >= talk.from - 1000))
    .map((talk) => ({
      ...talk,
      from: Math.max(talk.from, unansweredUntil(known, cdr)),
      to: Math.min(talk.to, endedAt),
    }))
    .filter((talk) => talk.to > talk.from);
  return [...talks, ...added];
}

function withFlags(flags: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...flags, ...more])];
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
