/**
 * Channel event logging (CEL) as call events, so that calls which nobody heard are judged by the same rules as all others. What each
 * row tells was seen in the CELs of the recordings of Asterisk 16.28 and 22.10 and of FreePBX 17 (`test/fixtures/recordings`).
 */
import type { BridgeKind, CallEvent, ChannelId, Clearing } from '../../../src/telephony/call-event.ts';
import { SHORTEST_MESSAGE_MS } from '../cdr/events.ts';
import type { TimedRow } from '../cdr/legs.ts';
import { known, type Stamp } from '../events/channel.ts';
import { type CelChannel, channelsOf, type TimedCel } from './channels.ts';
import { type Dial, dialEvents, dialOf, hungUp } from './dials.ts';
import { cutOffBy } from './restarts.ts';

interface Told {
  readonly channels: ReadonlyMap<ChannelId, CelChannel>;
  readonly bridges: ReadonlyMap<string, BridgeKind>;
  readonly source: string;
}

/**
 * The events of rows in order of time; `cdr` the call detail records of the same calls. A channel of which no row tells the end goes on
 * until the PBX has been started anew, where the rows of others tell that.
 */
export function celEvents(rows: readonly TimedCel[], cdr: readonly TimedRow[], source: string): CallEvent[] {
  const channels = channelsOf(rows);
  const told: Told = { channels, bridges: bridgesOf(rows), source };
  const byCall = Map.groupBy(channels.values(), ({ facts }) => facts.linkedId);
  const rowsByCall = Map.groupBy(cdr, ({ linkedid }) => linkedid);
  const events: CallEvent[] = [];
  for (const [linkedId, members] of byCall) {
    const dials = members
      .map((one) => dialOf(one, members, rowsByCall.get(linkedId) ?? []))
      .filter((dial): dial is Dial => dial !== null);
    const byCaller = Map.groupBy(dials, ({ by }) => by);
    for (const one of members) events.push(...birth(told, one));
    for (const dial of dials) {
      events.push(...dialEvents(dial, byCaller.get(dial.by) ?? [], (at) => stampAt(source, at)));
    }
  }
  for (const row of rows) events.push(...(READERS[row.type]?.(told, row, stampOf(told, row)) ?? []));
  for (const one of channels.values()) events.push(...queueEvents(told, one), ...voicemailEvents(told, one));
  for (const { channel, aliveAt, overAt } of cutOffBy([...channels.values()])) {
    events.push({ ...stampAt(source, aliveAt), kind: 'vanished', channel, overAt });
  }
  for (const row of cdr) {
    const file = known(row.recordingfile);
    if (file !== null) events.push({ ...stampAt(source, row.end), kind: 'recording', channel: row.uniqueid, file });
  }
  return events;
}

function stampAt(source: string, at: number): Stamp {
  return { source, at, receivedAt: at };
}

type OnChannel = Stamp & { readonly channel: ChannelId; readonly linkedId: string };

function stampOf({ source }: Told, row: TimedCel): OnChannel {
  return { ...stampAt(source, row.at), channel: row.uniqueid, linkedId: row.linkedid };
}

function birth({ source }: Told, { id: channel, facts, createdAt }: CelChannel): CallEvent[] {
  return [{ ...stampAt(source, createdAt), kind: 'channel-created', channel, facts }];
}

/** One reader for each kind of row. */
const READERS: Readonly<Record<string, (told: Told, row: TimedCel, stamp: OnChannel) => CallEvent[]>> = {
  ANSWER: (_told, _row, stamp) => [{ ...stamp, kind: 'answered' }],
  BRIDGE_ENTER: ({ bridges }, row, stamp) => {
    const bridge = row.extra.bridge_id;
    if (bridge === undefined) return [];
    return [{ ...stamp, kind: 'bridge-entered', bridge, bridgeKind: bridges.get(bridge) ?? 'talk' }];
  },
  BRIDGE_EXIT: (_told, row, stamp) => {
    const bridge = row.extra.bridge_id;
    return bridge === undefined ? [] : [{ ...stamp, kind: 'bridge-left', bridge }];
  },
  BLINDTRANSFER: (told, row, stamp) => transferred(told, row, stamp, 'blind'),
  ATTENDEDTRANSFER: (told, row, stamp) => transferred(told, row, stamp, 'attended'),
  PICKUP: ({ channels }, row, stamp) => {
    const picker = row.extra.pickup_channel_uniqueid ?? '';
    const { linkedId: _, ...rest } = stamp;
    return channels.has(picker) ? [{ ...rest, kind: 'picked-up', channel: picker, target: row.uniqueid }] : [];
  },
  PARK_START: (_told, _row, stamp) => [{ ...stamp, kind: 'parked', slot: null }],
  PARK_END: (told, row, stamp) => {
    const retriever = named(told, row.extra.retriever ?? '', row.at);
    if (retriever === undefined) return [];
    return [{ ...stamp, kind: 'linked', linkedIds: [], channels: [retriever] }];
  },
  LOCAL_OPTIMIZE_BEGIN: wired,
  LOCAL_OPTIMIZE: wired,
  APP_START: (_told, row, stamp) => {
    const file = /^MixMonitor$|^Monitor$/.test(row.appname) ? known(row.appdata.split(',')[0]) : null;
    return file === null ? [] : [{ ...stamp, kind: 'recording', file }];
  },
  // The same word that makes a UserEvent one of a recording.
  USER_DEFINED: (_told, row, stamp) => {
    const file = /record/i.test(row.userdeftype) ? known(row.extra.extra) : null;
    return file === null ? [] : [{ ...stamp, kind: 'recording', file }];
  },
  HANGUP: ({ channels }, row, stamp) => {
    const sip = refusalOf(channels.get(row.uniqueid), row);
    const clearing = { ...clearingOf(row), sip };
    const asked = row.extra.hangupsource === row.channel && sip === null;
    const cleared: CallEvent = { ...stamp, kind: 'cleared', clearing };
    return asked ? [{ ...stamp, kind: 'hangup-requested', clearing }, cleared] : [cleared];
  },
  CHAN_END: (_told, _row, stamp) => [{ ...stamp, kind: 'cleared', clearing: { q850: null, sip: null, text: null } }],
};

function clearingOf(row: TimedCel): Clearing {
  const cause = row.extra.hangupcause ?? '';
  return { q850: /^\d{1,3}$/.test(cause) ? Number(cause) : null, sip: null, text: null };
}

/** Busy() and Congestion() of the dialplan refuse a call that was not answered; that the caller goes then is their doing. */
const REFUSALS: Readonly<Record<string, number>> = { 17: 486, 34: 503 };

function refusalOf(channel: CelChannel | undefined, row: TimedCel): number | null {
  if (channel?.facts.initiator !== 'endpoint' || channel.rows.some(({ type }) => type === 'ANSWER')) return null;
  return REFUSALS[row.extra.hangupcause ?? ''] ?? null;
}

function wired({ channels }: Told, row: TimedCel, stamp: OnChannel): CallEvent[] {
  const other = row.extra.local_two_uniqueid ?? '';
  return channels.has(other) ? [{ ...stamp, kind: 'wired', other }] : [];
}

function transferred({ channels }: Told, row: TimedCel, stamp: OnChannel, manner: 'blind' | 'attended'): CallEvent[] {
  const ids = ['channel2_uniqueid', 'transferee_channel_uniqueid', 'transfer_target_channel_uniqueid'];
  const parties = ids.map((name) => row.extra[name] ?? '').filter((id) => channels.has(id));
  const to = known(row.extra.extension);
  return [{ ...stamp, kind: 'transferred', manner, parties: [row.uniqueid, ...parties], linkedIds: [], to }];
}

/** Names are unique among the channels that live at one time. */
function named({ channels }: Told, name: string, at: number): ChannelId | undefined {
  for (const one of channels.values()) {
    if (one.name === name && one.createdAt <= at && (one.endedAt ?? at) >= at) return one.id;
  }
  return undefined;
}

/** Applications that put a channel into a room with any number of members. */
const CONFERENCE = /^(?:ConfBridge|MeetMe|Page)$/;

function bridgesOf(rows: readonly TimedCel[]): ReadonlyMap<string, BridgeKind> {
  const kinds = new Map<string, BridgeKind>();
  for (const { type, extra, appname } of rows) {
    const id = extra.bridge_id;
    if (type !== 'BRIDGE_ENTER' || id === undefined || kinds.get(id) === 'conference') continue;
    const holding = extra.bridge_technology === 'holding_bridge';
    kinds.set(id, CONFERENCE.test(appname) ? 'conference' : holding ? 'holding' : 'talk');
  }
  return kinds;
}

/** A caller waits until somebody is connected with him. */
function queueEvents({ source }: Told, one: CelChannel): CallEvent[] {
  return one.runs.flatMap((run): CallEvent[] => {
    const queue = run.name === 'Queue' ? known(run.data.split(',')[0]) : null;
    if (queue === null) return [];
    const { id: channel } = one;
    const joined = one.rows.find(({ type, at }) => type === 'BRIDGE_ENTER' && at >= run.from && at <= run.to);
    const to = Math.min(joined?.at ?? run.to, one.endedAt ?? run.to);
    const left = joined === undefined && hungUp(one) && (one.endedAt ?? Number.POSITIVE_INFINITY) - run.to <= 1000;
    const queued: CallEvent = { ...stampAt(source, run.from), kind: 'queued', channel, queue };
    if (to === Number.POSITIVE_INFINITY) return [queued];
    return [queued, { ...stampAt(source, to), kind: 'dequeued', channel, queue, reason: left ? 'left' : null }];
  });
}

/** A beep begins the message, where the sounds that are played are logged; who hears it has left one, if only of silence. */
function voicemailEvents({ source }: Told, one: CelChannel): CallEvent[] {
  return one.runs.flatMap((run): CallEvent[] => {
    if (!/^VoiceMail$/.test(run.name)) return [];
    const { id: channel } = one;
    const reached: CallEvent = {
      ...stampAt(source, run.from),
      kind: 'voicemail-reached',
      channel,
      fact: `the channel ran ${run.name}`,
    };
    const sounds = run.rows.filter(({ type }) => type === 'STREAM_BEGIN').map(({ extra }) => extra.sound);
    const answered = one.rows.some(({ type, at }) => type === 'ANSWER' && at <= run.to);
    // Without a row of the beginning of the application only its answer tells when it began.
    const from = run.rows.find(({ type }) => type === 'ANSWER')?.at ?? run.from;
    const stayed = (run.to === Number.POSITIVE_INFINITY ? one.lastAt : run.to) - from;
    const recorded = sounds.length > 0 ? sounds.includes('beep') : stayed >= SHORTEST_MESSAGE_MS;
    if (!answered || !recorded) return [reached];
    const at = run.to === Number.POSITIVE_INFINITY ? one.lastAt : run.to;
    const mailbox = known(run.data.split(',')[0]?.split('@')[0]);
    return [reached, { ...stampAt(source, at), kind: 'voicemail-left', channel, mailbox }];
  });
}
