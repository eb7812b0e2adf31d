import { type CallRecord, EXTENSION_DIALLED } from '../../call/record.ts';
import type { SkippedCode, Why } from '../parked/reasons.ts';
import type { DeliveryPolicy } from '../policy.ts';
import type { Delivery } from '../store.ts';

/** True when a pattern is the whole value, or its beginning where the pattern ends in `*`. */
export function matches(patterns: readonly string[], value: string | null): boolean {
  if (value === null) return false;
  return patterns.some((p) => (p.endsWith('*') ? value.startsWith(p.slice(0, -1)) : p === value));
}

/** True when the number is one of our own: a DID or an extension. It is never looked up and never made a lead. */
export function isOwn(policy: DeliveryPolicy, e164: string | null, raw: string | null): boolean {
  return matches(policy.own, e164) || matches(policy.own, raw) || policy.user.rows.some((row) => row.extension === raw);
}

const why = (code: SkippedCode, reason: string): Why<SkippedCode> => ({ code, reason });

/**
 * When the age of a call is asked, ms since the epoch: where it is stored, and where an operator sends it again. Never while it is on its
 * way: one that waits for the CRM, however long, is not left out for it.
 */
export function ageAskedAt(row: Pick<Delivery, 'state' | 'createdAt'> | null, now: number): number {
  return row === null || row.state === 'parked' || row.state === 'skipped' ? now : row.createdAt;
}

/** A whole number of hours, or of minutes. */
const lengthOf = (ms: number): string =>
  ms % 3_600_000 === 0 ? `${ms / 3_600_000} h` : `${Math.round(ms / 60_000)} min`;

/** Why this call is not to be posted; `null` when it is. `now`: ms since the epoch, `null`: its age was asked before. */
export function skipReason(record: CallRecord, policy: DeliveryPolicy, now: number | null): Why<SkippedCode> | null {
  const { skip } = policy;
  if (record.direction === 'Internal' && policy.internal === 'skip') {
    const reason =
      record.reasons?.direction.rule === EXTENSION_DIALLED
        ? 'Internal call that left by a trunk: an extension or group was dialled; if it is a speed dial, name it in "speed_dials".'
        : 'Internal call between two extensions; set "internal" to "post" to send such calls.';
    return why('skip-internal', reason);
  }
  if (now !== null && policy.maxAgeMs !== null && now - record.endedAt > policy.maxAgeMs) {
    return why('skip-old', `The call ended more than ${lengthOf(policy.maxAgeMs)} ago, the configured maximum age.`);
  }
  if (matches(skip.dids, record.did) || matches(skip.dids, record.didE164)) {
    return why('skip-filter', `Filter: called number ${record.did ?? ''}.`);
  }
  if (matches(skip.trunks, record.trunk)) return why('skip-filter', `Filter: trunk ${record.trunk ?? ''}.`);
  const inTenant = record.agentDomain === null ? null : `${record.agent}@${record.agentDomain}`;
  if (matches(skip.extensions, record.agent) || (record.agent !== null && matches(skip.extensions, inTenant))) {
    return why('skip-filter', `Filter: extension ${inTenant ?? record.agent}.`);
  }
  if (matches(skip.numbers, record.external) || matches(skip.numbers, record.externalE164)) {
    return why('skip-filter', 'Filter: number of the other party.');
  }
  if (record.direction !== 'Internal' && isOwn(policy, record.externalE164, record.external)) {
    return why('skip-own-number', 'The other party is one of our own numbers.');
  }
  return null;
}
