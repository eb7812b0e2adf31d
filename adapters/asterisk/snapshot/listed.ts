/** The live channels as Asterisk lists them. */
import type { CallEvent, ChannelFacts, ChannelId, Initiator } from '../../../src/telephony/call-event.ts';
import { NETWORK_DIGITS } from '../../../src/telephony/digits.ts';
import { creationOf, factsOf, initiatorByState, known, numberOf, type Stamp } from '../events/channel.ts';
import { targetNumber } from '../events/dial-string.ts';
import { type AmiPacket, textOf } from '../link/packet.ts';

/** Applications that Asterisk shows on channels it dialled itself. */
const DIALLED_APPLICATIONS = new Set(['AppDial', 'AppDial2', 'AppQueue']);

/** One item of `Status` or `CoreShowChannels`. `dialled`: the DNID, where the list has it; `ageHeader`: the header with its age. */
export function listed(
  packet: AmiPacket,
  stamp: Stamp,
  channel: ChannelId,
  dialled: string | null,
  ageHeader: string,
): CallEvent[] {
  const age = secondsOf(packet.get(ageHeader));
  const { initiator, fact, moved } = initiatorOf(packet);
  const told = { initiatorFact: fact, ...(moved ? { contextMoved: true } : {}) };
  const facts = initiator === 'pbx' ? calledFacts(packet) : factsOf(packet, initiator, dialled ?? dialledOut(packet));
  const answered = packet.get('ChannelStateDesc') === 'Up';
  const bridge = known(packet.get('BridgeID')) ?? known(packet.get('BridgeId'));
  const created = age === null ? { createdAt: null } : creationOf(channel, age, stamp.receivedAt);
  const life = { ...created, answered, answeredAt: null, bridge };
  const item = { ...stamp, kind: 'snapshot-channel', channel, facts: { ...facts, ...told }, ...life } as const;
  const queue = bridge === null ? queueOf(packet) : null;
  return queue === null ? [item] : [item, { ...stamp, kind: 'queued', channel, queue }];
}

/** The queue that a listed caller waits in: the first argument of its application. */
function queueOf(packet: AmiPacket): string | null {
  if (packet.get('Application') !== 'Queue') return null;
  return known((packet.get('Data') ?? packet.get('ApplicationData') ?? '').split(',')[0]?.trim());
}

interface Began {
  readonly initiator: Initiator;
  readonly fact: string;
  /** True when it runs a dialplan: its context is where it is now. */
  readonly moved: boolean;
}

/**
 * Who began a listed channel. One that Asterisk called may run a dialplan since then (a customer whom a dialler called and who waits
 * in a queue, or who was transferred): chan_pjsip gives every channel that calls in the number it dialled, if only `s`, and none to
 * others. chan_sip tells no `s`, and other drivers none at all.
 */
function initiatorOf(packet: AmiPacket): Began {
  const state = packet.get('ChannelStateDesc');
  if (initiatorByState(state) === 'pbx') return { initiator: 'pbx', fact: `listed in state ${state}`, moved: false };
  const application = packet.get('Application') ?? '';
  if (DIALLED_APPLICATIONS.has(application))
    return { initiator: 'pbx', fact: `listed with the application ${application}`, moved: false };
  if (packet.get('DNID') === '' && /^PJSIP\//i.test(packet.get('Channel') ?? ''))
    return { initiator: 'pbx', fact: 'listed without a number that it dialled (DNID)', moved: true };
  const shown = application === '' ? '(none)' : application;
  return { initiator: 'endpoint', fact: `listed with the application ${shown}`, moved: true };
}

/**
 * A listed channel that Asterisk called: its caller number is the one that was called, and the one shown to it is the connected
 * line.
 */
function calledFacts(packet: AmiPacket): ChannelFacts {
  const facts = factsOf(packet, 'pbx', numberOf(packet.get('CallerIDNum')));
  const name = textOf(packet, 'ConnectedLineName');
  return { ...facts, caller: { number: known(packet.get('ConnectedLineNum')), name: known(name) } };
}

/**
 * The outside number that a listed channel has dialled, from the arguments of its Dial
 * (`PJSIP/+971501234567@trunk-out,30,tT`): nothing else in a list tells it.
 */
function dialledOut(packet: AmiPacket): string | null {
  if (packet.get('Application') !== 'Dial') return null;
  const [targets = ''] = (packet.get('Data') ?? packet.get('ApplicationData') ?? '').split(',');
  const numbers = targets.split('&').map(targetNumber);
  return numbers.find((number) => number !== null && number.length >= NETWORK_DIGITS) ?? null;
}

/** `7` or `hh:mm:ss` in seconds. */
function secondsOf(text: string | undefined): number | null {
  if (text === undefined || !/^\d+(:\d+)*$/.test(text)) return null;
  return text.split(':').reduce((total, part) => total * 60 + Number(part), 0);
}
