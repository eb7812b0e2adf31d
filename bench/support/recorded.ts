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

/** Digits of a frame that are another number in each repetition: `base + tile * step`, in so many digits. */
interface Patch {
  readonly at: number;
  readonly width: number;
  readonly radix: 10 | 16;
  readonly base: number;
  readonly step: number;
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

/** `beganAt`: when the first repetition is to have happened, ms since the epoch; the recording's own time unless given. */
export function recorded(pbx: Pbx, recording: Recording, beganAt?: number): Stream {
  const path = new URL(FILES[pbx][recording], ROOT).pathname;
  const frames = captureOf(readFileSync(path), path).frames;
  const first = frames[0]?.receivedAt ?? 0;
  const shift = beganAt === undefined ? 0 : Math.round((beganAt - first) / 1000);
  const events = frames.map(({ raw }) => raw).filter(pbx === 'asterisk' ? isAmiEvent : isEslEvent);
  const century = String(Math.floor(first / 1000)).slice(0, 4);
  const step = STEP[recording];
  const patched = events.map((bytes): Frame => ({ bytes, patches: patchesOf(bytes, pbx, century, shift, step) }));
  const core = /"Core-UUID":"([^"]+)"/.exec(events[0]?.toString('latin1') ?? '')?.[1] ?? null;
  return {
    pbx,
    length: patched.length,
    bytes: events.reduce((sum, { length }) => sum + length, 0),
    coreUuid: core,
    frame(number, tile) {
      const frame = patched[number];
      if (frame === undefined) throw new Error(`there is no frame ${number}`);
      return again(frame, tile);
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

function patchesOf(bytes: Buffer, pbx: Pbx, century: string, shift: number, step: number): Patch[] {
  // One character a byte: places in the text are places in the frame.
  const text = bytes.toString('latin1');
  const found: Patch[] = [];
  const add = (pattern: RegExp, radix: 10 | 16, first: number, each: number): void => {
    for (const match of text.matchAll(pattern)) {
      const digits = match[1] ?? '';
      const at = match.index + match[0].lastIndexOf(digits);
      found.push({ at, width: digits.length, radix, base: Number.parseInt(digits, radix) + first, step: each });
    }
  };
  add(UUID, 16, 0, 1);
  if (pbx === 'asterisk') {
    add(new RegExp(`(?<![\\d.])(${century}\\d{6})\\.\\d`, 'g'), 10, shift, step);
    add(AMI_CHANNEL, 16, 0, AMI_CHANNELS);
  } else {
    add(new RegExp(`(?<!\\d)(${century}\\d{6})(?!\\d)`, 'g'), 10, shift, step);
    add(new RegExp(`(?<!\\d)(${century}\\d{12})(?!\\d)`, 'g'), 10, shift * 1e6, step * 1e6);
  }
  return found;
}

function again({ bytes, patches }: Frame, tile: number): Buffer {
  const copy = Buffer.from(bytes);
  for (const { at, width, radix, base, step } of patches) {
    const value = base + tile * step;
    const digits = value.toString(radix).padStart(width, '0');
    copy.write(digits.slice(-width), at, width, 'latin1');
  }
  return copy;
}
