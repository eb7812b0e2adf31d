/**
 * What the record of one leg tells of others. With the settings that FreeSWITCH and FusionPBX ship, or that many admins choose, a
 * leg that another one called has no record of its own (`log-b-leg` false of mod_json_cdr and mod_xml_cdr, `legs` a of mod_cdr_csv):
 * which phones were rung and who answered stands then in the record of the caller's leg alone.
 */
import type { ChannelId } from '../../../src/telephony/call-event.ts';
import { isExtensionLike } from '../../../src/telephony/digits.ts';
import { known, timeOf } from '../events/channel.ts';
import type { EslEvent } from '../link/event.ts';
import type { Application, LegBody } from './body.ts';

/** A leg that was called. Times: ms since the epoch, UTC. */
export interface CalledLeg {
  readonly channel: ChannelId;
  readonly by: ChannelId;
  readonly number: string | null;
  /** The caller number shown to it, where the record tells. */
  readonly presented: string | null;
  readonly name: string | null;
  readonly gateway: string | null;
  readonly at: number;
  /** Hangup cause of an attempt in vain, `null` for one that was answered. */
  readonly cause: string | null;
}

/** Two legs that were connected. Times: ms since the epoch, UTC. */
export interface Meeting {
  readonly leg: ChannelId;
  readonly with: ChannelId;
  readonly since: number;
  readonly until: number;
  /** Since when the leg that tells of it was answered, `null` if never. */
  readonly answeredAt: number | null;
}

/** `<uuid>;<name of the called>;<number>`, each leg twice when it answered. */
const ORIGINATED = /^([^;]+);(.*);([^;]*)$/s;

/** The legs that a leg has called, the first first. */
export function calledBy(body: LegBody, startedAt: number): CalledLeg[] {
  const { event } = body;
  const by = event.get('Unique-ID') ?? '';
  const causes = new Map(event.list('variable_originate_causes').map((one) => pairOf(one)));
  const partners = body.profiles.flatMap(({ partners }) => partners);
  const found = new Map<ChannelId, CalledLeg>();
  for (const text of event.list('variable_originated_legs')) {
    const [, channel = '', , sent = ''] = ORIGINATED.exec(text) ?? [];
    if (channel === '' || found.has(channel)) continue;
    const partner = partners.find((one) => one.channel === channel);
    // `loopback/1009/default/XML` is told as the number XML.
    const number = partner?.number ?? (sent === 'XML' ? null : known(sent));
    const cause = causes.get(channel) ?? null;
    const { at, gateway } = diallingOf(body.applications, number);
    found.set(channel, {
      channel,
      by,
      number,
      presented: presentedBy(event),
      name:
        partner?.name ??
        (event.get('variable_bridge_uuid') === channel ? known(event.get('variable_bridge_channel')) : null),
      gateway,
      at: at ?? startedAt,
      cause: cause === 'NONE' ? null : cause,
    });
  }
  return [...found.values()];
}

function pairOf(text: string): [string, string] {
  const at = text.lastIndexOf(';');
  return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
}

/** The number that the dialplan set for what it calls, as long as it is not the extension that calls. */
function presentedBy(event: EslEvent): string | null {
  return known(event.get('variable_effective_caller_id_number')) ?? known(event.get('Caller-Caller-ID-Number'));
}

/** When the last application that dials `number` was executed, and the gateway that it names. */
function diallingOf(applications: readonly Application[], number: string | null) {
  const dials = applications.filter(
    ({ data }) =>
      number !== null &&
      data.includes(number) &&
      /(?:^|[\]},|:!*])(?:user|sofia|loopback|group|error|verto\.rtc)\//.test(data),
  );
  const last = dials.at(-1);
  const gateway = last === undefined ? null : (/sofia\/gateway\/([^/,|]+)\//.exec(last.data)?.[1] ?? null);
  return { at: last?.at ?? null, gateway };
}

/** With whom a leg was connected, and for how long. */
export function meetingsOf(body: LegBody, endedAt: number): Meeting[] {
  const { event, profiles } = body;
  const leg = event.get('Unique-ID') ?? '';
  const answeredAt = timeOf(event, 'Caller-Channel-Answered-Time');
  const meetings = profiles.flatMap(({ bridgedAt, partners }, index): Meeting[] => {
    // The first one that a profile names is the one it was connected with.
    const partner = partners[0];
    if (bridgedAt === null || partner === undefined) return [];
    return [{ leg, with: partner.channel, since: bridgedAt, until: profiles[index + 1]?.from ?? endedAt, answeredAt }];
  });
  const partner = known(event.get('variable_bridge_uuid'));
  const since = timeOf(event, 'Caller-Channel-Bridged-Time');
  if (partner === null || since === null || meetings.some((one) => one.with === partner)) return meetings;
  return [...meetings, { leg, with: partner, since, until: endedAt, answeredAt }];
}

/** What a leg without a record of its own must have been, in the form in which mod_json_cdr would have recorded it. */
export function bodyOf(leg: CalledLeg, meetings: readonly Meeting[], callerEndedAt: number): unknown {
  const met = meetings
    .filter((one) => one.leg === leg.channel || one.with === leg.channel)
    .sort((a, b) => a.since - b.since);
  const first = met[0];
  const last = met.at(-1);
  const answered = first?.answeredAt == null ? null : Math.max(first.since, first.answeredAt);
  const until = last === undefined ? callerEndedAt : Math.max(...met.map((one) => one.until));
  const partner = last === undefined ? null : last.leg === leg.channel ? last.with : last.leg;
  const number = leg.number ?? '';
  const name = leg.name ?? nameOf(leg);
  const variables: Record<string, string> = {
    uuid: leg.channel,
    direction: 'outbound',
    channel_name: name,
    originating_leg_uuid: leg.by,
    hangup_cause: leg.cause ?? 'NORMAL_CLEARING',
    start_uepoch: micros(leg.at),
    answer_uepoch: micros(answered),
    bridge_uepoch: micros(last?.since ?? null),
    end_uepoch: micros(Math.max(leg.at, until)),
  };
  if (partner !== null) variables.bridge_uuid = partner;
  if (leg.gateway !== null) variables.sip_gateway_name = leg.gateway;
  if (isExtensionLike(number) && leg.gateway === null) variables.dialed_user = number;
  return {
    variables,
    callflow: [{ caller_profile: { caller_id_number: leg.presented ?? '', destination_number: number } }],
  };
}

/** As the profiles that FreeSWITCH ships would name it. */
function nameOf({ number, gateway }: CalledLeg): string {
  if (gateway === null && isExtensionLike(number)) return `sofia/internal/${number}`;
  return `sofia/external/${number ?? ''}`;
}

function micros(ms: number | null): string {
  return ms === null ? '0' : String(ms * 1000);
}
