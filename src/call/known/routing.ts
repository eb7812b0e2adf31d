/**
 * Where a call leads, as evidence of where it comes from: who calls a number of the company from outside reaches a phone, or is
 * led on to another number; who dials an outside number from inside has that very number sent to a trunk.
 */
import { isHidden, isWithheld, toE164 } from '../../telephony/number.ts';
import { beganKnown, type Call, type Channel, calledIn, rootOf } from '../live/state.ts';
import { isOwnNumber, isSameNumber, lineOf } from '../numbering.ts';
import type { SourcePlan } from '../plan.ts';
import { userOf } from './extension.ts';

/** `incoming`: from the telephone network; `outgoing`: what was dialled is sent to it; `inside`: from a phone to another. */
export type Routing = 'incoming' | 'outgoing' | 'inside';

/** How the PBX called a leg: by a number of the telephone network, or by the name of its endpoint alone. */
export type CalledBy = 'number' | 'name';

/** The number by which the PBX called a channel, as the dial attempt told it, else as the channel shows it. */
export function numberCalled(channel: Channel): string | null {
  return channel.dials.find((dial) => dial.number !== null)?.number ?? channel.facts.dialled;
}

/** `null` for a channel that called in, or of whose dialling nothing was heard. */
export function calledBy(plan: SourcePlan, channel: Channel): CalledBy | null {
  if (calledIn(channel) || channel.facts.wire !== null || channel.dials.length === 0) return null;
  const number = numberSent(channel);
  if (number === null) return 'name';
  return toE164(number, plan.country) === null ? null : 'number';
}

/** The number sent to a leg, `null` where it was called by its name alone. */
function numberSent(channel: Channel): string | null {
  const number = numberCalled(channel);
  return number === userOf(channel.facts.endpoint) ? null : number;
}

/** What the numbers of the channel that began the call, and the legs that were called for it, say; `null` when they say nothing. */
export function routingOf(plan: SourcePlan, call: Call): Routing | null {
  const root = rootOf(call);
  if (root === undefined || !calledIn(root)) return null;
  const { caller, dialled, endpoint } = root.facts;
  const ownName = caller.number === userOf(endpoint);
  const network = toE164(caller.number, plan.country) !== null;
  const outside = network && !ownName && !isOwnNumber(plan, caller.number ?? '');
  const toNetwork = dialled !== null && toE164(dialled, plan.country) !== null;
  let legs = 0;
  for (const leg of call.channels) {
    if (leg === root || leg.facts.wire !== null || calledIn(leg)) continue;
    legs += 1;
    const sent = toNetwork ? numberSent(leg) : null;
    if (sent !== null && dialled !== null && isSameNumber(sent, dialled)) return 'outgoing';
  }
  // Nobody hides from his own PBX; and a phone that shows the company's number sends what it dials to a trunk.
  if ((outside || (!ownName && isHidden(caller.number))) && reachesCompany(plan, root, toNetwork))
    return legs > 0 || isTakenByPbx(root) ? 'incoming' : null;
  if (outside) return null;
  // A carrier shows a number of the network, or a word for none; a phone its extension, or the name of its account.
  if (!ownName && (network || isWithheld(caller.number))) return null;
  return dialled !== null && !toNetwork ? 'inside' : null;
}

/**
 * True where what an outside caller dialled is what carriers deliver: a number of the network, the end of a line of the company, the
 * account that the PBX has with the carrier, or nothing at all. Phones dial something, and not themselves.
 */
function reachesCompany(plan: SourcePlan, channel: Channel, toNetwork: boolean): boolean {
  const { dialled, endpoint } = channel.facts;
  // A list may not tell the number.
  if (dialled === null) return beganKnown(channel);
  return toNetwork || dialled === userOf(endpoint) || lineOf(plan, dialled) !== null;
}

/** The PBX answered the caller itself, or let him wait: with a menu, a queue, an announcement. */
function isTakenByPbx({ answeredAt, queues }: Channel): boolean {
  return answeredAt !== null || queues.length > 0;
}
