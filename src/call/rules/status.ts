/** Status of a call: answered by a person, or what kept it from being answered. */
import { dispositionOf, isNoSuchNumber } from '../../telephony/cause.ts';
import { type Conclusion, decide, type Rule } from '../evidence.ts';
import { type Channel, calledIn } from '../live/state.ts';
import type { CallStatus, Direction } from '../record.ts';
import { type Case, calledLegs, isPhone, shown } from './case.ts';
import { placedBy } from './click-to-call.ts';
import { agentsGivenUp, leftMessage, mailboxReached } from './voicemail.ts';

interface Asked {
  readonly of: Case;
  readonly external: Channel | null;
  readonly answeredAt: number | null;
}

type StatusRule = Rule<Asked, CallStatus>;

/** A call with an answer. */
const ANSWERED: readonly StatusRule[] = [
  {
    name: 'taken-by-a-phone-not-heard',
    find: ({ of: { unheard } }) =>
      unheard !== null && unheard.takenAt !== null
        ? { value: 'Answered', fact: 'the phones lost the race to another one, which was not heard' }
        : null,
  },
  {
    name: 'person-connected',
    find: () => ({ value: 'Answered', fact: 'a person on the other side was connected' }),
  },
];

const MESSAGE: StatusRule = {
  name: 'message-left',
  find: ({ of }) => (leftMessage(of) ? { value: 'Voicemail', fact: 'a message was left' } : null),
};

/**
 * An inbound call that no person answered. The caller's own clearing says little (a PBX may end an unanswered call with "normal
 * clearing"), so what counts is who hung up, a message left, and how the dialled phones answered.
 */
const INBOUND: readonly StatusRule[] = [
  MESSAGE,
  {
    name: 'caller-not-heard',
    find: ({ external }) =>
      external === null
        ? { value: 'Missed', fact: 'no phone that was heard of answered; the caller was not heard' }
        : null,
  },
  {
    name: 'hung-up-in-a-greeting',
    find: ({ of }) => {
      const fact = hungUp(of) ? mailboxReached(of) : null;
      return fact === null
        ? null
        : { value: 'Missed', fact: `the caller heard the greeting of a mailbox (${fact}) and left nothing` };
    },
  },
  {
    name: 'agents-given-up',
    find: ({ of }) => {
      // Without an answer the caller hears the phones ring, or why not.
      const announced = of.root.answeredAt !== null;
      if (!hungUp(of) || !announced || !agentsGivenUp(of)) return null;
      return { value: 'Missed', fact: 'the PBX had given up on the agents before the caller hung up' };
    },
  },
  {
    name: 'caller-hung-up',
    find: ({ of }) => (hungUp(of) ? { value: 'Abandoned', fact: 'the caller hung up before anybody answered' } : null),
  },
  {
    name: 'busy',
    find: ({ of: { root, channels } }) => {
      const phones = calledLegs(channels).filter((channel) => channel !== root);
      const busy = phones.length > 0 && phones.every((phone) => outcomeOf(phone) === 'busy');
      if (root.clearing?.q850 === 17) return { value: 'Busy', fact: 'the caller was told so (Q.850 17)' };
      return busy && root.answeredAt === null ? { value: 'Busy', fact: 'every phone called was busy' } : null;
    },
  },
  {
    name: 'number-does-not-exist',
    find: ({ of: { root, channels } }) => {
      const nobody = calledLegs(channels).every((channel) => channel === root) && root.answeredAt === null;
      return nobody && isNoSuchNumber(root.clearing)
        ? { value: 'Failed', fact: 'the PBX does not know the number called' }
        : null;
    },
  },
  {
    name: 'who-hung-up-untold',
    find: ({ of: { root, channels } }) => {
      if (root.facts.hangsUpUntold !== true || root.hangupRequestedAt !== null) return null;
      const untold = `${shown(root)} does not tell who hung up`;
      const called = calledLegs(channels).some((channel) => channel !== root);
      return called || root.answeredAt === null
        ? { value: 'Missed', fact: `nobody answered; ${untold}` }
        : { value: 'Abandoned', fact: `${untold}; nobody had been called, so most likely the caller` };
    },
  },
  { name: 'pbx-gave-up', find: () => ({ value: 'Missed', fact: 'the PBX ended the call' }) },
];

/** True when the caller ended the call. A refusal by the PBX ends the caller's SIP session as if he had left. */
function hungUp(of: Case): boolean {
  const { root } = of;
  const sip = root.clearing?.sip ?? 0;
  const refused = root.answeredAt === null && sip >= 400 && sip !== 487;
  return !refused && (root.hangupRequestedAt !== null || leftWhileCalling(of));
}

/** The PBX did not say who hung up (its filter, or a driver, may leave that out), but it cancelled what it was doing for the caller. */
function leftWhileCalling({ root, channels }: Case): boolean {
  if (root.endedByPbxAlone) return false;
  if (root.queues.at(-1)?.reason === 'left') return true;
  const dials = channels.flatMap((one) => one.dials.filter((dial) => dial.by === root.id));
  const last = Math.max(...dials.map((dial) => dial.at));
  return dials.some((dial) => dial.at === last && dial.result === 'cancel' && dial.forwardedTo === null);
}

/** Q.850: the called person rejected the call. */
const CALL_REJECTED = 21;

/** An outbound call that was not answered. `external`: the customer's leg, `null` when none was dialled. */
const OUTBOUND: readonly StatusRule[] = [
  {
    name: 'no-leg-heard-of',
    find: ({ of: { root }, external }) => {
      if (external !== null || !calledIn(root)) return null;
      if (root.hangupRequestedAt !== null) return { value: 'Cancelled', fact: `${shown(root)} hung up` };
      if (root.blind || root.endBetween !== null)
        return { value: 'NoAnswer', fact: 'no answer was heard of; the PBX was not heard all the time' };
      return { value: 'Failed', fact: 'no trunk took the call' };
    },
  },
  {
    name: 'agent-not-reached',
    find: ({ of, external }) => {
      if (external !== null) return null;
      const leg = placedBy(of);
      const rung = leg.answeredAt === null ? (of.originated?.first ?? [leg]) : [leg];
      if (rung.every(refused)) return { value: 'Cancelled', fact: `${shown(leg)} refused the click-to-call` };
      if (leg.answeredAt !== null)
        return { value: 'Cancelled', fact: `${shown(leg)} hung up before the customer was dialled` };
      return { value: 'NoAnswer', fact: `${shown(leg)} did not take the click-to-call` };
    },
  },
  {
    name: 'agent-hung-up',
    find: ({ of, external }) => {
      const leg = placedBy(of);
      return external !== null && leg !== external && gaveUp(leg, external)
        ? { value: 'Cancelled', fact: `${shown(leg)} hung up before an answer` }
        : null;
    },
  },
  { name: 'how-the-leg-ended', find: ({ of, external }) => ended(external ?? of.root) },
];

/** Whoever was called did not want the call. */
function refused(leg: Channel): boolean {
  return outcomeOf(leg) === 'busy' || leg.clearing?.q850 === CALL_REJECTED;
}

/** An internal call that was not answered. */
const INTERNAL: readonly StatusRule[] = [
  MESSAGE,
  {
    name: 'caller-hung-up',
    find: ({ of: { root, channels } }) => {
      const at = root.hangupRequestedAt;
      const last = lastPhone(root, channels);
      if (at === null || (last !== undefined && endedBefore(last, at))) return null;
      return { value: 'Cancelled', fact: `${shown(root)} hung up` };
    },
  },
  {
    name: 'how-the-leg-ended',
    find: ({ of: { root, channels } }) => {
      const last = lastPhone(root, channels);
      if (last !== undefined) return ended(last);
      return isNoSuchNumber(root.clearing)
        ? { value: 'Failed', fact: 'the PBX does not know the number dialled' }
        : { value: 'NoAnswer', fact: 'nobody was reached' };
    },
  },
];

/** The phone that the PBX called last for an internal call. */
function lastPhone(root: Channel, channels: readonly Channel[]): Channel | undefined {
  return channels.findLast((channel) => channel !== root && isPhone(channel));
}

const RULES: Readonly<Record<Direction, readonly StatusRule[]>> = {
  Inbound: INBOUND,
  Outbound: OUTBOUND,
  Internal: INTERNAL,
};

export function statusOf(direction: Direction, asked: Asked): Conclusion<CallStatus> {
  return decide(asked.answeredAt === null ? RULES[direction] : ANSWERED, asked);
}

/** The one who dialled hung up before the leg had ended by itself: not in the tone or announcement that follows. */
function gaveUp(root: Channel, leg: Channel): boolean {
  if (root.hangupRequestedAt === null) return false;
  if (endedBefore(leg, root.hangupRequestedAt)) return false;
  return leg.hangupRequestedAt === null || root.hangupRequestedAt < leg.hangupRequestedAt;
}

/** The leg was over before `at`, ms since the epoch, or the PBX had given up on it. */
function endedBefore(leg: Channel, at: number): boolean {
  const { endedAt = null, result = null } = leg.dials.at(-1) ?? {};
  const told = result === 'cancel' ? null : endedAt;
  return [leg.clearedAt, told].some((over) => over !== null && over < at);
}

function outcomeOf(channel: Channel): ReturnType<typeof dispositionOf> {
  return dispositionOf(channel.clearing, channel.dials.at(-1)?.result ?? null);
}

const STATUS: Readonly<Record<ReturnType<typeof dispositionOf>, CallStatus>> = {
  busy: 'Busy',
  'no-answer': 'NoAnswer',
  cancelled: 'Cancelled',
  failed: 'Failed',
};

function ended(leg: Channel): { readonly value: CallStatus; readonly fact: string } {
  const result = leg.dials.at(-1)?.result ?? 'no result told';
  const { q850 = null, sip = null } = leg.clearing ?? {};
  const cause = [q850 === null ? '' : ` Q.850 ${q850}`, sip === null ? '' : ` SIP ${sip}`].join('');
  return { value: STATUS[outcomeOf(leg)], fact: `${shown(leg)}: ${result}${cause}` };
}
