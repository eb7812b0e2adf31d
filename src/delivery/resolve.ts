/** Lead and user of one call. A CRM that cannot be asked is an answer (`later`), never an error. */
import type { CallRecord } from '../call/record.ts';
import type { Clock } from '../ports.ts';
import { isBlotted } from '../telephony/withheld.ts';
import type { Lead, Priority, Reply, Resolution } from './crm.ts';
import { isOwn, skipReason } from './filters.ts';
import { chooseLead, type Leads } from './leads.ts';
import type { DeliveryPolicy } from './policy.ts';
import type { UserStore } from './store.ts';
import type { Users } from './users.ts';

export type Resolved =
  | { readonly kind: 'send'; readonly resolution: Resolution }
  | { readonly kind: 'skip' | 'park'; readonly reason: string }
  /** `reply`: what the CRM said, `null` when the users are not known yet. */
  | { readonly kind: 'later'; readonly reason: string; readonly reply: Reply<unknown> | null };

type LeadResult =
  | { readonly kind: 'lead'; readonly id: string | null; readonly ownerId: string | null }
  | Exclude<Resolved, { kind: 'send' }>;

export type Resolve = (record: CallRecord, priority: Priority) => Promise<Resolved>;

export function createResolve(parts: {
  leads: Leads;
  users: Users;
  userStore: UserStore;
  clock: Clock;
  policy: DeliveryPolicy;
}): Resolve {
  const { leads, users, userStore, clock, policy } = parts;

  async function leadOf(record: CallRecord, priority: Priority): Promise<LeadResult> {
    const number = record.externalE164 ?? record.external;
    // Between two extensions there is nobody to look up, and no number that could be hidden.
    if (record.direction === 'Internal') return NO_LEAD;
    if (number === null || record.withheld) return anonymous(policy, record);
    if (isOwn(policy, record.externalE164, record.external)) return NO_LEAD;
    const answer = await leads.find(number, priority);
    if (answer.kind === 'failed') return lookupFailed(answer.reply);
    const lead = chooseLead(answer.leads, record.externalName, policy.lead.several);
    if (lead !== null) {
      if (!answer.cached) await leads.remember(number, lead);
      return { kind: 'lead', id: lead.id, ownerId: lead.ownerId };
    }
    if (answer.leads.length > 1) {
      return { kind: 'park', reason: `${answer.leads.length} leads have this number; policy several = "park".` };
    }
    if (!answer.cached) await leads.remember(number, null);
    return unknownLead(number, priority);
  }

  async function unknownLead(number: string, priority: Priority): Promise<LeadResult> {
    switch (policy.lead.unknown) {
      case 'let-leadsquared-create':
        return NO_LEAD;
      case 'park':
        return { kind: 'park', reason: 'No lead has this number; create it in LeadSquared, then replay.' };
      case 'skip':
        return { kind: 'skip', reason: 'No lead has this number; policy unknown = "skip".' };
      case 'capture': {
        const reply = await leads.capture(number, priority);
        if (reply.kind !== 'accepted' || reply.value === null) return lookupFailed(reply);
        const lead: Lead = { id: reply.value, name: null, ownerId: null, phone: number, mobile: null };
        await leads.remember(number, lead);
        return { kind: 'lead', id: lead.id, ownerId: null };
      }
    }
  }

  async function userOf(record: CallRecord, ownerId: string | null): Promise<Resolved | { id: string | null }> {
    let why: string | null = null;
    for (const extension of answerable(record)) {
      const of = { extension, source: record.source, domain: record.agentDomain };
      const match = users.match(of);
      if (match.kind === 'not-yet') return NOT_YET;
      const userId = match.kind === 'known' ? match.id : null;
      await userStore.seen({ extension: of.extension, domain: of.domain, at: record.endedAt, userId });
      if (match.kind === 'known') return { id: match.id };
      why ??= match.why;
    }
    for (const step of policy.user.unknown) {
      if (step === 'lead-owner' && ownerId !== null) return { id: ownerId };
      if (step === 'default-user') {
        const fallback = users.fallback();
        if (fallback?.kind === 'not-yet') return NOT_YET;
        if (fallback?.kind === 'known') return { id: fallback.id };
      }
      if (step === 'omit') return { id: null };
      if (step === 'skip') return { kind: 'skip', reason: `No user: ${why ?? whyNobody(record)}.` };
      if (step === 'park') break;
    }
    return {
      kind: 'park',
      reason: `No user: ${why ?? whyNobody(record)}; ${why === null ? remedyOf(record) : REMEDY}, then replay.`,
    };
  }

  return async (record, priority) => {
    const skip = skipReason(record, policy, clock.now());
    if (skip !== null) return { kind: 'skip', reason: skip };
    await users.settled();
    const lead = await leadOf(record, priority);
    if (lead.kind !== 'lead') return lead;
    const user = await userOf(record, lead.ownerId);
    if ('kind' in user) return user;
    return { kind: 'send', resolution: { leadId: lead.id, userId: user.id } };
  };
}

const REMEDY = 'correct the users file';

const isOutside = ({ reasons }: CallRecord) => reasons?.agent.rule === 'outside-telephone-of-nobody';

/** Why the call is nobody's. */
export function whyNobody(record: CallRecord): string {
  return isOutside(record) ? (record.reasons?.agent.fact ?? '') : 'no agent took or was offered the call';
}

function remedyOf(record: CallRecord): string {
  return isOutside(record) ? 'add it there and derive the call again (sessions rederive --apply)' : REMEDY;
}

/** Whose call it is; where that is the line of a group or queue that no user has, the phone of it that rang last answers for it. */
function answerable({ responsible, agent, agentsRung }: CallRecord): readonly string[] {
  if (responsible === null) return [];
  const last = agent === null && !agentsRung.includes(responsible) ? agentsRung.at(-1) : undefined;
  return last === undefined ? [responsible] : [responsible, last];
}

const NO_LEAD: LeadResult = { kind: 'lead', id: null, ownerId: null };
const NOT_YET: Resolved = { kind: 'later', reason: 'The users of LeadSquared are not known yet.', reply: null };

function anonymous({ lead }: DeliveryPolicy, record: CallRecord): LeadResult {
  if (lead.anonymous === 'send') return NO_LEAD;
  return { kind: lead.anonymous, reason: `${whyNoNumber(record)}; policy anonymous = "${lead.anonymous}".` };
}

function whyNoNumber({ direction, external }: CallRecord): string {
  if (direction !== 'Inbound') return 'The PBX told no number that was called';
  return external !== null && isBlotted(external)
    ? 'The caller has a number of which digits are blotted out'
    : 'The caller showed no number';
}

function lookupFailed(reply: Reply<unknown>): LeadResult {
  if (reply.kind === 'rejected')
    return { kind: 'park', reason: `LeadSquared refused the lead lookup: ${reply.message}` };
  return { kind: 'later', reason: `The lead could not be looked up: ${reply.message}`, reply };
}
