/** A PBX whose frames a test hands over. */
import type { EventSource, SourceFrame, SourceStatus } from '../../src/ports.ts';

export interface HandSource {
  readonly source: EventSource;
  /** Before the source was started, nobody hears it. */
  emit(frame: SourceFrame): void;
}

/** `status`: what it says of itself now, beside its name and that nothing was wrong. */
export function handSource(status: () => Pick<SourceStatus, 'state' | 'since' | 'lastFrameAt'>): HandSource {
  let hear: (frame: SourceFrame) => void = () => {};
  const nothing = { problem: null, frames: 0, unknownEvents: 0, faults: 0 };
  const source: EventSource = {
    name: 'pbx',
    start(onFrame) {
      hear = onFrame;
    },
    stop: async () => {},
    hold: () => {},
    status: () => ({ name: 'pbx', ...nothing, ...status() }),
  };
  return { source, emit: (frame) => hear(frame) };
}
