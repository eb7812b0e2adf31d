/**
 * What the record of one leg tells of others. With the settings that FreeSWITCH and FusionPBX ship, or that many admins choose, a
 * leg that another one called has no record of its own (`log-b-leg` false of mod_json_cdr and mod_xml_cdr, `legs` a of mod_cdr_csv):
 * which phones were rung and who answered stands then in the record of the caller's leg alone.
 */
import type { ChannelId } from '../../../src/telephony/call-event.ts';
import { isExtensionLike } from '../../../src/telephony/digits.ts';
import { known, timeOf } from '../events/channel.ts';
import type { EslEvent } from '../link/event.ts';
import type { Application, LegBody, Partner } from './body.ts';

/** A leg that was called. Times: ms since the epoch, UTC. */
export interface CalledLeg {
  readonly channel: ChannelId;
  readonly by: ChannelId;
  /** False when it is only known to have been connected with `by`. */
  readonly dialled: boolean;
  readonly number: string | null;
  /** The caller number shown to it, where the record tells. */
  readonly presented: string | null;
  readonly name: string | null;
  readonly gateway: string | null;
  /** The user of the directory who was called, where that is not the number. */
  readonly user: string | null;
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

/** The legs that a leg has called, and those with which it was connected, the first first. */
export function calledBy(body: LegBody, startedAt: number, endedAt: number): CalledLeg[] {
  const { event } = body;
  const by = event.get('Unique-ID') ?? '';
  const causes = new Map(event.list('variable_originate_causes').map((one) => pairOf(one)));
  const meetings = meetingsOf(body, endedAt);
  const partners = partnersOf(body);
  const numbers = new Map<ChannelId, string>();
  for (const text of event.list('variable_originated_legs')) {
    const [, channel = '', , sent = ''] = ORIGINATED.exec(text) ?? [];
    if (channel !== '') numbers.set(channel, sent);
  }
  const called = [...new Set([...numbers.keys(), ...meetings.map((one) => one.with)])];
  let last = startedAt;
  return called.flatMap((channel): CalledLeg[] => {
    const partner = partners.get(channel);
    const sent = numbers.get(channel);
    if (sent === undefined && (partner?.name ?? null) === null) return [];
    // `loopback/1009/default/XML` is told as the number XML.
    const number = partner?.number ?? (sent === 'XML' ? null : known(sent));
    const met = meetings.find((one) => one.with === channel);
    const { at, gateway, named } = diallingOf(body.applications, number, last, met?.since ?? endedAt);
    last = sent === undefined ? last : (at ?? last);
    const cause = causes.get(channel) ?? null;
    return [
      {
        channel,
        by,
        dialled: sent !== undefined,
        number,
        presented: presentedBy(event),
        name: partner?.name ?? null,
        gateway,
        user: named || sent === undefined ? null : known(event.get('variable_dialed_user')),
        at: Math.max(Math.min(sent === undefined ? (met?.since ?? last) : last, met?.since ?? endedAt), startedAt),
        cause: cause === 'NONE' ? null : cause,
      },
    ];
  });
}

function pairOf(text: string): [string, string] {
  const at = text.lastIndexOf(';');
  return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
}

/** Names and numbers of legs; the last bridge stands among the variables, too. */
function partnersOf({ event, profiles }: LegBody): Map<ChannelId, Partner> {
  const partners = new Map<ChannelId, Partner>();
  for (const one of profiles.flatMap(({ partners }) => partners)) {
    if (!partners.has(one.channel)) partners.set(one.channel, one);
  }
  const channel = known(event.get('variable_bridge_uuid'));
  if (channel !== null && !partners.has(channel)) {
    const name = known(event.get('variable_bridge_channel'));
    partners.set(channel, { channel, name, number: known(event.get('variable_last_sent_callee_id_number')) });
  }
  return partners;
}

/** The number that the dialplan set for what it calls, else that of the caller. */
function presentedBy(event: EslEvent): string | null {
  return known(event.get('variable_effective_caller_id_number')) ?? known(event.get('Caller-Caller-ID-Number'));
}

/** Endpoints in a dial string, at its beginning or behind a separator. */
const DIAL_STRING = /(?:^|[\]},|:!])(?:user|sofia|loopback|group|verto\.rtc)\//;

/** Channels keep the time of a clock that moves in such steps, applications that of the machine, ms. */
const TICK_MS = 20;

/**
 * The application that called `number` between `from` and `to`: when it was executed, and the gateway that it names. `named` is false
 * when none names the number: a user of the directory was called, who has his calls sent elsewhere.
 */
function diallingOf(applications: readonly Application[], number: string | null, from: number, to: number) {
  const dials = applications.filter(({ data }) => number !== null && data.includes(number) && DIAL_STRING.test(data));
  const began = (one: Application) => Math.max((one.at ?? from) - TICK_MS, from);
  const inTime = dials.find((one) => (one.at ?? from) >= from && began(one) <= to) ?? dials.at(-1);
  const gateway = inTime === undefined ? null : (/sofia\/gateway\/([^/,|]+)\//.exec(inTime.data)?.[1] ?? null);
  return { at: inTime === undefined ? null : Math.min(began(inTime), to), gateway, named: dials.length > 0 };
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
  const user = isExtensionLike(number) && leg.gateway === null ? number : leg.user;
  if (user !== null) variables.dialed_user = user;
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
