/** Lead and user of one call. A CRM that cannot be asked is an answer (`later`), never an error. */
import type { CallRecord } from '../../call/record.ts';
import type { Asking } from '../../permits/port.ts';
import type { Lead, Reply, Resolution } from '../crm.ts';
import type { ParkedCode, SkippedCode, Why } from '../parked/reasons.ts';
import type { DeliveryPolicy } from '../policy.ts';
import type { UserStore } from '../store.ts';
import { isOwn } from './filters.ts';
import { asNamed, hasNoNumber, heldBack, whyNoNumber } from './held-back.ts';
import { choiceOf, choicesIn, chooseLead, type Leads } from './leads.ts';
import type { Users } from './users.ts';

/** `reply`: what the CRM said last; `null`: it was not asked. */
export type Resolved = { readonly reply: Reply<unknown> | null } & (
  | {
      readonly kind: 'send';
      readonly resolution: Resolution;
      /** Which of several leads was taken; `null` where there was no choice. */
      readonly choice: string | null;
    }
  /** `later`: the CRM could not say. `waits`: its users are not known yet, which is no fault of the call. */
  | ({ readonly kind: 'skip' } & Why<SkippedCode>)
  | ({
      readonly kind: 'park';
      /** The leads among which none may be chosen. */
      readonly choice?: string;
    } & Why<ParkedCode>)
  | { readonly kind: 'later' | 'waits'; readonly reason: string }
);

type LeadResult =
  | {
      readonly kind: 'lead';
      readonly id: string | null;
      readonly ownerId: string | null;
      readonly choice: string | null;
      readonly reply: Reply<unknown> | null;
    }
  | Exclude<Resolved, { kind: 'send' }>;

/**
 * Lead and user of one call. `named`: an operator named it, so that what the config leaves out does not hold it back. Rejects only when
 * delivery is stopping, or the store fails.
 */
export type Resolve = (record: CallRecord, asking: Asking, named: boolean) => Promise<Resolved>;

export function createResolve(parts: ResolveParts): Resolve {
  const usual = resolver(parts);
  const byHand = resolver({ ...parts, policy: asNamed(parts.policy) });
  return (record, asking, named) => (named ? byHand : usual)(record, asking);
}

interface ResolveParts {
  leads: Leads;
  users: Users;
  userStore: UserStore;
  policy: DeliveryPolicy;
  /** The CRM's name, for messages. */
  crm: string;
}

function resolver(parts: ResolveParts): (record: CallRecord, asking: Asking) => Promise<Resolved> {
  const { leads, users, userStore, policy, crm } = parts;
  const notYet: Exclude<Resolved, { kind: 'send' }> = {
    kind: 'waits',
    reason: `The users of ${crm} are not known yet.`,
    reply: null,
  };

  async function leadOf(record: CallRecord, asking: Asking): Promise<LeadResult> {
    const number = record.externalE164 ?? record.external;
    // Between two extensions there is nobody to look up, and no number that could be hidden.
    if (record.direction === 'Internal') return NO_LEAD;
    if (number === null || hasNoNumber(record)) return anonymous(policy, record);
    if (isOwn(policy, record.externalE164, record.external)) return NO_LEAD;
    const answer = await leads.find(number, asking);
    if (answer.kind === 'failed') return lookupFailed(crm, answer.reply);
    const { reply } = answer;
    const lead = chooseLead(answer.leads, record.externalName, policy.lead.several);
    if (lead !== null) {
      if (reply !== null) await leads.remember(number, lead);
      const choice = choiceOf(lead, policy.lead.several);
      return { kind: 'lead', id: lead.id, ownerId: lead.ownerId, choice, reply };
    }
    if (answer.leads.length > 1) {
      const reason = `${answer.leads.length} leads have this number; policy several = "park".`;
      return { kind: 'park', code: 'several-leads', reason, choice: choicesIn(answer.leads), reply };
    }
    if (reply !== null) await leads.remember(number, null);
    return unknownLead(number, asking, reply);
  }

  async function unknownLead(number: string, asking: Asking, reply: Reply<unknown> | null): Promise<LeadResult> {
    switch (policy.lead.unknown) {
      case 'let-crm-create':
        return { ...NO_LEAD, reply };
      case 'park':
        return { kind: 'park', code: 'no-lead', reason: 'No lead has this number; policy unknown = "park".', reply };
      case 'skip':
        return {
          kind: 'skip',
          code: 'skip-no-lead',
          reason: 'No lead has this number; policy unknown = "skip".',
          reply,
        };
      case 'capture': {
        const made = await leads.capture(number, asking);
        if (made.kind !== 'accepted' || made.value === null) return captureFailed(crm, made);
        const lead: Lead = { id: made.value, name: null, ownerId: null, phone: number, mobile: null, captured: true };
        await leads.remember(number, lead);
        return { kind: 'lead', id: lead.id, ownerId: null, choice: null, reply: made };
      }
    }
  }

  async function userOf(
    record: CallRecord,
    ownerId: string | null,
  ): Promise<Exclude<Resolved, { kind: 'send' }> | { id: string | null }> {
    let why: string | null = null;
    let passed = '';
    for (const extension of answerable(record)) {
      const of = { extension, source: record.source, domain: record.agentDomain };
      const match = users.match(of);
      if (match.kind === 'not-yet') return notYet;
      const userId = match.kind === 'known' ? match.id : null;
      // Only a statistic: a disk that is full must not keep the call from being posted.
      await userStore
        .seen({ extension: of.extension, domain: of.domain, at: record.endedAt, userId })
        .catch(() => undefined);
      if (match.kind === 'known') return { id: match.id };
      why ??= match.why;
    }
    const steps = isNobodys(record) ? policy.user.noAgent : policy.user.unknown;
    for (const step of steps) {
      if (step === 'lead-owner' && ownerId !== null) {
        const gone = users.ownerGone(ownerId);
        if (gone === null) return { id: ownerId };
        passed += `; lead owner: ${gone}`;
      }
      if (step === 'default-user') {
        const fallback = users.fallback();
        if (fallback?.kind === 'not-yet') return notYet;
        if (fallback?.kind === 'known') return { id: fallback.id };
        if (fallback?.kind === 'unknown') passed += `; default_user: ${fallback.why}`;
      }
      if (step === 'omit') return { id: null };
      const reason = `No user: ${why ?? whyNobody(record)}${passed}.`;
      if (step === 'skip') return { kind: 'skip', code: 'skip-no-user', reason, reply: null };
      if (step === 'park') break;
    }
    const code = why !== null ? 'no-user' : isOutside(record) ? 'outside-phone' : 'no-agent';
    return { kind: 'park', code, reason: `No user: ${why ?? whyNobody(record)}${passed}.`, reply: null };
  }

  return async (record, asking) => {
    // It may have waited for a long time since its age was asked.
    const skip = heldBack(record, policy, null);
    if (skip !== null) return { kind: 'skip', ...skip, reply: null };
    await users.settled();
    const lead = await leadOf(record, asking);
    if (lead.kind !== 'lead') return lead;
    const { reply } = lead;
    const user = await userOf(record, lead.ownerId);
    if ('kind' in user) return { ...user, reply };
    return { kind: 'send', resolution: { leadId: lead.id, userId: user.id }, choice: lead.choice, reply };
  };
}

/** Nobody took it: what is done without a user then is `no_agent`, else `unknown` of `[leadsquared.user]`. */
export const isNobodys = (record: CallRecord): boolean => record.agent === null && !isOutside(record);

const isOutside = ({ reasons }: CallRecord) => reasons?.agent.rule === 'outside-telephone-of-nobody';

/** Why the call is nobody's. */
export function whyNobody(record: CallRecord): string {
  const { rule, fact } = record.reasons?.agent ?? {};
  return isOutside(record) || rule === 'phone-not-heard' ? (fact ?? '') : 'no agent took or was offered the call';
}

/** Whose call it is; where that is the line of a group or queue that no user has, the phone of it that rang last answers for it. */
export function answerable({ responsible, agent, agentsRung }: CallRecord): readonly string[] {
  if (responsible === null) return [];
  const last = agent === null && !agentsRung.includes(responsible) ? agentsRung.at(-1) : undefined;
  return last === undefined ? [responsible] : [responsible, last];
}

const NO_LEAD = { kind: 'lead', id: null, ownerId: null, choice: null, reply: null } as const;

function anonymous({ lead }: DeliveryPolicy, record: CallRecord): LeadResult {
  if (lead.anonymous !== 'park') return NO_LEAD;
  return { kind: 'park', code: 'no-number', reason: `${whyNoNumber(record)}; policy anonymous = "park".`, reply: null };
}

function lookupFailed(crm: string, reply: Reply<unknown>): LeadResult {
  if (reply.kind === 'rejected') {
    return { kind: 'park', code: 'lookup-refused', reason: `${crm} refused the lead lookup: ${reply.message}`, reply };
  }
  return { kind: 'later', reason: `The lead could not be looked up: ${reply.message}`, reply };
}

function captureFailed(crm: string, reply: Reply<unknown>): LeadResult {
  if (reply.kind === 'rejected') {
    return { kind: 'park', code: 'lead-refused', reason: `${crm} refused to make the lead: ${reply.message}`, reply };
  }
  return { kind: 'later', reason: `The lead could not be made: ${reply.message}`, reply };
}
