/** What an AMI packet tells about a channel. Names of headers come with a prefix for the second party (`Dest`, `Target` ...). */
import type { ChannelFacts, Initiator } from '../../src/telephony/call-event.ts';
import { type AmiPacket, unescapeValue } from './packet.ts';

/** Channels that Asterisk makes for its own use: they carry media, nobody is at their end. */
const SERVICE =
  /^(Local|Announcer|Bridge|CBAnn|CBRec|Message|Surrogate|Recorder|Multicast\w*|UnicastRTP|AudioSocket|Snoop)\//;

/** States of a channel that its endpoint opened: an INVITE came in, an analog phone was taken off the hook. */
const OPENED_BY_ENDPOINT = new Set(['Ring', 'Rsrvd', 'OffHook', 'Pre-ring']);

/** The value, `null` when it is absent, empty or `<unknown>`. */
export function known(value: string | undefined): string | null {
  return value === undefined || value === '' || value === '<unknown>' ? null : value;
}

/** `s` is where a dialplan starts, not a number; Asterisk shows it on legs dialled from there. */
function numberOf(value: string | undefined): string | null {
  return value === 's' ? null : known(value);
}

/** `PJSIP/trunk-in-0000001a` -> `PJSIP/trunk-in`; the part that Asterisk appends to make the name unique is taken off. */
export function endpointOf(name: string): string {
  if (name.startsWith('Local/')) return name.replace(/-[0-9a-f]{8};[12]$/, '');
  return name.replace(/-[0-9a-f]{8}$/, '').replace(/^((?:IAX2|DAHDI|Dahdi|mISDN|Motif)\/.*)-[0-9a-z]+$/i, '$1');
}

/** `Local/1005@followme` stands for extension 1005; a number of seven or more digits is an outside number. */
function wiredExtension(endpoint: string): string | null {
  return /^Local\/(\d{2,6})@/.exec(endpoint)?.[1] ?? null;
}

function wireOf(name: string): string | null {
  return SERVICE.test(name) ? name.replace(/;[12]$/, '') : null;
}

export function factsOf(packet: AmiPacket, initiator: Initiator, dialled: string | null): ChannelFacts {
  const name = packet.get('Channel') ?? '';
  const endpoint = endpointOf(name);
  const callerName = known(packet.get('CallerIDName'));
  return {
    name,
    endpoint,
    linkedId: known(packet.get('Linkedid')) ?? packet.get('Uniqueid') ?? '',
    initiator,
    caller: {
      number: numberOf(packet.get('CallerIDNum')),
      name: callerName === null ? null : unescapeValue(callerName),
    },
    dialled,
    context: known(packet.get('Context')),
    extension: wiredExtension(endpoint),
    wire: wireOf(name),
    withheld: false,
  };
}

/** Facts at the birth of a channel: the only packet in which its numbers are its own. */
export function newChannelFacts(packet: AmiPacket): ChannelFacts {
  const initiator = OPENED_BY_ENDPOINT.has(packet.get('ChannelStateDesc') ?? '') ? 'endpoint' : 'pbx';
  const exten = known(packet.get('Exten'));
  const dialled = initiator === 'pbx' || exten === null || exten === 's' ? variable(packet, 'FROM_DID') : exten;
  return factsOf(packet, initiator, dialled);
}

/** Value of a channel variable listed in `channelvars` of manager.conf; the header repeats, one for each variable. */
export function variable(packet: AmiPacket, name: string): string | null {
  const line = packet.all('ChanVariable').find((one) => one.startsWith(`${name}=`));
  return line === undefined ? null : known(line.slice(name.length + 1));
}

/** Second of creation that Asterisk writes into a Uniqueid (`[systemname-]seconds.counter`), ms since the epoch. */
export function epochOf(uniqueId: string): number | null {
  const seconds = /(\d{9,11})\.\d+$/.exec(uniqueId)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

/**
 * When a listed channel was created, ms since the epoch: both the Uniqueid and the age in the list are cut to whole
 * seconds, so the middle of what both allow is taken.
 */
export function creationOf(uniqueId: string, ageSeconds: number, now: number): number {
  const epoch = epochOf(uniqueId);
  const earliest = Math.max(now - ageSeconds * 1000 - 999, epoch ?? 0);
  const latest = Math.min(now - ageSeconds * 1000, epoch === null ? now : epoch + 999);
  return earliest <= latest ? Math.round((earliest + latest) / 2) : (epoch ?? earliest) + 500;
}
