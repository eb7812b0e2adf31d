/**
 * One leg as mod_json_cdr writes it, in the form of the event of the same moment.
 *
 * FusionPBX keeps the XML of mod_xml_cdr turned into JSON by PHP, which holds the same: there an empty element is `{}`, an element
 * that comes once is no array, and attributes stand below `@attributes`.
 */
import { known } from '../events/channel.ts';
import { type EslEvent, eventOf } from '../link/event.ts';

/** An application of the dialplan that the leg executed. */
export interface Application {
  readonly name: string;
  readonly data: string;
  /** ms since the epoch, UTC; `null` where it is not told. */
  readonly at: number | null;
}

/** A leg with which another one was connected, or that it called. */
export interface Partner {
  readonly channel: string;
  readonly name: string | null;
  /** The number by which it was called. */
  readonly number: string | null;
}

/** A part of the life of a leg: it begins anew with each transfer, pickup or bridge by a third party. Times: ms since the epoch, UTC. */
export interface Profile {
  readonly from: number | null;
  readonly bridgedAt: number | null;
  readonly partners: readonly Partner[];
}

export interface LegBody {
  /** The variables and the oldest caller profile as a CHANNEL_HANGUP_COMPLETE. */
  readonly event: EslEvent;
  /** In the order of execution. */
  readonly applications: readonly Application[];
  /** The oldest first. */
  readonly profiles: readonly Profile[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Headers of an event that stand among the variables of the file under another name. */
const FROM_VARIABLES: Readonly<Record<string, string>> = {
  'Unique-ID': 'uuid',
  'Channel-Name': 'channel_name',
  'Call-Direction': 'direction',
  'Hangup-Cause': 'hangup_cause',
  'Event-Date-Timestamp': 'end_uepoch',
  'Caller-Channel-Created-Time': 'start_uepoch',
  'Caller-Channel-Answered-Time': 'answer_uepoch',
  'Caller-Channel-Bridged-Time': 'bridge_uepoch',
  'Caller-Channel-Hangup-Time': 'end_uepoch',
};

/** Headers that stand in the caller profile; of several the oldest counts, since transfers and pickups make new ones. */
const FROM_PROFILE: Readonly<Record<string, string>> = {
  'Caller-Caller-ID-Number': 'caller_id_number',
  'Caller-Caller-ID-Name': 'caller_id_name',
  'Caller-Destination-Number': 'destination_number',
  'Caller-Context': 'context',
  'Caller-ANI': 'ani',
};

/** `null` when it is no leg of mod_json_cdr. */
export function readBody(body: unknown): LegBody | null {
  const variables = at(body, 'variables');
  if (!isFields(variables) || typeof variables.uuid !== 'string') return null;
  const flow = listOf(at(body, 'callflow'));
  const event = asHangup(variables, at(flow.at(-1), 'caller_profile'));
  if (event === null) return null;
  return { event, applications: applicationsOf(at(body, 'app_log')), profiles: flow.map(profileOf).reverse() };
}

/** The leg as the event of the same moment. */
function asHangup(variables: Fields, profile: unknown): EslEvent | null {
  const decode = decoder(variables);
  const headers: Record<string, unknown> = { 'Event-Name': 'CHANNEL_HANGUP_COMPLETE' };
  for (const [name, value] of Object.entries(variables)) {
    if (!isFields(value)) headers[`variable_${name}`] = decode(value);
  }
  for (const [header, name] of Object.entries(FROM_VARIABLES)) headers[header] = headers[`variable_${name}`];
  // `callflow` is never encoded.
  for (const [header, name] of Object.entries(FROM_PROFILE)) headers[header] = textAt(profile, name) ?? undefined;
  return eventOf(headers);
}

function applicationsOf(log: unknown): Application[] {
  return listOf(at(log, 'applications') ?? at(log, 'application')).flatMap((one): Application[] => {
    const fields = at(one, '@attributes') ?? one;
    const name = textAt(fields, 'app_name');
    const data = textAt(fields, 'app_data') ?? '';
    return name === null ? [] : [{ name, data, at: timeAt(fields, 'app_stamp') }];
  });
}

function profileOf(part: unknown): Profile {
  const times = at(part, 'times');
  const originatee = at(at(part, 'caller_profile'), 'originatee');
  const partners = listOf(at(originatee, 'originatee_caller_profiles') ?? at(originatee, 'originatee_caller_profile'));
  return {
    from: timeAt(times, 'profile_created_time'),
    bridgedAt: timeAt(times, 'bridged_time'),
    partners: partners.flatMap((one): Partner[] => {
      const channel = textAt(one, 'uuid');
      return channel === null
        ? []
        : [{ channel, name: textAt(one, 'chan_name'), number: textAt(one, 'destination_number') }];
    }),
  };
}

/**
 * With `encode-values=true`, as FreeSWITCH ships it, all variables are URL-encoded. Whether they are is told by a character
 * that never survives encoding; nearly every leg has a SIP address or a time among its variables.
 */
function decoder(variables: Fields): (value: unknown) => unknown {
  const plain = Object.values(variables).some((value) => typeof value === 'string' && /[ @"<>+:]/.test(value));
  if (plain) return (value) => value;
  return (value) => (typeof value === 'string' ? urlDecoded(value) : value);
}

/** Decodes `%XX` into bytes, and those as UTF-8 with replacement; a lone `%` stays, and `+` is a plus. */
export function urlDecoded(value: string): string {
  if (!value.includes('%')) return value;
  const raw = Buffer.from(value).toString('latin1');
  const bytes = raw.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** What is beyond the year 2200 is no time of a PBX. Microseconds since the epoch. */
const LAST_MICROSECOND = Date.UTC(2200, 0) * 1000;

function timeAt(value: unknown, name: string): number | null {
  const micros = Number(textAt(value, name) ?? 0);
  return micros > 0 && micros < LAST_MICROSECOND ? Math.round(micros / 1000) : null;
}

function textAt(value: unknown, name: string): string | null {
  const text = at(value, name);
  return typeof text === 'string' ? known(text) : typeof text === 'number' ? String(text) : null;
}

function at(value: unknown, name: string): unknown {
  return isFields(value) ? value[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
