/** Mailboxes: a message left, or a greeting in which the caller hung up. */
import { type Case, calledLegs, isPhone } from './case.ts';

/** True when somebody left a message. */
export function leftMessage({ channels }: Case): boolean {
  return channels.some((channel) => channel.voicemailAt !== null && !channel.readsMailbox);
}

/** By what it is known that the caller reached a mailbox, `null` when nothing says so. */
export function mailboxReached({ channels }: Case): string | null {
  return channels.find((channel) => channel.voicemailFact !== null)?.voicemailFact ?? null;
}

/**
 * True when the PBX had given up on the agents before the caller went: phones had been called, none is being called any more and
 * the caller does not wait in a queue. What he hears then is a greeting or an announcement.
 */
export function agentsGivenUp(of: Case): boolean {
  const { root } = of;
  const at = root.hangupRequestedAt ?? root.clearedAt ?? of.until;
  const waiting = root.queues.some((stay) => stay.reason === 'left' || (stay.from <= at && (stay.to ?? at) >= at));
  if (waiting) return false;
  const legs = calledLegs(of.channels).filter((leg) => isPhone(leg) || leg.call === of.call);
  const over = (leg: (typeof legs)[number]) => {
    const { endedAt = null, result = null, forwardedTo = null } = leg.dials.at(-1) ?? {};
    // An agent who has answered is there until he hangs up, whether or not he has been connected.
    const ended = result === 'answer' ? leg.clearedAt : (endedAt ?? leg.clearedAt);
    // A leg that ended because the caller had gone was still being called; one that sent the call on (302) is not.
    return ended !== null && ended <= at && (result !== 'cancel' || forwardedTo !== null);
  };
  const rung = legs.filter((leg) => leg.dials.at(-1)?.result !== 'elsewhere');
  return rung.length > 0 && rung.every(over);
}
