/** Frames of the recorded storm as a source hands them on: normalised, with their bytes. */

import type { SourceFrame } from '../../src/ports.ts';
import { readers } from '../../test/support/recordings.ts';
import { type Pbx, type Recording, recorded } from './recorded.ts';

/** Frames of one repetition that say something of calls; the others are not stored. `receivedAt`: ms since the epoch. */
export function framesOf(pbx: Pbx, recording: Recording, tile: number, receivedAt = Date.now()): SourceFrame[] {
  const stream = recorded(pbx, recording, Date.now() - 86_400_000);
  const read = readers[pbx];
  if (read === undefined) throw new Error(`no reader of ${pbx}`);
  const found: SourceFrame[] = [];
  for (let number = 0; number < stream.length; number += 1) {
    const raw = stream.frame(number, tile);
    const events = [...read(raw, pbx, receivedAt)];
    // A buffer of its own: what lies in a pool would be copied as a whole.
    if (events.length > 0) found.push({ source: pbx, receivedAt, events, raw: Uint8Array.from(raw) });
  }
  return found;
}

export const stormFrames = (pbx: Pbx, tile: number): SourceFrame[] => framesOf(pbx, 'storm', tile);
