/** Every choice an installation makes about delivery. The configuration file maps onto this. */
import { DEFAULT_LIMIT, type LimitPolicy } from '../permits/port.ts';
import type { NumberFormat } from '../telephony/number.ts';
import type { UserRow } from './parties/users.ts';
import type { Trigger } from './store.ts';

/** How a phone number is written for a lookup. */
export type LookupFormat = NumberFormat;

export interface LeadPolicy {
  /** Tried in this order; the one that worked last goes first. */
  readonly formats: readonly LookupFormat[];
  /** As a post writes numbers, and so a lead that the CRM makes of one. Default `+CC-NSN`. */
  readonly posted: LookupFormat;
  /** What to do when no lead has the number. Default `let-crm-create`: post without a lead id. */
  readonly unknown: 'let-crm-create' | 'capture' | 'park' | 'skip';
  /** What to do when the caller shows no number (`send`: without a lead). Default `skip`. */
  readonly anonymous: 'send' | 'park' | 'skip';
  /** Which of several leads: the CRM's first (most recent activity, default), the one named like the caller, or none. */
  readonly several: 'first' | 'by-name' | 'park';
  /** Lead source given to a captured lead. Default `null`. */
  readonly source: string | null;
  /** How long a found lead is believed. Default 24 h. */
  readonly hitMaxAgeMs: number;
  /** How long "no such lead" is believed. Default 10 min. */
  readonly missMaxAgeMs: number;
}

export interface UserPolicy {
  /** Extension to user, from the users file. */
  readonly rows: readonly UserRow[];
  /** What to do, in order, when the extension has no user. Default `lead-owner`, `default-user`, `park`. */
  readonly unknown: readonly ('lead-owner' | 'default-user' | 'omit' | 'park' | 'skip')[];
  /**
   * The same for a call that no agent took, and that belongs to no phone or line with a user. Default `lead-owner`, `default-user`,
   * `omit`: that nobody took it is the truth.
   */
  readonly noAgent: UserPolicy['unknown'];
  /** Id or e-mail of the default user. Default `null`. */
  readonly defaultUser: string | null;
  /** Also match extensions with the numbers the CRM holds for its users. Default true. */
  readonly discover: boolean;
  /** How often the CRM's users are fetched again. Default 6 h. */
  readonly refreshMs: number;
}

/** Patterns: the whole value, or a beginning followed by `*`. */
export interface FilterPolicy {
  readonly dids: readonly string[];
  readonly trunks: readonly string[];
  readonly extensions: readonly string[];
  readonly numbers: readonly string[];
}

export interface DeliveryPolicy {
  readonly limit: LimitPolicy;
  readonly lead: LeadPolicy;
  readonly user: UserPolicy;
  /** Calls that match are skipped. */
  readonly skip: FilterPolicy;
  /** Own numbers (DIDs) and extensions, as patterns: never looked up, never made a lead. */
  readonly own: readonly string[];
  /** Extension to extension calls. Default `skip`. */
  readonly internal: 'skip' | 'post';
  /** Calls that are older when they are stored, or sent again by an operator, are skipped: ms since their end. Default `null`: any age. */
  readonly maxAgeMs: number | null;
  /** Calls that ended within this time go before all others. Default 5 min. */
  readonly liveForMs: number;
  /** A post whose fate is unknown: look for it, post again at once, or leave it to the operator. Default `verify`. */
  readonly uncertain: 'verify' | 'resend' | 'hold';
  /** How long a new call log takes to become visible in the CRM. Default 60 s. */
  readonly verifyAfterMs: number;
  readonly retry: RetryPolicy;
}

export interface RetryPolicy {
  /** Default 5 s. */
  readonly baseMs: number;
  /** Default 30 min. */
  readonly capMs: number;
  /** Failed attempts of one step after which a call is parked. Default 10. */
  readonly maxAttempts: number;
}

export const DEFAULT_POLICY: DeliveryPolicy = {
  limit: DEFAULT_LIMIT,
  lead: {
    formats: ['NSN', 'CCNSN', '+CC-NSN', '+CCNSN'],
    posted: '+CC-NSN',
    unknown: 'let-crm-create',
    anonymous: 'skip',
    several: 'first',
    source: null,
    hitMaxAgeMs: 24 * 3_600_000,
    missMaxAgeMs: 600_000,
  },
  user: {
    rows: [],
    unknown: ['lead-owner', 'default-user', 'park'],
    noAgent: ['lead-owner', 'default-user', 'omit'],
    defaultUser: null,
    discover: true,
    refreshMs: 6 * 3_600_000,
  },
  skip: { dids: [], trunks: [], extensions: [], numbers: [] },
  own: [],
  internal: 'skip',
  maxAgeMs: null,
  liveForMs: 300_000,
  uncertain: 'verify',
  verifyAfterMs: 60_000,
  retry: { baseMs: 5000, capMs: 1_800_000, maxAttempts: 10 },
};

/**
 * Whether a post of unknown fate is looked for in the CRM, and so not before `verifyAfterMs`: always when an operator had it sent again, as a
 * replay is the order to do so. `resend` is meant for a post of this row; one that a lost database may have made (`elsewhere`) is looked
 * for.
 */
export function isLookedFor(
  { uncertain }: Pick<DeliveryPolicy, 'uncertain'>,
  { trigger, elsewhere }: { readonly trigger: Trigger; readonly elsewhere: boolean },
): boolean {
  return uncertain === 'verify' || trigger === 'replay' || (uncertain === 'resend' && elsewhere);
}

/** Failures that cannot be told to be a row's own end as well, after so many times the attempts: about a day. */
export const NOT_OWN = 5;

/**
 * ms to wait before the next try of one row: between half and all of min(cap, base * 2^(tries - 1)), so that rows that failed
 * together do not come back together, and the pause grows all the same. At least 1 s, so that a row never spins. `random` is in
 * [0, 1).
 */
export function backoff(policy: RetryPolicy, tries: number, random: () => number): number {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(30, Math.max(0, tries - 1)));
  return Math.max(1000, Math.round((0.5 + 0.5 * random()) * ceiling));
}
