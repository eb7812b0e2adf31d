/** Recordings laid out on one time axis, and the channels that are alive at any point of it. Pure. */
import type { AmiPacket } from '../link/packet.ts';
import type { RecordedConnection, Recording } from './recording.ts';

/** One thing the player does: send a packet, or, where `packet` is `null`, break the connection as it was recorded. */
export interface Step {
  /** ms from the beginning at the recorded speed. */
  readonly at: number;
  readonly track: number;
  /** The connection this belongs to, or the one that follows the break. */
  readonly connection: RecordedConnection;
  readonly packet: AmiPacket | null;
  /** After a break: ms at which the recorder was connected again; what lies between is not waited for. */
  readonly resumeAt: number | null;
}

/** A live channel as `CoreShowChannels` and `Status` describe it. */
export interface LiveChannel {
  readonly track: number;
  /** `Channel` ... `Linkedid`, as the last packet about it has them. */
  readonly headers: readonly (readonly [string, string])[];
  readonly bridge: string;
  /** The number it was created with (DID of a trunk channel). */
  readonly dnid: string;
  /** ms of the axis since it was created; 0 when that was not recorded. */
  readonly ageMs: number;
}

/** ms between the end of one recording and the beginning of the next. */
const BETWEEN = 1_000;

/** Where on the axis each recording begins. */
export function offsets(recordings: readonly Recording[], order: 'sequence' | 'together'): number[] {
  let next = 0;
  return recordings.map((recording) => {
    const offset = next;
    const last = Math.max(0, ...recording.connections.map((connection) => connection.events.at(-1)?.t ?? 0));
    if (order === 'sequence') next += last + BETWEEN;
    return offset;
  });
}

/** All steps in order of time; equal times keep the order of the recordings. */
export function timeline(recordings: readonly Recording[], order: 'sequence' | 'together'): Step[] {
  const offset = offsets(recordings, order);
  const steps = recordings.flatMap((recording, track) => {
    let last = 0;
    return recording.connections.flatMap((connection, number): Step[] => {
      const base = offset[track] ?? 0;
      const resumeAt = base + connection.startedAt;
      const cut: Step[] = number === 0 ? [] : [{ at: base + last, track, connection, packet: null, resumeAt }];
      last = connection.events.at(-1)?.t ?? last;
      return [
        ...cut,
        ...connection.events.map(({ t, packet }) => ({ at: base + t, track, connection, packet, resumeAt: null })),
      ];
    });
  });
  return steps.sort((a, b) => a.at - b.at);
}

const STATE_HEADERS = new Set([
  'Channel',
  'ChannelState',
  'ChannelStateDesc',
  'CallerIDNum',
  'CallerIDName',
  'ConnectedLineNum',
  'ConnectedLineName',
  'Language',
  'AccountCode',
  'Context',
  'Exten',
  'Priority',
  'Uniqueid',
  'Linkedid',
]);

interface Mention {
  readonly index: number;
  readonly step: Step;
  readonly packet: AmiPacket;
}

/**
 * Channels alive just before step `position`: those that the recording still speaks of later, and that were created
 * before, or in an interval of which nothing was recorded.
 */
export function liveChannels(steps: readonly Step[], position: number): LiveChannel[] {
  const mentions = new Map<string, Mention[]>();
  const begins = new Map<RecordedConnection, number>();
  steps.forEach((step, index) => {
    if (!begins.has(step.connection)) begins.set(step.connection, step.packet === null ? index + 1 : index);
    const id = step.packet?.get('Uniqueid');
    if (step.packet === null || id === undefined || step.packet.get('Channel') === undefined) return;
    const key = `${step.track} ${id}`;
    const list = mentions.get(key) ?? [];
    if (list.length === 0) mentions.set(key, list);
    list.push({ index, step, packet: step.packet });
  });
  const now = steps[position]?.at ?? steps.at(-1)?.at ?? 0;
  return [...mentions.values()].flatMap((list) => {
    const created = list.find(({ packet }) => packet.get('Event') === 'Newchannel');
    const first = list[0];
    const over = list.find(({ packet }) => packet.get('Event') === 'Hangup') ?? list.at(-1);
    if (first === undefined || over === undefined || over.index < position) return [];
    const since = created === undefined ? (begins.get(first.step.connection) ?? 0) : created.index + 1;
    if (since > position) return [];
    const known = list.filter(({ index }) => index < position);
    const headers = (known.at(-1) ?? first).packet.headers.filter(([name]) => STATE_HEADERS.has(name));
    const dnid = created?.packet.get('Exten') ?? '';
    return [
      {
        track: first.step.track,
        headers,
        bridge: bridgeOf(list, known),
        dnid,
        ageMs: created === undefined ? 0 : now - created.step.at,
      },
    ];
  });
}

function bridgeOf(all: readonly Mention[], known: readonly Mention[]): string {
  const isBridge = ({ packet }: Mention) => /^Bridge(?:Enter|Leave)$/.test(packet.get('Event') ?? '');
  const last = known.findLast(isBridge)?.packet;
  if (last !== undefined) return last.get('Event') === 'BridgeEnter' ? (last.get('BridgeUniqueid') ?? '') : '';
  const next = all.slice(known.length).find(isBridge)?.packet;
  return next?.get('Event') === 'BridgeLeave' ? (next.get('BridgeUniqueid') ?? '') : '';
}
