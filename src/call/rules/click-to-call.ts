/**
 * Click-to-call: the PBX was asked to ring the agent first and to call the customer then. The agent may be at a desk phone, or at a
 * telephone outside, as is usual with mobiles: then both legs leave by a trunk, and only the second one is the customer's.
 */
import { isExtensionLike } from '../../telephony/digits.ts';
import { toE164 } from '../../telephony/number.ts';
import type { Channel } from '../live/state.ts';
import { isOwnNumber, mobileOwner } from '../numbering.ts';
import { connectionsOf } from '../talk.ts';
import { type Case, isPhone } from './case.ts';

const isTrunk = ({ party }: Channel): boolean => party.side === 'trunk';

/**
 * The outside number an originated call was meant for, when it never got as far as a trunk; `null` when it was not meant for
 * outside. What the PBX was asked to connect says it; else the number shown to the agent, which many set to the customer's.
 */
export function intendedNumber(of: Case): string | null {
  const { plan, originated, unheard } = of;
  if (originated === null || !originated.agentFirst || isWithdrawn(of)) return null;
  const { wanted } = originated;
  if (isExtensionLike(wanted) || (wanted === null && unheard !== null)) return null;
  const phone = originated.first.find(isPhone);
  const shown = phone?.dials.find((dial) => dial.presented !== null)?.presented ?? phone?.facts.caller.number ?? null;
  const number = wanted !== null && toE164(wanted, plan.country) !== null ? wanted : shown;
  if (number === null || number === phone?.party.ext || toE164(number, plan.country) === null) return null;
  return isOwnNumber(plan, number) || mobileOwner(plan, number) !== null ? null : number;
}

/**
 * True where nothing came of it for another reason than the agent's: the phone lost the race to a device that is rung as a call of its
 * own, or the agent met the outside party elsewhere, as in a conference to which the PBX has called both.
 */
function isWithdrawn(of: Case): boolean {
  const leg = agentLeg(of) ?? of.root;
  if (leg.answeredAt === null) return leg.dials.at(-1)?.result === 'elsewhere';
  return connectionsOf(leg, leg.clearedAt ?? of.until).some(({ others }) => others.some(isTrunk));
}

/**
 * The agent's own leg of a call that the PBX was asked to make, where the agent was rung first: the one of that side that was answered
 * last before the customer was called, since a group, a queue or a follow-me may ring several. `null` where the customer was first.
 */
export function agentLeg(of: Case): Channel | null {
  const { root, originated } = of;
  if (originated === null || !originated.agentFirst) return null;
  const until = customerLegs(of)[0]?.createdAt ?? Number.POSITIVE_INFINITY;
  const answered = originated.first.filter(({ answeredAt }) => answeredAt !== null && answeredAt <= until);
  if (answered.length === 0) return originated.first.find(isPhone) ?? originated.first[0] ?? root;
  return answered.reduce((a, b) => ((b.answeredAt ?? 0) >= (a.answeredAt ?? 0) ? b : a));
}

/** The leg of whoever placed the call: the one that began it, or where the PBX was asked to, that of the agent who took it. */
export function placedBy(of: Case): Channel {
  return agentLeg(of) ?? of.root;
}

/** The agent's own leg, where he took the call on an outside telephone that no setting names. */
export function outsideAgent(of: Case): Channel | null {
  const leg = agentLeg(of);
  return leg !== null && isTrunk(leg) ? leg : null;
}

/** The legs to the customer that left by a trunk, of a call that the PBX was asked to make; in the order in which they became known. */
export function customerLegs({ call, originated }: Case): Channel[] {
  if (originated === null) return [];
  const side = originated.agentFirst ? originated.other : originated.first;
  return side.filter((leg) => isTrunk(leg) && leg.call === call);
}
