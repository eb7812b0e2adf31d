/** Status of a call in which nobody of the other side was reached. */
import { dispositionOf, isNoSuchNumber } from '../telephony/cause.ts';
import type { CallStatus } from './record.ts';
import type { Channel } from './state.ts';

/**
 * An inbound call that no person answered. The caller's own clearing says little (a PBX may end an unanswered call with
 * "normal clearing"), so what counts is who hung up, a message left, and how the dialled phones answered.
 */
export function inboundStatus(caller: Channel, members: readonly Channel[]): CallStatus {
  if (members.some((channel) => channel.voicemailAt !== null)) return 'Voicemail';
  if (caller.hangupRequestedAt !== null && !wasRefused(caller)) return 'Abandoned';
  const phones = members.filter(
    (channel) => channel.party.side !== 'wire' && channel !== caller && channel.facts.initiator === 'pbx',
  );
  const busy = phones.length > 0 && phones.every((phone) => outcomeOf(phone) === 'busy');
  if (caller.clearing?.q850 === 17 || (busy && caller.answeredAt === null)) return 'Busy';
  if (phones.length === 0 && caller.answeredAt === null && isNoSuchNumber(caller.clearing)) return 'Failed';
  return 'Missed';
}

/** The PBX answered the caller's INVITE with a refusal. It tells the end of that SIP session as if the caller had left. */
function wasRefused(caller: Channel): boolean {
  const sip = caller.clearing?.sip ?? 0;
  return caller.answeredAt === null && sip >= 400 && sip !== 487;
}

/** Q.850: the called person rejected the call. */
const CALL_REJECTED = 21;

/** An outbound call that was not answered. `leg`: the last trunk leg, `null` when our own phone was never picked up. */
export function outboundStatus(root: Channel, leg: Channel | null): CallStatus {
  if (leg === null) {
    if (root.facts.initiator === 'endpoint') return root.hangupRequestedAt !== null ? 'Cancelled' : 'Failed';
    const declined = outcomeOf(root) === 'busy' || root.clearing?.q850 === CALL_REJECTED;
    return root.answeredAt !== null || declined ? 'Cancelled' : 'NoAnswer';
  }
  if (root !== leg && gaveUp(root, leg)) return 'Cancelled';
  return toStatus(outcomeOf(leg));
}

/** An internal call that was not answered. */
export function internalStatus(root: Channel, members: readonly Channel[]): CallStatus {
  if (members.some((channel) => channel.voicemailAt !== null)) return 'Voicemail';
  if (root.hangupRequestedAt !== null) return 'Cancelled';
  const called = members.filter((channel) => channel !== root && channel.party.side === 'extension');
  const last = called.at(-1);
  if (last === undefined) return isNoSuchNumber(root.clearing) ? 'Failed' : 'NoAnswer';
  return toStatus(outcomeOf(last));
}

/** The one who dialled hung up before the leg had ended by itself. */
function gaveUp(root: Channel, leg: Channel): boolean {
  if (root.hangupRequestedAt === null) return false;
  return leg.hangupRequestedAt === null || root.hangupRequestedAt < leg.hangupRequestedAt;
}

function outcomeOf(channel: Channel): ReturnType<typeof dispositionOf> {
  return dispositionOf(channel.clearing, channel.dials.at(-1)?.result ?? null);
}

function toStatus(outcome: ReturnType<typeof dispositionOf>): CallStatus {
  switch (outcome) {
    case 'busy':
      return 'Busy';
    case 'no-answer':
      return 'NoAnswer';
    case 'cancelled':
      return 'Cancelled';
    case 'failed':
      return 'Failed';
  }
}
