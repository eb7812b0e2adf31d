/** What a finished call says about whether the numbers of its PBX are read right. */
import { outgoingNumber, type Writing } from '../call/numbering.ts';
import type { SourcePlan } from '../call/plan.ts';
import { type CallRecord, shortNumberOf } from '../call/record.ts';
import { skipReason } from '../delivery/parties/filters.ts';
import type { DeliveryPolicy } from '../delivery/policy.ts';
import { firstMatch } from '../telephony/endpoint.ts';
import { toE164 } from '../telephony/number.ts';
import { isBlotted } from '../telephony/withheld.ts';

/** Why a call of a customer has no number that LeadSquared could know. */
export type NumberTrouble =
  /** The caller showed none, and such calls are not posted. */
  | 'caller-hidden'
  /** What the trunk delivered as the caller is no number of its country. */
  | 'caller-unread'
  /** What was sent to the trunk is no number of its country. */
  | 'called-unread'
  /** The PBX did not tell what was sent to the trunk. */
  | 'called-unnamed'
  /** A phone dialled a short number and a trunk was used: internal, unless it is a speed dial. */
  | 'short-number';

/** A call that counts as one with a customer. */
export interface NumberSeen {
  readonly id: string;
  /** ms since the epoch. */
  readonly endedAt: number;
  readonly way: 'in' | 'out';
  /** `null`: the number is known. */
  readonly trouble: NumberTrouble | null;
  /** Endpoint; `null` where the PBX names none that lasts. */
  readonly trunk: string | null;
  /** The number as it was delivered or sent; of `short-number`: the one dialled. */
  readonly number: string | null;
}

/** Of the call only a part was heard: what it lacks says nothing about the PBX. */
const PARTLY_HEARD: ReadonlySet<string> = new Set(['blind-interval', 'start-unknown']);

/**
 * What the call says; `null` when nothing: calls between phones, calls that a filter leaves out, calls that were heard in part.
 * Numbers are read anew by the present config, so that what was wrong before a correction counts no more after it.
 */
export function numberSeen(record: CallRecord, plan: SourcePlan, policy: DeliveryPolicy): NumberSeen | null {
  if (record.flags.some((flag) => PARTLY_HEARD.has(flag))) return null;
  if (skipReason(record, { ...policy, internal: 'post', maxAgeMs: null }, 0) !== null) return null;
  const { callSessionId: id, endedAt, direction, external: number } = record;
  // Callers who hide their number come from a host of that name, whatever carrier they come by.
  const trunk = record.trunk?.endsWith('.invalid') === true ? null : record.trunk;
  switch (direction) {
    case 'Inbound':
      return { id, endedAt, way: 'in', trouble: callerTrouble(record, plan, policy), trunk, number };
    case 'Outbound':
      // Without a trunk there was no number that one could have taken: wrongly dialled, or not dialled at all.
      if (record.trunk === null) return null;
      return { id, endedAt, way: 'out', trouble: calledTrouble(record, plan), trunk, number };
    case 'Internal': {
      const short = policy.internal === 'skip' ? dialledAlone(record) : null;
      if (short === null) return null;
      const trouble = plan.speedDials?.some((one) => one.match(short) !== null) === true ? null : 'short-number';
      return { id, endedAt, way: 'out', trouble, trunk: null, number: short };
    }
  }
}

/** The short number dialled in a call that rang at nobody's desk. */
function dialledAlone(record: CallRecord): string | null {
  return record.agentsRung.length === 0 ? shortNumberOf(record) : null;
}

function callerTrouble(record: CallRecord, plan: SourcePlan, policy: DeliveryPolicy): NumberTrouble | null {
  const { external, externalE164, withheld } = record;
  if (withheld) {
    if (external !== null && externalE164 === null && isBlotted(external)) return 'caller-unread';
    return policy.lead.anonymous === 'skip' ? 'caller-hidden' : null;
  }
  if (externalE164 !== null || external === null) return null;
  const { country, format } = writingOf(plan, record.trunk);
  return toE164(external, country, format) === null ? 'caller-unread' : null;
}

function calledTrouble({ external, externalE164, trunk }: CallRecord, plan: SourcePlan): NumberTrouble | null {
  if (externalE164 !== null) return null;
  if (external === null) return 'called-unnamed';
  return outgoingNumber(external, null, writingOf(plan, trunk)).e164 === null ? 'called-unread' : null;
}

/** How numbers are written on a trunk, by the config. */
export function writingOf(plan: SourcePlan, trunk: string | null): Writing {
  const rule = trunk === null ? undefined : plan.trunks.find(({ match }) => firstMatch(match, trunk) !== null);
  return rule ?? { country: plan.country, format: 'auto' };
}
