/**
 * Call detail records as call events, so that calls which only the CDR knows are judged by the same rules as all others.
 * One row is one pair of channels, or one channel alone in an application. What each row tells was seen in the CDRs of the
 * recordings of Asterisk 16.28 and 22.10 (`test/fixtures/recordings`).
 */
import type { CallEvent, ChannelId, Clearing, DialResult } from '../../../src/telephony/call-event.ts';
import { known } from '../events/channel.ts';
import { targetNumber } from '../events/dial-string.ts';
import { type Leg, legsOf, type TimedRow, targetOf } from './legs.ts';
import type { CdrRow } from './row.ts';

const RESULTS: Readonly<Record<string, DialResult>> = {
  ANSWERED: 'answer',
  'NO ANSWER': 'no-answer',
  BUSY: 'busy',
  CONGESTION: 'congestion',
  FAILED: 'failed',
};

/** Applications with which the dialplan ends a call. */
const ENDING = /^(?:Hangup|Busy|Congestion)$/;

/** Applications that put A into a room; a row names one other member, who has no call with A otherwise. */
const CONFERENCE = /^(?:ConfBridge|MeetMe)$/;

/** Who goes sooner has not heard a greeting to its end, let alone left a message. */
export const SHORTEST_MESSAGE_MS = 3000;

/** Ends that are not the caller's doing. */
const REFUSED = /^(?:BUSY|CONGESTION|FAILED)$/;

/** The events of rows whose times lie `offset` ms after UTC; in no particular order. */
export function cdrEvents(rows: readonly CdrRow[], offset: (row: CdrRow) => number, source: string): CallEvent[] {
  const timed = legsOf(rows, offset);
  const byLeg = new Map<Leg, TimedRow[]>();
  for (const row of timed) {
    for (const leg of row.b === null ? [row.a] : [row.a, row.b]) byLeg.set(leg, [...(byLeg.get(leg) ?? []), row]);
  }
  const rowsOf = (leg: Leg): readonly TimedRow[] => byLeg.get(leg) ?? [];
  const legs = [...byLeg].flatMap(([leg, own]) => legEvents(leg, own, rowsOf, source));
  return [
    ...legs,
    ...timed.flatMap((row) => rowEvents(row, rowsOf(row.a), row.b === null ? [] : rowsOf(row.b), source)),
  ];
}

interface Stamp {
  readonly source: string;
  readonly at: number;
  readonly receivedAt: number;
}

function stampAt(source: string, at: number): Stamp {
  return { source, at, receivedAt: at };
}

/** Birth and end of a channel, and what it did by itself. */
function legEvents(
  leg: Leg,
  rows: readonly TimedRow[],
  rowsOf: (leg: Leg) => readonly TimedRow[],
  source: string,
): CallEvent[] {
  const { id: channel, facts } = leg;
  const asA = rows.filter((row) => row.a === leg);
  const events: CallEvent[] = [{ ...stampAt(source, leg.createdAt), kind: 'channel-created', channel, facts }];
  const answers = asA.flatMap((row) => row.answer ?? []);
  if (answers.length > 0) events.push({ ...stampAt(source, Math.min(...answers)), kind: 'answered', channel });
  const ended = stampAt(source, leg.endedAt);
  for (const row of asA) {
    const file = known(row.recordingfile);
    if (file !== null) events.push({ ...stampAt(source, row.end), kind: 'recording', channel, file });
    const queue = row.lastapp === 'Queue' ? known(row.lastdata.split(',')[0]) : null;
    if (queue !== null) events.push({ ...stampAt(source, row.start), kind: 'queued', channel, queue });
    // Whether a message was left is not in the CDR; that the call ended in the voicemail is.
    if (
      row.lastapp === 'VoiceMail' &&
      row.answer !== null &&
      row.b === null &&
      row.end - row.start >= SHORTEST_MESSAGE_MS
    ) {
      events.push({ ...stampAt(source, row.end), kind: 'voicemail-left', channel, mailbox: mailboxIn(row.lastdata) });
    }
    if (row.linkedid !== facts.linkedId) {
      events.push({ ...stampAt(source, row.start), kind: 'linked', channel, linkedIds: [row.linkedid], channels: [] });
    }
  }
  events.push(...conferenceEvents(leg, rows, source));
  const clearing = clearingOf(leg, rows, rowsOf);
  if (facts.initiator === 'endpoint' && hungUp(asA))
    events.push({ ...ended, kind: 'hangup-requested', channel, clearing });
  events.push({ ...ended, kind: 'cleared', channel, clearing });
  return events;
}

function mailboxIn(lastdata: string): string | null {
  return known(lastdata.split(',')[0]?.split('@')[0]);
}

/** True unless the last that the PBX did was to end the call itself. */
function hungUp(asA: readonly TimedRow[]): boolean {
  const last = asA.filter((row) => row.dst !== 'h').at(-1);
  if (last === undefined || ENDING.test(last.lastapp) || REFUSED.test(last.disposition)) return false;
  if (last.lastapp !== 'Dial' || last.answer !== null) return true;
  const timeout = Number(last.lastdata.split(',')[1]);
  return last.b !== null && !(timeout > 0 && last.end - last.start >= (timeout - 1) * 1000);
}

/**
 * BUSY is cause 17 of Q.850. Of a leg that was not reached the dialplan may tell more: it hands the cause on to A with
 * `Hangup(1)`.
 */
function clearingOf(leg: Leg, rows: readonly TimedRow[], rowsOf: (leg: Leg) => readonly TimedRow[]): Clearing {
  const last = rows.at(-1);
  if (last?.disposition === 'BUSY') return { q850: 17, sip: null, text: last.disposition };
  const handedOn = last?.b === leg && last.disposition !== 'ANSWERED' ? rowsOf(last.a) : rows;
  const causes = handedOn.map((row) => causeOf(row.lastapp, row.lastdata));
  return { q850: causes.findLast((one) => one !== null) ?? null, sip: null, text: last?.disposition ?? null };
}

function causeOf(lastapp: string, lastdata: string): number | null {
  return lastapp === 'Hangup' && /^\d{1,3}$/.test(lastdata) ? Number(lastdata) : null;
}

/** Members of a conference are there from their answer to the last row that names them with it. */
function conferenceEvents(leg: Leg, rows: readonly TimedRow[], source: string): CallEvent[] {
  const own = rows.filter((row) => CONFERENCE.test(row.lastapp));
  const names = new Set(own.map((row) => `conference ${row.lastdata.split(',')[0]}`));
  return [...names].flatMap((bridge): CallEvent[] => {
    const stay = own.filter((row) => bridge === `conference ${row.lastdata.split(',')[0]}`);
    const from = Math.max(leg.createdAt, Math.min(...stay.map((row) => row.start)));
    const to = Math.max(...stay.map((row) => row.end));
    const { id: channel } = leg;
    return [
      { ...stampAt(source, from), kind: 'bridge-entered', channel, bridge, bridgeKind: 'conference' },
      { ...stampAt(source, to), kind: 'bridge-left', channel, bridge },
    ];
  });
}

/** How A reached B, and for how long they were connected. `ofA`, `ofB`: all rows of each. */
function rowEvents(row: TimedRow, ofA: readonly TimedRow[], ofB: readonly TimedRow[], source: string): CallEvent[] {
  const { a, b } = row;
  if (b === null || CONFERENCE.test(row.lastapp)) return [];
  const events: CallEvent[] = [];
  if (b.facts.initiator === 'pbx') events.push(...dialEvents(row, b, ofA, source));
  if (row.linkedid !== b.facts.linkedId) {
    const linkedIds = [row.linkedid];
    events.push({ ...stampAt(source, row.start), kind: 'linked', channel: b.id, linkedIds, channels: [a.id] });
  }
  if (row.disposition !== 'ANSWERED' || row.answer === null) return events;
  const bridge = `${row.uniqueid}/${row.sequence}`;
  const from = row.answerHidden ? earliestAnswer(row, ofA, ofB) : row.answer;
  events.push(bridged(source, from, a.id, bridge), entering(row, b, bridge, from, source));
  for (const { id: channel } of [a, b]) {
    events.push({ ...stampAt(source, row.end), kind: 'bridge-left', channel, bridge });
  }
  return events;
}

function bridged(source: string, at: number, channel: ChannelId, bridge: string): CallEvent {
  return { ...stampAt(source, at), kind: 'bridge-entered', channel, bridge, bridgeKind: 'talk' };
}

/** B answered at `from`, or, where that is hidden, was found answered then. */
function entering(row: TimedRow, b: Leg, bridge: string, from: number, source: string): CallEvent {
  if (!row.answerHidden) return bridged(source, from, b.id, bridge);
  const { facts, id: channel, createdAt } = b;
  const stamp = stampAt(source, from);
  return { ...stamp, kind: 'snapshot-channel', channel, facts, createdAt, answered: true, answeredAt: null, bridge };
}

/**
 * In a queue or after an IVR the row counts from A's own answer; those who rang as well stopped when B answered. A leg that has a row
 * of its own later was up by then.
 */
function earliestAnswer(row: TimedRow, ofA: readonly TimedRow[], ofB: readonly TimedRow[]): number {
  const stopped = ofA
    .filter((one) => one !== row && one.b !== null && one.disposition === 'NO ANSWER')
    .filter((one) => one.start <= row.start + 1000 && one.end > row.start && one.end < row.end)
    .map((one) => one.end);
  const began = ofB.filter((one) => one.a === row.b && one.start <= row.end + 1000).map((one) => one.start);
  return Math.max(row.answer ?? row.start, ...stopped, ...began);
}

function dialEvents(row: TimedRow, b: Leg, ofA: readonly TimedRow[], source: string): CallEvent[] {
  const { a } = row;
  const number = numberSent(row, b);
  const begun = { ...stampAt(source, row.start), channel: b.id, by: a.id };
  const from = { context: placeDialledFrom(row.dcontext), exten: known(row.dst) };
  const dialled: CallEvent = { ...begun, kind: 'dial-started', number, presented: known(row.src), from };
  const result = resultOf(row, ofA);
  const answer = row.answerHidden ? null : row.answer;
  const over = { ...stampAt(source, result === 'answer' ? (answer ?? row.end) : row.end), channel: b.id, by: a.id };
  const events: CallEvent[] = [dialled, { ...over, kind: 'dial-ended', result, forwardedTo: null }];
  if (result === 'answer' && answer !== null) {
    events.push({ ...stampAt(source, answer), kind: 'answered', channel: b.id });
  }
  return events;
}

/** A row tells the context that called a subroutine: FreePBX calls the members of its groups (`ext-group`) in one of its own. */
function placeDialledFrom(dcontext: string): string | null {
  return dcontext === 'ext-group' ? 'dial-with-exten' : known(dcontext);
}

function resultOf(row: TimedRow, ofA: readonly TimedRow[]): DialResult {
  const result = RESULTS[row.disposition] ?? 'failed';
  if (result !== 'no-answer') return result;
  const elsewhere = ofA.some(
    (one) =>
      one !== row &&
      one.b !== null &&
      one.disposition === 'ANSWERED' &&
      one.start <= row.start + 1000 &&
      one.end > row.end,
  );
  if (elsewhere) return 'elsewhere';
  return row.end >= row.a.endedAt && hungUp(ofA.filter((one) => one.a === row.a)) ? 'cancel' : 'no-answer';
}

/** The digits in `PJSIP/+14155550132@trunk-out,30,tTkK` that were sent to B, `null` when another channel was dialled. */
function numberSent(row: TimedRow, b: Leg): string | null {
  const target = targetOf(row, b.facts.endpoint);
  return target === undefined ? null : targetNumber(target);
}
