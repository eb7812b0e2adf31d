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
  /**
   * A PBX was deaf when an earlier life of this program ended, since then (ms since the epoch), and nothing has shown yet that it is no
   * more; `null`: a call was heard, or it is deaf for certain.
   */
  readonly onDoubt?: (source: string, since: number | null) => void;
  /** A gap could not be stored: what follows is still logged. */
  readonly onFault: (source: string, text: string) => void;
}

export interface GapWatch {
  /** Every event, in order of arrival. */
  note(event: CallEvent): void;
  /** Every change of the state of a PBX. One that is deaf is not heard, though its link stands. */
  status(status: SourceStatus): void;
  /** The clock of a PBX: as the PBX tells it now, else as its last calls told it. */
  timeOf(source: string): PbxTime;
  /** As of `Hearing`. */
  bootedAt(source: string): number | null;
  listedAt(source: string): number | null;
  /** Takes up what was known of these PBXs in an earlier life. */
  start(sources: readonly string[]): Promise<void>;
  /** Resolves when all that was noted is stored. */
  stop(): Promise<void>;
}

/** How often it is noted that a PBX was heard, ms: a gap found after a crash begins so much too early at most. */
const NOTE_EVERY_MS = 10_000;
const DEAF_REASON = 'the PBX told nothing of its calls';

export function watchGaps(options: GapWatchOptions): GapWatch {
  const { gaps, clock } = options;
  const hearings = new Map<string, Hearing>();
  /** PBXs that are deaf. */
  const deaf = new Set<string>();
  /** Those that were when an earlier life ended: a list of channels does not tell that their events come. */
  const doubted = new Set<string>();
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

  const begin = (source: string, at: number, reason: string): void => {
    const begun = { source, at, reason, live: options.liveOf(source) };
    write(source, () => gaps.begin(begun));
  };

  const end = (source: string, at: number): void => {
    const ended = { source, at, listedAt: of(source).listedAt };
    write(source, async () => {
      const gap = await gaps.end(ended);
      if (gap !== null) options.onEnded(gap);
    });
  };

  const believe = (source: string): boolean => {
    const was = doubted.delete(source);
    if (was) options.onDoubt?.(source, null);
    return was;
  };

  return {
    note(event) {
      const { source } = event;
      const step = of(source).note(event);
      const isCall = event.kind === 'channel-created' || event.kind === 'cleared';
      if (isCall && believe(source) && !of(source).isLost) end(source, event.receivedAt);
      if (event.kind === 'clock-stepped' && event.clock === 'ours') write(source, () => gaps.shift(event));
      if (step === null) return;
      if (step.step === 'begin') {
        const { at, reason } = step;
        const time = timeOf(source);
        begin(source, at, reason);
        // The clock of the PBX is needed by the next life as well.
        write(source, () => gaps.heard({ source, at, time }));
      }
      // Of one that is deaf nothing is heard with its list: the gap goes on.
      else if (!deaf.has(source) && !doubted.has(source)) end(source, step.at);
    },
    status({ name, since, deaf: missing = null, callHeardAt = null }) {
      if (missing !== null) {
        if (deaf.has(name)) return;
        deaf.add(name);
        believe(name);
        begin(name, Math.max(since, callHeardAt ?? 0), DEAF_REASON);
      } else if (deaf.delete(name) && !of(name).isLost) end(name, callHeardAt ?? since);
    },
    timeOf,
    bootedAt: (source) => of(source).bootedAt,
    listedAt: (source) => of(source).listedAt,
    async start(sources) {
      for (const source of sources) {
        const known = await gaps.lastHeard({ source });
        if (known !== null) hearings.set(source, new Hearing(known.time));
        const [last] = await gaps.list({ source, limit: 1 });
        if (last?.state !== 'open' || last.reason !== DEAF_REASON) continue;
        doubted.add(source);
        options.onDoubt?.(source, last.beganAt);
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
