/** Writes one event about a channel down as facts. Repeated and late events change nothing. */
import type { CallEvent, ChannelId } from '../telephony/call-event.ts';
import type { ApplyContext } from './context.ts';
import { answer, create, join, recall } from './create.ts';
import { type Channel, type Dial, linkCalls } from './state.ts';
import { clear, closeInterval, enter, leave } from './stays.ts';

type ChannelEvent = Extract<CallEvent, { channel: ChannelId }>;

export function applyToChannel(context: ApplyContext, event: CallEvent): void {
  if (!('channel' in event)) return;
  if (event.kind === 'channel-created') {
    create(context, event.channel, event.facts, event.at, true);
  } else if (event.kind === 'snapshot-channel' && !(event.sketch === true && context.channels.has(event.channel))) {
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
    case 'vanished':
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
      const dial =
        channel.dials.findLast((one) => one.by === event.by) ?? channel.dials.at(-1) ?? missedDial(channel, event.by);
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
      linkTo(context, channel, event.linkedIds);
      linkWith(context, channel, event.parties);
      return;
    case 'picked-up':
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

/** A dial attempt whose beginning was not seen; `undefined` when the channel was there from its beginning, undialled. */
function missedDial(channel: Channel, by: ChannelId | null): Dial | undefined {
  if (!channel.blind) return undefined;
  const { dialled: number, caller } = channel.facts;
  const dial: Dial = {
    by,
    at: channel.createdAt,
    number,
    presented: caller.number,
    endedAt: null,
    result: null,
    forwardedTo: null,
  };
  channel.dials.push(dial);
  return dial;
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
