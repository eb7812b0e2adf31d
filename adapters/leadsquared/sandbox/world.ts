import type { JsonObject } from '../json.ts';
import type { Ledger } from './ledger.ts';

export interface SandboxLead {
  readonly id: string;
  readonly phone: string | null;
  readonly mobile?: string | null;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly ownerId?: string | null;
  readonly source?: string | null;
}

export interface SandboxUser {
  readonly id: string;
  readonly firstName: string;
  readonly lastName?: string;
  readonly email: string;
  readonly active?: boolean;
  /** Fields that only the advanced search shows, e.g. `{ PhoneMain: '+91-80...', TelephonyAgentId: '1001' }`. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** A phone call activity: event 21 inbound, 22 outbound. Times: ms since the epoch, UTC. */
export interface SandboxActivity {
  readonly id: string;
  readonly leadId: string;
  readonly event: 21 | 22;
  readonly body: JsonObject;
  /** Monotonic time from which reads show it. */
  readonly readableAt: number;
  modifiedAt: number;
  recordingUrl: string | null;
  duration: string;
}

export interface SandboxRules {
  /** Whether a call without LeadId makes a lead for an unknown number; otherwise it is refused. */
  readonly createLeads: boolean;
  /** The documentation asks for LeadId and UserId in one sentence and does without in another. */
  readonly requireLead: boolean;
  readonly requireUser: boolean;
  /** Fields of LogCall accepted beside the documented ones. */
  readonly extraFields: readonly string[];
  /** `digits`: the documented way, any other character finds nothing. `exact`: only the stored spelling is found. */
  readonly phoneMatch: 'digits' | 'exact';
  readonly defaultCountryCode: string;
  /** Whether activities show the posted JSON, with the CallSessionId, in their note. */
  readonly sourceData: boolean;
  readonly readableAfterMs: number;
}

/** The account behind the stand-in server. */
export interface World {
  readonly rules: SandboxRules;
  /** Filled by `fileLead` only, which keeps `byNumber` in step. */
  readonly leads: Map<string, SandboxLead>;
  /** Leads by each of their numbers in national digits. */
  readonly byNumber: Map<string, readonly SandboxLead[]>;
  readonly users: readonly SandboxUser[];
  readonly activities: Map<string, SandboxActivity>;
  readonly ledger: Ledger;
  readonly newId: () => string;
  /** ms since the epoch, and ms on the monotonic clock. */
  readonly now: () => number;
  readonly monotonic: () => number;
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isGuid = (value: string): boolean => GUID.test(value);

/** `YYYY-MM-DD HH:MM:SS` in UTC, as every LeadSquared API writes times. */
export function utcText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** ms since the epoch of a `YYYY-MM-DD HH:MM:SS` in UTC; `null` when it is not one, or names no real moment. */
export function utcMs(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text)) return null;
  const ms = Date.parse(`${text.replace(' ', 'T')}Z`);
  return Number.isNaN(ms) || utcText(ms) !== text ? null : ms;
}

/** The number without punctuation and without the account's country code. */
export function nationalDigits(phone: string, countryCode: string): string {
  const digits = phone.replace(/\D/g, '');
  return digits.length > 10 && digits.startsWith(countryCode) ? digits.slice(countryCode.length) : digits;
}

function numbersOf(world: World, lead: SandboxLead): ReadonlySet<string> {
  const digits = [lead.phone, lead.mobile].map((phone) => nationalDigits(phone ?? '', world.rules.defaultCountryCode));
  return new Set(digits.filter((number) => number !== ''));
}

/** Adds a lead, or replaces the one with the same id. */
export function fileLead(world: World, lead: SandboxLead): void {
  const old = world.leads.get(lead.id);
  for (const number of old === undefined ? [] : numbersOf(world, old)) {
    world.byNumber.set(
      number,
      leadsWithNumber(world, number).filter(({ id }) => id !== lead.id),
    );
  }
  world.leads.set(lead.id, lead);
  for (const number of numbersOf(world, lead)) {
    world.byNumber.set(number, [...(world.byNumber.get(number) ?? []), lead]);
  }
}

/** Leads whose Phone or Mobile is this number, however either is written. */
export function leadsWithNumber(world: World, phone: string): readonly SandboxLead[] {
  return world.byNumber.get(nationalDigits(phone, world.rules.defaultCountryCode)) ?? [];
}
