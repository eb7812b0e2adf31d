/**
 * Recordings of PBXs as streams of any length: the same frames again and again, each time with fresh ids, channel names and
 * times. All of these keep their width, so a frame is copied and some of its bytes are written anew.
 */
import { readFileSync } from 'node:fs';
import { captureOf } from '../../src/capture/file.ts';

export type Pbx = 'asterisk' | 'freeswitch';

/** `storm`: 900 calls in 60 s. `call`: one customer, answered, hangs up. */
export type Recording = 'storm' | 'call';

const ROOT = new URL('../../test/fixtures/recordings/', import.meta.url);
const FILES: Readonly<Record<Pbx, Readonly<Record<Recording, string>>>> = {
  asterisk: {
    storm: 'asterisk-22/storm_60s/events-filtered.jsonl.gz',
    call: 'asterisk-22/inbound_answered_caller_hangs_up/events-filtered.jsonl.gz',
  },
  freeswitch: {
    storm: 'freeswitch-1.11/storm/events.jsonl.gz',
    call: 'freeswitch-1.11/in_answered_caller_hangup/events.jsonl.gz',
  },
};

/** From one repetition to the next, seconds. */
const STEP: Readonly<Record<Recording, number>> = { storm: 75, call: 1 };

/** Digits of a frame that are another number in each repetition. */
interface Patch {
  readonly at: number;
  readonly width: number;
  readonly radix: 10 | 16;
  readonly base: number;
  /** Added for each repetition. */
  readonly step: number;
  /** Of a time: its units in a second; 0 for an id. */
  readonly second: number;
}

interface Frame {
  readonly bytes: Buffer;
  readonly patches: readonly Patch[];
}

export interface Stream {
  readonly pbx: Pbx;
  /** Events of one repetition. */
  readonly length: number;
  readonly bytes: number;
  /** The process id of FreeSWITCH, the same in all events. */
  readonly coreUuid: string | null;
  /** The frame with this number of that repetition; numbers begin at 0. */
  frame(number: number, tile: number): Buffer;
}

interface Parsed {
  /** ms since the epoch. */
  readonly beganAt: number;
  readonly frames: readonly Frame[];
}

const parsed = new Map<string, Parsed>();

function parse(pbx: Pbx, recording: Recording): Parsed {
  const path = new URL(FILES[pbx][recording], ROOT).pathname;
  const known = parsed.get(path);
  if (known !== undefined) return known;
  const { frames } = captureOf(readFileSync(path), path);
  const beganAt = frames[0]?.receivedAt ?? 0;
  const events = frames.map(({ raw }) => raw).filter(pbx === 'asterisk' ? isAmiEvent : isEslEvent);
  const century = String(Math.floor(beganAt / 1000)).slice(0, 4);
  const patched = events.map((bytes) => ({ bytes, patches: patchesOf(bytes, pbx, century, STEP[recording]) }));
  const fresh = { beganAt, frames: patched };
  parsed.set(path, fresh);
  return fresh;
}

/** `beganAt`: when the first repetition is to have happened, ms since the epoch; the recording's own time unless given. */
export function recorded(pbx: Pbx, recording: Recording, beganAt?: number): Stream {
  const { beganAt: first, frames } = parse(pbx, recording);
  const shift = beganAt === undefined ? 0 : Math.round((beganAt - first) / 1000);
  return {
    pbx,
    length: frames.length,
    bytes: frames.reduce((sum, { bytes }) => sum + bytes.length, 0),
    coreUuid: /"Core-UUID":"([^"]+)"/.exec(frames[0]?.bytes.toString('latin1') ?? '')?.[1] ?? null,
    frame(number, tile) {
      const frame = frames[number];
      if (frame === undefined) throw new Error(`there is no frame ${number}`);
      return again(frame, tile, shift);
    },
  };
}

function isAmiEvent(raw: Buffer): boolean {
  const text = raw.toString('latin1', 0, 60);
  return text.startsWith('Event: ') && !/^Event: (FullyBooted|CoreShowChannel|Status)/.test(text);
}

function isEslEvent(raw: Buffer): boolean {
  return raw.toString('latin1', 0, 200).includes('Content-Type: text/event-json');
}

const UUID = /(?<!Core-UUID":")\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}([0-9a-f]{8})\b/g;
/** The number at the end of the name of a channel: `PJSIP/1001-0000002a`. */
const AMI_CHANNEL = /-([0-9a-f]{8})(?=[\r;])/g;
/** A repetition has fewer channels than this. */
const AMI_CHANNELS = 4096;

function patchesOf(bytes: Buffer, pbx: Pbx, century: string, step: number): Patch[] {
  // One character a byte: places in the text are places in the frame.
  const text = bytes.toString('latin1');
  const found: Patch[] = [];
  const add = (pattern: RegExp, radix: 10 | 16, each: number, second: number): void => {
    for (const match of text.matchAll(pattern)) {
      const digits = match[1] ?? '';
      const at = match.index + match[0].lastIndexOf(digits);
      found.push({ at, width: digits.length, radix, base: Number.parseInt(digits, radix), step: each, second });
    }
  };
  add(UUID, 16, 1, 0);
  if (pbx === 'asterisk') {
    add(new RegExp(`(?<![\\d.])(${century}\\d{6})\\.\\d`, 'g'), 10, step, 1);
    add(AMI_CHANNEL, 16, AMI_CHANNELS, 0);
  } else {
    add(new RegExp(`(?<!\\d)(${century}\\d{6})(?!\\d)`, 'g'), 10, step, 1);
    add(new RegExp(`(?<!\\d)(${century}\\d{12})(?!\\d)`, 'g'), 10, step * 1e6, 1e6);
  }
  return found;
}

/** `shift`: seconds that the whole recording is moved by. */
function again({ bytes, patches }: Frame, tile: number, shift: number): Buffer {
  const copy = Buffer.from(bytes);
  for (const { at, width, radix, base, step, second } of patches) {
    const digits = (base + tile * step + shift * second).toString(radix).padStart(width, '0');
    copy.write(digits.slice(-width), at, width, 'latin1');
  }
  return copy;
}
