/** What the frames of the journal say, read by the present code: on the side of whoever asks, not in the database thread. */
import type { FrameReader } from '../../../src/capture/reader.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { oddTime } from '../../../src/telephony/event-time.ts';
import { decode, type KeptFrame, KIND, ownEventsOf } from './frames.ts';
import type { FramesPage, FramesRequest } from './read.ts';

/** What the frames of a source say; `null` for a source that the config does not know (any more). */
export type ReaderOf = (source: string) => FrameReader | null;

/** The frames that are asked for, in order, some at a time. `onDamaged`: so many segments could not be read. */
export async function* keptFrames(
  journal: { frames(request: FramesRequest): Promise<FramesPage> },
  request: FramesRequest,
  onDamaged: (segments: number) => void = () => {},
): AsyncGenerator<readonly KeptFrame[]> {
  for (let from: number | null = request.from; from !== null; ) {
    const page = await journal.frames({ ...request, from });
    if (page.damaged > 0) onDamaged(page.damaged);
    yield [...decode(page.bytes)];
    from = page.next;
  }
}

/** The events of a frame; `null` where the present code cannot read it, which costs that frame alone. */
export function eventsOf(frame: KeptFrame, source: string, read: FrameReader | null): readonly CallEvent[] | null {
  const stored = frame.kind === KIND.own || frame.kind === KIND.events;
  if (!stored && read === null) return null;
  try {
    const events = stored ? ownEventsOf(frame) : (read?.(frame.bytes, source, frame.at) ?? []);
    // As when it came.
    return events.filter((event) => oddTime(event) === null);
  } catch {
    return null;
  }
}
