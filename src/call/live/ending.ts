/**
 * The end of calls: each is judged once, reported once and forgotten. What the PBX says of it later (a recording) completes the
 * record that was reported; repeated and late events of its channels are recognised.
 */

import type { CallEvent, ChannelId } from '../../telephony/call-event.ts';
import { copyOf, OldestFirst } from '../../telephony/oldest.ts';
import { judge } from '../judge.ts';
import { type MisreadName, misreadName } from '../known/side.ts';
import type { CallRecord, LiveCall } from '../record.ts';
import type { JudgeContext } from '../rules/case.ts';
import type { ApplyContext } from './context.ts';
import { LateFacts } from './late.ts';
import { depart, startAnew } from './membership.ts';
import { carryOver, dropRecordings, madeFor } from './sequel.ts';
import { type Call, type Channel, componentOf, hasTrunk, isLive, unlink } from './state.ts';

/** Hears of what could not be folded in or judged. */
export type OnFault = (what: string, error: unknown) => void;

/** Hears of a channel, once it is over, whose name says something else than what the PBX showed of it. */
export type OnMisread = (name: MisreadName) => void;

/** What one end leaves behind: the records of the calls, their channels, and what a start must know of those that go on. */
export interface Leavings {
  readonly ended: CallRecord[];
  readonly released: ChannelId[];
  readonly carried: CarriedOver[];
}

export type CarriedOver = Extract<CallEvent, { kind: 'carried-over' }>;

export const leavings = (): Leavings => ({ ended: [], released: [], carried: [] });

/** Channel ids of finished calls kept to recognise late and repeated events. */
const REMEMBERED_CHANNELS = 20_000;

export class Endings {
  private readonly context: ApplyContext;
  private readonly rules: Omit<JudgeContext, 'until'>;
  private readonly onFault: OnFault;
  private readonly onMisread: OnMisread;
  private readonly finished = new Set<ChannelId>();
  private readonly oldest = new OldestFirst(this.finished);
  private readonly late = new LateFacts();

  constructor(context: ApplyContext, rules: Omit<JudgeContext, 'until'>, onFault: OnFault, onMisread: OnMisread) {
    this.context = context;
    this.rules = rules;
    this.onFault = onFault;
    this.onMisread = onMisread;
  }

  /** True for a channel whose call has been reported. */
  isFinished(channel: ChannelId): boolean {
    return this.finished.has(channel);
  }

  /** Records reported before that the event completes. */
  completedBy(event: CallEvent): CallRecord[] {
    return this.late.take(event);
  }

  /** Ids of the calls of which late facts are awaited. */
  reported(): readonly string[] {
    return this.late.calls();
  }

  /** See `LateFacts.correct`. */
  correct(records: readonly CallRecord[], gone: readonly string[]): void {
    this.late.correct(records, gone);
  }

  /** Takes over what `past` has reported, of channels that are over here; `records`: the newest of its calls. */
  remember(past: Endings, records: readonly CallRecord[]): void {
    const isOpen = (id: ChannelId): boolean => this.context.channels.has(id);
    for (const id of past.finished) if (!isOpen(id)) this.finish(id);
    this.late.takeOver(past.late, records, isOpen);
  }

  /** Judges the call; when its whole group is over, the group with it. */
  end(call: Call, leave: Leavings): void {
    const group = componentOf(call);
    const over = isOver(group);
    const until = lastClearedAt(group);
    if (over) {
      for (const one of group) this.report(one, this.judged(one, until), leave);
      for (const one of group) this.forget(one, leave);
    } else {
      this.report(call, this.judged(call, until), leave);
      this.splitOff(call, leave);
    }
  }

  /** The call of the leg has ended with its outside parties, and the leg begins another one of those who are left. */
  endBefore(leg: Channel, leave: Leavings): void {
    const { call } = leg;
    const next = madeFor(leg);
    for (const one of next) call.channels.delete(one);
    this.end(call, leave);
    for (const one of next) call.channels.add(one);
  }

  /** The call as it looks at `until` (ms since the epoch); nothing is changed. */
  judged(call: Call, until: number): CallRecord[] {
    const { source } = this.rules;
    try {
      return judge(call, { ...this.rules, until });
    } catch (error) {
      this.onFault(`The call ${source}-${call.sessionKey} could not be judged and is not logged`, error);
      return [];
    }
  }

  /** As `judged`, with the channels of the call that go on. */
  live(call: Call, now: number): LiveCall[] {
    return this.judged(call, now).map((record) => {
      const going = [...componentOf(call)].flatMap(({ channels }) => [...channels]).filter(isLive);
      return { record, channels: going.flatMap(({ id, aliases }) => [id, ...aliases]) };
    });
  }

  private report(call: Call, records: readonly CallRecord[], { ended }: Leavings): void {
    ended.push(...records);
    const [record] = records;
    // What is recorded later on a channel that goes on is a recording of what follows.
    const over = [...call.channels].filter((channel) => !isLive(channel) && !channel.givenUp);
    if (record !== undefined) this.late.remember(record, over);
  }

  private forget(call: Call, leave: Leavings): void {
    for (const channel of call.channels) this.release(channel, leave);
    unlink(call);
    this.unlist(call);
  }

  private unlist(call: Call): void {
    for (const key of [call.key, ...call.otherKeys]) this.context.calls.delete(key);
    this.context.touched.add(call);
  }

  private release(channel: Channel, { released }: Leavings): void {
    const { plan, channels } = this.context;
    for (const id of [channel.id, ...channel.aliases]) {
      released.push(id);
      channels.delete(id);
      this.finish(copyOf(id));
      if (channel.givenUp) this.context.givenUp.set(copyOf(id), channel);
    }
    depart(this.context, channel);
    const misread = misreadName(plan, channel.party, channel.facts);
    if (misread !== null) this.onMisread(misread);
  }

  /** A channel of which it was thought that it is over goes on. */
  revive(channel: ChannelId): void {
    this.finished.delete(channel);
  }

  private finish(id: ChannelId): void {
    this.finished.add(id);
    if (this.finished.size <= REMEMBERED_CHANNELS) return;
    const first = this.oldest.next() ?? '';
    this.finished.delete(first);
    this.context.givenUp.delete(first);
  }

  /** The external party's call is reported; phones that go on keep an internal call of their own. */
  private splitOff(call: Call, leave: Leavings): void {
    const rest = [...call.channels].filter(isLive);
    const gone = [...call.channels].filter((channel) => !isLive(channel));
    const others = [...componentOf(call)].filter((one) => one !== call);
    // Another outside party has its call still to be told, with what the phones recorded of it.
    const alone = !others.some(hasTrunk);
    for (const one of alone ? others : []) for (const channel of one.channels) dropRecordings(channel);
    startAnew(this.context, gone, rest);
    for (const channel of gone) {
      call.channels.delete(channel);
      this.release(channel, leave);
    }
    for (const linked of unlink(call)) this.context.touched.add(linked);
    this.context.touched.add(call);
    if (rest.length === 0) {
      this.unlist(call);
      return;
    }
    const { source } = this.rules;
    const at = this.context.link.heardAt ?? 0;
    for (const channel of rest) {
      carryOver(channel);
      leave.carried.push({ kind: 'carried-over', source, channel: channel.id, at, receivedAt: at });
    }
  }
}

/** When the last channel that has cleared did so, ms since the epoch; 0 where none has. */
function lastClearedAt(calls: Iterable<Call>): number {
  let last = 0;
  for (const { channels } of calls) for (const { clearedAt } of channels) last = Math.max(last, clearedAt ?? 0);
  return last;
}

/** True when every channel of these calls has cleared. */
export function isOver(calls: Iterable<Call>): boolean {
  for (const { channels } of calls) for (const channel of channels) if (isLive(channel)) return false;
  return true;
}
