/** One leg of mod_json_cdr as the events that tell its life. */

import type { CallEvent, ChannelId } from '../../../src/telephony/call-event.ts';
import { isExtensionLike } from '../../../src/telephony/digits.ts';
import { bridgeOf, historyOf, known, neverSent, otherHalf } from '../events/channel.ts';
import { normalise } from '../events/normalise.ts';
import { type EslEvent, eventOf } from '../link/event.ts';

export interface CdrLeg {
  readonly channel: ChannelId;
  /** ms since the epoch, UTC. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** None for a leg that was never called. */
  readonly events: readonly CallEvent[];
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

/** Throws one sentence that begins with `place` when it is no leg of mod_json_cdr. */
export function legEvents(body: unknown, place: string, source: string): CdrLeg {
  const event = asHangup(body, place);
  const channel = event.get('Unique-ID') ?? '';
  const history = historyOf(event);
  const endedAt = Number(event.get('Caller-Channel-Hangup-Time')) / 1000;
  const startedAt = history.createdAt;
  if (channel === '' || startedAt === null || !(endedAt > 0)) {
    throw new Error(`${place}: has no uuid, start_uepoch or end_uepoch; it is no file of mod_json_cdr.`);
  }
  const at = Math.round(endedAt);
  if (neverSent(event)) return { channel, startedAt, endedAt: at, events: [] };
  const stamp = (time: number) => ({ source, at: time, receivedAt: time });
  const { facts, answeredAt, bridgedAt } = history;
  const events: CallEvent[] = [{ ...stamp(startedAt), kind: 'channel-created', channel, facts }];
  const other = otherHalf(event);
  if (other !== null) events.push({ ...stamp(startedAt), kind: 'wired', channel, other });
  if (facts.initiator === 'pbx') {
    const by = known(event.get('variable_originating_leg_uuid'));
    const presented = facts.caller.number;
    events.push({ ...stamp(startedAt), kind: 'dial-started', channel, by, number: facts.dialled, presented });
  }
  if (answeredAt !== null) events.push({ ...stamp(answeredAt), kind: 'answered', channel });
  const partner = known(event.get('variable_bridge_uuid'));
  const together = (since: number, other: ChannelId): CallEvent[] =>
    [channel, other].flatMap((one): CallEvent[] => [
      { ...stamp(since), kind: 'bridge-entered', channel: one, bridge: bridgeOf(channel, other), bridgeKind: 'talk' },
      { ...stamp(at), kind: 'bridge-left', channel: one, bridge: bridgeOf(channel, other) },
    ]);
  // Only the last bridge of a leg is told. One who was called, answered and moved on had talked with the caller first.
  const caller = facts.initiator === 'pbx' ? known(event.get('variable_originating_leg_uuid')) : null;
  if (bridgedAt !== null && answeredAt !== null && caller !== null && caller !== partner) {
    events.push(...together(answeredAt, caller));
  }
  if (bridgedAt !== null && partner !== null) events.push(...together(bridgedAt, partner));
  const room = known(event.get('variable_conference_uuid'));
  if (room !== null) {
    const since = stamp(answeredAt ?? startedAt);
    events.push({ ...since, kind: 'bridge-entered', channel, bridge: room, bridgeKind: 'conference' });
  }
  events.push(...servicesOf(event, body, channel, startedAt, at, source), ...normalise(event, source, at));
  return { channel, startedAt, endedAt: at, events };
}

/** Queue, voicemail and recording, which live events tell by themselves. */
function servicesOf(
  event: EslEvent,
  body: unknown,
  channel: ChannelId,
  startedAt: number,
  endedAt: number,
  source: string,
): CallEvent[] {
  const events: CallEvent[] = [];
  const queue = event.get('variable_cc_side') === 'member' ? known(event.get('variable_cc_queue')) : null;
  const begun = { source, at: startedAt, receivedAt: startedAt, channel };
  const over = { source, at: endedAt, receivedAt: endedAt, channel };
  if (queue !== null) events.push({ ...begun, kind: 'queued', queue });
  if (known(event.get('variable_voicemail_message_len')) !== null) {
    events.push({ ...over, kind: 'voicemail-left', mailbox: known(event.get('variable_voicemail_account')) });
  }
  const file = recordedBy(body) ?? recordedOnAnswer(event);
  if (file !== null && Number(event.get('variable_record_ms')) > 0) events.push({ ...over, kind: 'recording', file });
  return events;
}

/** The file of the last `record_session` that the leg executed. */
function recordedBy(body: unknown): string | null {
  const applications = at(at(body, 'app_log'), 'applications');
  if (!Array.isArray(applications)) return null;
  const last = applications.findLast((one) => at(one, 'app_name') === 'record_session');
  const file = at(last, 'app_data');
  return typeof file === 'string' ? known(file) : null;
}

/** The file of a recording that was to begin with the answer: `api_on_answer`, `execute_on_answer`. */
function recordedOnAnswer(event: EslEvent): string | null {
  const hook = event.names().find((name) => /(?:api|execute)_on_answer(?:_\d+)?$/.test(name));
  if (hook === undefined) return null;
  return /(?:uuid_record \S+ start|record_session)\s+(\S+)/.exec(event.get(hook) ?? '')?.[1] ?? null;
}

/** The file as the event of the same moment. */
function asHangup(body: unknown, place: string): EslEvent {
  const variables = at(body, 'variables');
  if (!isFields(variables) || typeof variables.uuid !== 'string') {
    throw new Error(`${place}: is JSON without "variables" and their "uuid"; it is no file of mod_json_cdr.`);
  }
  const decode = decoder(variables);
  const flow = at(body, 'callflow');
  const profile = at(Array.isArray(flow) ? flow.at(-1) : flow, 'caller_profile');
  const headers: Record<string, unknown> = { 'Event-Name': 'CHANNEL_HANGUP_COMPLETE' };
  for (const [name, value] of Object.entries(variables)) headers[`variable_${name}`] = decode(value);
  for (const [header, name] of Object.entries(FROM_VARIABLES)) headers[header] = decode(variables[name]);
  // `callflow` is never encoded.
  for (const [header, name] of Object.entries(FROM_PROFILE)) headers[header] = at(profile, name);
  // A phone that dialled in its turn (att_xfer) has overwritten whom it was rung as.
  const rungAs = headers['Caller-Destination-Number'];
  if (
    headers['Call-Direction'] === 'outbound' &&
    'originated_legs' in variables &&
    typeof rungAs === 'string' &&
    isExtensionLike(rungAs)
  ) {
    headers.variable_dialed_user = rungAs;
  }
  const event = eventOf(headers);
  if (event === null) throw new Error(`${place}: cannot be read as an event.`);
  return event;
}

/**
 * With `encode-values=true`, as FreeSWITCH ships it, all variables are URL-encoded. Whether they are is told by a character
 * that never survives encoding; nearly every leg has a SIP address or a time among its variables.
 */
function decoder(variables: Fields): (value: unknown) => unknown {
  const plain = Object.values(variables).some((value) => typeof value === 'string' && /[ @"<>+:]/.test(value));
  if (plain) return (value) => value;
  return (value) => (typeof value === 'string' ? decoded(value) : value);
}

function decoded(value: string): string {
  if (!value.includes('%')) return value;
  const raw = Buffer.from(value).toString('latin1');
  const bytes = raw.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function at(value: unknown, name: string): unknown {
  return isFields(value) ? value[name] : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
