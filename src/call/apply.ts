/** Writes one event about a channel down as facts. Repeated and late events change nothing. */
import type { CallEvent, ChannelFacts, ChannelHistory, ChannelId } from '../telephony/call-event.ts';
import { partyOf, type SourcePlan } from './plan.ts';
import { type Bridge, type Call, type Channel, type Interval, linkCalls, oldest } from './state.ts';

/** The parts of the call table that events change. */
export interface ApplyContext {
  readonly plan: SourcePlan;
  /** By every id of the channel. */
  readonly channels: Map<ChannelId, Channel>;
  /** By every linked id of the call. */
  readonly calls: Map<string, Call>;
  readonly bridges: Map<string, Bridge>;
  /** True for a channel whose call has been reported already. */
  isFinished(channel: ChannelId): boolean;
  onOpened(channel: ChannelId): void;
}

type ChannelEvent = Extract<CallEvent, { channel: ChannelId }>;

export function applyToChannel(context: ApplyContext, event: CallEvent): void {
  if (!('channel' in event)) return;
  if (event.kind === 'channel-created') {
    create(context, event.channel, event.facts, event.at, true);
  } else if (event.kind === 'snapshot-channel') {
    create(context, event.channel, event.facts, event.createdAt ?? event.at, false);
  } else if (event.kind === 'cleared' && event.history !== undefined) {
    recall(context, event.channel, event.history, event.at);
  }
  const channel = context.channels.get(event.channel);
  if (channel === undefined) return;
  if (event.linkedId !== undefined) linkTo(context, channel, [event.linkedId]);
  record(context, channel, event);
}

function record(context: ApplyContext, channel: Channel, event: ChannelEvent): void {
  switch (event.kind) {
    case 'channel-created':
    case 'alerting':
      return;
    case 'snapshot-channel':
      channel.confirmed = true;
      if (event.answered) answer(channel, event.answeredAt, event.at);
      if (event.bridge !== null) {
        enter(context, channel, event.bridge, 'talk', event.bridgedAt ?? event.answeredAt ?? event.at);
      }
      return;
    case 'dial-started':
      if (!channel.dials.some((dial) => dial.by === event.by && dial.endedAt === null)) {
        const { by, at, number, presented } = event;
        channel.dials.push({ by, at, number, presented, endedAt: null, result: null, forwardedTo: null });
      }
      return;
    case 'dial-ended': {
      const dial = channel.dials.findLast((one) => one.by === event.by) ?? channel.dials.at(-1);
      if (dial !== undefined && dial.result === null) {
        dial.endedAt = event.at;
        dial.result = event.result;
        dial.forwardedTo = event.forwardedTo;
      }
      return;
    }
    case 'answered':
      channel.answeredAt ??= event.at;
      return;
    case 'bridge-entered':
      enter(context, channel, event.bridge, event.bridgeKind, event.at);
      return;
    case 'bridge-left':
      leave(channel, event.at, (bridge) => bridge.id === event.bridge);
      return;
    case 'held':
      if (channel.holds.at(-1)?.to !== null) channel.holds.push({ from: event.at, to: null });
      return;
    case 'retrieved':
      closeInterval(channel.holds.at(-1), event.at);
      return;
    case 'transferred':
      channel.transferredAt = event.at;
      linkTo(context, channel, event.linkedIds);
      linkWith(context, channel, event.parties);
      return;
    case 'picked-up':
      channel.pickedUpAt = event.at;
      linkWith(context, channel, [event.target]);
      return;
    case 'parked':
      return;
    case 'queued':
      if (!channel.queues.includes(event.queue)) channel.queues.push(event.queue);
      return;
    case 'dequeued':
      return;
    case 'recording':
      if (!channel.recordings.includes(event.file)) channel.recordings.push(event.file);
      return;
    case 'voicemail-left':
      channel.voicemailAt ??= event.at;
      return;
    case 'linked':
      linkTo(context, channel, event.linkedIds);
      linkWith(context, channel, event.channels);
      return;
    case 'wired':
      wire(context, channel, event.other);
      return;
    case 'identity':
      if (event.withheld) channel.facts = { ...channel.facts, withheld: true };
      return;
    case 'hangup-requested':
      channel.hangupRequestedAt ??= event.at;
      return;
    case 'cleared':
      clear(channel, event.at, event.receivedAt);
      channel.clearing ??= event.clearing;
      return;
    case 'renamed':
      if (channel.id !== event.to && !channel.aliases.includes(event.to)) channel.aliases.push(event.to);
      context.channels.set(event.to, channel);
      context.onOpened(event.to);
      return;
  }
}

/** `seen`: false when the channel was there before it was heard of, so that `at` is what the PBX says of its beginning. */
function create(context: ApplyContext, id: ChannelId, facts: ChannelFacts, at: number, seen: boolean): void {
  const known = context.channels.get(id);
  if (known !== undefined) {
    if (known.beginningSeen || seen) known.facts = complete(known.facts, facts);
    else describe(context, known, facts, at);
    return;
  }
  if (context.isFinished(id)) return;
  const call = callOf(context, facts.linkedId);
  const channel: Channel = {
    id,
    aliases: [],
    facts,
    party: partyOf(context.plan, facts),
    call,
    createdAt: at,
    beginningSeen: seen,
    answeredAt: null,
    answerSeen: true,
    clearedAt: null,
    clearedHeardAt: 0,
    clearing: null,
    endSeen: true,
    hangupRequestedAt: null,
    dials: [],
    holds: [],
    recordings: [],
    queues: [],
    voicemailAt: null,
    transferredAt: null,
    pickedUpAt: null,
    wire: null,
    bridges: new Set(),
    confirmed: true,
    blind: !seen,
  };
  call.channels.add(channel);
  context.channels.set(channel.id, channel);
  context.onOpened(channel.id);
  const half = [...call.channels].find((other) => other !== channel && isPair(other, channel));
  if (half !== undefined) join(context, channel, half);
}

/** A second look at a channel whose beginning nobody saw: a list of channels tells less than a question about one of them. */
function describe(context: ApplyContext, channel: Channel, facts: ChannelFacts, createdAt: number): void {
  channel.facts = facts;
  channel.party = partyOf(context.plan, facts);
  channel.createdAt = createdAt;
}

/** The channel has been answered, at `answeredAt` where that is told, else some time before `heardAt`. */
function answer(channel: Channel, answeredAt: number | null, heardAt: number): void {
  if (channel.answeredAt !== null && (channel.answerSeen || answeredAt === null)) return;
  channel.answeredAt = answeredAt ?? heardAt;
  channel.answerSeen = answeredAt !== null;
}

/** Takes in what the PBX tells about a channel at its end, as far as it was missed. */
function recall(context: ApplyContext, id: ChannelId, history: ChannelHistory, endedAt: number): void {
  if (!context.channels.has(id)) create(context, id, history.facts, history.createdAt ?? endedAt, false);
  const channel = context.channels.get(id);
  if (channel === undefined || channel.clearedAt !== null) return;
  if (!channel.beginningSeen && history.createdAt !== null) {
    channel.createdAt = history.createdAt;
    channel.beginningSeen = true;
  }
  if (history.answeredAt !== null) answer(channel, history.answeredAt, endedAt);
  const { bridge } = history;
  if (!channel.blind || bridge === null || [...channel.bridges].some((one) => one.id === bridge)) return;
  enter(context, channel, bridge, 'talk', history.bridgedAt ?? history.answeredAt ?? endedAt);
}

function isPair(a: Channel, b: Channel): boolean {
  return a.facts.wire !== null && a.facts.wire === b.facts.wire && a.wire === null;
}

/** What is dialled at one end of a wire is part of the call at the other end, whatever linked id it has. */
function join(context: ApplyContext, a: Channel, b: Channel): void {
  a.wire = b;
  b.wire = a;
  if (a.call === b.call) return;
  const first = oldest([...a.call.channels, ...b.call.channels]);
  if (first?.call === b.call) merge(context, b.call, a.call);
  else merge(context, a.call, b.call);
}

function merge(context: ApplyContext, into: Call, from: Call): void {
  for (const channel of from.channels) {
    channel.call = into;
    into.channels.add(channel);
  }
  from.channels.clear();
  for (const linked of from.links) {
    linked.links.delete(from);
    linkCalls(into, linked);
  }
  from.links.clear();
  for (const key of [from.key, ...from.otherKeys]) {
    into.otherKeys.push(key);
    context.calls.set(key, into);
  }
}

/** A snapshot may know what the first packet did not, never the other way round: identities change during a call. */
function complete(known: ChannelFacts, later: ChannelFacts): ChannelFacts {
  return { ...known, dialled: known.dialled ?? later.dialled, extension: known.extension ?? later.extension };
}

/** A linked id is the id of a channel in most PBXs: it may name a channel that is part of a call with another linked id. */
function callOf(context: ApplyContext, key: string): Call {
  let call = context.calls.get(key) ?? context.channels.get(key)?.call;
  if (call === undefined) {
    call = { key, otherKeys: [], channels: new Set(), links: new Set(), sessionKey: key };
    context.calls.set(key, call);
  }
  return call;
}

function linkTo(context: ApplyContext, channel: Channel, linkedIds: readonly string[]): void {
  for (const id of linkedIds) {
    const call = context.calls.get(id);
    if (call !== undefined) linkCalls(channel.call, call);
  }
}

function linkWith(context: ApplyContext, channel: Channel, others: readonly ChannelId[]): void {
  for (const id of others) {
    const other = context.channels.get(id);
    if (other !== undefined) linkCalls(channel.call, other.call);
  }
}

function wire(context: ApplyContext, channel: Channel, otherId: ChannelId): void {
  const other = context.channels.get(otherId);
  if (other !== undefined && channel.wire !== other) join(context, channel, other);
}

/** A channel is in one bridge at a time. Two channels in a talk bridge belong to one call; members of a conference do not. */
function enter(context: ApplyContext, channel: Channel, id: string, kind: Bridge['kind'], at: number): void {
  let bridge = context.bridges.get(id);
  if (bridge === undefined) {
    bridge = { id, kind, stays: [] };
    context.bridges.set(id, bridge);
  }
  if (bridge.stays.some((stay) => stay.channel === channel && stay.to === null)) return;
  leave(channel, at, () => true);
  if (bridge.kind === 'talk') {
    for (const { channel: other, to } of bridge.stays) if (to === null || to > at) linkCalls(channel.call, other.call);
  }
  bridge.stays.push({ channel, from: at, to: null });
  channel.bridges.add(bridge);
}

function leave(channel: Channel, at: number, which: (bridge: Bridge) => boolean): void {
  for (const bridge of channel.bridges) {
    if (!which(bridge)) continue;
    for (const stay of bridge.stays) if (stay.channel === channel) closeInterval(stay, at);
  }
}

function closeInterval(interval: Interval | undefined, at: number): void {
  if (interval !== undefined && interval.to === null) interval.to = Math.max(at, interval.from);
}

/** Ends a channel and all that was going on on it. `heardAt`: time of arrival, from which the grace counts. */
export function clear(channel: Channel, at: number, heardAt: number): void {
  if (channel.clearedAt !== null) return;
  channel.clearedAt = Math.max(at, channel.createdAt);
  channel.clearedHeardAt = heardAt;
  leave(channel, channel.clearedAt, () => true);
  closeInterval(channel.holds.at(-1), channel.clearedAt);
}
