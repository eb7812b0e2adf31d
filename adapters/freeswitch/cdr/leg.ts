/** One leg of mod_json_cdr as the events that tell its life. */

import type { CallEvent, ChannelId } from '../../../src/telephony/call-event.ts';
import { isExtensionLike } from '../../../src/telephony/digits.ts';
import { bridgeOf, historyOf, known, neverSent, otherHalf, timeOf } from '../events/channel.ts';
import { normalise } from '../events/normalise.ts';
import type { EslEvent } from '../link/event.ts';
import { type LegBody, readBody } from './body.ts';
import { type CalledLeg, calledBy, type Meeting, meetingsOf } from './mentions.ts';

export interface CdrLeg {
  readonly channel: ChannelId;
  /** ms since the epoch, UTC. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** None for a leg that was never called. */
  readonly events: readonly CallEvent[];
  /** Every other leg that its record names. */
  readonly ties: ReadonlySet<ChannelId>;
  /** The conference that it was in last. */
  readonly room: string | null;
  /** True for a leg that another one called: those are not recorded with `log-b-leg` false (mod_json_cdr) and `legs` a (mod_cdr_csv). */
  readonly called: boolean;
  /** The legs that it called, and those with which it was connected, as its own record tells. */
  readonly calls: readonly CalledLeg[];
  readonly meetings: readonly Meeting[];
}

/** Variables that name a leg of the same call. */
const TIES = [
  'originating_leg_uuid',
  'originator',
  'bridge_uuid',
  'signal_bond',
  'cc_member_session_uuid',
  'cc_agent_uuid',
  'fifo_bridge_uuid',
  'other_loopback_leg_uuid',
];

const ID = /^[0-9A-Za-z][\w.-]{2,63}$/;

/** Throws one sentence that begins with `place` when it is no leg of mod_json_cdr. */
export function legEvents(body: unknown, place: string, source: string): CdrLeg {
  const read = readBody(body);
  if (read === null) {
    throw new Error(`${place}: is JSON without "variables" and their "uuid"; it is no file of mod_json_cdr.`);
  }
  const event = asRung(read.event);
  const channel = event.get('Unique-ID') ?? '';
  const history = historyOf(event);
  const startedAt = history.createdAt;
  const endedAt = timeOf(event, 'Caller-Channel-Hangup-Time');
  if (channel === '' || startedAt === null || endedAt === null) {
    throw new Error(`${place}: has no uuid, start_uepoch or end_uepoch; it is no file of mod_json_cdr.`);
  }
  const calls = calledBy(read, startedAt, endedAt);
  const meetings = meetingsOf(read, endedAt);
  const ties = new Set(
    [...TIES.map((name) => event.get(`variable_${name}`)), ...calls.map((one) => one.channel)].filter(
      (id) => id !== undefined && id !== channel && ID.test(id),
    ),
  ) as ReadonlySet<ChannelId>;
  const called = known(event.get('variable_originating_leg_uuid')) !== null;
  const events = neverSent(event) ? [] : eventsOf(event, read, source, startedAt, endedAt);
  const room = known(event.get('variable_conference_uuid'));
  return { channel, startedAt, endedAt, events, ties, room, called, calls, meetings };
}

/** A phone that dialled in its turn (att_xfer) has overwritten whom it was rung as. */
function asRung(event: EslEvent): EslEvent {
  const rungAs = event.get('Caller-Destination-Number') ?? null;
  if (event.get('Call-Direction') !== 'outbound' || event.get('variable_originated_legs') === undefined) return event;
  if (!isExtensionLike(rungAs)) return event;
  const get = (name: string) => (name === 'variable_dialed_user' ? rungAs : event.get(name));
  return { name: event.name, get, list: (name) => event.list(name), names: () => event.names() };
}

function eventsOf(event: EslEvent, body: LegBody, source: string, startedAt: number, endedAt: number): CallEvent[] {
  const channel = event.get('Unique-ID') ?? '';
  const stamp = (time: number) => ({ source, at: time, receivedAt: time });
  const { facts, answeredAt, bridgedAt } = historyOf(event);
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
      { ...stamp(endedAt), kind: 'bridge-left', channel: one, bridge: bridgeOf(channel, other) },
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
  events.push(...servicesOf(event, body, channel, startedAt, endedAt, source), ...normalise(event, source, endedAt));
  return events;
}

/** Queue, voicemail and recording, which live events tell by themselves. */
function servicesOf(
  event: EslEvent,
  body: LegBody,
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
function recordedBy({ applications }: LegBody): string | null {
  return known(applications.findLast(({ name }) => name === 'record_session')?.data);
}

/** The file of a recording that was to begin with the answer: `api_on_answer`, `execute_on_answer`. */
function recordedOnAnswer(event: EslEvent): string | null {
  const hook = event.names().find((name) => /(?:api|execute)_on_answer(?:_\d+)?$/.test(name));
  if (hook === undefined) return null;
  return /(?:uuid_record \S+ start|record_session)\s+(\S+)/.exec(event.get(hook) ?? '')?.[1] ?? null;
}
