/** Writes one event about a channel down as facts. Repeated and late events change nothing. */
import type { CallEvent, ChannelId } from '../../telephony/call-event.ts';
import { isWithheld, toE164 } from '../../telephony/number.ts';
import { withEvidence } from '../evidence.ts';
import { plus } from '../few.ts';
import type { InitiatorRule } from '../known/initiator.ts';
import { isOwnNumber } from '../numbering.ts';
import type { ApplyContext } from './context.ts';
import { answer, conclude, create, follow, join, recall } from './create.ts';
import { reviveBy } from './deadline.ts';
import { onPbxClock, type SourceLink } from './link.ts';
import { clear, closeInterval, enter, leave, seeAgain } from './membership.ts';
import { type Channel, calledIn, type Dial, linkCalls } from './state.ts';

type ChannelEvent = Extract<CallEvent, { channel: ChannelId }>;

export function applyToChannel(context: ApplyContext, event: CallEvent): void {
  if (!('channel' in event)) return;
  reviveBy(context, event);
  if (event.kind === 'channel-created') {
    create(context, event.channel, event.facts, event.at, 'seen');
  } else if (event.kind === 'snapshot-channel') {
    const beginning = event.createdAt === null ? 'unknown' : event.told === true ? 'told' : 'listed';
    create(context, event.channel, event.facts, beganAt(context.link, event), beginning);
  } else if (event.kind === 'cleared' && event.history !== undefined) {
    recall(context, event.channel, event.history, event.at);
  }
  const channel = context.channels.get(event.channel) ?? askedChannel(context, event);
  if (channel === undefined) return;
  if (channel.id !== event.channel) context.touched.add(channel.call);
  if (event.linkedId !== undefined) linkToOne(context, channel, event.linkedId);
  record(context, channel, event);
}

function record(context: ApplyContext, channel: Channel, event: ChannelEvent): void {
  switch (event.kind) {
    case 'channel-created':
    case 'vanished':
    case 'carried-over':
      return;
    case 'alerting':
      learn(context, channel, 'pbx', 'signalling', 'it rings');
      return;
    case 'initiated':
      if (channel.facts.dialled === null && event.dialled !== null) {
        channel.facts = { ...channel.facts, dialled: event.dialled };
      }
      learn(context, channel, event.initiator, 'signalling', event.fact);
      return;
    case 'snapshot-channel':
      channel.counted ||= event.counted === true && context.link.ahead === null;
      if (channel.followed === 'no') channel.followed = context.link.complete ? 'yes' : 'listed';
      if (channel.followed === 'yes') seeAgain(channel, onPbxClock(context.link, event.receivedAt));
      if (event.answered) answer(channel, event.answeredAt, event.at);
      follow(context, channel.call);
      if (event.bridge !== null) {
        enter(context, channel, event.bridge, 'talk', event.bridgedAt ?? event.answeredAt ?? event.at);
      }
      return;
    case 'originated':
      channel.wantedExten ??= event.exten;
      learn(context, channel, 'pbx', 'dialled-by-the-pbx', 'the PBX was asked to call it');
      return;
    case 'dial-started':
      dialled(context, channel, event);
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
      if (calledIn(channel)) follow(context, channel.call);
      return;
    case 'bridge-entered':
      enter(context, channel, event.bridge, event.bridgeKind, event.at);
      return;
    case 'bridge-left':
      if (channel.seat?.id === event.bridge) leave(context, channel, event.at);
      return;
    case 'held':
      if (channel.holds.at(-1)?.to !== null) channel.holds = plus(channel.holds, { from: event.at, to: null });
      return;
    case 'retrieved':
      closeInterval(channel.holds.at(-1), event.at);
      return;
    case 'transferred':
      channel.transfers = plus(channel.transfers, { at: event.at, to: event.to });
      linkTo(context, channel, event.linkedIds);
      linkWith(context, channel, event.parties);
      return;
    case 'picked-up':
      linkWith(context, channel, [event.target]);
      return;
    case 'parked':
      return;
    case 'queued':
      if (!channel.queues.some((stay) => stay.queue === event.queue && stay.to === null)) {
        channel.queues = plus(channel.queues, { queue: event.queue, from: event.at, to: null, reason: null });
        follow(context, channel.call);
      }
      return;
    case 'dequeued': {
      const stay = channel.queues.findLast((one) => one.queue === event.queue);
      closeInterval(stay, event.at);
      if (stay !== undefined) stay.reason ??= event.reason;
      return;
    }
    case 'recording':
      channel.recorded = true;
      if (event.file !== null && !channel.recordings.includes(event.file))
        channel.recordings = plus(channel.recordings, event.file);
      return;
    case 'voicemail-reached':
      channel.voicemailFact ??= event.fact;
      return;
    case 'mailbox-read':
      channel.readsMailbox = true;
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
      identify(context, channel, event);
      return;
    case 'hangup-requested':
      if (event.by === 'pbx') {
        channel.endedByPbx = true;
        channel.endedByPbxAlone ||= event.alone === true;
      } else if (!channel.endedByPbx) channel.hangupRequestedAt ??= event.at;
      return;
    case 'cleared':
      clear(context, channel, event.at, event.receivedAt);
      channel.clearing ??= event.clearing;
      return;
    case 'renamed':
      if (channel.id !== event.to && !channel.aliases.includes(event.to))
        channel.aliases = plus(channel.aliases, event.to);
      context.channels.set(event.to, channel);
      context.onOpened(event.to);
      return;
  }
}

/** What a list says of the beginning, else the time of the list; on the clock of the PBX. */
function beganAt(link: SourceLink, event: Extract<CallEvent, { kind: 'snapshot-channel' }>): number {
  const { createdAt, counted = false, at } = event;
  if (createdAt === null) return at;
  return counted ? onPbxClock(link, createdAt) : createdAt;
}

/** The channel behind a request that came to nothing: the one called last for it. */
function askedChannel(context: ApplyContext, event: ChannelEvent): Channel | undefined {
  if (event.kind !== 'originated') return undefined;
  let last: Channel | undefined;
  for (const channel of context.asked.get(event.channel) ?? []) {
    if (channel.answeredAt === null && (last === undefined || channel.place > last.place)) last = channel;
  }
  return last;
}

function noteAsked({ asked }: ApplyContext, channel: Channel, what: string): void {
  const known = asked.get(what);
  if (known === undefined) asked.set(what, new Set([channel]));
  else known.add(channel);
}

function learn(
  context: ApplyContext,
  channel: Channel,
  initiator: 'endpoint' | 'pbx',
  rule: InitiatorRule,
  fact: string,
): void {
  const known = channel.initiators;
  channel.initiators = withEvidence(known, { value: initiator, rule, fact });
  if (channel.initiators !== known) conclude(context, channel);
}

function dialled(
  context: ApplyContext,
  channel: Channel,
  event: Extract<ChannelEvent, { kind: 'dial-started' }>,
): void {
  const { by, at, number, presented, from = null, asked = null } = event;
  const caller = by === null ? undefined : context.channels.get(by);
  if (caller !== undefined) caller.firstDialAt ??= at;
  const exten = from?.exten ?? null;
  if (exten !== null) mean(channel, exten);
  if (!channel.dials.some((dial) => dial.by === by && dial.endedAt === null)) {
    const dial: Dial = { by, at, number, presented, from, asked, endedAt: null, result: null, forwardedTo: null };
    channel.dials = plus(channel.dials, dial);
    if (asked !== null) noteAsked(context, channel, asked);
  }
  const fact = by === null ? 'the PBX was asked to call it' : `${caller?.facts.name ?? by} dials it`;
  channel.initiators = withEvidence(channel.initiators, { value: 'pbx', rule: 'dialled-by-the-pbx', fact });
  conclude(context, channel);
  if (asked !== null && presented !== null) joinDevices(context, channel, asked, presented);
}

/** Within this time the PBX rings the devices of one person, ms. */
const DEVICES_MS = 100;

/** Several devices of one person that are rung for the same outside number, each as a call of its own (FreeSWITCH, click-to-call). */
function joinDevices(context: ApplyContext, channel: Channel, asked: string, presented: string): void {
  const { plan } = context;
  if (channel.party.side !== 'extension' || toE164(presented, plan.country) === null || isOwnNumber(plan, presented))
    return;
  for (const other of context.asked.get(asked) ?? []) {
    const together = Math.abs(other.createdAt - channel.createdAt) <= DEVICES_MS && other.party.side === 'extension';
    if (together && other.dials.some((dial) => dial.presented === presented)) linkCalls(channel.call, other.call);
  }
}

/**
 * A number that comes late (an analog line tells it between the first and the second ring) is the caller's as long as the
 * dialplan has not begun to act on the call; afterwards it is what the dialplan shows to others.
 */
function identify(context: ApplyContext, channel: Channel, event: Extract<ChannelEvent, { kind: 'identity' }>): void {
  const { facts } = channel;
  const { number, name } = event.caller;
  const acting = channel.firstDialAt !== null || channel.answeredAt !== null;
  const outside = toE164(number, channel.party.country) !== null && !isOwnNumber(context.plan, number ?? '');
  const late = !acting && calledIn(channel) && isWithheld(facts.caller.number) && outside;
  if (event.withheld) channel.facts = { ...channel.facts, withheld: true };
  if (late) channel.facts = { ...channel.facts, caller: { number, name: name ?? facts.caller.name } };
  const meant = channel.party.side === 'extension' && number !== null && !channel.meant.includes(number);
  if (meant) mean(channel, number);
  if (late || meant) conclude(context, channel);
}

function mean(channel: Channel, number: string): void {
  if (!channel.meant.includes(number)) channel.meant = plus(channel.meant, number);
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
    from: null,
    asked: null,
    endedAt: null,
    result: null,
    forwardedTo: null,
  };
  channel.dials = plus(channel.dials, dial);
  return dial;
}

function linkTo(context: ApplyContext, channel: Channel, linkedIds: readonly string[]): void {
  for (const id of linkedIds) linkToOne(context, channel, id);
}

function linkToOne(context: ApplyContext, channel: Channel, linkedId: string): void {
  const call = context.calls.get(linkedId);
  if (call !== undefined) linkCalls(channel.call, call);
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
