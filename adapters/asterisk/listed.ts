/** The live channels as Asterisk lists them. */
import type { CallEvent, ChannelFacts, ChannelId } from '../../src/telephony/call-event.ts';
import { NETWORK_DIGITS } from '../../src/telephony/digits.ts';
import { creationOf, factsOf, known, numberOf, type Stamp } from './channel.ts';
import { targetNumber } from './dial-string.ts';
import { type AmiPacket, textOf } from './packet.ts';

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
  const application = packet.get('Application') ?? '';
  const initiator = DIALLED_APPLICATIONS.has(application) ? 'pbx' : 'endpoint';
  const byApplication = { initiatorFact: `listed with the application ${application === '' ? '(none)' : application}` };
  const facts =
    initiator === 'pbx'
      ? { ...calledFacts(packet), ...byApplication }
      : { ...factsOf(packet, initiator, dialled ?? dialledOut(packet)), ...byApplication, contextMoved: true };
  const answered = packet.get('ChannelStateDesc') === 'Up';
  const bridge = known(packet.get('BridgeID')) ?? known(packet.get('BridgeId'));
  const createdAt = age === null ? null : creationOf(channel, age, stamp.receivedAt);
  return [{ ...stamp, kind: 'snapshot-channel', channel, facts, createdAt, answered, answeredAt: null, bridge }];
}

/**
 * A listed channel that Asterisk called: its caller number is the one that was called, and the one shown to it is the connected
 * line. It runs no dialplan, so its context is the one it was born in.
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
