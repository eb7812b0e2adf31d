/** Keeps the gaps of all PBXs: when each begins and ends, and until when the PBX is known to have been heard. */
import type { Clock, SourceStatus } from '../ports.ts';
import type { CallEvent } from '../telephony/call-event.ts';
import { type Gap, type Gaps, Hearing, heardAt } from './gaps.ts';

export interface GapWatchOptions {
  readonly gaps: Gaps;
  readonly clock: Pick<Clock, 'after'>;
  readonly statuses: () => readonly SourceStatus[];
  /** Resolves with true when all that was heard before is stored, with false when something of it is not. */
  readonly stored: () => Promise<boolean>;
  /** Calls of a PBX that are going on. */
  readonly liveOf: (source: string) => number;
  readonly onEnded: (gap: Gap) => void;
  /** A gap could not be stored: what follows is still logged. */
  readonly onFault: (source: string, text: string) => void;
}

export interface GapWatch {
  /** Every event, in order of arrival. */
  note(event: CallEvent): void;
  /** How far the clock of a PBX is ahead of ours, ms. */
  aheadOf(source: string): number;
  start(): void;
  /** Resolves when all that was noted is stored. */
  stop(): Promise<void>;
}

/** How often it is noted that a PBX was heard, ms: a gap found after a crash begins so much too early at most. */
const NOTE_EVERY_MS = 10_000;

export function watchGaps(options: GapWatchOptions): GapWatch {
  const { gaps, clock } = options;
  const hearings = new Map<string, Hearing>();
  let writing: Promise<void> = Promise.resolve();
  let cancel: () => void = () => {};

  const of = (source: string): Hearing => {
    const known = hearings.get(source) ?? new Hearing();
    hearings.set(source, known);
    return known;
  };

  /** One after the other: a beginning must not overtake the end before it. */
  const write = (source: string, run: () => Promise<void>): void => {
    writing = writing.then(run).catch((error: unknown) => {
      options.onFault(source, `A gap in what was heard could not be noted: ${String(error)}`);
    });
  };

  const noteHeard = async (): Promise<void> => {
    // Asked first: what comes meanwhile may not be stored yet.
    const heard = options.statuses().map((status) => ({ source: status.name, at: heardAt(status) }));
    if (!(await options.stored())) return;
    for (const { source, at } of heard) if (at !== null) await gaps.heard({ source, at });
  };

  const later = (): void => {
    cancel = clock.after(NOTE_EVERY_MS, () => {
      noteHeard()
        .catch(() => {
          // It is noted the next time; a crash meanwhile finds a longer gap.
        })
        .finally(later);
    });
  };

  return {
    note(event) {
      const { source } = event;
      const hearing = of(source);
      const step = hearing.note(event);
      if (step === null) return;
      if (step.step === 'begin') {
        const { at, reason } = step;
        const begun = { source, at, reason, live: options.liveOf(source), aheadMs: hearing.aheadMs };
        write(source, () => gaps.begin(begun));
      } else {
        write(source, async () => {
          const gap = await gaps.end({ source, at: step.at });
          if (gap !== null) options.onEnded(gap);
        });
      }
    },
    aheadOf: (source) => of(source).aheadMs,
    start: later,
    async stop() {
      cancel();
      cancel = () => {};
      await writing;
    },
  };
}
