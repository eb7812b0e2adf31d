/** Which lead a number belongs to. Asks the CRM as little as possible: caches, remembered format, one lookup per burst. */

import type { Clock } from '../ports.ts';
import { formatNumber } from '../telephony/number.ts';
import type { Directory, Lead, Priority, Reply } from './crm.ts';
import type { LeadPolicy, LookupFormat } from './policy.ts';
import type { LeadCache } from './store.ts';

/** `failed`: the CRM could not say; the reply tells why. */
export type LeadAnswer =
  | {
      readonly kind: 'leads';
      readonly leads: readonly Lead[] /** From the cache: not to be remembered anew. */;
      readonly cached: boolean;
    }
  | { readonly kind: 'failed'; readonly reply: Reply<unknown> };

export interface Leads {
  /** All leads with this number, the CRM's first one first; from the cache only the one chosen before. */
  find(number: string, priority: Priority): Promise<LeadAnswer>;
  /** Keeps what was found (`null`: nobody). */
  remember(number: string, lead: Lead | null): Promise<void>;
  capture(number: string, priority: Priority): Promise<Reply<string>>;
  /** The CRM refused a call with this lead: the next one asks again. */
  forget(number: string): Promise<void>;
}

export function createLeads(parts: {
  directory: Directory;
  cache: LeadCache;
  clock: Clock;
  policy: LeadPolicy;
  onReply: (reply: Reply<unknown>) => void;
}): Leads {
  const { directory, cache, clock, policy, onReply } = parts;
  const asked = new Map<string, Promise<LeadAnswer>>();
  const captured = new Map<string, Promise<Reply<string>>>();

  async function cached(number: string): Promise<readonly Lead[] | null> {
    const kept = await cache.get({ number });
    if (kept === null) return null;
    const age = clock.now() - kept.at;
    // A negative age: the clock was set back; how old the entry is cannot be known.
    const fresh = age >= 0 && age < (kept.lead === null ? policy.missMaxAgeMs : policy.hitMaxAgeMs);
    if (!fresh) return null;
    return kept.lead === null ? [] : [kept.lead];
  }

  async function formats(): Promise<readonly LookupFormat[]> {
    const remembered = await cache.format({});
    const first = policy.formats.filter((format) => format === remembered);
    return [...first, ...policy.formats.filter((format) => format !== remembered)];
  }

  async function ask(number: string, priority: Priority): Promise<LeadAnswer> {
    const known = await cached(number);
    if (known !== null) return { kind: 'leads', leads: known, cached: true };
    const tried = new Set<string>();
    let refusal: Reply<unknown> | null = null;
    let answered = false;
    for (const format of await formats()) {
      const phone = formatNumber(number, format) ?? number;
      if (tried.has(phone)) continue;
      tried.add(phone);
      const reply = await directory.findLeads(phone, priority);
      onReply(reply);
      if (reply.kind === 'rejected') {
        // Some accounts refuse the formats they do not use; another one may do.
        refusal = reply;
        continue;
      }
      if (reply.kind !== 'accepted') return { kind: 'failed', reply };
      answered = true;
      if (reply.value !== null && reply.value.length > 0) {
        await cache.rememberFormat({ format });
        return { kind: 'leads', leads: reply.value, cached: false };
      }
    }
    if (!answered && refusal !== null) return { kind: 'failed', reply: refusal };
    return { kind: 'leads', leads: [], cached: false };
  }

  return {
    find(number, priority) {
      const under = asked.get(number);
      if (under !== undefined) return under;
      const answer = ask(number, priority).finally(() => asked.delete(number));
      asked.set(number, answer);
      return answer;
    },
    remember(number, lead) {
      const at = clock.now();
      return cache.put({ number, lead, at, forgetBefore: at - Math.max(policy.hitMaxAgeMs, policy.missMaxAgeMs) });
    },
    capture(number, priority) {
      const under = captured.get(number);
      if (under !== undefined) return under;
      const reply = directory
        .captureLead(formatNumber(number, '+CC-NSN') ?? number, policy.source, priority)
        .then((answer) => {
          onReply(answer);
          return answer;
        })
        .finally(() => captured.delete(number));
      captured.set(number, reply);
      return reply;
    },
    forget: (number) => cache.forget({ number }),
  };
}

/** The lead to take when several have the number; `null`: none may be taken. */
export function chooseLead(
  leads: readonly Lead[],
  callerName: string | null,
  several: LeadPolicy['several'],
): Lead | null {
  const [first] = leads;
  if (first === undefined || leads.length === 1) return first ?? null;
  if (several === 'park') return null;
  if (several === 'by-name' && callerName !== null) {
    const wanted = callerName.trim().toLowerCase();
    return leads.find((lead) => lead.name?.trim().toLowerCase() === wanted) ?? first;
  }
  return first;
}
