/**
 * Calls that stand in the PBX's own records and that nobody heard, though the link stood: every few minutes the newest records are held
 * against what was heard, and what was not is logged from there. So a call is not lost by a right or a filter that is missing, not even
 * one that is too short to be counted when the PBX is asked how many it has.
 */
import { LATE_MS, type Span } from '../call/cdr/coverage.ts';
import type { CallRecord } from '../call/record.ts';
import type { Clock } from '../ports.ts';
import type { FillingSource } from './filling.ts';
import type { Gaps } from './gaps.ts';
import { MARGIN_MS, WRITTEN_AFTER_MS } from './lateness.ts';
import { moved, shiftOfCalls } from './pbx-time.ts';
import { RecordsError } from './port.ts';

export interface AuditOptions {
  /** Those with places. */
  readonly sources: readonly FillingSource[];
  readonly gaps: Pick<Gaps, 'list' | 'lastHeard' | 'progress'>;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** Since when it is known what was heard of a PBX, ms since the epoch; `null`: it was never heard. */
  readonly heardSince: (source: string) => Promise<number | null>;
  /** When it was heard last, whatever it said, ms since the epoch; `null`: it is not heard now. */
  readonly heardUpTo: (source: string) => number | null;
  /** True while the PBX is known to send no events of its calls. */
  readonly isDeaf: (source: string) => boolean;
  /** The records were looked through; when each call began that nobody heard, and that is stored now, ms since the epoch on our clock. */
  readonly onLooked: (source: string, unheard: readonly number[]) => void;
  /** As of `Filling`. */
  readonly onTrouble: (source: string, problem: string | null) => void;
  readonly onFault: (source: string, text: string) => void;
}

export interface Audit {
  start(): void;
  /** A PBX turned out to be deaf: its records are looked at soon, and often as long as it is. */
  deaf(source: string): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Between looks, ms; so often while a PBX is deaf. */
const EVERY_MS = 300_000;
const DEAF_MS = 15_000;
/** For so long an event may be on its way when what the PBX said after it has come, beyond the margin of records, ms. */
const ON_ITS_WAY_MS = 15_000;

export function createAudit(options: AuditOptions): Audit {
  const { clock, gaps } = options;
  const lines = new Map(options.sources.map((source) => [source.name, line(source)]));

  function line({ name, places, merge }: FillingSource) {
    let cancel = (): void => {};
    let at = Number.POSITIVE_INFINITY;
    let running: Promise<void> | null = null;
    let stopped = false;
    /** On our clock; everything recorded before was looked at. */
    let upTo = clock.now();
    /** When an earlier life of this program heard it last: what was recorded shortly before, nobody may have looked at. */
    let before: Promise<number | null> | null = null;

    const soon = (ms: number): void => {
      const when = clock.now() + ms;
      if (stopped || when >= at) return;
      cancel();
      at = when;
      cancel = clock.after(ms, () => {
        at = Number.POSITIVE_INFINITY;
        running ??= look().finally(() => {
          running = null;
          soon(options.isDeaf(name) ? DEAF_MS : EVERY_MS);
        });
      });
    };

    const look = async (): Promise<void> => {
      try {
        const unheard = await unheardCalls();
        if (unheard === null || stopped) return;
        options.onTrouble(name, null);
        options.onLooked(name, unheard);
      } catch (error) {
        if (stopped) return;
        // Where nothing is missing it is no trouble yet: a PBX without calls may have no file of records.
        if (error instanceof RecordsError) {
          if (options.isDeaf(name)) options.onTrouble(name, error.message);
        } else
          options.onFault(name, `The records of ${name} could not be held against what was heard: ${String(error)}`);
      }
    };

    /** `null`: nothing can be said yet. */
    const unheardCalls = async (): Promise<readonly number[] | null> => {
      const since = await options.heardSince(name);
      if (since === null) return null;
      const to = clock.now();
      const time = merge.time();
      // What began before anybody listened belongs to another time, and of what has just ended the events may still come.
      const span = { from: since + WRITTEN_AFTER_MS, to: (options.heardUpTo(name) ?? to) - ON_ITS_WAY_MS };
      const earlier = await before;
      const spans = [
        ...(earlier === null ? [] : [{ from: earlier - LATE_MS, to: earlier }]),
        { from: upTo - LATE_MS, to },
      ];
      const unheard: number[] = [];
      for (const place of places)
        for (const one of spans) {
          const wanted = moved({ from: Math.max(span.from, one.from), to: one.to }, time.aheadMs);
          if (wanted.from >= wanted.to) continue;
          for await (const { events } of place.read(wanted, time.aheadMs)) {
            const { created } = await merge(events, { span, time });
            for (const record of created) {
              const ours = onOurClock(record);
              if (!(await inGap(ours))) unheard.push(ours.from);
            }
            if (stopped) return null;
          }
        }
      [upTo, before] = [to, null];
      return unheard;
    };

    const onOurClock = ({ startedAt, endedAt }: CallRecord): Span =>
      moved({ from: startedAt, to: endedAt }, -shiftOfCalls(merge.time()));

    /** A call that was over before anybody listened again is no surprise: it counts for the gap. */
    const inGap = async ({ from: since, to: until }: Span): Promise<boolean> => {
      const [gap] = await gaps.list({ source: name, since, until, limit: 1 });
      if (gap === undefined || (gap.endedAt !== null && until > gap.endedAt + MARGIN_MS)) return false;
      await gaps.progress({ id: gap.id, filledTo: gap.filledTo, created: 1, completed: 0, skipped: 0 });
      return true;
    };

    return {
      start() {
        before = gaps.lastHeard({ source: name }).then(
          (heard) => heard?.at ?? null,
          () => null,
        );
        soon(EVERY_MS);
      },
      soon,
      async stop(): Promise<void> {
        stopped = true;
        cancel();
        await running;
      },
    };
  }

  return {
    start() {
      for (const one of lines.values()) one.start();
    },
    deaf: (source) => lines.get(source)?.soon(WRITTEN_AFTER_MS),
    async stop() {
      await Promise.all([...lines.values()].map((one) => one.stop()));
    },
  };
}
