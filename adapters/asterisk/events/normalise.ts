/**
 * AMI packets -> call events. Pure: the same packet gives the same events, whatever came before. Packets that say nothing
 * about calls give none.
 *
 * Which packet tells what was seen in recordings of Asterisk 16.28 and 22.10 (`test/fixtures/recordings`); nothing here depends
 * on the version.
 */
import type { BridgeKind, CallEvent, ChannelId, Clearing } from '../../../src/telephony/call-event.ts';
import { type AmiPacket, textOf } from '../link/packet.ts';
import { listed } from '../snapshot/listed.ts';
import {
  extenOf,
  hidesNumber,
  initiatorByState,
  known,
  linked,
  newChannelFacts,
  numberOf,
  type Stamp,
  variable,
} from './channel.ts';
import { isOfMessages, wireOf } from './channel-name.ts';
import { dialEnded, dialStarted, originated } from './dial.ts';
import { inVoicemail, mailboxRead, voicemail } from './mailbox.ts';

type Reader = (packet: AmiPacket, stamp: Stamp, channel: ChannelId) => CallEvent[];
type SourceReader = (packet: AmiPacket, stamp: Stamp) => CallEvent[];

function tableOf<R>(readers: Readonly<Record<string, R>>): ReadonlyMap<string, R> {
  return new Map(Object.entries(readers));
}

/** One reader for each event; the third argument is the header `Uniqueid`. */
const READERS: ReadonlyMap<string, Reader> = tableOf({
  Newchannel: (packet, stamp, channel) => [
    { ...stamp, kind: 'channel-created', channel, facts: newChannelFacts(packet) },
  ],
  Newstate: (packet, stamp, channel) => {
    const state = packet.get('ChannelStateDesc');
    if (state === 'Up') return [{ ...stamp, kind: 'answered', channel, ...linked(packet) }];
    if (state === 'Ringing') return [{ ...stamp, kind: 'alerting', channel, ...linked(packet) }];
    const initiator = initiatorByState(state);
    if (initiator === null || isWire(packet)) return [];
    const dialled = initiator === 'endpoint' ? extenOf(packet) : null;
    return [{ ...stamp, kind: 'initiated', channel, initiator, fact: `Newstate ${state}`, dialled, ...linked(packet) }];
  },
  NewCallerid: (packet, stamp, channel) => {
    if (isWire(packet)) return [];
    const withheld = /prohib/i.test(packet.get('CID-CallingPres') ?? '');
    const caller = { number: known(packet.get('CallerIDNum')), name: textOf(packet, 'CallerIDName') ?? null };
    if (caller.number === null && !withheld) return [];
    return [{ ...stamp, kind: 'identity', channel, caller: { ...caller, name: known(caller.name ?? '') }, withheld }];
  },
  OriginateResponse: originated,
  DialBegin: dialStarted,
  DialEnd: dialEnded,
  BridgeEnter: (packet, stamp, channel) => {
    const bridge = packet.get('BridgeUniqueid');
    if (bridge === undefined) return [];
    return [{ ...stamp, kind: 'bridge-entered', channel, bridge, bridgeKind: bridgeKind(packet), ...linked(packet) }];
  },
  BridgeLeave: (packet, stamp, channel) => {
    const bridge = packet.get('BridgeUniqueid');
    return bridge === undefined ? [] : [{ ...stamp, kind: 'bridge-left', channel, bridge, ...linked(packet) }];
  },
  // A caller who takes an agent's place in a conference by an attended transfer is announced by ConfbridgeJoin alone.
  ConfbridgeJoin: (packet, stamp, channel) => {
    const bridge = packet.get('BridgeUniqueid');
    return bridge === undefined
      ? []
      : [{ ...stamp, kind: 'bridge-entered', channel, bridge, bridgeKind: 'conference', ...linked(packet) }];
  },
  ConfbridgeLeave: (packet, stamp, channel) => {
    const bridge = packet.get('BridgeUniqueid');
    return bridge === undefined ? [] : [{ ...stamp, kind: 'bridge-left', channel, bridge, ...linked(packet) }];
  },
  // app_meetme has no bridge: its room is one for as long as somebody is in it.
  MeetmeJoin: (packet, stamp, channel) => {
    const room = known(packet.get('Meetme'));
    return room === null
      ? []
      : [{ ...stamp, kind: 'bridge-entered', channel, bridge: `meetme ${room}`, bridgeKind: 'conference' }];
  },
  MeetmeLeave: (packet, stamp, channel) => {
    const room = known(packet.get('Meetme'));
    return room === null ? [] : [{ ...stamp, kind: 'bridge-left', channel, bridge: `meetme ${room}` }];
  },
  LocalBridge: (packet, stamp) => {
    const one = packet.get('LocalOneUniqueid');
    const two = packet.get('LocalTwoUniqueid');
    return one === undefined || two === undefined ? [] : [{ ...stamp, kind: 'wired', channel: one, other: two }];
  },
  Hold: (_packet, stamp, channel) => [{ ...stamp, kind: 'held', channel }],
  Unhold: (_packet, stamp, channel) => [{ ...stamp, kind: 'retrieved', channel }],
  BlindTransfer: (packet, stamp) => transferred(packet, stamp, 'blind', ['Transferer', 'Transferee']),
  AttendedTransfer: (packet, stamp) =>
    transferred(packet, stamp, 'attended', ['OrigTransferer', 'SecondTransferer', 'Transferee', 'TransferTarget']),
  Pickup: (packet, stamp, channel) => {
    const target = packet.get('TargetUniqueid');
    const linkedId = packet.get('TargetLinkedid');
    if (target === undefined) return [];
    return [{ ...stamp, kind: 'picked-up', channel, target, ...(linkedId === undefined ? {} : { linkedId }) }];
  },
  ParkedCall: (packet, stamp) => {
    const channel = packet.get('ParkeeUniqueid');
    return channel === undefined
      ? []
      : [{ ...stamp, kind: 'parked', channel, slot: known(packet.get('ParkingSpace')) }];
  },
  UnParkedCall: (packet, stamp) => {
    const channel = packet.get('RetrieverUniqueid');
    const parkee = packet.get('ParkeeUniqueid');
    return channel === undefined || parkee === undefined
      ? []
      : [{ ...stamp, kind: 'linked', channel, linkedIds: [], channels: [parkee] }];
  },
  QueueCallerJoin: (packet, stamp, channel) => [
    { ...stamp, kind: 'queued', channel, queue: packet.get('Queue') ?? '' },
  ],
  QueueCallerLeave: (packet, stamp, channel) => dequeued(packet, stamp, channel, null),
  QueueCallerAbandon: (packet, stamp, channel) => dequeued(packet, stamp, channel, 'left'),
  // Without channel headers the same event only reports the state of a mailbox, as at the start of the PBX. With them a message was left,
  // even if none waits: one that is sent by mail is often deleted at once. VoiceMailMain tells the state in the same way.
  MessageWaiting: (packet, stamp, channel) => [
    ...mailboxRead(packet, stamp, channel),
    { ...stamp, kind: 'voicemail-left', channel, mailbox: known(packet.get('Mailbox')) },
  ],
  Newexten: mailboxRead,
  // The event names no file; the variable does, where manager.conf lists it in channelvars.
  MixMonitorStart: (packet, stamp, channel) => [
    { ...stamp, kind: 'recording', channel, file: variable(packet, 'MIXMONITOR_FILENAME') },
  ],
  UserEvent: (packet, stamp, channel) =>
    /record/i.test(packet.get('UserEvent') ?? '') ? recording(stamp, channel, known(packet.get('File'))) : [],
  HangupRequest: (packet, stamp, channel) => [
    { ...stamp, kind: 'hangup-requested', channel, clearing: clearingOf(packet) },
  ],
  // The dialplan is over, or somebody else ends the channel. chan_iax2 tells a HangupRequest after that, as if the far end had left.
  SoftHangupRequest: (packet, stamp, channel) => [
    { ...stamp, kind: 'hangup-requested', channel, clearing: clearingOf(packet), by: 'pbx' },
  ],
  Hangup: (packet, stamp, channel) => [
    ...recording(stamp, channel, variable(packet, 'MIXMONITOR_FILENAME')),
    ...voicemail(stamp, channel, inVoicemail(packet), 'Context', packet),
    ...mailboxRead(packet, stamp, channel),
    { ...stamp, kind: 'cleared', channel, clearing: clearingOf(packet), ...linked(packet) },
  ],
  Status: (packet, stamp, channel) => [
    ...listed(packet, stamp, channel, numberOf(packet.get('DNID')), 'Seconds'),
    ...mailboxRead(packet, stamp, channel),
  ],
  CoreShowChannel: (packet, stamp, channel) => [
    ...listed(packet, stamp, channel, null, 'Duration'),
    ...mailboxRead(packet, stamp, channel),
  ],
});

/** Events without a channel of their own. */
const SOURCE_READERS: ReadonlyMap<string, SourceReader> = tableOf({
  FullyBooted: (packet, stamp) => {
    const uptime = Number(packet.get('Uptime'));
    const bootedAt = Number.isFinite(uptime) && packet.get('Uptime') !== undefined ? stamp.at - uptime * 1000 : null;
    return [{ ...stamp, kind: 'source-connected', boot: null, bootedAt }];
  },
  StatusComplete: (_packet, stamp) => [{ ...stamp, kind: 'snapshot-complete' }],
  CoreShowChannelsComplete: (_packet, stamp) => [{ ...stamp, kind: 'snapshot-complete' }],
  Cdr: (packet, stamp) => {
    const channel = packet.get('UniqueID');
    // The column gets its name in cdr_manager.conf, so upper and lower case vary.
    const file = packet.getAnyCase('recordingfile');
    if (channel === undefined) return [];
    const mailbox = packet.get('LastApplication') === 'VoiceMail';
    return [
      ...recording(stamp, channel, known(file)),
      ...voicemail(stamp, channel, mailbox, 'LastApplication', packet),
      ...mailboxRead(packet, stamp, channel),
    ];
  },
});

/** True for packets that this program knows, whether or not they say something about calls. */
export function isKnownEvent(name: string): boolean {
  return READERS.has(name) || SOURCE_READERS.has(name) || IGNORED.has(name);
}

/** Events that are understood and not needed: their contents come with others. */
const IGNORED = new Set(
  (
    'AgentCalled AgentComplete AgentConnect AgentDump AgentLogin AgentLogoff AgentRingNoAnswer BridgeCreate BridgeDestroy BridgeMerge CEL ConfbridgeEnd ' +
    'BridgeListItem BridgeListComplete ' +
    'ConfbridgeStart ConfbridgeTalking ContactStatus DeviceStateChange ' +
    'DialState ExtensionStatus LocalOptimizationBegin LocalOptimizationEnd MixMonitorMute MixMonitorStop MusicOnHoldStart ' +
    'MusicOnHoldStop NewAccountCode NewConnectedLine NewExten ParkedCallGiveUp ParkedCallTimeOut PeerStatus ' +
    'PresenceStateChange PresenceStatus QueueEntry QueueMember QueueMemberStatus QueueParams QueueStatusComplete Registry Reload Rename RTCPReceived RTCPSent Shutdown ' +
    'SuccessfulAuth TestEvent VarSet ChannelTalkingStart ChannelTalkingStop DTMFBegin DTMFEnd'
  ).split(' '),
);

/** What is beyond the year 2200 is no time of a PBX. Seconds since the epoch. */
const LAST_SECOND = Date.UTC(2200, 0) / 1000;

/** The call events of one packet; `receivedAt` in ms since the epoch. With `timestampevents` the PBX's own time is used. */
export function normalise(packet: AmiPacket, source: string, receivedAt: number): CallEvent[] {
  const name = packet.get('Event');
  if (name === undefined) return [];
  const ofSource = SOURCE_READERS.get(name);
  if (ofSource !== undefined) return ofSource(packet, stampOf(packet, source, receivedAt));
  const reader = READERS.get(name);
  if (reader === undefined) return [];
  const channel = known(packet.get('Uniqueid'));
  if (channel === null && !TWO_PARTY.has(name)) return [];
  if (isOfMessages(packet.get('Channel') ?? '')) return [];
  const stamp = stampOf(packet, source, receivedAt);
  const events = reader(packet, stamp, channel ?? '');
  if (channel === null || !EARLY.has(name) || !hidesNumber(packet) || isWire(packet)) return events;
  return [...events, { ...stamp, kind: 'identity', channel, caller: { number: null, name: null }, withheld: true }];
}

/** Events that come before a dialplan hides a number for what it does next; not all are told of each call, nor of the first one all. */
const EARLY = new Set(['Newchannel', 'Newstate', 'NewCallerid', 'Newexten', 'DialBegin', 'QueueCallerJoin']);

function stampOf(packet: AmiPacket, source: string, receivedAt: number): Stamp {
  const own = Number(packet.get('Timestamp') ?? Number.NaN);
  return { source, receivedAt, at: own > 0 && own < LAST_SECOND ? Math.round(own * 1000) : receivedAt };
}

/** Events whose channels come under prefixed names. */
const TWO_PARTY = new Set([
  'OriginateResponse',
  'DialBegin',
  'DialEnd',
  'LocalBridge',
  'BlindTransfer',
  'AttendedTransfer',
  'ParkedCall',
  'UnParkedCall',
]);

function bridgeKind(packet: AmiPacket): BridgeKind {
  if (packet.get('BridgeTechnology') === 'holding_bridge') return 'holding';
  return packet.get('BridgeType') === 'basic' ? 'talk' : 'conference';
}

/**
 * What ended the channel. Asterisk 16 does not tell the SIP status; the state Busy says that Busy() or Congestion() of the
 * dialplan refused an incoming call with one.
 */
function clearingOf(packet: AmiPacket): Clearing {
  const q850 = packet.get('Cause');
  const refusal = packet.get('ChannelStateDesc') === 'Busy' ? (q850 === '17' ? '486' : '503') : undefined;
  const sip = packet.get('TechCause') ?? refusal;
  return {
    q850: q850 === undefined || !/^\d+$/.test(q850) ? null : Number(q850),
    sip: sip === undefined || !/^\d{3}$/.test(sip) ? null : Number(sip),
    text: known(packet.get('Cause-txt')),
  };
}

function transferred(
  packet: AmiPacket,
  stamp: Stamp,
  manner: 'blind' | 'attended',
  roles: readonly string[],
): CallEvent[] {
  const present = (suffix: string) =>
    roles.map((role) => known(packet.get(`${role}${suffix}`))).filter((id) => id !== null);
  const parties = present('Uniqueid');
  const channel = parties[0];
  if (channel === undefined || packet.get('Result') !== 'Success') return [];
  const to = known(packet.get('Extension'));
  return [{ ...stamp, kind: 'transferred', channel, manner, parties, linkedIds: present('Linkedid'), to }];
}

function dequeued(packet: AmiPacket, stamp: Stamp, channel: ChannelId, reason: 'left' | null): CallEvent[] {
  return [{ ...stamp, kind: 'dequeued', channel, queue: packet.get('Queue') ?? '', reason }];
}

function recording(stamp: Stamp, channel: ChannelId, file: string | null): CallEvent[] {
  return file === null ? [] : [{ ...stamp, kind: 'recording', channel, file }];
}

/** Halves of pairs take part in no call of their own. */
function isWire(packet: AmiPacket): boolean {
  return wireOf(packet.get('Channel') ?? '') !== null;
}
