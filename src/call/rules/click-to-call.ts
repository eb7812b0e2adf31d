/**
 * Click-to-call: the PBX was asked to ring the agent first and to call the customer then. The agent may be at a desk phone, or at a
 * telephone outside, as is usual with mobiles: then both legs leave by a trunk, and only the second one is the customer's.
 */
import { toE164 } from '../../telephony/number.ts';
import { isOwnNumber, mobileOwner } from '../numbering.ts';
import type { SourcePlan } from '../plan.ts';
import { type Channel, calledIn, rootOf, trunksOf } from '../state.ts';
import { type Case, isPhone } from './case.ts';

/** True for a leg the PBX was asked to call in order to connect it then, not one that a caller dialled. */
export function isOriginated(channel: Channel): boolean {
  return !calledIn(channel) && rootOf(channel.call) === channel && !dialledUnseen(channel);
}

/** True for what is left of a call whose caller has gone, or was never seen because the link was down at its beginning. */
function dialledUnseen(channel: Channel): boolean {
  const known = new Set([...channel.call.channels].map((one) => one.id));
  return channel.dials.some((dial) => dial.by !== null && !known.has(dial.by));
}

/** The outside number an originated call was meant for, when it never got as far as a trunk; `null` when it was not meant for outside. */
export function intendedNumber(plan: SourcePlan, root: Channel): string | null {
  if (!isOriginated(root) || !isPhone(root)) return null;
  const shown = root.dials.find((dial) => dial.presented !== null)?.presented ?? root.facts.caller.number;
  if (shown === null || shown === root.party.ext || toE164(shown, plan.country) === null) return null;
  return isOwnNumber(plan, shown) || mobileOwner(plan, shown) !== null ? null : shown;
}

/**
 * The agent's own leg, where the agent was rung first on an outside telephone that no setting names: an originated trunk leg that
 * then called another one. A customer who is called first is connected with phones; `null` also then.
 */
export function outsideAgent({ call, root, channels }: Case): Channel | null {
  if (root.party.side !== 'trunk' || !isOriginated(root)) return null;
  if (channels.some((channel) => channel !== root && isPhone(channel))) return null;
  return trunksOf(call).some((leg) => leg !== root && !calledIn(leg)) ? root : null;
}
