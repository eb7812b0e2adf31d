/**
 * Folds the events of one PBX into its live calls and says which calls have ended.
 *
 * Life of a call (the states are not stored, they follow from the facts):
 *
 *   state     | entered when                                              | left when
 *   ----------|-----------------------------------------------------------|------------------------------------------
 *   live      | its first channel is created or found in a snapshot       | see ended
 *   joined    | it is linked with another call (transfer, pickup, bridge) | the whole group ends together
 *   clearing  | every channel of the group has cleared                    | grace over -> ended; new channel -> live
 *   deserted  | every trunk channel of the call has cleared, but phones   | `externalGoneMs` over -> ended, the rest
 *             | of the group go on (queue agents logged in, redirects)    | lives on as an internal call
 *   ended     | judged once, reported once, forgotten                     |
 *
 * Grouping is transitive over linked ids and shared channels. Asterisk's Linkedid changes silently in the middle of a call,
 * and FreeSWITCH's call uuid is only right at the creation of a channel, so no single id names a call.
 *
 * Time is the time of arrival of events; `advance` is called before every event, so that a timer that fires late in the
 * running daemon and a replay of the journal come to the same end. When that clock is set back, what is waited for is waited
 * for from then on.
 */
import { type CallEvent, type ChannelId, channelOf } from '../telephony/call-event.ts';
import { applyToChannel } from './apply.ts';
import type { ApplyContext } from './context.ts';
import { dueAt, giveUp, overdueAt } from './deadline.ts';
import { judge } from './judge.ts';
import { LateFacts } from './late.ts';
import type { SourcePlan } from './plan.ts';
import { endUnconfirmed, noteBoot, noteHeard, reconcile, unheard } from './reconcile.ts';
import type { CallRecord } from './record.ts';
import type { MissedBy } from './rules/case.ts';
import { type Bridge, type Call, type Channel, componentOf, conferencePartners, isLive, oldest } from './state.ts';
import { forgetBridge, startAnew } from './stays.ts';

/** Rules of closing and judging calls, from the configuration. */
export interface CallRules {
  /** How long to wait after the last channel cleared for what the PBX still has to say (CDR, voicemail), ms. */
  readonly graceMs: number;
  /** How long phones may go on after the external party has gone before the call is reported, ms. */
  readonly externalGoneMs: number;
  /** Which of several agents who talked is the agent of the call. */
  readonly agent: 'first' | 'last' | 'longest';
  /** Whose call a call is that several phones missed. */
  readonly missed: MissedBy;
  /** A call of which nothing is heard for so long has ended unseen, ms: it is reported as of unknown end. */
  readonly maxAgeMs: number;
}

export const DEFAULT_RULES: CallRules = {
  graceMs: 2000,
  externalGoneMs: 30_000,
  agent: 'last',
  missed: 'owner',
  maxAgeMs: 24 * 3_600_000,
};

/** What one step of the fold did. */
export interface FoldResult {
  /** Calls that ended; also calls reported before of which more is known now (a recording). */
  readonly ended: readonly CallRecord[];
  /** Channels that now belong to an open call, and channels whose call is over. */
  readonly opened: readonly ChannelId[];
  readonly released: readonly ChannelId[];
}

/** A clock of arrival that goes back by more than this has been set, ms; by less, frames have overtaken a timer. */
const CLOCK_SET_MS = 1000;

/** Hears of what could not be folded in or judged. */
export type OnFault = (what: string, error: unknown) => void;

const rethrow: OnFault = (_what, error) => {
  throw error;
};

/** Channel ids of finished calls kept to recognise late and repeated events. */
const REMEMBERED_CHANNELS = 20_000;

/** The live calls of one PBX. */
export class CallTable {
  readonly source: string;
  private readonly plan: SourcePlan;
  private readonly rules: CallRules;
  private readonly channels = new Map<ChannelId, Channel>();
  private readonly calls = new Map<string, Call>();
  private readonly bridges = new Map<string, Bridge>();
  private readonly finished = new Set<ChannelId>();
  private readonly late = new LateFacts();
  private readonly link = unheard();
  private readonly context: ApplyContext;
  /** When the next call may end, ms since the epoch; infinity when none is about to. */
  private deadline = Number.POSITIVE_INFINITY;
  /** The time reached, ms since the epoch. */
  private now = Number.NEGATIVE_INFINITY;
  private readonly onFault: OnFault;
  private opened: ChannelId[] = [];

  /**
   * `onFault`: where given, an event that cannot be folded in is left out, a call that cannot be judged is given up, and the
   * others go on; else the error is thrown.
   */
  constructor(source: string, plan: SourcePlan, rules: CallRules, onFault: OnFault = rethrow) {
    this.onFault = onFault;
    this.source = source;
    this.plan = plan;
    this.rules = rules;
    this.context = {
      plan,
      link: this.link,
      channels: this.channels,
      calls: this.calls,
      bridges: this.bridges,
      isFinished: (channel) => this.finished.has(channel),
      onOpened: (channel) => this.opened.push(channel),
    };
  }

  /** Folds one event in. */
  apply(event: CallEvent): FoldResult {
    const before = this.advance(event.receivedAt);
    if ('channel' in event && event.boot !== undefined) {
      const restarted = noteBoot(this.context, this.link, event.boot, event.at, event.receivedAt);
      if (restarted) this.deadline = this.trueDeadline();
    }
    const later = this.late.take(event);
    try {
      this.fold(event);
    } catch (error) {
      this.onFault(`The event "${event.kind}" could not be taken in and was left out`, error);
    }
    this.link.lastHeardAt = Math.max(this.link.lastHeardAt ?? 0, event.at);
    this.schedule(event);
    return { ...before, ended: [...before.ended, ...later], opened: [...before.opened, ...this.takeOpened()] };
  }

  private fold(event: CallEvent): void {
    const id = channelOf(event);
    if (id === null || event.kind === 'vanished') {
      reconcile(this.context, this.link, event);
      return;
    }
    noteHeard(this.link, event.at, event.receivedAt);
    applyToChannel(this.context, event);
    const channel = this.channels.get(id);
    if (channel !== undefined) channel.heardAt = event.receivedAt;
  }

  /** Ends what is due at `now` (ms since the epoch, clock of arrival). */
  advance(now: number): FoldResult {
    const ended: CallRecord[] = [];
    const released: ChannelId[] = [];
    if (now < this.now - CLOCK_SET_MS) this.setBack(now);
    this.now = Math.max(this.now, now);
    if (now >= this.deadline) {
      for (const call of [...this.calls.values()]) {
        if (!this.calls.has(call.key) || now < dueAt(call, this.rules)) continue;
        if (now >= overdueAt(call, this.rules)) giveUp(call, now);
        this.end(call, ended, released);
      }
      this.deadline = this.trueDeadline();
    }
    ended.sort((a, b) => a.endedAt - b.endedAt);
    return { ended, opened: this.takeOpened(), released };
  }

  /**
   * When to call `advance` next, ms since the epoch; infinity when nothing is due. It may be too early, as where a caller who
   * was about to be reported has been put through: `advance` then finds the later time. Costs nothing.
   */
  nextDeadline(): number {
    return this.deadline;
  }

  private trueDeadline(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.calls.values()) next = Math.min(next, dueAt(call, this.rules));
    return next;
  }

  /** The clock of arrival has been set back to `now`: nothing can have been heard later than that. */
  private setBack(now: number): void {
    for (const channel of this.channels.values()) {
      channel.heardAt = Math.min(channel.heardAt, now);
      channel.clearedHeardAt = Math.min(channel.clearedHeardAt, now);
    }
    this.now = now;
    this.deadline = this.trueDeadline();
  }

  /** The calls as they look at `now`, for displays; nothing is changed. */
  live(now: number): CallRecord[] {
    return [...new Set(this.calls.values())].flatMap((call) => this.judged(call, now));
  }

  /** Calls that are not finished yet; joined ones count as one. */
  get openCalls(): number {
    const counted = new Set<Call>();
    let groups = 0;
    for (const call of this.calls.values()) {
      if (counted.has(call)) continue;
      groups += 1;
      for (const one of componentOf(call)) counted.add(one);
    }
    return groups;
  }

  /** Channels of calls that are not finished yet. */
  get openChannels(): number {
    return this.channels.size;
  }

  /** True for a channel of a call that is not finished yet. */
  isOpen(channel: ChannelId): boolean {
    return this.channels.has(channel);
  }

  /**
   * Ends the calls that were open when the link was lost and that nothing has confirmed since: for captures that stop before
   * the PBX was asked again.
   */
  endUnconfirmed(): CallRecord[] {
    const ended: CallRecord[] = [];
    endUnconfirmed(this.context, this.link);
    for (const call of [...this.calls.values()]) {
      const over = [...componentOf(call)].every((one) => [...one.channels].every((channel) => !isLive(channel)));
      if (this.calls.has(call.key) && over) this.end(call, ended, []);
    }
    return ended;
  }

  private takeOpened(): ChannelId[] {
    const opened = this.opened;
    this.opened = [];
    return opened;
  }

  /** Keeps `deadline` no later than the true next deadline without looking at every call for every event. */
  private schedule(event: CallEvent): void {
    const id = channelOf(event);
    const channel = id === null ? undefined : this.channels.get(id);
    if (channel !== undefined) {
      const over = event.kind === 'cleared' || event.kind === 'vanished';
      const touched = [channel, ...(over ? conferencePartners(channel) : [])];
      for (const one of touched) this.deadline = Math.min(this.deadline, dueAt(one.call, this.rules));
    } else if (id === null) this.deadline = this.trueDeadline();
  }

  /** Judges the call; when its whole group is over, the group with it. */
  private end(call: Call, ended: CallRecord[], released: ChannelId[]): void {
    const group = componentOf(call);
    const over = [...group].every((one) => [...one.channels].every((channel) => !isLive(channel)));
    const until = Math.max(...[...group].flatMap((one) => [...one.channels].map((channel) => channel.clearedAt ?? 0)));
    if (over) {
      for (const one of group) this.report(one, this.judged(one, until), ended);
      for (const one of group) this.forget(one, released);
    } else {
      this.report(call, this.judged(call, until), ended);
      this.splitOff(call, released);
    }
  }

  private judged(call: Call, until: number): CallRecord[] {
    try {
      return judge(call, { ...this.rules, plan: this.plan, source: this.source, until });
    } catch (error) {
      this.onFault(`The call ${this.source}-${call.sessionKey} could not be judged and is not logged`, error);
      return [];
    }
  }

  private report(call: Call, records: readonly CallRecord[], ended: CallRecord[]): void {
    ended.push(...records);
    const [record] = records;
    if (record !== undefined) this.late.remember(record, call.channels);
  }

  private forget(call: Call, released: ChannelId[]): void {
    for (const channel of call.channels) this.release(channel, released);
    for (const linked of call.links) linked.links.delete(call);
    this.unlist(call);
  }

  private unlist(call: Call): void {
    for (const key of [call.key, ...call.otherKeys]) this.calls.delete(key);
  }

  private release(channel: Channel, released: ChannelId[]): void {
    for (const id of [channel.id, ...channel.aliases]) {
      released.push(id);
      this.channels.delete(id);
      this.finished.add(id);
      if (this.finished.size > REMEMBERED_CHANNELS) this.finished.delete(this.finished.values().next().value ?? '');
    }
    for (const bridge of channel.bridges) forgetBridge(this.context, bridge);
  }

  /** The external party's call is reported; phones that go on keep an internal call of their own. */
  private splitOff(call: Call, released: ChannelId[]): void {
    const rest = [...call.channels].filter(isLive);
    for (const channel of [...call.channels]) {
      if (isLive(channel)) continue;
      call.channels.delete(channel);
      this.release(channel, released);
    }
    for (const linked of call.links) linked.links.delete(call);
    call.links.clear();
    const root = oldest(rest);
    if (root === undefined) {
      this.unlist(call);
      return;
    }
    call.sessionKey = root.id;
    startAnew(call, rest);
  }
}
