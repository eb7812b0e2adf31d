/** A capture of Asterisk by its connections: what was told and what was listed, to be played again. */
import { readFileSync } from 'node:fs';
import { captureOf, type PlacedFrame } from '../../../src/capture/file.ts';
import { isResponse } from '../link/actions.ts';
import { type AmiPacket, parsePacketText } from '../link/packet.ts';

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

/** All frames of a capture file, greeting and responses included. Throws when it is not a capture of Asterisk. */
export function readFrames(path: string): readonly PlacedFrame[] {
  const { pbx, frames } = captureOf(readFileSync(path), path);
  if (pbx !== 'asterisk') throw new Error(`${path}: is a capture of ${pbx}, not of Asterisk.`);
  return frames;
}

function connectionOf(frames: readonly PlacedFrame[]): RecordedConnection {
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
    beganAt: first === undefined ? 0 : first.receivedAt - first.t,
    connections: numbers.map((number) => connectionOf(frames.filter((frame) => frame.connection === number))),
  };
}
