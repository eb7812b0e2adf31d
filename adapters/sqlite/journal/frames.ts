/**
 * Frames as the journal keeps them: one after the other in a segment, each with a head of 13 bytes (kind, time of arrival as a
 * double, length; little-endian). A frame of the PBX is its exact bytes: what it says is read from them when it is needed. Events
 * that the client made itself stand beside them as JSON.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { SourceFrame } from '../../../src/ports.ts';
import { type CallEvent, channelOf } from '../../../src/telephony/call-event.ts';

/**
 * The values are stored. `wide`: bytes of the PBX that say something about the source as a whole. `events`: what version 0.1 made
 * of bytes that it did not keep.
 */
export const KIND = { pbx: 0, wide: 1, own: 2, events: 3 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** A frame within its segment. `at`: ms since the epoch; `bytes` is a view of the segment. */
export interface KeptFrame {
  readonly kind: Kind;
  readonly at: number;
  readonly bytes: Buffer;
}

/** Frames one after the other. */
export interface Packet {
  readonly frames: number;
  /** The earliest and the latest arrival, whole ms since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly bytes: Uint8Array;
}

const HEAD = 13;

/** A frame of the PBX is kept as it is, what the client says itself as JSON. */
export function kept({
  raw,
  events,
  receivedAt,
}: SourceFrame): Omit<KeptFrame, 'bytes'> & { readonly bytes: Uint8Array } {
  if (raw === null) return { kind: KIND.own, at: receivedAt, bytes: Buffer.from(JSON.stringify(events)) };
  return { kind: isWide(events) ? KIND.wide : KIND.pbx, at: receivedAt, bytes: raw };
}

function isWide(events: readonly CallEvent[]): boolean {
  for (const event of events) if (channelOf(event) === null) return true;
  return false;
}

/** `room`: memory to write into, of so many bytes. */
export function encode(
  frames: readonly ReturnType<typeof kept>[],
  room: (length: number) => Uint8Array = (length) => new Uint8Array(length),
): Packet {
  let length = 0;
  for (const { bytes } of frames) length += HEAD + bytes.length;
  const all = bufferOf(room(length));
  let [to, first, last] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { kind, at, bytes } of frames) {
    all.writeUInt8(kind, to);
    all.writeDoubleLE(at, to + 1);
    all.writeUInt32LE(bytes.length, to + 9);
    all.set(bytes, to + HEAD);
    to += HEAD + bytes.length;
    first = Math.min(first, at);
    last = Math.max(last, at);
  }
  return { frames: frames.length, firstAt: Math.floor(first), lastAt: Math.ceil(last), bytes: all };
}

const bufferOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length);

/** Where packets are joined, grown as needed; used up before the next are. */
let desk = Buffer.alloc(0);

/** Packets as one, whose bytes are good until the next call; `null` when there is none. */
export function joined(packets: readonly Packet[]): Packet | null {
  const [first, ...others] = packets;
  if (first === undefined || others.length === 0) return first ?? null;
  const length = packets.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (desk.length < length) desk = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const { bytes } of packets) {
    desk.set(bytes, at);
    at += bytes.length;
  }
  return {
    frames: packets.reduce((sum, { frames }) => sum + frames, 0),
    firstAt: Math.min(...packets.map(({ firstAt }) => firstAt)),
    lastAt: Math.max(...packets.map(({ lastAt }) => lastAt)),
    bytes: desk.subarray(0, length),
  };
}

/** The frames of a segment in order. Throws when the bytes are not those of a segment. */
export function* decode(segment: Uint8Array): Generator<KeptFrame> {
  const all = bufferOf(segment);
  for (let at = 0; at < all.length; ) {
    const begin = at + HEAD;
    const end = begin > all.length ? begin : begin + all.readUInt32LE(at + 9);
    const kind = all[at];
    if (end > all.length || kind === undefined || kind > KIND.events) {
      throw new Error(
        `A segment of the journal is damaged: what stands at byte ${at} of ${all.length} is not a frame.`,
      );
    }
    yield { kind: kind as Kind, at: all.readDoubleLE(at + 1), bytes: all.subarray(begin, end) };
    at = end;
  }
}

/** The events of a frame of kind `own` or `events`. */
export function ownEventsOf(frame: Pick<KeptFrame, 'bytes'>): readonly CallEvent[] {
  // Written by `kept` of this or an earlier version of the program.
  return JSON.parse(frame.bytes.toString('utf8')) as readonly CallEvent[];
}

/** zstd at its fastest for what is written at once, at its default for what is kept long; both as measured on recorded streams. */
const LEVEL = { hot: 1, sealed: 3 } as const;

/**
 * What Node's compressor leaves behind, some 50 KB each time, is outside of the heap, where V8 hardly counts it: so often the young generation
 * is collected for it, which takes less than a ms, and so often all, for what grew old meanwhile.
 */
const COLLECT_EVERY = { minor: 16, major: 256 } as const;
let packed = 0;

export function pack(bytes: Uint8Array, kind: keyof typeof LEVEL): Buffer {
  packed += 1;
  // The launcher makes it callable.
  if (packed % COLLECT_EVERY.major === 0) globalThis.gc?.();
  else if (packed % COLLECT_EVERY.minor === 0) globalThis.gc?.({ type: 'minor' });
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL[kind] } });
}

export const unpack = (data: Uint8Array): Buffer => zstdDecompressSync(data);
