/** Which lead a call has, or why it has none. */
import type { CallRecord } from '../../call/record.ts';
import type { ReasonCode } from '../../delivery/parked/reasons.ts';
import type { Delivery } from '../../delivery/store.ts';
import type { Store } from './lookup.ts';

/** Lead of a call, as `calls show` tells it. */
export async function leadOf(store: Pick<Store, 'leadCache'>, record: CallRecord, delivery: Delivery | null) {
  const number = record.externalE164 ?? record.external;
  const id = delivery?.leadId ?? null;
  const nobody = { id, name: null, ownerId: null };
  if (record.direction === 'Internal') return { ...nobody, how: 'not looked up: an internal call' };
  if (number === null || record.withheld) return { ...nobody, how: 'the caller showed no number' };
  const known = await store.leadCache.get({ number });
  const { lead = null } = known ?? {};
  if (id === null) {
    if (delivery !== null && delivery.tries > 0)
      return { ...nobody, how: 'posted without a lead: none had the number' };
    if (delivery !== null && isUnsettled(delivery))
      return { ...nobody, how: 'not settled: the call is parked for that' };
    if (delivery?.step === 'look-up') return { ...nobody, how: 'not looked up yet' };
    if (known === null) return { ...nobody, how: `none is known; ${untaken(delivery)}` };
    if (lead === null) return { ...nobody, how: 'no lead has the number' };
    return { id: lead.id, name: lead.name, ownerId: lead.ownerId, how: `has the number; ${untaken(delivery)}` };
  }
  if (lead?.id !== id) return { ...nobody, how: 'found by the number' };
  return { id, name: lead.name, ownerId: lead.ownerId, how: 'found by the number' };
}

/** Codes of calls whose lookup did not end with one lead, or none: what an earlier or later one found is not theirs. */
const UNSETTLED: ReadonlySet<string> = new Set<ReasonCode>([
  'several-leads',
  'lookup-refused',
  'lookup-failed',
  'lead-refused',
]);

/** Whether it is parked because its lead could not be told. */
export const isUnsettled = ({ state, code }: Pick<Delivery, 'state' | 'code'>): boolean =>
  state === 'parked' && code !== null && UNSETTLED.has(code);

/** Why a call has no lead although one is known that has its number. */
export function untaken(delivery: Pick<Delivery, 'state'> | null): string {
  if (delivery === null) return 'the call is not to be posted';
  const { state } = delivery;
  return state === 'parked' || state === 'skipped'
    ? `the call was ${state} before it was posted`
    : 'the call was not posted yet';
}
