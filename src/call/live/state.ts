/**
 * What is known about the live calls of one PBX: plain facts with their times, never conclusions. Conclusions (who talked,
 * was it answered, whose call is it) are drawn from the facts when a call is judged, so that an event that comes late or in
 * another order changes nothing.
 */
import type {
  BridgeKind,
  ChannelFacts,
  ChannelId,
  Clearing,
  DialplanPlace,
  DialResult,
  Initiator,
} from '../../telephony/call-event.ts';
import type { Conclusion, Evidence } from '../evidence.ts';
import { NONE } from '../few.ts';
import type { Routing } from '../known/routing.ts';
import type { Party } from '../plan.ts';

/** One attempt to call a channel. Times: ms since the epoch, UTC. */
export interface Dial {
  readonly by: ChannelId | null;
  readonly at: number;
  readonly number: string | null;
  readonly presented: string | null;
  /** Where the dialling channel was in the dialplan; `null` when the PBX does not say. */
  readonly from: DialplanPlace | null;
  /** What the PBX was asked to call, when nobody dialled. */
  readonly asked: string | null;
  endedAt: number | null;
  result: DialResult | null;
  forwardedTo: string | null;
}

/**
 * How the beginning of a channel is known, the surest first: it was seen; the PBX told it at the end of the channel; the PBX told it
 * when it was asked for the channel; it is estimated from a list; nothing says it.
 */
export type Beginning = 'seen' | 'recalled' | 'told' | 'listed' | 'unknown';

/**
 * Whether the end of a channel would be heard. `no`: it was there before the present connection, and nothing has shown it since.
 * `listed`: a list shows it that is not complete yet. `yes`: it was made on this connection, or a complete list has it; whatever is
 * heard from then on proves that it lives.
 */
export type Followed = 'no' | 'listed' | 'yes';

/** `to` is `null` when nothing tells by when it was over. ms since the epoch, on the clock of the PBX. */
export interface EndBetween {
  readonly from: number;
  readonly to: number | null;
}

export interface Interval {
  readonly from: number;
  to: number | null;
}

/** One channel's stay in a bridge. */
export interface Stay extends Interval {
  readonly channel: Channel;
}

/** A caller's wait in a queue. */
export interface QueueStay extends Interval {
  readonly queue: string;
  reason: 'answered' | 'left' | 'timeout' | null;
}

/** A transfer that a party of the channel asked for. */
export interface Transfer {
  readonly at: number;
  readonly to: string | null;
}

export interface Bridge {
  readonly id: string;
  readonly kind: BridgeKind;
  first: ChannelId | null;
  /** True when another channel than the first has been in it. */
  shared: boolean;
  /** Who is in it now. */
  here: Map<Channel, Stay>;
  /** Stays that have ended, in order of their ends, as far as a call that is not judged yet may need them. */
  readonly over: Stay[];
  /** Channels, not yet reported, whose calls are judged by it. */
  readonly members: Set<Channel>;
  /** All outside parties that were in it and whose calls have been reported, as one that was there whenever one of them was. */
  stranger: Channel | null;
  /** How many of `over` may have lost who needed them since they were looked through. */
  stale: number;
}

export interface Channel {
  readonly id: ChannelId;
  /** Its place in the order in which channels became known. */
  readonly place: number;
  /** Later ids of the same channel. */
  aliases: readonly ChannelId[];
  facts: ChannelFacts;
  /** What speaks for either side having begun the channel, in order of time, and what it comes to. */
  initiators: readonly Evidence<Initiator>[];
  initiator: Conclusion<Initiator>;
  /** Numbers in whose name the PBX called the channel, or that it shows as the caller: among them the extension that it means. */
  meant: readonly string[];
  /** Where its call leads, as far as that says something about its side. */
  routing: Routing | null;
  party: Party;
  call: Call;
  /** True for what is left of a call that has been reported. */
  carriedOver: boolean;
  createdAt: number;
  /** When something was heard of it last, on the clock of arrival. */
  heardAt: number;
  /** When it is known to have lived last, on the clock of the PBX: moved by what is said of it, and by a link that is lost. */
  aliveAt: number;
  /** Whether its end would be heard now. */
  followed: Followed;
  beginning: Beginning;
  /** Its times are those of arrival, by a list, and it is not known yet whether the PBX tells times of its own. */
  counted: boolean;
  answeredAt: number | null;
  /** False when the answer was only inferred from a snapshot. */
  answerSeen: boolean;
  clearedAt: number | null;
  /** When the end was heard of, on the clock of arrival: the grace counts from here. */
  clearedHeardAt: number;
  clearing: Clearing | null;
  /** It was silent for so long that it was taken for over, although nothing told its end. */
  givenUp: boolean;
  /** Where the end lies when it was not heard: from when it is known to have lived last, to when it is known to be over. */
  endBetween: EndBetween | null;
  /** A clock was set during its life, and its times were moved with it. */
  clockStepped: boolean;
  /** When a clock was set last, on that of the PBX as it goes since; ms since the epoch. */
  steppedAt: number | null;
  /** When something was heard of it late last, which has the time of its arrival. */
  heardLateAt: number | null;
  /** When the party at the channel asked for its end. */
  hangupRequestedAt: number | null;
  /** The PBX ended the channel itself: whatever its driver calls a request of the party afterwards is none (chan_iax2). */
  endedByPbx: boolean;
  /** The same, and had the party asked for it the PBX would have told that. */
  endedByPbxAlone: boolean;
  /** The extension with which it was to be connected, of a channel that the PBX was asked to call. */
  wantedExten: string | null;
  /** Dial attempts made to this channel. */
  dials: readonly Dial[];
  holds: readonly Interval[];
  /** True when the PBX has said that it records the channel; the names it gave are in `recordings`. */
  recorded: boolean;
  recordings: readonly string[];
  queues: readonly QueueStay[];
  transfers: readonly Transfer[];
  /** When this channel began to call another one; `null` as long as it has called nobody. */
  firstDialAt: number | null;
  /** By what it is known that the caller reached a mailbox; `null` when nothing says so. */
  voicemailFact: string | null;
  voicemailAt: number | null;
  /** Messages were listened to on it. */
  readsMailbox: boolean;
  /** The other half of the wire. */
  wire: Channel | null;
  /** Bridges by which its call is judged. */
  bridges: readonly Bridge[];
  /** The bridge in which it is now. */
  seat: Bridge | null;
  /** When it came into a bridge last, of whatever kind. */
  seatedAt: number | null;
  /** Channels, not yet reported, that were in a conference at the same time; `null` as long as it has been in none. */
  met: Set<Channel> | null;
  /** True when the link to the PBX was down during its life, or its end was not told over a link that stood. */
  blind: boolean;
  /** When that was, on the clock of the PBX: from a loss, or from ever, until a whole list has it. */
  blindTimes: readonly Interval[];
}

/** The channels that share one linked id of the PBX, or several tied by wires. */
export interface Call {
  /** The linked id of the PBX. */
  readonly key: string;
  /** Linked ids of calls that turned out to be this one. */
  otherKeys: readonly string[];
  readonly channels: Set<Channel>;
  /** Calls this one has been joined with: transfer, pickup, retrieval, bridge; `null` when with none. */
  links: Set<Call> | null;
  /** What makes the CallSessionId: the linked id, or a channel id once the first part of the call has been reported. */
  sessionKey: string;
  /** Its place in the order in which calls became known. */
  place: number;
  /** The end of the silence (see `overdueAt`) for which the PBX has been asked what lives; `null`: for none. */
  askedFor: number | null;
}

/** All calls reachable over links from `call`, itself included. */
export function componentOf(call: Call): Set<Call> {
  const found = new Set([call]);
  if (call.links === null) return found;
  for (const one of found) for (const linked of one.links ?? NONE) found.add(linked);
  return found;
}

/** How many calls these are, when those that are joined count as one. */
export function countGroups(calls: Iterable<Call>): number {
  const counted = new Set<Call>();
  let groups = 0;
  for (const call of calls) {
    if (counted.has(call)) continue;
    groups += 1;
    for (const one of componentOf(call)) counted.add(one);
  }
  return groups;
}

export function linkCalls(a: Call, b: Call): void {
  if (a === b) return;
  a.links ??= new Set();
  a.links.add(b);
  b.links ??= new Set();
  b.links.add(a);
}

/** Parts the call from all that it is joined with, and answers them. */
export function unlink(call: Call): Iterable<Call> {
  const linked = call.links ?? NONE;
  call.links = null;
  for (const other of linked) {
    other.links?.delete(call);
    if (other.links?.size === 0) other.links = null;
  }
  return linked;
}

/** True when the beginning of the channel was told by the PBX as part of its life, and is not what a list made of it. */
export function beganKnown({ beginning }: Channel): boolean {
  return beginning === 'seen' || beginning === 'recalled';
}

export function isLive(channel: Channel): boolean {
  return channel.clearedAt === null;
}

/**
 * The oldest of the channels, `undefined` when there is none: by the PBX's own counter where it has one, since the times of listed
 * channels are estimates and a DID and the first phone are mostly made in the same second. At equal times (the clock of a PBX may
 * tick in steps of 20 ms) a channel that called the PBX comes before those that the PBX called.
 */
export function oldest(channels: Iterable<Channel>): Channel | undefined {
  let first: Channel | undefined;
  for (const channel of channels) if (first === undefined || isOlder(channel, first)) first = channel;
  return first;
}

function isOlder(a: Channel, b: Channel): boolean {
  const mine = a.facts.order;
  const other = b.facts.order;
  if (mine !== undefined && other !== undefined) {
    if (mine[0] !== other[0]) return mine[0] < other[0];
    if (mine[1] !== other[1]) return mine[1] < other[1];
  }
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt;
  return calledIn(a) && !calledIn(b);
}

/** True for a channel whose endpoint called the PBX, false for one that the PBX called. */
export function calledIn(channel: Channel): boolean {
  return channel.initiator.value === 'endpoint';
}

/** When a channel can be talked with, ms since the epoch: once it has answered where it was called, else from its beginning. */
export function presentFrom(channel: Channel): number {
  if (channel.party.side === 'wire' || calledIn(channel)) return channel.createdAt;
  return channel.answeredAt ?? Number.POSITIVE_INFINITY;
}

/**
 * The channel that began the call: the oldest that is not a wire. A wire comes first only in calls the PBX was asked to
 * make (`Local/1001@...` originated by a CRM): there the first real channel counts.
 */
export function rootOf(call: Call): Channel | undefined {
  let first: Channel | undefined;
  for (const channel of call.channels) {
    if (channel.party.side !== 'wire' && (first === undefined || isOlder(channel, first))) first = channel;
  }
  return first ?? oldest(call.channels);
}

/** True for a call with an outside party. */
export function hasTrunk(call: Call): boolean {
  for (const channel of call.channels) if (channel.party.side === 'trunk') return true;
  return false;
}

/** The trunk channels of a call. */
export function trunksOf(call: Call): Channel[] {
  return [...call.channels].filter((channel) => channel.party.side === 'trunk');
}
