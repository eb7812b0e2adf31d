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
 * running daemon and a replay of the journal come to the same end.
 */
import { type CallEvent, type ChannelId, channelOf } from '../telephony/call-event.ts';
import { applyToChannel } from './apply.ts';
import type { ApplyContext } from './context.ts';
import { judge } from './judge.ts';
import { LateFacts } from './late.ts';
import type { SourcePlan } from './plan.ts';
import { lastAlive, noteBoot, reconcile, type SourceLink } from './reconcile.ts';
import type { CallRecord } from './record.ts';
import {
  type Bridge,
  type Call,
  type Channel,
  componentOf,
  conferencePartners,
  isLive,
  oldest,
  trunksOf,
} from './state.ts';
import { clear } from './stays.ts';

/** Rules of closing and judging calls, from the configuration. */
export interface CallRules {
  /** How long to wait after the last channel cleared for what the PBX still has to say (CDR, voicemail), ms. */
  readonly graceMs: number;
  /** How long phones may go on after the external party has gone before the call is reported, ms. */
  readonly externalGoneMs: number;
  /** Which of several agents who talked is the agent of the call. */
  readonly agent: 'first' | 'last' | 'longest';
  /** Nothing lives longer than this, ms: the end of such a call was missed, and it is reported as of unknown end. */
  readonly maxAgeMs: number;
}

export const DEFAULT_RULES: CallRules = {
  graceMs: 2000,
  externalGoneMs: 30_000,
  agent: 'last',
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
  private readonly link: SourceLink = {
    connectedAt: null,
    lostAt: null,
    boot: null,
    lastHeardAt: null,
    heardBeforeLoss: null,
  };
  private readonly context: ApplyContext;
  /** When the next call may end, ms since the epoch; infinity when none is about to. */
  private deadline = Number.POSITIVE_INFINITY;
  private opened: ChannelId[] = [];

  constructor(source: string, plan: SourcePlan, rules: CallRules) {
    this.source = source;
    this.plan = plan;
    this.rules = rules;
    this.context = {
      plan,
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
      if (restarted) this.deadline = this.nextDeadline();
    }
    const later = this.late.take(event);
    if (channelOf(event) === null) reconcile(this.context, this.link, event);
    else applyToChannel(this.context, event);
    this.link.lastHeardAt = Math.max(this.link.lastHeardAt ?? 0, event.at);
    this.schedule(event);
    return { ...before, ended: [...before.ended, ...later], opened: [...before.opened, ...this.takeOpened()] };
  }

  /** Ends what is due at `now` (ms since the epoch, clock of arrival). */
  advance(now: number): FoldResult {
    const ended: CallRecord[] = [];
    const released: ChannelId[] = [];
    if (now >= this.deadline) {
      for (const call of [...this.calls.values()]) {
        if (!this.calls.has(call.key) || now < this.deadlineOf(call)) continue;
        if (now >= overdueAt(call, this.rules)) giveUp(componentOf(call), now);
        this.end(call, ended, released);
      }
      this.deadline = this.nextDeadline();
    }
    ended.sort((a, b) => a.endedAt - b.endedAt);
    return { ended, opened: this.takeOpened(), released };
  }

  /** When `advance` has something to do next, ms since the epoch; infinity when nothing is due. */
  nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.calls.values()) next = Math.min(next, this.deadlineOf(call));
    return next;
  }

  /** The calls as they look at `now`, for displays; nothing is changed. */
  live(now: number): CallRecord[] {
    return [...new Set(this.calls.values())].flatMap((call) =>
      judge(call, { ...this.rules, plan: this.plan, source: this.source, until: now }),
    );
  }

  /** Channels of calls that are not finished yet. */
  get openChannels(): number {
    return this.channels.size;
  }

  /**
   * Ends the calls that were open when the link was lost and that nothing has confirmed since: for captures that stop before
   * the PBX was asked again.
   */
  endUnconfirmed(): CallRecord[] {
    const ended: CallRecord[] = [];
    for (const channel of this.channels.values()) {
      if (isLive(channel) && this.link.lostAt !== null && !channel.confirmed && channel.createdAt < this.link.lostAt) {
        channel.endSeen = false;
        clear(channel, lastAlive(this.link, this.link.lostAt), this.link.lostAt);
      }
    }
    for (const call of [...this.calls.values()]) {
      if (this.calls.has(call.key) && Number.isFinite(this.deadlineOf(call))) this.end(call, ended, []);
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
      const touched = [channel, ...(event.kind === 'cleared' ? conferencePartners(channel) : [])];
      for (const one of touched) this.deadline = Math.min(this.deadline, this.deadlineOf(one.call));
    } else if (id === null) this.deadline = this.nextDeadline();
  }

  private deadlineOf(call: Call): number {
    const group = componentOf(call);
    let lastCleared = 0;
    let live = false;
    for (const one of group) {
      for (const channel of one.channels) {
        if (isLive(channel)) live = true;
        else lastCleared = Math.max(lastCleared, channel.clearedHeardAt);
        // Members of a conference are calls of their own; but a customer's call is judged by the agents who were in the room, so
        // an internal call is kept until the customers it met have gone.
        for (const other of trunksOf(one).length > 0 ? [] : conferencePartners(channel)) {
          if (other.party.side !== 'trunk' || other.call === one) continue;
          if (isLive(other)) live = true;
          else lastCleared = Math.max(lastCleared, other.clearedHeardAt);
        }
      }
    }
    if (!live) return lastCleared + this.rules.graceMs;
    const trunks = trunksOf(call);
    if (trunks.length === 0 || trunks.some(isLive)) return overdueAt(call, this.rules);
    return Math.max(...trunks.map((trunk) => trunk.clearedHeardAt)) + this.rules.externalGoneMs;
  }

  /** Judges the call; when its whole group is over, the group with it. */
  private end(call: Call, ended: CallRecord[], released: ChannelId[]): void {
    const group = componentOf(call);
    const over = [...group].every((one) => [...one.channels].every((channel) => !isLive(channel)));
    const until = Math.max(...[...group].flatMap((one) => [...one.channels].map((channel) => channel.clearedAt ?? 0)));
    const context = { ...this.rules, plan: this.plan, source: this.source, until };
    if (over) {
      for (const one of group) this.report(one, judge(one, context), ended);
      for (const one of group) this.forget(one, released);
    } else {
      this.report(call, judge(call, context), ended);
      this.splitOff(call, released);
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
    for (const bridge of channel.bridges) {
      if (bridge.stays.every((stay) => stay.to !== null || !isLive(stay.channel))) this.bridges.delete(bridge.id);
    }
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
    // Who met the external party met it in that call; what the phones go on with is told by the bridges it never was in.
    for (const channel of rest) {
      for (const bridge of channel.bridges) {
        if (bridge.stays.some((stay) => stay.channel.call === call && !rest.includes(stay.channel)))
          channel.bridges.delete(bridge);
      }
    }
  }
}

/** When a call is older than any call can be, ms since the epoch. */
function overdueAt(call: Call, rules: CallRules): number {
  const first = oldest([...call.channels].filter(isLive));
  return first === undefined ? Number.POSITIVE_INFINITY : first.createdAt + rules.maxAgeMs;
}

/** The end of these calls was missed. */
function giveUp(group: Iterable<Call>, now: number): void {
  for (const call of group) {
    for (const channel of call.channels) {
      if (!isLive(channel)) continue;
      channel.endSeen = false;
      clear(channel, now, now);
    }
  }
}
