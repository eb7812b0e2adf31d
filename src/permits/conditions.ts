/** What the operator is told about permits. */
import type { Condition } from '../condition.ts';
import type { Tuning } from './port.ts';

/** `perDay`: the cap, requests of a UTC day. `whole`: also those that are kept for new calls are used. */
export function daySpent(perDay: number, whole: boolean): Condition {
  const used = whole
    ? `The ${perDay} requests of today are used; calls wait until midnight UTC.`
    : `Nine tenths of the ${perDay} requests of today are used: new calls go on, all others wait until midnight UTC.`;
  const text = `${used} Raise daily_cap in [leadsquared.limit] if the plan allows more.`;
  return { code: 'crm-daily-cap', raised: true, severity: 'warning', text };
}

export function permitsNotStored(error: unknown): Condition {
  const why = error instanceof Error ? error.message : String(error);
  const text = `Requests wait because their permits cannot be stored (${why}). Check the disk of the database.`;
  return { code: 'delivery-store', raised: true, severity: 'error', text };
}

/** `until`: when requests go on, ms since the epoch. */
export function rateLimited(crm: string, { requests, windowMs }: Tuning, until: number): Condition {
  const at = `${new Date(Math.ceil(until / 1000) * 1000).toISOString().slice(11, 19)} UTC`;
  const text =
    `${crm} refused requests for their rate: nothing is sent until ${at}, then ${requests} in ${windowMs / 1000} s, ` +
    'and within ten minutes as many as configured. "logcalld reload" goes on at once. ' +
    "Other tools share the account's limit: lower the number of requests if this stays.";
  return { code: 'crm-rate-limited', raised: true, severity: 'warning', text };
}

/** The condition of this code, cleared. */
export function over(code: Condition['code']): Condition {
  return { code, raised: false, severity: 'warning', text: 'Requests go out again.' };
}
