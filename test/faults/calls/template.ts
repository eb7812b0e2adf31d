/** Recordings of real PBXs as templates of calls: their frames, and the list of live channels after each of them. */
import { existsSync, readFileSync } from 'node:fs';
import { bodyText, parseFrameText } from '../../../adapters/freeswitch/link/codec.ts';
import { readEvent } from '../../../adapters/freeswitch/link/event.ts';
import { DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import { captureOf } from '../../../src/capture/file.ts';
import { inspectFrames, type RecordedFrame } from '../../../src/inspect.ts';
import { asteriskRows } from '../../support/lists.ts';
import { labPlan, readers } from '../../support/recordings.ts';
import { type Copy, type Stamped, stamped, textOf } from './stamp.ts';

export type Pbx = 'asterisk' | 'freeswitch';

/** A live channel as the PBX lists it: a `Status` item of Asterisk, the answer to `uuid_dump` of FreeSWITCH. */
export interface Listed {
  /** When it was made, ms since the recording began. */
  readonly madeAt: number;
  readonly text: Stamped;
}

export interface Template {
  readonly pbx: Pbx;
  readonly name: string;
  readonly length: number;
  /** When each frame comes, ms since the recording began. */
  readonly times: readonly number[];
  frame(index: number, copy: Copy): Buffer;
  /** The channels that live before the frame with this index. */
  live(index: number): readonly Listed[];
  /** The calls that the program makes of a copy that is heard from its beginning to its end. */
  calls(copy: Copy): readonly Expected[];
}

/** A call of a copy. */
export interface Expected {
  readonly id: string;
  /** The channel that began it. */
  readonly root: string;
  /** To be found in the CRM; the others are internal. */
  readonly posted: boolean;
  readonly record: CallRecord;
}

/** The one process of FreeSWITCH in which all copies happen, whichever they were recorded from. */
export const FREESWITCH_BOOT = 'ab840c71-4126-4646-a822-34844d1b73d8';

const ROOT = new URL('../../fixtures/recordings/', import.meta.url);
const SETS: Readonly<Record<Pbx, string>> = { asterisk: 'asterisk-22', freeswitch: 'freeswitch-1.11' };

const isEvent: Readonly<Record<Pbx, (text: string) => boolean>> = {
  asterisk: (text) => text.startsWith('Event: ') && !/^Event: (?:FullyBooted|CoreShowChannel|Status|CEL)/.test(text),
  freeswitch: (text) => text.includes('Content-Type: text/event-json'),
};

/** The template of a recording; `name`: its folder, e.g. `queue_answered`. */
export function templateOf(pbx: Pbx, name: string): Template {
  const folder = new URL(`${SETS[pbx]}/${name}/`, ROOT);
  const filtered = new URL('events-filtered.jsonl.gz', folder);
  const path = (existsSync(filtered) ? filtered : new URL('events.jsonl.gz', folder)).pathname;
  const all = captureOf(readFileSync(path), path).frames;
  const beganAt = (all[0]?.receivedAt ?? 0) - (all[0]?.t ?? 0);
  const kept = all.filter(({ raw }) => isEvent[pbx](raw.toString('latin1')));
  const start = kept[0]?.t ?? 0;
  const recordedBoot = /"Core-UUID":"([^"]+)"/.exec(kept[0]?.raw.toString('latin1') ?? '')?.[1] ?? null;
  // What comes first in the recording is the beginning of the call.
  const origin = beganAt + start;
  const stamp = (text: string): Stamped => {
    const ofOneBoot = recordedBoot === null ? text : text.replaceAll(recordedBoot, FREESWITCH_BOOT);
    return stamped(pbx, ofOneBoot, origin, new Set([FREESWITCH_BOOT]));
  };
  const frames = kept.map(({ raw }) => stamp(raw.toString('latin1')));
  const lists = new Map<number, readonly Listed[]>();
  const records = recordsOf(pbx, kept);
  const ids = records.map((record) => stamp(record.callSessionId));
  return {
    pbx,
    name,
    length: frames.length,
    times: kept.map(({ t }) => t - start),
    frame(index, copy) {
      const text = frames[index];
      if (text === undefined) throw new Error(`${name} has no frame ${index}`);
      return Buffer.from(textOf(text, copy), 'latin1');
    },
    live(index) {
      const known = lists.get(index);
      if (known !== undefined) return known;
      const list = pbx === 'asterisk' ? asteriskList(kept.slice(0, index), origin) : eslList(kept.slice(0, index));
      const fresh = list.map(({ madeAt, text }) => ({ madeAt, text: stamp(text) }));
      lists.set(index, fresh);
      return fresh;
    },
    calls: (copy) =>
      records.map((record, at) => {
        const id = textOf(ids[at] ?? [], copy);
        const posted = record.direction !== 'Internal' && !record.withheld;
        return { id, root: id.slice(pbx.length + 1), posted, record };
      }),
  };
}

function recordsOf(pbx: Pbx, frames: readonly RecordedFrame[]): readonly CallRecord[] {
  const read = readers[pbx];
  if (read === undefined) throw new Error(`no reader of ${pbx}`);
  return inspectFrames(frames, read, pbx, labPlan(pbx), DEFAULT_RULES).records;
}

interface Line {
  readonly madeAt: number;
  readonly text: string;
}

function asteriskList(frames: readonly RecordedFrame[], origin: number): Line[] {
  return asteriskRows(frames).map((row) => ({
    madeAt: Number(row.get('Uniqueid')) * 1000 - origin,
    text: ['Event: Status', ...[...row].map(([name, value]) => `${name}: ${value}`)].join('\r\n'),
  }));
}

function eslList(frames: readonly (RecordedFrame & { readonly t: number })[]): Line[] {
  const live = new Map<string, Line>();
  for (const { raw, t } of frames) {
    const frame = parseFrameText(raw);
    const reading = readEvent(frame);
    const event = 'event' in reading ? reading.event : null;
    const id = event?.get('Unique-ID');
    if (event === null || id === undefined) continue;
    const known = live.get(id);
    if (/^CHANNEL_(?:HANGUP|DESTROY)/.test(event.name)) live.delete(id);
    else if (event.name === 'CHANNEL_CREATE' || known !== undefined) {
      const text = bodyText(frame).replace(/"Event-Name":"[^"]*"/, '"Event-Name":"CHANNEL_DATA"');
      live.set(id, { madeAt: known?.madeAt ?? t, text: Buffer.from(text, 'utf8').toString('latin1') });
    }
  }
  return [...live.values()];
}
