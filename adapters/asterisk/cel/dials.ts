/**
 * Who dialled whom. CEL has no row for that: the called channel has the linked id of its caller, who runs Dial, Queue or the like at
 * that moment. The call detail record of the two, where there is one, names both, and how it ended.
 */
import type { CallEvent, DialplanPlace, DialResult } from '../../../src/telephony/call-event.ts';
import { type TimedRow, targetOf } from '../cdr/legs.ts';
import { known, type Stamp } from '../events/channel.ts';
import { targetNumber } from '../events/dial-string.ts';
import type { AppRun, CelChannel, TimedCel } from './channels.ts';

/** What is known of one attempt to call a channel. */
export interface Dial {
  readonly called: CelChannel;
  /** `null`: nobody dialled, the PBX was asked to call it. */
  readonly by: CelChannel | null;
  readonly number: string | null;
  readonly presented: string | null;
  readonly from: DialplanPlace;
  readonly row: TimedRow | null;
}

/** Applications that call somebody; of a queue the members are not in its arguments. */
const DIALLING = /^(?:Dial|FollowMe|RetryDial|Page)$/;
const CALLING = /^(?:Dial|FollowMe|RetryDial|Page|Queue)$/;

/** Times of CDR are whole seconds. */
const SLACK_MS = 1500;

/** The attempt by which a channel was called, `null` for one whose endpoint called in, or of which nobody knows who called it. */
export function dialOf(called: CelChannel, others: readonly CelChannel[], rows: readonly TimedRow[]): Dial | null {
  if (called.facts.initiator !== 'pbx' || !called.begun) return null;
  if (called.id === called.facts.linkedId) return askedFor(called);
  const row =
    rows.find((one) => one.dstchannel === called.name && one.uniqueid !== called.id && near(one, called)) ?? null;
  const there = others.filter((one) => one !== called && livedAt(one, called.createdAt));
  const by = there.find(({ id }) => id === row?.uniqueid) ?? callerOf(called, there);
  if (by === undefined) return null;
  const run = runAt(by, called.createdAt, CALLING);
  const target = targetIn(called, [run?.data, row?.lastdata]);
  const shown = run?.rows[0] ?? by.rows.find(({ at }) => at >= called.createdAt);
  return {
    called,
    by,
    number: target === undefined ? null : targetNumber(target),
    presented: known(shown?.cidnum) ?? known(row?.src),
    from: placeOf(shown),
    row,
  };
}

function near(row: TimedRow, called: CelChannel): boolean {
  return row.start <= (called.endedAt ?? called.lastAt) + SLACK_MS && row.end >= called.createdAt - SLACK_MS;
}

export function livedAt(channel: CelChannel, at: number): boolean {
  return channel.createdAt <= at && (channel.endedAt ?? Number.POSITIVE_INFINITY) >= at;
}

/** The number that the PBX was asked to show is the customer's, mostly. */
function askedFor(called: CelChannel): Dial {
  const shown = called.rows.find(({ type }) => type !== 'CHAN_START');
  return {
    ...{ called, by: null, number: null, row: null, from: { context: null, exten: null } },
    presented: known(shown?.cidani) ?? known(shown?.cidnum),
  };
}

/** The one whose Dial names the channel; else the one who waits in a queue, or is dialling; else the last who began to be there. */
function callerOf(called: CelChannel, there: readonly CelChannel[]): CelChannel | undefined {
  const at = called.createdAt;
  const active = there.filter(
    (one) => one.facts.initiator === 'endpoint' || one.runs.some((run) => DIALLING.test(run.name)),
  );
  const peer = active.find((one) => one.rows.some((row) => row.type === 'BRIDGE_ENTER' && row.peer === called.name));
  return (
    active.findLast((one) => targetIn(called, [runAt(one, at, DIALLING)?.data]) !== undefined) ??
    active.findLast((one) => runAt(one, at, /^Queue$/) !== undefined) ??
    peer ??
    active.findLast((one) => runAt(one, at, DIALLING) !== undefined) ??
    active.at(-1)
  );
}

function runAt(channel: CelChannel, at: number, which: RegExp): AppRun | undefined {
  return channel.runs.findLast((run) => which.test(run.name) && run.from <= at && run.to >= at);
}

function targetIn(called: CelChannel, datas: readonly (string | undefined)[]): string | undefined {
  for (const lastdata of datas) {
    const target = lastdata === undefined ? undefined : targetOf({ lastdata }, called.facts.endpoint);
    if (target !== undefined) return target;
  }
  return undefined;
}

function placeOf(row: TimedCel | undefined): DialplanPlace {
  const exten = row === undefined || /^[a-z]?$/i.test(row.exten) ? null : row.exten;
  return { context: known(row?.context), exten };
}

/** The attempt as events: it begins with the channel and ends with its answer or its end. */
export function dialEvents(dial: Dial, ofCaller: readonly Dial[], stamp: (at: number) => Stamp): CallEvent[] {
  const { called, by, number, presented, from } = dial;
  const { id: channel } = called;
  const begun = { ...stamp(called.createdAt), kind: 'dial-started', channel, number, presented } as const;
  if (by === null) return [{ ...begun, by: null }];
  const events: CallEvent[] = [{ ...begun, by: by.id, from }];
  const answered = called.rows.find(({ type }) => type === 'ANSWER');
  const forwardedTo = forwardOf(dial);
  const result = answered !== undefined ? 'answer' : forwardedTo !== null ? 'cancel' : resultOf(dial, ofCaller);
  const over = answered?.at ?? called.endedAt;
  if (over !== null) {
    events.push({ ...stamp(over), kind: 'dial-ended', channel, by: by.id, result, forwardedTo });
  }
  return events;
}

/** A phone that asks the PBX to call another number (SIP 302) is not called any more. */
function forwardOf({ called, by }: Dial): string | null {
  const row = by?.rows.find(
    ({ type, at }) => type === 'FORWARD' && at >= called.createdAt && Math.abs(at - (called.endedAt ?? at)) <= 1000,
  );
  const source = called.rows.find(({ type }) => type === 'HANGUP')?.extra.hangupsource;
  return row === undefined || source !== called.name ? null : known(row.extra.forward);
}

const BY_STATUS: Readonly<Record<string, DialResult>> = {
  BUSY: 'busy',
  NOANSWER: 'no-answer',
  CANCEL: 'cancel',
  CONGESTION: 'congestion',
  CHANUNAVAIL: 'unavailable',
};

/** Q.850 26: another leg of the same attempt was answered. */
const ELSEWHERE = 26;

/** Of a leg that was not answered: its own cause, what its caller was told of his last attempt, and the record of the two. */
function resultOf({ called, by, row }: Dial, ofCaller: readonly Dial[]): DialResult {
  const cause = Number(called.rows.find(({ type }) => type === 'HANGUP')?.extra.hangupcause ?? 0);
  if (cause === ELSEWHERE) return 'elsewhere';
  if (cause === 17 || row?.disposition === 'BUSY') return 'busy';
  const ended = called.endedAt ?? called.lastAt;
  const beside = ofCaller.some(
    (one) =>
      one.called !== called &&
      one.called.rows.some(({ type, at }) => type === 'ANSWER' && Math.abs(at - ended) <= 1000),
  );
  if (beside) return 'elsewhere';
  const last = ofCaller.every((one) => one.called.createdAt <= called.createdAt + 1000);
  const status = last ? BY_STATUS[by?.rows.find(({ type }) => type === 'HANGUP')?.extra.dialstatus ?? ''] : undefined;
  if (status !== undefined) return status;
  if (row?.disposition === 'CONGESTION') return 'congestion';
  // Whoever hangs up while he calls cancels the call.
  const gone = by?.endedAt ?? Number.POSITIVE_INFINITY;
  return gone - ended <= 500 && hungUp(by) ? 'cancel' : 'no-answer';
}

/** True when the party at the channel asked for its end. */
export function hungUp(channel: CelChannel | null): boolean {
  return channel?.rows.some(({ type, extra }) => type === 'HANGUP' && extra.hangupsource === channel.name) ?? false;
}
