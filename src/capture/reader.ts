/** Reading frames that were kept (capture files, the journal): the same for every PBX but for what a frame says. */
import type { CallEvent } from '../telephony/call-event.ts';

/** Events of one frame as it came over the wire. Throws an Error when it cannot be read; that costs the frame alone. */
export type FrameReader = (raw: Uint8Array, source: string, receivedAt: number) => readonly CallEvent[];

/** What one frame says: events, or that a connection begins here, of which only the greeting is left. */
export type FrameMeaning = 'greeting' | readonly CallEvent[];

/** `read`: what the frames of one PBX say. */
export function frameReader(read: (raw: Uint8Array, source: string, receivedAt: number) => FrameMeaning): FrameReader {
  return (raw, source, receivedAt) => {
    const meaning = read(raw, source, receivedAt);
    // A greeting tells nothing of the PBX process.
    return meaning === 'greeting'
      ? [{ kind: 'source-connected', source, at: receivedAt, receivedAt, boot: null, bootedAt: null }]
      : meaning;
  };
}
