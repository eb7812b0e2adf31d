/** What delivery made of a call and why, and the frames from which the rest is explained, for `logcalld explain`. */
import type { CallWhy, Decision, Handlers } from '../../../adapters/control/api.ts';
import { ControlError } from '../../../adapters/control/refusal.ts';
import type { CallRecord } from '../../call/record.ts';
import type { CrmUser } from '../../delivery/crm.ts';
import type { ReasonCode } from '../../delivery/parked/reasons.ts';
import { nameOf } from '../../delivery/parties/extension.ts';
import { ageAskedAt, isOwn, skipReason } from '../../delivery/parties/filters.ts';
import { answerable, isNobodys, whyNobody } from '../../delivery/parties/resolve.ts';
import { findUser, matchRow, matchUser, ownerGone } from '../../delivery/parties/users.ts';
import type { DeliveryPolicy } from '../../delivery/policy.ts';
import type { Delivery } from '../../delivery/store.ts';
import { CRM } from '../settings.ts';
import { isUnsettled, leadOf as leadNow, untaken } from './leads.ts';
import type { Lookup, Store } from './lookup.ts';

type Explaining = Pick<Lookup, 'store' | 'policy' | 'clock'>;

export function explaining(parts: Explaining): Pick<Handlers, 'why' | 'frames'> {
  const { store } = parts;
  return {
    why: ({ id }) => why(parts, id),
    async frames(request) {
      const { bytes, next, damaged } = await store.journal.frames(request);
      return { bytes: Buffer.from(bytes).toString('base64'), next, damaged };
    },
  };
}

async function why({ store, policy, clock }: Explaining, id: string): Promise<CallWhy> {
  const found = await store.sessions.get(id);
  if (found.found !== 'one') throw new ControlError(404, `No call has the id ${id}.`);
  const { record } = found.session;
  const [delivery = null] = await store.outbox.select({ filter: { ids: [id] }, after: 0, limit: 1 });
  const crm = (await store.users.load({}))?.users ?? null;
  return {
    lead: await leadOf(store, policy, record, delivery),
    user: userOf(policy, record, delivery, crm, (await leadNow(store, record, delivery)).ownerId),
    post: postOf(policy, record, delivery, Math.floor(clock.now())),
  };
}

const decision = (
  value: string | null,
  rule: string,
  fact: string,
  notes: Decision['notes'] = [],
  rejected: Decision['rejected'] = [],
): Decision => ({ value, rule, fact, notes, rejected });

async function leadOf(
  store: Store,
  policy: DeliveryPolicy,
  record: CallRecord,
  delivery: Delivery | null,
): Promise<Decision> {
  const number = record.externalE164 ?? record.external;
  const { lead: settings } = policy;
  if (record.direction === 'Internal')
    return decision(null, 'internal-call', 'not looked up: nobody outside took part');
  if (number === null || record.withheld) {
    return decision(
      null,
      'no-number',
      `not looked up: the other party shows no number (anonymous = "${settings.anonymous}")`,
    );
  }
  if (isOwn(policy, record.externalE164, record.external)) {
    return decision(null, 'own-number', 'not looked up: the other party is a number of the company');
  }
  const id = delivery?.leadId ?? null;
  const kept = await store.leadCache.get({ number });
  const lead = kept?.lead ?? null;
  const worked = await store.leadCache.format({});
  const forms = [...settings.formats].sort((a, b) => Number(b === worked) - Number(a === worked));
  const notes = [
    `The number is looked for in the forms ${forms.join(', ')} ([leadsquared.lead] lookup_formats${worked === null ? '' : '; what worked last goes first'}).`,
  ];
  if (kept !== null && delivery !== null && kept.at < delivery.createdAt) {
    notes.push(
      `An earlier call had asked for this number at ${localTime(kept.at)}: its answer was used ([leadsquared.lead] found_age, missing_age).`,
    );
  }
  const chosen = (await store.outbox.attempts({ sessionId: record.callSessionId }))
    .filter(({ step, result }) => step === 'look-up' && result?.outcome === 'accepted')
    .flatMap(({ result }) => result?.message ?? []);
  if (id === null) {
    const { reason = null, tries = 0, step = null } = delivery ?? {};
    if (tries === 0 && delivery?.state === 'parked' && (kept === null || isUnsettled(delivery)))
      return decision(null, 'parked', reason ?? 'it could not be settled', [...notes, ...chosen.slice(-1)]);
    if (step === 'look-up' || (kept === null && tries === 0))
      return decision(null, 'not-yet', reason ?? 'not looked up (yet)', notes);
    if (lead !== null && tries === 0) {
      const other = { value: lead.id, rule: 'present-lead', fact: nameIn(lead.name) };
      return decision(null, 'unposted', `a lead has the number; ${untaken(delivery)}`, notes, [other]);
    }
    const unknown = `(unknown = "${settings.unknown.replace('crm', 'leadsquared')}")`;
    if (lead === null) return decision(null, 'no-lead', `no lead has the number ${unknown}`, notes);
    const since = `By now ${lead.name === null ? '' : `${lead.name}, `}lead ${lead.id} has it.`;
    return decision(null, 'no-lead', `no lead had the number when it was posted ${unknown}`, [...notes, since]);
  }
  const choice = lead?.id === id ? lead.choice : undefined;
  if (choice === undefined)
    return decision(id, 'found-by-the-number', nameIn(lead?.id === id ? lead.name : null), notes);
  const rejected = choice.others.map((one) => ({
    value: one.id,
    rule: 'has-the-number-too',
    fact: nameIn(one.name),
  }));
  return decision(
    id,
    'one-of-several',
    `${choice.of} leads have the number; ${choice.why} was taken (several = "${settings.several}")`,
    notes,
    rejected,
  );
}

const nameIn = (name: string | null): string => (name === null ? 'it has the number' : `${name} has the number`);

/** Local, as all times that `explain` prints. */
const localTime = (ms: number): string => new Date(ms).toLocaleString('sv-SE');

function userOf(
  policy: DeliveryPolicy,
  record: CallRecord,
  delivery: Delivery | null,
  crm: readonly CrmUser[] | null,
  ownerId: string | null,
): Decision {
  const { source, agentDomain: domain, responsible } = record;
  const id = delivery?.userId ?? null;
  const known = crm?.find((user) => user.id === id);
  const named = (fact: string): string => (known === undefined ? fact : `${known.name} (${known.email}); ${fact}`);
  const rejected: { value: string | null; rule: string; fact: string }[] = [];
  const notes: string[] = [];
  if (responsible === null) notes.push(`The call is nobody's: ${whyNobody(record)}.`);
  for (const extension of answerable(record)) {
    const of = { extension, source, domain };
    const row = matchRow(policy.user.rows, of);
    const place =
      row === undefined
        ? `the numbers of the users in ${CRM}`
        : `users file${row.line === undefined ? '' : `, line ${row.line}`}: ${nameOf(row)} is ${row.user}`;
    const match = matchUser(of, policy.user, crm, CRM);
    if (match.kind === 'known') {
      if (id === match.id)
        return decision(id, row === undefined ? 'number-in-the-crm' : 'users-file', named(place), notes, rejected);
      const when = id === null ? 'nothing was posted for it yet' : 'that is so by now; another one was posted';
      rejected.push({ value: match.id, rule: 'present-mapping', fact: `${place}: ${when}` });
    } else {
      const told = match.kind === 'unknown' ? match.why : `the users of ${CRM} were not fetched yet`;
      notes.push(`Extension ${nameOf(of)}: ${told}.`);
    }
  }
  const [key, steps] = isNobodys(record) ? ['no_agent', policy.user.noAgent] : ['unknown', policy.user.unknown];
  notes.push(`Without a user of the extension: ${steps.join(', then ')} ([leadsquared.user] ${key}).`);
  const fallback = policy.user.defaultUser === null ? null : findUser(policy.user.defaultUser, crm, CRM);
  const isOwnerFirst = steps.find((step) => step !== 'default-user' || fallback?.kind === 'known') === 'lead-owner';
  const isPosted = delivery !== null && delivery.tries > 0;
  const gone = isPosted && isOwnerFirst && ownerId !== null && ownerId !== id ? ownerGone(ownerId, crm, CRM) : null;
  if (gone !== null) rejected.push({ value: ownerId, rule: 'inactive-owner', fact: `the owner of the lead: ${gone}` });
  if (id === null) {
    return decision(null, 'none', whyNone(delivery), notes, rejected);
  }
  if (fallback?.kind === 'known' && fallback.id === id)
    return decision(id, 'default-user', named(`default_user = ${policy.user.defaultUser}`), notes, rejected);
  return decision(
    id,
    'owner-of-the-lead',
    named('the owner of the lead, or as it was when the call was posted'),
    notes,
    rejected,
  );
}

/** Codes of calls that have no user. */
const NO_USER: ReadonlySet<string> = new Set<ReasonCode>(['no-user', 'no-agent', 'outside-phone', 'skip-no-user']);

function whyNone(delivery: Delivery | null): string {
  if (delivery === null || delivery.state === 'skipped') return 'not looked up: the call is not posted';
  if (delivery.code !== null && NO_USER.has(delivery.code) && delivery.reason !== null) return delivery.reason;
  return delivery.tries > 0 ? 'posted without a user' : 'not settled: see the lead and the post';
}

function postOf(policy: DeliveryPolicy, record: CallRecord, delivery: Delivery | null, now: number): Decision {
  const skip = skipReason(record, policy, ageAskedAt(delivery, now))?.reason ?? null;
  const state = delivery?.state ?? null;
  const { dids, trunks, extensions, numbers } = policy.skip;
  const patterns = dids.length + trunks.length + extensions.length + numbers.length;
  const filtered =
    skip === null
      ? [`No filter of the running daemon keeps it back (${patterns} patterns in [filters]).`]
      : skip === delivery?.reason
        ? []
        : [`By the running daemon it would not be posted: ${skip}`];
  if (delivery === null) return decision(null, 'not-in-the-outbox', 'it is not to be posted', filtered);
  const { reason, tries } = delivery;
  const told = reason ?? STATES[delivery.state];
  return decision(state, tries === 0 ? 'not-sent' : `sent ${tries === 1 ? 'once' : `${tries} times`}`, told, filtered);
}

const STATES: Readonly<Record<Delivery['state'], string>> = {
  pending: 'it waits for its turn',
  retrying: 'it will be tried again',
  sending: 'it is on its way',
  uncertain: 'no trustworthy answer came; it will be looked for',
  delivered: 'LeadSquared accepted it',
  parked: 'it waits for somebody to send it again',
  skipped: 'it is not to be posted',
};
