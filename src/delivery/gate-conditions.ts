/** What the gate tells the operator. */
import type { Condition } from './condition.ts';
import type { Tuning } from './store.ts';

export function daySpent(perDay: number): Condition {
  const text = `The ${perDay} requests of today are used; calls wait until midnight UTC. Raise the daily cap if the plan allows more.`;
  return { code: 'crm-daily-cap', raised: true, severity: 'warning', text };
}

export function slotsNotStored(error: unknown): Condition {
  const why = error instanceof Error ? error.message : String(error);
  const text = `Requests wait because their slots cannot be stored (${why}). Check the disk of the database.`;
  return { code: 'delivery-store', raised: true, severity: 'error', text };
}

export function rateLimited({ requests, windowMs }: Tuning): Condition {
  const text =
    `LeadSquared refused requests for their rate; going on with ${requests} in ${windowMs / 1000} s. ` +
    "Other tools share the account's limit: lower the number of requests if this stays.";
  return { code: 'crm-rate-limited', raised: true, severity: 'warning', text };
}

export function over(code: Condition['code']): Condition {
  return { code, raised: false, severity: 'warning', text: 'Requests go out again.' };
}
