/** Which lead a number belongs to. Asks the CRM as little as possible: caches, remembered format, one lookup per burst. */

import type { Asking } from '../../permits/port.ts';
import type { Clock } from '../../ports.ts';
import { formatNumber, statedNumber } from '../../telephony/number.ts';
import type { Directory, Lead, Reply } from '../crm.ts';
import type { LeadPolicy, LookupFormat } from '../policy.ts';
import type { LeadCache } from '../store.ts';

/** `failed`: the CRM could not say; the reply tells why. */
export type LeadAnswer =
  | {
      readonly kind: 'leads';
      readonly leads: readonly Lead[];
      /** The last answer of the CRM; `null`: from the cache, not to be remembered anew. */
      readonly reply: Reply<unknown> | null;
    }
  | { readonly kind: 'failed'; readonly reply: Reply<unknown> };

export interface Leads {
  /**
   * All leads with this number, the CRM's first one first; from the cache only the one chosen before. One that was captured is asked for
   * again, for its owner.
   */
  find(number: string, asking: Asking): Promise<LeadAnswer>;
  /** The same from the CRM, whatever the cache says: as a post may have made the lead meanwhile. */
  search(number: string, asking: Asking): Promise<LeadAnswer>;
  /**
   * Each lead that has this number in one of the forms, where a lookup may show one of several; a request for each form and field. Also
   * those that have its digits in another country: the CRM may have filed a post there.
   */
  every(number: string, asking: Asking): Promise<LeadAnswer>;
  /** Keeps what was found (`null`: nobody). Never rejects: without it the next call asks again. */
  remember(number: string, lead: Lead | null): Promise<void>;
  capture(number: string, asking: Asking): Promise<Reply<string>>;
  /** Repeats the last lookup that worked, to see whether lookups work; `null`: there was none. */
  control(asking: Asking): Promise<Reply<unknown>> | null;
  /** The CRM refused a call with this lead: the next one asks again. */
  forget(number: string): Promise<void>;
}

export function createLeads(parts: {
  directory: Directory;
  cache: LeadCache;
  clock: Clock;
  policy: LeadPolicy;
}): Leads {
  const { directory, cache, clock, policy } = parts;
  const asked = new Map<string, Promise<LeadAnswer>>();
  const captured = new Map<string, Promise<Reply<string>>>();
  /** As it was written in the last lookup that worked. */
  let good: string | null = null;

  async function cached(number: string): Promise<readonly Lead[] | null> {
    const kept = await cache.get({ number });
    if (kept === null) return null;
    const age = clock.now() - kept.at;
    // A negative age: the clock was set back; how old the entry is cannot be known.
    const fresh = age >= 0 && age < (kept.lead === null ? policy.missMaxAgeMs : policy.hitMaxAgeMs);
    if (!fresh) return null;
    if (kept.lead === null) return [];
    return isAnothers(kept.lead, number) ? null : [kept.lead];
  }

  async function formats(): Promise<readonly LookupFormat[]> {
    const remembered = await cache.format({});
    const first = policy.formats.filter((format) => format === remembered);
    return [...first, ...policy.formats.filter((format) => format !== remembered)];
  }

  async function ask(number: string, asking: Asking): Promise<LeadAnswer> {
    const known = await cached(number);
    if (known !== null && !known.some(({ captured }) => captured)) return { kind: 'leads', leads: known, reply: null };
    const answer = await search(number, asking);
    // So new a lead may not be found yet, or in no form that is looked for: it is not captured again.
    const isUnseen = known !== null && answer.kind === 'leads' && answer.leads.length === 0;
    return isUnseen ? { kind: 'leads', leads: known, reply: null } : answer;
  }

  async function search(number: string, asking: Asking): Promise<LeadAnswer> {
    const tried = new Set<string>();
    let refusal: Reply<unknown> | null = null;
    let none: Reply<unknown> | null = null;
    for (const format of await formats()) {
      const phone = formatNumber(number, format) ?? number;
      if (tried.has(phone)) continue;
      tried.add(phone);
      const reply = await directory.findLeads(phone, asking);
      if (reply.kind === 'rejected') {
        // Some accounts refuse the formats they do not use; another one may do.
        refusal = reply;
        continue;
      }
      if (reply.kind !== 'accepted') return { kind: 'failed', reply };
      none = reply;
      good = phone;
      const leads = (reply.value ?? []).filter((lead) => !isAnothers(lead, number));
      if (leads.length > 0) {
        await cache.rememberFormat({ format }).catch(() => undefined);
        return { kind: 'leads', leads, reply };
      }
    }
    if (none === null && refusal !== null) return { kind: 'failed', reply: refusal };
    return { kind: 'leads', leads: [], reply: none };
  }

  return {
    search,
    async every(number, asking) {
      const found = new Map<string, Lead>();
      let last: Reply<unknown> | null = null;
      // And as a capture and a post write it: a lead that was made by one has it so.
      const formats = [...policy.formats, '+CC-NSN', policy.posted] as const;
      for (const phone of new Set(formats.map((format) => formatNumber(number, format) ?? number))) {
        const reply = await directory.findEveryLead(phone, asking);
        if (reply.kind !== 'accepted') return { kind: 'failed', reply };
        for (const lead of reply.value ?? []) found.set(lead.id, lead);
        last = reply;
      }
      return { kind: 'leads', leads: [...found.values()], reply: last };
    },
    find(number, asking) {
      const under = asked.get(number);
      if (under !== undefined) return under;
      const answer = ask(number, asking).finally(() => asked.delete(number));
      asked.set(number, answer);
      return answer;
    },
    remember(number, lead) {
      const at = clock.now();
      const forgetBefore = at - Math.max(policy.hitMaxAgeMs, policy.missMaxAgeMs);
      return cache.put({ number, lead, at, forgetBefore }).catch(() => undefined);
    },
    capture(number, asking) {
      const under = captured.get(number);
      if (under !== undefined) return under;
      const reply = directory
        .captureLead(formatNumber(number, '+CC-NSN') ?? number, policy.source, asking)
        .finally(() => captured.delete(number));
      captured.set(number, reply);
      return reply;
    },
    control: (asking) => (good === null ? null : directory.findLeads(good, asking)),
    forget: (number) => cache.forget({ number }),
  };
}

/**
 * Whether the lead has the digits of the number only in another country: those of +1 917 555 1234 are those of +91 91755 51234, and a
 * lookup without the country code finds either. A lead that states no country, or was found by something else, may have the number.
 */
export function isAnothers({ phone, mobile }: Lead, number: string): boolean {
  const own = formsOf(number);
  if (own === null) return false;
  const written = [phone, mobile].filter((text) => text !== null);
  if (written.some((text) => text.replace(/\D/g, '') === own.whole || statedNumber(text) === number)) return false;
  return written.some((text) => {
    const other = formsOf(statedNumber(text) ?? '');
    if (other === null || other.code === own.code) return false;
    return [other.national, other.whole].some((digits) => digits === own.national || digits === own.whole);
  });
}

/** Digits of an E.164 number, `null` when it is none. `whole`: with the country code. */
function formsOf(number: string): { readonly code: string; readonly national: string; readonly whole: string } | null {
  const [code, national] = formatNumber(number, '+CC-NSN')?.slice(1).split('-') ?? [];
  return code === undefined || national === undefined ? null : { code, national, whole: code + national };
}

/** Leads named among those that were not taken. */
const NAMED = 5;

/** The lead to take when several have the number, with why it was; `null`: none may be taken. */
export function chooseLead(
  leads: readonly Lead[],
  callerName: string | null,
  several: LeadPolicy['several'],
): Lead | null {
  const [first] = leads;
  if (first === undefined || leads.length === 1) return first ?? null;
  if (several === 'park') return null;
  const wanted = callerName?.trim().toLowerCase() ?? '';
  const named = several === 'by-name' && wanted !== '' ? leads.find((lead) => nameOf(lead) === wanted) : undefined;
  const why =
    named !== undefined
      ? 'the one named like the caller'
      : several === 'by-name'
        ? 'the first, as none is named like the caller'
        : 'the first';
  const taken = named ?? first;
  const others = leads.filter((lead) => lead !== taken).slice(0, NAMED);
  const choice = { why, of: leads.length, others: others.map(({ id, name }) => ({ id, name })) };
  return { ...taken, choice };
}

const nameOf = ({ name }: Lead): string => name?.trim().toLowerCase() ?? '';

/** Which of several leads was taken, in one sentence; `null` where there was one. */
export function choiceOf({ id, choice }: Lead, several: LeadPolicy['several']): string | null {
  if (choice === undefined) return null;
  const { of, why, others } = choice;
  return `${of} leads have this number; taken was ${id}, ${why} (several = "${several}"); not ${some(others, of - 1)}.`;
}

/** The leads among which none may be chosen, in one sentence. */
export function choicesIn(leads: readonly Lead[]): string {
  return `${leads.length} leads have this number: ${some(leads, leads.length)}.`;
}

/** The ids of the first of them. */
function some(leads: readonly { readonly id: string }[], all: number): string {
  const named = leads.slice(0, NAMED);
  const more = all > named.length ? ` and ${all - named.length} more` : '';
  return `${named.map(({ id }) => id).join(', ')}${more}`;
}
