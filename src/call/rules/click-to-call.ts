/**
 * Click-to-call: the PBX was asked to ring the agent first and to call the customer then. The agent may be at a desk phone, or at a
 * telephone outside, as is usual with mobiles: then both legs leave by a trunk, and only the second one is the customer's.
 */
import { isExtensionLike } from '../../telephony/digits.ts';
import { toE164 } from '../../telephony/number.ts';
import { dialledUnseen } from '../known/caller-unheard.ts';
import { numberCalled } from '../known/routing.ts';
import { type Channel, calledIn, rootOf, trunksOf } from '../live/state.ts';
import { isOwnNumber, isSameNumber, mobileOwner } from '../numbering.ts';
import type { SourcePlan } from '../plan.ts';
import { type Case, isPhone } from './case.ts';

/** True for a leg the PBX was asked to call in order to connect it then, not one that a caller dialled. */
export function isOriginated(channel: Channel): boolean {
  return !calledIn(channel) && rootOf(channel.call) === channel && !dialledUnseen(channel);
}

/** The extension that the PBX was asked to connect with who is rung first, `null` when it did not say. */
function wantedExten(root: Channel): string | null {
  return [...root.call.channels].find((channel) => channel.wantedExten !== null)?.wantedExten ?? null;
}

/**
 * The outside number an originated call was meant for, when it never got as far as a trunk; `null` when it was not meant for
 * outside. What the PBX was asked to connect says it; else the number shown to the agent, which many set to the customer's.
 */
export function intendedNumber({ plan, root, unheard }: Case): string | null {
  if (!isOriginated(root) || !(isPhone(root) || isAskedAgent(plan, root))) return null;
  const wanted = wantedExten(root);
  if (isExtensionLike(wanted) || (wanted === null && unheard !== null)) return null;
  const shown = root.dials.find((dial) => dial.presented !== null)?.presented ?? root.facts.caller.number;
  const number = wanted !== null && toE164(wanted, plan.country) !== null ? wanted : shown;
  if (number === null || number === root.party.ext || toE164(number, plan.country) === null) return null;
  return isOwnNumber(plan, number) || mobileOwner(plan, number) !== null ? null : number;
}

/** True for a trunk leg that was rung in order to be connected with another outside number: the agent is at an outside telephone. */
function isAskedAgent(plan: SourcePlan, root: Channel): boolean {
  const wanted = wantedExten(root);
  if (root.party.side !== 'trunk' || wanted === null || toE164(wanted, plan.country) === null) return false;
  return !isSameNumber(wanted, numberCalled(root) ?? '');
}

/**
 * The agent's own leg, where the agent was rung first on an outside telephone that no setting names: an originated trunk leg that
 * then called another one, or was to. A customer who is called first is connected with phones; `null` also then.
 */
export function outsideAgent({ plan, call, root, channels }: Case): Channel | null {
  if (root.party.side !== 'trunk' || !isOriginated(root)) return null;
  if (channels.some((channel) => channel !== root && isPhone(channel))) return null;
  if (isAskedAgent(plan, root)) return root;
  return trunksOf(call).some((leg) => leg !== root && !calledIn(leg)) ? root : null;
}
