/** Frames of the recorded storm as a source hands them on: normalised, with their bytes. */

import type { SourceFrame } from '../../src/ports.ts';
import { readers } from '../../test/support/recordings.ts';
import { type Pbx, type Recording, recorded, type Stream } from './recorded.ts';

const streams = new Map<string, Stream>();

/** Frames that say something of calls; the others are not stored. */
export function framesOf(pbx: Pbx, recording: Recording, tile: number): SourceFrame[] {
  const key = `${pbx} ${recording}`;
  const stream = streams.get(key) ?? recorded(pbx, recording, Date.now() - 86_400_000);
  streams.set(key, stream);
  const read = readers[pbx];
  if (read === undefined) throw new Error(`no reader of ${pbx}`);
  const found: SourceFrame[] = [];
  for (let number = 0; number < stream.length; number += 1) {
    const raw = stream.frame(number, tile);
    const receivedAt = Date.now();
    const events = [...read(raw, pbx, receivedAt)];
    // A buffer of its own: what lies in a pool would be copied as a whole.
    if (events.length > 0) found.push({ source: pbx, receivedAt, events, raw: Uint8Array.from(raw) });
  }
  return found;
}

export const stormFrames = (pbx: Pbx, tile: number): SourceFrame[] => framesOf(pbx, 'storm', tile);
