/**
 * ESL events -> call events. Pure: the same event gives the same call events, whatever came before. Events that say nothing
 * about calls give none.
 *
 * Which event tells what was seen in recordings of FreeSWITCH 1.10.12 and 1.11.2 (`test/fixtures/recordings`).
 * CHANNEL_CREATE, CHANNEL_ANSWER, CHANNEL_BRIDGE and CHANNEL_HANGUP_COMPLETE suffice for plain calls; the others add to them.
 */
import type { CallEvent, ChannelId } from '../../../src/telephony/call-event.ts';
import type { EslEvent } from '../link/event.ts';
import { clearingOf, dialResultOf, endedByEndpoint, endedByPbx, redirectedTo } from './causes.ts';
import {
  bridgeOf,
  historyOf,
  known,
  neverSent,
  newChannelFacts,
  originatorOf,
  otherHalf,
  timeOf,
  userAskedFor,
} from './channel.ts';
import { customEvents } from './custom.ts';

export interface EventStamp {
  readonly source: string;
  readonly at: number;
  readonly receivedAt: number;
}

type Reader = (event: EslEvent, stamp: EventStamp, channel: ChannelId) => CallEvent[];

const READERS: Readonly<Record<string, Reader>> = {
  CHANNEL_CREATE: created,
  CHANNEL_UUID: (event, stamp, channel) => {
    const before = known(event.get('Old-Unique-ID'));
    return before === null ? [] : [{ ...stamp, kind: 'renamed', channel: before, to: channel }];
  },
  // On the leg of a caller it says that he hears it ring.
  CHANNEL_PROGRESS: (event, stamp, channel) =>
    event.get('Call-Direction') === 'outbound' ? [{ ...stamp, kind: 'alerting', channel }] : [],
  CHANNEL_ANSWER: (event, stamp, channel) => [
    { ...stamp, kind: 'answered', channel, at: timeOf(event, 'Caller-Channel-Answered-Time') ?? stamp.at },
  ],
  CHANNEL_BRIDGE: (event, stamp) =>
    pairOf(event).map(({ channel, bridge }) => ({
      ...stamp,
      kind: 'bridge-entered',
      channel,
      bridge,
      bridgeKind: 'talk',
    })),
  CHANNEL_UNBRIDGE: (event, stamp) =>
    pairOf(event).map(({ channel, bridge }) => ({ ...stamp, kind: 'bridge-left', channel, bridge })),
  CHANNEL_HOLD: (_event, stamp, channel) => [{ ...stamp, kind: 'held', channel }],
  CHANNEL_UNHOLD: (_event, stamp, channel) => [{ ...stamp, kind: 'retrieved', channel }],
  RECORD_STOP: recorded,
  CHANNEL_HANGUP_COMPLETE: hungUp,
  // The same at the very end of a leg, for the few whose CHANNEL_HANGUP_COMPLETE is lost.
  CHANNEL_DESTROY: hungUp,
};

/** Names that the product asks for or knows and that say nothing about calls. */
const IGNORED = new Set(
  (
    'API BACKGROUND_JOB CALL_UPDATE CHANNEL_CALLSTATE CHANNEL_DATA CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE ' +
    'CHANNEL_HANGUP CHANNEL_ORIGINATE CHANNEL_OUTGOING CHANNEL_PARK CHANNEL_PROGRESS_MEDIA CHANNEL_STATE CHANNEL_UNPARK CODEC ' +
    'CUSTOM DTMF HEARTBEAT MESSAGE_WAITING PRESENCE_IN RECORD_START RE_SCHEDULE SHUTDOWN STARTUP'
  ).split(' '),
);

/** True for events that this program knows, whether or not they say something about calls. */
export function isKnownEvent(name: string): boolean {
  return Object.hasOwn(READERS, name) || IGNORED.has(name);
}

/** The call events of one ESL event; `receivedAt` in ms since the epoch. Their time is FreeSWITCH's own. */
export function normalise(event: EslEvent, source: string, receivedAt: number): CallEvent[] {
  const stamp = { source, receivedAt, at: timeOf(event, 'Event-Date-Timestamp') ?? receivedAt };
  if (event.name === 'CUSTOM') return customEvents(event, stamp);
  const reader = Object.hasOwn(READERS, event.name) ? READERS[event.name] : undefined;
  const channel = known(event.get('Unique-ID'));
  return reader === undefined || channel === null ? [] : reader(event, stamp, channel);
}

function created(event: EslEvent, stamp: EventStamp, channel: ChannelId): CallEvent[] {
  const facts = newChannelFacts(event);
  const at = timeOf(event, 'Caller-Channel-Created-Time') ?? stamp.at;
  const events: CallEvent[] = [{ ...stamp, kind: 'channel-created', at, channel, facts, ...bootOf(event) }];
  if (facts.wire !== null) events.push(...wired(event, stamp, channel));
  if (event.get('Call-Direction') === 'outbound') {
    const by = originatorOf(event);
    const presented = facts.caller.number;
    const asked = by === null ? userAskedFor(event) : null;
    const dial = { ...stamp, kind: 'dial-started', at, channel, by, number: facts.dialled, presented } as const;
    events.push(asked === null ? dial : { ...dial, asked });
  }
  return events;
}

/** `Core-UUID` is new with every start of FreeSWITCH. */
export function bootOf(event: EslEvent): { boot?: string } {
  const boot = known(event.get('Core-UUID'));
  return boot === null ? {} : { boot };
}

function wired(event: EslEvent, stamp: EventStamp, channel: ChannelId): CallEvent[] {
  const other = otherHalf(event);
  return other === null ? [] : [{ ...stamp, kind: 'wired', channel, other }];
}

/** Both legs of a bridge. The event comes once, on the leg that FreeSWITCH calls A, and that may be the agent's. */
function pairOf(event: EslEvent): { channel: ChannelId; bridge: string }[] {
  const a = known(event.get('Bridge-A-Unique-ID'));
  const b = known(event.get('Bridge-B-Unique-ID'));
  if (a === null || b === null) return [];
  const bridge = bridgeOf(a, b);
  return [
    { channel: a, bridge },
    { channel: b, bridge },
  ];
}

/** `min-record-len` of mod_voicemail and `message_min_length` of FusionPBX, by default. */
const SHORTEST_MESSAGE_MS = 3000;

/**
 * A finished recording. Calls that nobody answered leave empty files behind, and messages for a mailbox are RECORD events as
 * well, told by the place where mod_voicemail keeps them. The mailbox of FusionPBX is a script that keeps them there, too, and
 * tells of them in no other way; both throw away what is shorter than three seconds.
 */
function recorded(event: EslEvent, stamp: EventStamp, channel: ChannelId): CallEvent[] {
  const file = known(event.get('Record-File-Path'));
  const ms = Number(event.get('variable_record_ms'));
  if (file === null || !(ms > 0)) return [];
  if (/[/\\]voicemail[/\\]/.test(file)) {
    const mailbox = /(?<![^/\\])([^/\\]+)[/\\]msg_[^/\\]*$/.exec(file)?.[1];
    if (mailbox === undefined || ms < SHORTEST_MESSAGE_MS) return [];
    return [{ ...stamp, kind: 'voicemail-left', channel, mailbox }];
  }
  return [{ ...stamp, kind: 'recording', channel, file }];
}

/** The end of a leg. It tells the whole life of the leg again, for a client that was away at its beginning. */
function hungUp(event: EslEvent, stamp: EventStamp, channel: ChannelId): CallEvent[] {
  const at = timeOf(event, 'Caller-Channel-Hangup-Time') ?? stamp.at;
  const history = historyOf(event);
  const clearing = clearingOf(event);
  const ended: EventStamp = { ...stamp, at };
  if (neverSent(event)) return [{ ...ended, kind: 'cleared', channel, clearing }];
  // First, since it makes the leg known to who has not seen it.
  const events: CallEvent[] = [{ ...ended, kind: 'cleared', channel, clearing, history }];
  const queueFile = known(event.get('variable_cc_record_filename'));
  if (queueFile !== null) events.push({ ...ended, kind: 'recording', channel, file: queueFile });
  if (event.get('variable_last_app') === 'voicemail' || event.get('variable_current_application') === 'voicemail') {
    events.push({ ...ended, kind: 'voicemail-reached', channel, fact: 'application voicemail' });
  }
  const manner = transferOf(event);
  if (manner !== null) {
    events.push({ ...ended, kind: 'transferred', channel, manner, parties: [channel], linkedIds: [], to: null });
  }
  if (event.get('Call-Direction') === 'outbound') {
    const result = history.answeredAt === null ? dialResultOf(event) : 'answer';
    const by = known(event.get('variable_originating_leg_uuid'));
    events.push({ ...ended, kind: 'dial-ended', channel, by, result, forwardedTo: redirectedTo(event) });
  }
  if (endedByEndpoint(event)) events.push({ ...ended, kind: 'hangup-requested', channel, clearing });
  else if (endedByPbx(event))
    events.push({ ...ended, kind: 'hangup-requested', channel, clearing, by: 'pbx', alone: true });
  return history.facts.wire === null ? events : [...events, ...wired(event, ended, channel)];
}

/** `recv_replace` stands on the transferer's leg for both manners; `transfer_history` names dialplan transfers too. */
function transferOf(event: EslEvent): 'blind' | 'attended' | null {
  if (event.get('variable_endpoint_disposition') === 'BLIND_TRANSFER') return 'blind';
  return event.get('variable_transfer_disposition') === 'recv_replace' ? 'attended' : null;
}
