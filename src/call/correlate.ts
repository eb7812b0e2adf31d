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
 *             | of the group go on (queue agents logged in, redirects)    | lives on as an internal call; or another number is
 *             |                                                           | called for them -> ended, the rest begins that call
 *   silent    | nothing was heard of it for nearly `maxAgeMs`: the PBX is | heard or listed -> live; neither -> ended
 *             | asked what lives                                          |
 *   ended     | judged once, reported once, forgotten                     | a channel that ended by silence shows itself -> live
 *
 * Grouping is transitive over linked ids and shared channels. Asterisk's Linkedid changes silently in the middle of a call,
 * and FreeSWITCH's call uuid is only right at the creation of a channel, so no single id names a call.
 *
 * Time is the time of arrival of events; `advance` is called before every event, so that a timer that fires late in the
 * running daemon and a replay of the journal come to the same end. When that clock is set back, what is waited for is waited
 * for from then on.
 */
import { type CallEvent, type ChannelId, channelOf } from '../telephony/call-event.ts';
import { applyToChannel } from './live/apply.ts';
import type { ApplyContext } from './live/context.ts';
import { giveUp, isToAskFor, overdueAt } from './live/deadline.ts';
import { type CarriedOver, Endings, isOver, leavings, type OnFault, type OnMisread } from './live/ending.ts';
import { unheard } from './live/link.ts';
import { endUnconfirmed, noteBoot, reconcile } from './live/reconcile.ts';
import { beginsAnother } from './live/sequel.ts';
import { hear, heardBy, passOver } from './live/shift.ts';
import { type Bridge, type Call, type Channel, componentOf, countGroups } from './live/state.ts';
import { Waiting } from './live/waiting.ts';
import type { SourcePlan } from './plan.ts';
import type { CallRecord, LiveCall } from './record.ts';
import type { JudgeContext, MissedBy } from './rules/case.ts';

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
  /** To be stored with what was said: channels whose call has ended, and that go on. */
  readonly carried: readonly CarriedOver[];
}

const NOTHING: FoldResult = Object.freeze({ opened: [], ...leavings() });

/** A clock of arrival that goes back by more than this has been set, ms; by less, frames have overtaken a timer. */
const CLOCK_SET_MS = 1000;

const rethrow: OnFault = (_what, error) => {
  throw error;
};

/** The live calls of one PBX. */
export class CallTable {
  readonly source: string;
  private readonly rules: CallRules;
  private readonly channels = new Map<ChannelId, Channel>();
  private readonly calls = new Map<string, Call>();
  private readonly bridges = new Map<string, Bridge>();
  private readonly link = unheard();
  private readonly context: ApplyContext;
  private readonly endings: Endings;
  private readonly waiting: Waiting;
  /** The time reached, ms since the epoch. */
  private now = Number.NEGATIVE_INFINITY;
  private readonly onFault: OnFault;
  /** What the present step has done so far. */
  private opened: ChannelId[] = [];
  private leave = leavings();
  /** Calls and channels that have become known. */
  private known = 0;
  /** The PBX is to be asked what lives, before calls of which nothing is heard are given up. Who asks it sets this back. */
  asking = false;

  /**
   * `onFault`: where given, an event that cannot be folded in is left out, a call that cannot be judged is given up, and the
   * others go on; else the error is thrown. `onMisread`: see `OnMisread`. `onJudged`: see `JudgeContext`.
   */
  constructor(
    source: string,
    plan: SourcePlan,
    rules: CallRules,
    onFault: OnFault = rethrow,
    onMisread: OnMisread = () => {},
    onJudged?: JudgeContext['onJudged'],
  ) {
    this.onFault = onFault;
    this.source = source;
    this.rules = rules;
    this.context = {
      plan,
      link: this.link,
      channels: this.channels,
      calls: this.calls,
      bridges: this.bridges,
      asked: new Map(),
      givenUp: new Map(),
      touched: new Set(),
      nextPlace: () => this.known++,
      isFinished: (channel) => this.endings.isFinished(channel),
      onOpened: (channel) => this.opened.push(channel),
      onRevived: (channel) => this.endings.revive(channel),
    };
    this.endings = new Endings(this.context, { ...rules, plan, source, onJudged }, onFault, onMisread);
    this.waiting = new Waiting(this.context, rules);
  }

  /** Folds one event in. */
  apply(event: CallEvent): FoldResult {
    if (event.kind === 'clock-stepped') return this.setClock(event);
    if (event.kind === 'source-lost') this.passOver(event.at, event.receivedAt);
    this.reach(event.receivedAt);
    if ('channel' in event && event.boot !== undefined) {
      const restarted = noteBoot(this.context, event.boot, event.at, event.receivedAt);
      if (restarted) this.waiting.noteAll();
    }
    if (event.kind === 'recording') this.leave.ended.push(...this.endings.completedBy(event));
    try {
      this.fold(event);
    } catch (error) {
      this.onFault(`The event "${event.kind}" could not be taken in and was left out`, error);
    }
    this.separate(event);
    this.link.heardAt = event.receivedAt;
    this.schedule(event);
    return this.takeResult();
  }

  private fold(event: CallEvent): void {
    const id = channelOf(event);
    if (id === null || event.kind === 'vanished' || event.kind === 'carried-over') {
      reconcile(this.context, event);
      return;
    }
    const told = hear(this.context, event);
    applyToChannel(this.context, told);
    const channel = this.channels.get(id);
    if (channel === undefined) return;
    channel.heardAt = event.receivedAt;
    channel.aliveAt = Math.max(channel.aliveAt, told.at);
    if (event.receivedAt <= this.link.lateUntil && this.link.ahead === null) channel.heardLateAt = told.at;
  }

  /** A leg that begins another call does not wait until the one before has been deserted for long. */
  private separate(event: CallEvent): void {
    if (event.kind !== 'dial-started') return;
    const leg = this.channels.get(event.channel);
    if (leg !== undefined && beginsAnother(leg)) this.endings.endBefore(leg, this.leave);
  }

  /** Ends what is due at `now` (ms since the epoch, clock of arrival). */
  advance(now: number): FoldResult {
    this.reach(now);
    return this.takeResult();
  }

  private reach(now: number): void {
    if (now < this.now - CLOCK_SET_MS) this.setBack(now);
    this.now = Math.max(this.now, now);
    if (now >= this.waiting.next) this.endDue(now);
  }

  private endDue(now: number): void {
    const { leave } = this;
    this.waiting.endDue(now, (call) => {
      if (isToAskFor(call, this.rules, now)) {
        this.asking = true;
        return;
      }
      if (now >= overdueAt(call, this.rules)) giveUp(this.context, call, now);
      this.endings.end(call, leave);
    });
    leave.ended.sort((a, b) => a.endedAt - b.endedAt);
  }

  /**
   * When to call `advance` next, ms since the epoch; infinity when nothing is due. It may be too early, as where a caller who
   * was about to be reported has been put through: `advance` then finds the later time. Costs nothing.
   */
  nextDeadline(): number {
    return this.waiting.next;
  }

  /** A clock has been set, as was told: what is waited for is waited for as long as before. */
  private setClock(event: Extract<CallEvent, { kind: 'clock-stepped' }>): FoldResult {
    reconcile(this.context, event);
    if (event.clock === 'ours') this.now += event.by;
    this.waiting.noteAll();
    return this.advance(event.receivedAt);
  }

  /** Nobody listened from `from` to `to` (clock of arrival), so the silence about what lives says nothing. */
  private passOver(from: number, to: number): void {
    if (to <= from) return;
    passOver(this.context, from, to);
    this.waiting.noteAll();
  }

  /** The clock of arrival has been set back to `now`: nothing can have been heard later than that. */
  private setBack(now: number): void {
    heardBy(this.context, now);
    this.now = now;
    this.waiting.noteAll();
  }

  /** The calls as they look at `now`, for displays; nothing is changed. */
  live(now: number): LiveCall[] {
    return [...new Set(this.calls.values())].flatMap((call) => this.endings.live(call, now));
  }

  /** Ids of the calls that were reported lately. */
  reported(): readonly string[] {
    return this.endings.reported();
  }

  /** Newer facts of finished calls, stored by somebody else: what comes late is added to these. `gone`: ids of those that were erased. */
  correct(records: readonly CallRecord[], gone: readonly string[] = []): void {
    this.endings.correct(records, gone);
  }

  /** Knows the calls that `past`, another table of the PBX, has reported, as far as nothing of them goes on here, by these records. */
  remember(past: CallTable, records: readonly CallRecord[]): void {
    this.endings.remember(past.endings, records);
  }

  /** Calls that are not finished yet; joined ones count as one. */
  get openCalls(): number {
    return countGroups(this.calls.values());
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
    const leave = leavings();
    endUnconfirmed(this.context);
    for (const call of [...this.calls.values()]) {
      if (this.calls.has(call.key) && isOver(componentOf(call))) this.endings.end(call, leave);
    }
    this.waiting.noteAll();
    return leave.ended;
  }

  /** What has been done since this was asked last: mostly nothing, which is always the same object. */
  private takeResult(): FoldResult {
    const { opened, leave } = this;
    // A channel that goes on leaves others behind.
    if (opened.length === 0 && leave.ended.length === 0 && leave.released.length === 0) return NOTHING;
    this.opened = [];
    this.leave = leavings();
    return { opened, ...leave };
  }

  private schedule(event: CallEvent): void {
    const id = channelOf(event);
    if (id === null) this.waiting.noteAll();
    else this.waiting.note(this.channels.get(id)?.call);
  }
}
