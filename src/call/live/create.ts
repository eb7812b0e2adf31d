/** How a channel becomes known: at its creation, in a list of live channels, or only at its end. */

import type { ChannelFacts, ChannelHistory, ChannelId } from '../../telephony/call-event.ts';
import { weigh, withEvidence } from '../evidence.ts';
import { NONE } from '../few.ts';
import { INITIATOR_RULES, initiatorAtBirth } from '../known/initiator.ts';
import { calledBy, numberCalled, routingOf } from '../known/routing.ts';
import { type Knowledge, partyOf } from '../known/side.ts';
import type { SourcePlan } from '../plan.ts';
import type { ApplyContext } from './context.ts';
import { onPbxClock } from './link.ts';
import { enter, touchMet } from './membership.ts';
import {
  type Beginning,
  beganKnown,
  type Call,
  type Channel,
  calledIn,
  linkCalls,
  oldest,
  rootOf,
  unlink,
} from './state.ts';

/** `beginning`: how it is known that the channel began at `at`. */
export function create(
  context: ApplyContext,
  id: ChannelId,
  facts: ChannelFacts,
  at: number,
  beginning: Beginning,
): void {
  const seen = beginning === 'seen';
  const known = context.channels.get(id);
  if (known !== undefined) {
    if (beganKnown(known) || seen) known.facts = complete(known.facts, facts);
    else describe(context, known, facts, at, beginning);
    return;
  }
  if (context.isFinished(id)) return;
  const call = callOf(context, beganCall(facts, seen) ? id : facts.linkedId, id, seen);
  const initiators = initiatorAtBirth(facts, !seen);
  const initiator = weigh(initiators, INITIATOR_RULES);
  const channel: Channel = {
    id,
    place: context.nextPlace(),
    aliases: NONE,
    facts,
    initiators,
    initiator,
    meant: NONE,
    routing: null,
    party: partyOf(context.plan, facts, { initiator: initiator.value }),
    call,
    carriedOver: false,
    createdAt: at,
    heardAt: 0,
    aliveAt: at,
    followed: seen ? 'yes' : 'no',
    beginning,
    counted: false,
    answeredAt: null,
    answerSeen: true,
    clearedAt: null,
    clearedHeardAt: 0,
    clearing: null,
    givenUp: false,
    endBetween: null,
    clockStepped: false,
    steppedAt: null,
    heardLateAt: null,
    hangupRequestedAt: null,
    endedByPbx: false,
    endedByPbxAlone: false,
    wantedExten: null,
    dials: NONE,
    holds: NONE,
    recorded: false,
    recordings: NONE,
    queues: NONE,
    transfers: NONE,
    firstDialAt: null,
    voicemailFact: null,
    voicemailAt: null,
    readsMailbox: false,
    wire: null,
    bridges: NONE,
    seat: null,
    seatedAt: null,
    met: null,
    blind: !seen,
    blindTimes: seen ? NONE : [{ from: Number.NEGATIVE_INFINITY, to: null }],
  };
  call.channels.add(channel);
  context.channels.set(channel.id, channel);
  context.onOpened(channel.id);
  const half = otherHalf(channel);
  if (half !== undefined) join(context, channel, half);
  follow(context, channel.call);
}

/**
 * A second look at a channel whose beginning nobody saw: a list of channels tells less than a question about one of them. The
 * earliest estimate of its beginning stays, since a later list can only know less of it.
 */
function describe(
  context: ApplyContext,
  channel: Channel,
  facts: ChannelFacts,
  createdAt: number,
  beginning: Beginning,
): void {
  const told = beginning === 'told';
  if (channel.beginning === 'told' && !told) return;
  const { facts: known } = channel;
  channel.facts = { ...facts, dialled: facts.dialled ?? known.dialled, extension: facts.extension ?? known.extension };
  for (const one of initiatorAtBirth(facts, true)) channel.initiators = withEvidence(channel.initiators, one);
  conclude(context, channel);
  channel.createdAt = told ? createdAt : Math.min(channel.createdAt, createdAt);
  if (told || channel.beginning === 'unknown') channel.beginning = beginning;
  if (told) find(context, channel, facts.linkedId);
}

/** A list may show a leg under an id of its own; only the question about it tells whose call it is. */
function find(context: ApplyContext, channel: Channel, linkedId: string): void {
  const call = context.calls.get(linkedId) ?? context.channels.get(linkedId)?.call;
  if (call === undefined || call === channel.call || channel.call.channels.size > 1) return;
  merge(context, call, channel.call);
}

/** Draws the conclusions about a channel anew, after something was learnt of it, and about the others of its call. */
export function conclude(context: ApplyContext, channel: Channel): void {
  channel.initiator = weigh(channel.initiators, INITIATOR_RULES);
  decideSide(context, channel);
  follow(context, channel.call);
}

/** What is known of a channel by which its side is told. */
export function knowledgeOf(plan: SourcePlan, channel: Channel): Knowledge {
  const { meant, routing } = channel;
  const initiator = channel.initiator.value;
  const called = initiator === 'pbx' ? numberCalled(channel) : null;
  return { initiator, meant, called, calledBy: calledBy(plan, channel), routing };
}

function decideSide(context: ApplyContext, channel: Channel): void {
  const { plan } = context;
  const { side } = channel.party;
  channel.party = partyOf(plan, channel.facts, knowledgeOf(plan, channel));
  if (channel.party.side !== side) touchMet(context, channel);
}

function comesIn(root: Channel): boolean {
  return root.party.side === 'trunk' && calledIn(root);
}

/** Where the call leads says something about those channels whose names and contexts say nothing. */
export function follow(context: ApplyContext, call: Call): void {
  const whole = routingOf(context.plan, call);
  const root = rootOf(call);
  for (const channel of call.channels) {
    // Of those who call in only the one who began the call is meant: another has picked it up, or was put through to it.
    let routing = channel === root || !calledIn(channel) ? whole : null;
    // Whoever is on a trunk calls in, whatever the numbers say.
    if (routing === null && channel !== root && !calledIn(channel) && root !== undefined && comesIn(root))
      routing = 'incoming';
    if (channel.routing === routing || channel.facts.wire !== null) continue;
    channel.routing = routing;
    decideSide(context, channel);
  }
}

/** The channel has been answered, at `answeredAt` where that is told, else some time before `heardAt`. */
export function answer(channel: Channel, answeredAt: number | null, heardAt: number): void {
  if (channel.answeredAt !== null && (channel.answerSeen || answeredAt === null)) return;
  channel.answeredAt = answeredAt ?? heardAt;
  channel.answerSeen = answeredAt !== null;
}

/**
 * A leg that the PBX was to call later and did not call any more (staggered ringing: somebody else had answered) is told at its end
 * only. Were it a leg that began while nobody listened, it would be older than the connection.
 */
function neverLived({ link }: ApplyContext, { facts, createdAt, answeredAt }: ChannelHistory): boolean {
  const heardSince = link.lost ? null : link.connectedAt;
  return (
    facts.initiator === 'pbx' &&
    answeredAt === null &&
    heardSince !== null &&
    createdAt !== null &&
    createdAt > onPbxClock(link, heardSince)
  );
}

/** Takes in what the PBX tells about a channel at its end, as far as it was missed. */
export function recall(context: ApplyContext, id: ChannelId, history: ChannelHistory, endedAt: number): void {
  if (!context.channels.has(id)) {
    if (neverLived(context, history)) return;
    create(context, id, history.facts, history.createdAt ?? endedAt, 'unknown');
  }
  const channel = context.channels.get(id);
  if (channel === undefined || channel.clearedAt !== null) return;
  // What it tells is by the clock that it had then.
  if (channel.clockStepped) return;
  if (!beganKnown(channel) && history.createdAt !== null) {
    channel.createdAt = history.createdAt;
    channel.beginning = 'recalled';
  }
  if (history.answeredAt !== null) answer(channel, history.answeredAt, endedAt);
  const { bridge } = history;
  if (!channel.blind || bridge === null || channel.bridges.some((one) => one.id === bridge)) return;
  enter(context, channel, bridge, 'talk', history.bridgedAt ?? history.answeredAt ?? endedAt);
}

/** The other half of a wire, where it is known already. */
function otherHalf(channel: Channel): Channel | undefined {
  const { wire } = channel.facts;
  if (wire === null) return undefined;
  for (const other of channel.call.channels) {
    if (other !== channel && other.facts.wire === wire && other.wire === null) return other;
  }
  return undefined;
}

/** What is dialled at one end of a wire is part of the call at the other end, whatever linked id it has. */
export function join(context: ApplyContext, a: Channel, b: Channel): void {
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
  for (const linked of unlink(from)) linkCalls(into, linked);
  const keys = [from.key, ...from.otherKeys];
  into.otherKeys = [...into.otherKeys, ...keys];
  for (const key of keys) context.calls.set(key, into);
  into.place = Math.min(into.place, from.place);
  context.touched.add(from);
}

/** A snapshot may know what the first packet did not, never the other way round: identities change during a call. */
function complete(known: ChannelFacts, later: ChannelFacts): ChannelFacts {
  return { ...known, dialled: known.dialled ?? later.dialled, extension: known.extension ?? later.extension };
}

/** In a list, whoever called in shows the linked id of those he has met: an agent who is logged in has one that is older. */
function beganCall({ initiator, dialled }: ChannelFacts, seen: boolean): boolean {
  return !seen && initiator === 'endpoint' && dialled !== null;
}

/** A linked id is the id of a channel in most PBXs: it may name a channel that is part of a call with another linked id. */
export function callOf(context: ApplyContext, key: string, channel: ChannelId, seen: boolean): Call {
  let call = context.calls.get(key) ?? context.channels.get(key)?.call;
  if (call === undefined) {
    const place = context.nextPlace();
    call = { key, otherKeys: NONE, channels: new Set(), links: null, sessionKey: key, place, askedFor: null };
    // What the PBX still does under the linked id of a call that has been reported is another call. After a restart nothing
    // is known of the reported one any more, but a channel was seen to begin under an id that no channel has.
    if (context.isFinished(key) || (seen && key !== channel)) call.sessionKey = channel;
    context.calls.set(key, call);
  }
  return call;
}
