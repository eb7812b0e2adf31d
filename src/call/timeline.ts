/** The timeline of one call: which events of the journal are its own, and what they say, line by line. */

import { type CallEvent, type ChannelFacts, type ChannelId, channelOf } from '../telephony/call-event.ts';
import { partyOf } from './known/side.ts';
import type { SourcePlan } from './plan.ts';
import type { CallRecord } from './record.ts';

/** The channel or linked id that the call is named after. */
export function channelIdOf(record: CallRecord): ChannelId {
  const { callSessionId, source } = record;
  return callSessionId.startsWith(`${source}-`) ? callSessionId.slice(source.length + 1) : callSessionId;
}

/** What belongs to a call: the channels that became one with it, or also those that were connected with it in a conference. */
export type Reach = 'own' | 'connected';

/** The events of all channels that became one call with `seed`, and what happened to the link meanwhile. */
export function eventsOfCall(
  events: readonly CallEvent[],
  seed: ChannelId,
  reach: Reach = 'own',
): readonly CallEvent[] {
  const groups = new Map<string, string>();
  const root = (id: string): string => {
    let at = id;
    for (let up = groups.get(at); up !== undefined && up !== at; up = groups.get(at)) at = up;
    return at;
  };
  for (const event of events) {
    const [first, ...others] = idsOf(event, reach);
    if (first === undefined) continue;
    for (const other of others) groups.set(root(other), root(first));
  }
  const own = root(seed);
  const mine = (event: CallEvent): boolean => {
    const channel = channelOf(event);
    return channel !== null && root(channel) === own;
  };
  const first = events.findIndex(mine);
  const last = events.findLastIndex(mine);
  return events.filter((event, at) => mine(event) || (at > first && at < last && BETWEEN.has(event.kind)));
}

/** What happened to the link and to the clocks is part of the calls that were going on. */
const BETWEEN: ReadonlySet<CallEvent['kind']> = new Set(['source-lost', 'clock-stepped', 'stalled']);

/** Everything that an event says belongs together. A bridge counts only when its members hear each other. */
function idsOf(event: CallEvent, reach: Reach): readonly string[] {
  if (!('channel' in event)) return [];
  const ids = [event.channel, ...(event.linkedId === undefined ? [] : [event.linkedId])];
  switch (event.kind) {
    case 'channel-created':
    case 'snapshot-channel':
      return [...ids, event.facts.linkedId, ...(event.facts.wire === null ? [] : [`wire ${event.facts.wire}`])];
    case 'dial-started':
    case 'dial-ended':
      return event.by === null ? ids : [...ids, event.by];
    case 'bridge-entered':
      return event.bridgeKind === 'talk' || (reach === 'connected' && event.bridgeKind === 'conference')
        ? [...ids, `bridge ${event.bridge}`]
        : ids;
    case 'transferred':
      return [...ids, ...event.parties, ...event.linkedIds];
    case 'picked-up':
      return [...ids, event.target];
    case 'linked':
      return [...ids, ...event.linkedIds, ...event.channels];
    case 'wired':
      return [...ids, event.other];
    case 'renamed':
      return [...ids, event.to];
    default:
      return ids;
  }
}

/** The ids, as a PBX writes them, that an event says belong together: channels, linked ids, bridges, wires. */
export function namesIn(event: CallEvent, reach: Reach = 'own'): readonly string[] {
  return idsOf(event, reach).map((id) => id.replace(/^(bridge|wire) /, ''));
}

export interface TimelineLine {
  /** ms since the epoch. */
  readonly at: number;
  /** Extension or trunk; empty for the link to the PBX. */
  readonly who: string;
  readonly channel: ChannelId | null;
  readonly what: string;
}

/** `shown`: how a number is to be written. */
export function timelineOf(
  events: readonly CallEvent[],
  plan: SourcePlan,
  shown: (number: string) => string,
): readonly TimelineLine[] {
  const names = namesOf(events, plan);
  const name = (channel: ChannelId): string => names.get(channel) ?? channel;
  const called = new Set(events.flatMap((event) => (event.kind === 'dial-started' ? [event.channel] : [])));
  const told = new Set<string>();
  return events.flatMap((event) => {
    const channel = channelOf(event);
    // What calls a channel says more than that the PBX made it.
    if (event.kind === 'channel-created' && event.facts.initiator !== 'endpoint' && called.has(event.channel))
      return [];
    const what = describe(event, name, shown);
    if (what === null) return [];
    const once = `${channel} ${what}`;
    if (ONCE.has(event.kind) && told.has(once)) return [];
    told.add(once);
    return [{ at: event.at, who: channel === null ? '' : name(channel), channel, what }];
  });
}

/** The same event by event, for who does not know what follows; what is over is forgotten. */
export function timelineTeller(plan: SourcePlan, shown: (number: string) => string) {
  const names = new Map<ChannelId, string>();
  const told = new Map<ChannelId, Set<string>>();
  const bridges = new Map<string, Set<ChannelId>>();
  const name = (channel: ChannelId): string => names.get(channel) ?? channel;
  const isNew = (channel: ChannelId | null, what: string): boolean => {
    if (channel === null) return true;
    const before = told.get(channel) ?? new Set();
    told.set(channel, before);
    if (before.has(what)) return false;
    before.add(what);
    return true;
  };
  /** With whom a channel is connected now says more than the bridges of the PBX, which come in pairs and are left all the time. */
  const met = (event: Extract<CallEvent, { kind: 'bridge-entered' | 'bridge-left' }>): string | null => {
    const here = bridges.get(event.bridge) ?? new Set();
    here.delete(event.channel);
    const others = [...here].map(name);
    if (event.kind === 'bridge-entered') bridges.set(event.bridge, here.add(event.channel));
    else if (here.size === 0) bridges.delete(event.bridge);
    if (event.kind === 'bridge-left') return null;
    if (event.bridgeKind === 'holding') return 'waits (parking, music, an announcement)';
    if (others.length > 0) return `is connected with ${others.join(', ')}`;
    return event.bridgeKind === 'conference' ? 'enters a conference' : null;
  };
  return (event: CallEvent): TimelineLine | null => {
    const channel = channelOf(event);
    if (event.kind === 'channel-created' || event.kind === 'snapshot-channel') {
      names.set(event.channel, nameOf(event.facts, plan));
      // What calls a channel, and that a wire was made for it, says more than that it is there.
      if (event.facts.wire !== null || (event.kind === 'channel-created' && event.facts.initiator !== 'endpoint'))
        return null;
    }
    const what =
      event.kind === 'bridge-entered' || event.kind === 'bridge-left' ? met(event) : describe(event, name, shown);
    const line = what === null ? null : { at: event.at, who: channel === null ? '' : name(channel), channel, what };
    const known = line !== null && ONCE.has(event.kind) && !isNew(channel, line.what);
    if (event.kind === 'cleared' || event.kind === 'vanished') {
      names.delete(event.channel);
      told.delete(event.channel);
    }
    return known ? null : line;
  };
}

/** PBXs tell these several times. */
const ONCE: ReadonlySet<CallEvent['kind']> = new Set([
  ...(['recording', 'dial-ended', 'dial-started', 'alerting', 'mailbox-read'] as const),
]);

/** Extension or trunk of each channel; a second channel of the same gets `#2`. */
export function namesOf(events: readonly CallEvent[], plan: SourcePlan): ReadonlyMap<ChannelId, string> {
  const names = new Map<ChannelId, string>();
  const used = new Map<string, number>();
  for (const event of events) {
    if (event.kind !== 'channel-created' && event.kind !== 'snapshot-channel') continue;
    if (names.has(event.channel)) continue;
    const plain = nameOf(event.facts, plan);
    const count = (used.get(plain) ?? 0) + 1;
    used.set(plain, count);
    names.set(event.channel, count === 1 ? plain : `${plain} #${count}`);
  }
  return names;
}

function nameOf(facts: ChannelFacts, plan: SourcePlan): string {
  if (facts.wire !== null) return facts.name.replace(/-[\da-f]+(;\d)?$/, '$1');
  const { side, ext } = partyOf(plan, facts);
  return side === 'extension' && ext !== null ? ext : facts.endpoint.slice(facts.endpoint.lastIndexOf('/') + 1);
}

function describe(event: CallEvent, name: (channel: ChannelId) => string, shown: (n: string) => string): string | null {
  switch (event.kind) {
    case 'channel-created':
      return created(event.facts, shown);
    case 'snapshot-channel':
      return `found going on (${event.answered ? 'answered' : 'not answered'}) when the link came up`;
    case 'dial-started':
      return `is called${event.by === null ? '' : ` by ${name(event.by)}`}${event.number === null ? '' : ` at ${shown(event.number)}`}`;
    case 'dial-ended':
      return event.result === 'answer'
        ? null
        : `call to it ended: ${event.result}${event.forwardedTo === null ? '' : `, forwarded to ${shown(event.forwardedTo)}`}`;
    case 'alerting':
      return 'rings';
    case 'answered':
      return 'answers';
    case 'bridge-entered':
      return `enters ${bridge(event.bridge, event.bridgeKind)}`;
    case 'bridge-left':
      return `leaves bridge ${event.bridge.slice(0, 8)}`;
    case 'held':
      return 'puts the call on hold';
    case 'retrieved':
      return 'takes the call from hold';
    case 'transferred':
      return `transfers (${event.manner})${event.to === null ? '' : ` to ${shown(event.to)}`}`;
    case 'picked-up':
      return `picks up the call that rings at ${name(event.target)}`;
    case 'parked':
      return `is parked${event.slot === null ? '' : ` in ${event.slot}`}`;
    case 'queued':
      return `enters queue ${event.queue}`;
    case 'dequeued':
      return `leaves queue ${event.queue}${event.reason === null ? '' : ` (${event.reason})`}`;
    case 'recording':
      return 'is recorded';
    case 'voicemail-left':
      return `leaves a message${event.mailbox === null ? '' : ` for ${event.mailbox}`}`;
    case 'linked':
      return event.channels.length === 0 ? null : `becomes one call with ${event.channels.map(name).join(', ')}`;
    case 'hangup-requested':
      return event.by === 'pbx' ? null : 'hangs up';
    case 'cleared':
      return `cleared${cause(event.clearing.q850, event.clearing.sip, event.clearing.text)}`;
    case 'vanished':
      return 'is not listed by the PBX any more: it ended unseen';
    case 'clock-stepped':
      return `the clock of ${event.clock === 'pbx' ? 'the PBX' : 'this machine'} was set ${setBy(event.by)}`;
    case 'stalled':
      return `logcalld stood still for ${seconds(event.ms)} s`;
    case 'source-lost':
      return `the link to the PBX is lost: ${event.reason}`;
    case 'initiated':
      return event.dialled === null ? null : `dials ${shown(event.dialled)}`;
    case 'mailbox-read':
      return 'listens to a mailbox';
    case 'voicemail-reached':
      return 'reaches a mailbox';
    case 'wired':
    case 'originated':
    case 'carried-over':
    case 'identity':
    case 'renamed':
    case 'source-connected':
    case 'snapshot-complete':
      return null;
  }
}

const seconds = (ms: number): string => String(Math.round(ms / 100) / 10);

function setBy(ms: number): string {
  return `${ms < 0 ? 'back' : 'forward'} by ${seconds(Math.abs(ms))} s`;
}

function created(facts: ChannelFacts, shown: (number: string) => string): string {
  const { caller, dialled, initiator } = facts;
  if (facts.wire !== null) return 'PBX-internal pair made';
  const by = caller.number === null ? '' : ` (${facts.withheld ? 'number withheld' : shown(caller.number)})`;
  if (initiator === 'pbx' || (initiator === null && dialled === null)) return 'channel made by the PBX';
  return `calls${dialled === null ? ' in' : ` ${shown(dialled)}`}${by}`;
}

function bridge(id: string, kind: string): string {
  return kind === 'talk' ? `bridge ${id.slice(0, 8)}` : `${kind} bridge ${id.slice(0, 8)}`;
}

function cause(q850: number | null, sip: number | null, text: string | null): string {
  const parts = [q850 === null || q850 === 0 ? null : `Q.850 ${q850}`, sip === null ? null : `SIP ${sip}`, text];
  const told = parts.filter((part) => part !== null && part !== '');
  return told.length === 0 ? '' : `: ${told.join(', ')}`;
}
