/** What the config holds back of the calls: by their facts alone, and of calls that an operator names. */
import type { CallRecord } from '../../call/record.ts';
import { isBlotted } from '../../telephony/withheld.ts';
import { insideParties } from '../crm.ts';
import type { SkippedCode, Why } from '../parked/reasons.ts';
import type { DeliveryPolicy, UserPolicy } from '../policy.ts';
import { skipReason } from './filters.ts';

/** Why a call will not be posted, as far as its facts and the config tell; `null`: its lead and user decide. `now`: as of `skipReason`. */
export function heldBack(record: CallRecord, policy: DeliveryPolicy, now: number | null): Why<SkippedCode> | null {
  const filtered = skipReason(record, policy, now);
  if (filtered !== null) return filtered;
  if (record.direction === 'Internal') return insideParties(record) === null ? ONE_EXTENSION : null;
  if (policy.lead.anonymous !== 'skip' || !hasNoNumber(record)) return null;
  return { code: 'skip-no-number', reason: `${whyNoNumber(record)}; policy anonymous = "skip".` };
}

const ONE_EXTENSION: Why<SkippedCode> = {
  code: 'skip-one-extension',
  reason: 'Internal call of which the PBX told only one extension: LeadSquared takes none without the other.',
};

/** There is no number that a lead could have. Not for internal calls, which have no outside party. */
export const hasNoNumber = (record: CallRecord): boolean =>
  record.withheld || (record.externalE164 ?? record.external) === null;

/** Of a call for which `hasNoNumber` is true: half a sentence for the operator, without the number. */
export function whyNoNumber({ direction, external }: CallRecord): string {
  if (direction !== 'Inbound') return 'The PBX told no number that was called';
  return external !== null && isBlotted(external)
    ? 'The caller has a number of which digits are blotted out'
    : 'The caller showed no number';
}

/**
 * The policy for a call that an operator names: what the config leaves out by a list, by age or for want of a number, lead or user is
 * posted. Not so what needs another config, as LeadSquared would make a lead of a number of the company: internal calls where they are
 * skipped, and own numbers.
 */
export function asNamed(policy: DeliveryPolicy): DeliveryPolicy {
  const { lead, user } = policy;
  const posted = (steps: UserPolicy['unknown']) => steps.map((step) => (step === 'skip' ? 'omit' : step));
  return {
    ...policy,
    skip: { dids: [], trunks: [], extensions: [], numbers: [] },
    maxAgeMs: null,
    lead: {
      ...lead,
      unknown: lead.unknown === 'skip' ? 'let-crm-create' : lead.unknown,
      anonymous: lead.anonymous === 'skip' ? 'send' : lead.anonymous,
    },
    user: { ...user, unknown: posted(user.unknown), noAgent: posted(user.noAgent) },
  };
}
