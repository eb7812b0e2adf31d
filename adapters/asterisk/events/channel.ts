/** What an AMI packet tells about a channel. Names of headers come with a prefix for the second party (`Dest`, `Target` ...). */
import type { ChannelFacts, Initiator } from '../../../src/telephony/call-event.ts';
import { type AmiPacket, unescapeValue } from '../link/packet.ts';
import { endpointOf, lineOf, socketExtension, tellsNoHangup, wiredExtension, wireOf } from './channel-name.ts';

/**
 * States that show who began a channel. `Ring`, and for analog lines `OffHook` and `Pre-ring`: its endpoint called in. `Ringing` and
 * `Dialing`: the PBX calls it. `Down` and `Rsrvd` show nothing: chan_sip and chan_dahdi begin with them on both ways.
 */
const STATES: Readonly<Record<string, Initiator>> = {
  Ring: 'endpoint',
  OffHook: 'endpoint',
  'Pre-ring': 'endpoint',
  Ringing: 'pbx',
  Dialing: 'pbx',
};

/** Who began a channel by its state, `null` when the state does not show it. */
export function initiatorByState(state: string | undefined): Initiator | null {
  return state !== undefined && Object.hasOwn(STATES, state) ? (STATES[state] ?? null) : null;
}

/** The value, `null` when it is absent, empty or `<unknown>`. */
export function known(value: string | undefined): string | null {
  return value === undefined || value === '' || value === '<unknown>' ? null : value;
}

/** `s` is where a dialplan starts, not a number; Asterisk shows it on legs dialled from there. */
export function numberOf(value: string | undefined): string | null {
  return value === 's' ? null : known(value);
}

/** The extension a channel is at; the places where a dialplan starts (`s`), or ends, are none. */
export function extenOf(packet: AmiPacket, header = 'Exten'): string | null {
  const exten = known(packet.get(header));
  return exten === null || /^[a-z]$/i.test(exten) ? null : exten;
}

/** `null` as initiator: the PBX has not said it yet. */
export function factsOf(
  packet: Pick<AmiPacket, 'get'>,
  initiator: Initiator | null,
  dialled: string | null,
): ChannelFacts {
  const name = packet.get('Channel') ?? '';
  const endpoint = endpointOf(name);
  const callerName = known(packet.get('CallerIDName'));
  const number = numberOf(packet.get('CallerIDNum'));
  const uniqueId = known(packet.get('Uniqueid')) ?? '';
  const order = orderOf(uniqueId);
  return {
    name,
    endpoint,
    linkedId: known(packet.get('Linkedid')) ?? uniqueId,
    initiator,
    caller: { number, name: callerName === null ? null : unescapeValue(callerName) },
    dialled,
    context: known(packet.get('Context')),
    extension: wiredExtension(endpoint) ?? socketExtension(name, number),
    wire: wireOf(name),
    line: lineOf(name),
    withheld: false,
    ...(tellsNoHangup(name) ? { hangsUpUntold: true } : {}),
    ...(order === null ? {} : { order }),
  };
}

/** Facts at the birth of a channel: the only packet in which its numbers are its own. */
export function newChannelFacts(packet: AmiPacket): ChannelFacts {
  const state = packet.get('ChannelStateDesc');
  const initiator = initiatorByState(state);
  const exten = initiator === 'pbx' ? null : extenOf(packet);
  const facts = factsOf(packet, initiator, exten ?? variable(packet, 'FROM_DID'));
  return initiator === null ? facts : { ...facts, initiatorFact: `Newchannel in state ${state}` };
}

/** Value of a channel variable listed in `channelvars` of manager.conf; the header repeats, one for each variable. */
export function variable(packet: AmiPacket, name: string): string | null {
  const line = packet.all('ChanVariable').find((one) => one.startsWith(`${name}=`));
  return line === undefined ? null : known(line.slice(name.length + 1));
}

/** The functions that tell how a number may be presented, as `channelvars` names them. */
const PRESENTATION = /^(?:CALLERID\((?:num-)?pres\)|CALLERPRES\((?:num)?\))=prohib/i;

/** True where `channelvars` lists the presentation, and the caller asked not to show his number. */
export function hidesNumber(packet: AmiPacket): boolean {
  return packet.all('ChanVariable').some((one) => PRESENTATION.test(one));
}

/** Second of creation that Asterisk writes into a Uniqueid (`[systemname-]seconds.counter`), ms since the epoch. */
export function epochOf(uniqueId: string): number | null {
  const seconds = /(\d{9,11})\.\d+$/.exec(uniqueId)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

/** Second of creation and counter of a Uniqueid, `null` for one that has another form. */
function orderOf(uniqueId: string): readonly [second: number, counter: number] | null {
  const form = /(\d{9,11})\.(\d+)$/.exec(uniqueId);
  return form === null ? null : [Number(form[1]), Number(form[2])];
}

/** Farther apart than this, the beginning by the Uniqueid and that by the age are told by two clocks, and not by a list that was late, ms. */
const OTHER_CLOCK_MS = 10_000;

/**
 * When a listed channel was created, ms since the epoch: both the Uniqueid and the age in the list are cut to whole
 * seconds, so the middle of what both allow is taken. The Uniqueid tells it by the clock of the PBX: where that is not the clock of
 * `now`, the age alone counts, and `counted` is true.
 */
export function creationOf(uniqueId: string, ageSeconds: number, now: number): { createdAt: number; counted?: true } {
  const epoch = epochOf(uniqueId);
  const aged = now - ageSeconds * 1000 - 500;
  if (epoch === null || Math.abs(aged - epoch - 500) > OTHER_CLOCK_MS) return { createdAt: aged, counted: true };
  const earliest = Math.max(now - ageSeconds * 1000 - 999, epoch);
  const latest = Math.min(now - ageSeconds * 1000, epoch + 999);
  return { createdAt: earliest <= latest ? Math.round((earliest + latest) / 2) : epoch + 500 };
}

/** What every event about calls carries: the source, its time and when it was received, both in ms since the epoch. */
export interface Stamp {
  readonly source: string;
  readonly at: number;
  readonly receivedAt: number;
}

/** The `Linkedid` of a packet, where it has one. */
export function linked(packet: AmiPacket, name = 'Linkedid'): { linkedId?: string } {
  const linkedId = known(packet.get(name));
  return linkedId === null ? {} : { linkedId };
}
