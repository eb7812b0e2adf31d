/**
 * Reads a capture file of an AMI connection: one JSON object a line, the first `{"capture":1,"pbx":"asterisk"}`, then
 * `{"t", "at", "raw" | "rawBase64", "conn"?}` for each frame received. Plain or gzipped.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { isResponse } from '../link/actions.ts';
import { type AmiPacket, parsePacketText } from '../link/packet.ts';

/** One frame as it was received. */
export interface RecordedFrame {
  /** ms since the recording began. */
  readonly t: number;
  /** ms since the epoch, UTC. */
  readonly at: number;
  /** Counts the connections of the recorder from 1; between two lies an interval of which nothing is known. */
  readonly connection: number;
  readonly raw: Buffer;
}

/** What one connection received, apart from what concerned only the client that recorded it. */
export interface RecordedConnection {
  /** ms since the recording began. */
  readonly startedAt: number;
  /** `FullyBooted` as the answer to the login; `null` when there was none, or the PBX was still booting. */
  readonly fullyBooted: AmiPacket | null;
  /** Items of the lists asked for before the first event, by action: `CoreShowChannels`, `Status`... */
  readonly lists: ReadonlyMap<string, readonly AmiPacket[]>;
  readonly events: readonly { readonly t: number; readonly packet: AmiPacket }[];
}

export interface Recording {
  /** ms since the epoch, UTC, of t = 0. */
  readonly beganAt: number;
  readonly connections: readonly RecordedConnection[];
}

function frameOf(line: string, place: string): RecordedFrame {
  const frame: unknown = JSON.parse(line);
  if (typeof frame === 'object' && frame !== null && 't' in frame && typeof frame.t === 'number') {
    const at = 'at' in frame && typeof frame.at === 'string' ? Date.parse(frame.at) : Number.NaN;
    const connection = 'conn' in frame && typeof frame.conn === 'number' ? frame.conn : 1;
    const { t } = frame;
    if ('raw' in frame && typeof frame.raw === 'string') return { t, at, connection, raw: Buffer.from(frame.raw) };
    if ('rawBase64' in frame && typeof frame.rawBase64 === 'string')
      return { t, at, connection, raw: Buffer.from(frame.rawBase64, 'base64') };
  }
  throw new Error(`${place} is not a frame with t and raw; was the capture file cut or edited?`);
}

/** All frames of a capture file, greeting and responses included. Throws when it is not a capture of Asterisk. */
export function readFrames(path: string): RecordedFrame[] {
  const bytes = readFileSync(path);
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
  const [head, ...lines] = text.split('\n');
  if (!/^\{.*"pbx": ?"asterisk"/.test(head ?? ''))
    throw new Error(
      `${path} is not a capture file of Asterisk: its first line must be {"capture":1,"pbx":"asterisk"}.`,
    );
  return lines.flatMap((line, i) => (line === '' ? [] : [frameOf(line, `${path} line ${i + 2}`)]));
}

function connectionOf(frames: readonly RecordedFrame[]): RecordedConnection {
  const lists = new Map<string, readonly AmiPacket[]>();
  const events: { t: number; packet: AmiPacket }[] = [];
  const open = new Map<string, AmiPacket[]>();
  let fullyBooted: AmiPacket | null = null;
  for (const { t, raw } of frames) {
    const packet = parsePacketText(raw);
    if (packet === null) continue;
    const id = packet.get('ActionID') ?? '';
    const name = packet.get('Event') ?? '';
    const items = open.get(id);
    if (isResponse(packet)) {
      if (packet.get('EventList') === 'start') open.set(id, []);
    } else if (items !== undefined) {
      if (packet.get('EventList') !== 'Complete') items.push(packet);
      else if (events.length === 0) lists.set(name.replace(/Complete$/, ''), items);
    } else if (name === 'FullyBooted' && events.length === 0) fullyBooted = packet;
    else events.push({ t, packet });
  }
  return { startedAt: frames[0]?.t ?? 0, fullyBooted, lists, events };
}

/** A capture file by connections. Throws when it is not a capture of Asterisk. */
export function readRecording(path: string): Recording {
  const frames = readFrames(path);
  const numbers = [...new Set(frames.map((frame) => frame.connection))];
  const first = frames[0];
  return {
    beganAt: first === undefined ? 0 : first.at - first.t,
    connections: numbers.map((number) => connectionOf(frames.filter((frame) => frame.connection === number))),
  };
}
