/** Keeps the gaps of all PBXs: when each begins and ends, and until when the PBX is known to have been heard. */
import type { Clock, SourceStatus } from '../ports.ts';
import type { CallEvent } from '../telephony/call-event.ts';
import { type Gap, type Gaps, Hearing, heardAt } from './gaps.ts';
import { type PbxTime, timeApart } from './pbx-time.ts';

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
  /** The clock of a PBX: as the PBX tells it now, else as its last calls told it. */
  timeOf(source: string): PbxTime;
  /** As of `Hearing`. */
  bootedAt(source: string): number | null;
  /** Takes up what was known of these PBXs in an earlier life. */
  start(sources: readonly string[]): Promise<void>;
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

  const timeOf = (source: string): PbxTime => {
    const { time } = of(source);
    const told = options.statuses().find(({ name }) => name === source)?.aheadMs ?? null;
    return told === null ? time : timeApart(told, time.ownTimes);
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
    for (const { source, at } of heard) if (at !== null) await gaps.heard({ source, at, time: timeOf(source) });
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
      const step = of(source).note(event);
      if (event.kind === 'clock-stepped' && event.clock === 'ours') write(source, () => gaps.shift(event));
      if (step === null) return;
      if (step.step === 'begin') {
        const { at, reason } = step;
        const begun = { source, at, reason, live: options.liveOf(source) };
        const time = timeOf(source);
        write(source, async () => {
          await gaps.begin(begun);
          // The clock of the PBX is needed by the next life as well.
          await gaps.heard({ source, at, time });
        });
      } else {
        write(source, async () => {
          const gap = await gaps.end({ source, at: step.at });
          if (gap !== null) options.onEnded(gap);
        });
      }
    },
    timeOf,
    bootedAt: (source) => of(source).bootedAt,
    async start(sources) {
      for (const source of sources) {
        const known = await gaps.lastHeard({ source });
        if (known !== null) hearings.set(source, new Hearing(known.time));
      }
      later();
    },
    async stop() {
      cancel();
      cancel = () => {};
      await writing;
    },
  };
}
