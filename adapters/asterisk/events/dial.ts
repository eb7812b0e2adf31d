/** What AMI tells about calls that the PBX makes: who dials whom, what came of it, and what an Originate asked for. Pure. */
import type { CallEvent, ChannelId, DialResult } from '../../../src/telephony/call-event.ts';
import type { AmiPacket } from '../link/packet.ts';
import { extenOf, known, linked, type Stamp } from './channel.ts';
import { dialledNumber, technologyOf } from './dial-string.ts';

/** DIALSTATUS of Asterisk. */
const RESULTS: Readonly<Record<string, DialResult>> = {
  ANSWER: 'answer',
  BUSY: 'busy',
  NOANSWER: 'no-answer',
  CANCEL: 'cancel',
  CONGESTION: 'congestion',
  CHANUNAVAIL: 'unavailable',
};

export function dialStarted(packet: AmiPacket, stamp: Stamp): CallEvent[] {
  const called = packet.get('DestUniqueid');
  if (called === undefined) return [];
  const by = known(packet.get('Uniqueid'));
  const presented = known(packet.get(by === null ? 'DestCallerIDNum' : 'CallerIDNum'));
  const number = dialledNumber(known(packet.get('DialString')), technologyOf(packet.get('DestChannel')));
  const from = by === null ? null : { context: known(packet.get('Context')), exten: extenOf(packet) };
  const dial = { ...stamp, kind: 'dial-started', channel: called, by, number, presented } as const;
  return [{ ...dial, ...(from === null ? askedOf(packet) : { from }), ...linked(packet, 'DestLinkedid') }];
}

export function dialEnded(packet: AmiPacket, stamp: Stamp): CallEvent[] {
  const called = packet.get('DestUniqueid');
  if (called === undefined) return [];
  const result = RESULTS[packet.get('DialStatus') ?? ''] ?? 'failed';
  const forwardedTo = known(packet.get('Forward'));
  const by = known(packet.get('Uniqueid'));
  return [
    { ...stamp, kind: 'dial-ended', channel: called, by, result, forwardedTo, ...linked(packet, 'DestLinkedid') },
  ];
}

/** OriginateResponse: of a call that nobody took it names no channel, only what was asked for. */
export function originated(packet: AmiPacket, stamp: Stamp, channel: ChannelId): CallEvent[] {
  const called = channel === '' ? known(packet.get('Channel')) : channel;
  return called === null ? [] : [{ ...stamp, kind: 'originated', channel: called, exten: extenOf(packet) }];
}

/** What an Originate named as its channel: the technology and the dial string. */
function askedOf(packet: AmiPacket): { asked?: string } {
  const technology = technologyOf(packet.get('DestChannel'));
  const dialString = known(packet.get('DialString'));
  return dialString === null ? {} : { asked: `${technology}/${dialString}` };
}
