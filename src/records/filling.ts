/**
 * Fills gaps from the PBX's own records: what happened wholly in one becomes a call, what was heard in part is completed, and a
 * call that was going on in one waits for its record for a while before it is posted.
 *
 * A pass over a PBX reads what waits: its gaps, then the records of single calls. It runs when a gap has ended or such a call has,
 * and again as long as something waits. How far a place has been read is stored after each page, so a pass that was broken off
 * goes on there; a page that is read twice changes nothing the second time.
 */
import type { CallRecord } from '../call/record.ts';
import type { Clock } from '../ports.ts';
import { GAP_FLAG, type Gap, type Gaps } from './gaps.ts';
import type { PageMerger } from './merge.ts';
import { type CallRecords, RecordsError } from './port.ts';

export interface FillingSource {
  readonly name: string;
  readonly places: readonly CallRecords[];
  readonly merge: PageMerger;
}

/** Calls that wait for their record. */
export interface AwaitingCalls {
  awaiting(args: { source: string; limit: number }): Promise<readonly CallRecord[]>;
  /** They wait no longer. */
  release(args: { ids: readonly string[] }): Promise<void>;
}

export interface FillingOptions {
  readonly sources: readonly FillingSource[];
  readonly gaps: Gaps;
  readonly calls: AwaitingCalls;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** How long a call waits for its record after its end, ms. */
  readonly waitMs: number;
  /** Calls are free to be posted. */
  readonly onReleased: () => void;
  readonly onFilled: (gap: Gap) => void;
  /** The records of a PBX cannot be read, one sentence with the remedy; `null`: they can again. */
  readonly onTrouble: (source: string, problem: string | null) => void;
}

export interface Filling {
  /** Takes up what waits since an earlier life. */
  start(): void;
  /** A gap has ended. */
  gapEnded(gap: Gap): void;
  /** Calls have ended that wait for their record. */
  callsEnded(source: string): void;
  /** True for a call that is to wait for its record. */
  awaits(record: CallRecord): boolean;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** A PBX writes its record some seconds after the end of a call (asterisk.md: worst seen 1.5 s; CDR batches later), ms. */
const WRITTEN_AFTER_MS = 5000;
/** Before and after a gap: seconds are cut off in records, ms. */
const MARGIN_MS = 5000;
/** How soon a pass follows the one before while something waits, and the longest pause while the records cannot be read, ms. */
const AGAIN_MS = 15_000;
const LONGEST_PAUSE_MS = 600_000;
/** How long records that are not whole are waited for after the end of a gap, ms. */
const LATEST_MS = 900_000;
/** Calls looked at in one pass. */
const CALLS = 200;

export const NO_RECORDS =
  'no [[source.records]] is set for this PBX, so calls made meanwhile are not known; see "The PBX\'s own records" in the README';

export function createFilling(options: FillingOptions): Filling {
  const { clock, gaps, calls } = options;
  const lines = new Map(options.sources.map((source) => [source.name, line(source)]));

  function line(source: FillingSource) {
    const { name, places } = source;
    let cancel: () => void = () => {};
    let at = Number.POSITIVE_INFINITY;
    let running: Promise<void> | null = null;
    let stopped = false;
    let pause = AGAIN_MS;

    const soon = (ms: number): void => {
      const when = clock.now() + ms;
      if (stopped || when >= at) return;
      cancel();
      at = when;
      cancel = clock.after(ms, () => {
        at = Number.POSITIVE_INFINITY;
        if (running !== null) return;
        running = pass().finally(() => {
          running = null;
        });
      });
    };

    const pass = async (): Promise<void> => {
      try {
        const next = await onePass();
        pause = AGAIN_MS;
        options.onTrouble(name, null);
        if (next !== null) soon(Math.max(0, next - clock.now()));
      } catch (error) {
        const known = error instanceof RecordsError;
        const why = known ? error.message : `the records of ${name} could not be taken in: ${String(error)}`;
        if (!stopped) options.onTrouble(name, why);
        // Whoever has waited for long enough waits no longer, whatever becomes of the records.
        await freeOverdue().catch(() => {});
        soon(pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    };

    /** When the next pass is to be, ms since the epoch; `null`: nothing waits any more. */
    const onePass = async (): Promise<number | null> => {
      const times: number[] = [];
      for (const gap of await gaps.waiting({ source: name })) {
        if (stopped) return null;
        const ready = (gap.endedAt ?? 0) + WRITTEN_AFTER_MS;
        if (clock.now() < ready) times.push(ready);
        else if (!(await fillGap(gap))) times.push(clock.now() + AGAIN_MS);
      }
      const next = await fillCalls();
      if (next !== null) times.push(next);
      return times.length === 0 ? null : Math.min(...times);
    };

    /** False when it is to be read again. */
    const fillGap = async (gap: Gap): Promise<boolean> => {
      const { id, beganAt, endedAt, aheadMs } = gap;
      const at = (): number => clock.now();
      if (places.length === 0) {
        const settled = await gaps.settle({ id, state: 'unfilled', note: NO_RECORDS, at: at() });
        if (settled !== null) options.onFilled(settled);
        return true;
      }
      const span = { from: beganAt, to: endedAt ?? at() };
      let filledTo = gap.filledTo;
      let whole = true;
      for (const place of places) {
        const from = Math.max(span.from + aheadMs - MARGIN_MS, filledTo[place.name] ?? 0);
        const to = span.to + aheadMs + MARGIN_MS;
        if (from >= to) continue;
        let upTo = to;
        for await (const page of place.read({ from, to })) {
          const done = await source.merge(page.events, { span, aheadMs });
          const skipped = page.skipped.reduce((sum, { count }) => sum + count, 0);
          upTo = page.upTo;
          filledTo = { ...filledTo, [place.name]: upTo };
          await gaps.progress({
            id,
            filledTo,
            created: done.created.length,
            completed: done.completed.length,
            skipped,
          });
          if (stopped) return true;
        }
        whole &&= upTo >= to;
      }
      // What a PBX still writes is waited for, but not for ever: an open end may never be closed.
      if (!whole && at() < span.to + LATEST_MS) return false;
      const note = whole ? null : 'some records were not whole';
      const settled = await gaps.settle({ id, state: 'filled', note, at: at() });
      if (settled !== null) options.onFilled(settled);
      return true;
    };

    /** As of `onePass`. */
    const fillCalls = async (): Promise<number | null> => {
      const waiting = await calls.awaiting({ source: name, limit: CALLS });
      if (waiting.length === 0) return null;
      const now = clock.now();
      const ready = waiting.filter(({ endedAt }) => now >= endedAt + WRITTEN_AFTER_MS);
      const found = new Set<string>();
      for (const place of ready.length === 0 ? [] : places) {
        const ahead = source.merge.aheadMs();
        const span = {
          from: Math.min(...ready.map(({ startedAt }) => startedAt)) + ahead - MARGIN_MS,
          to: Math.max(...ready.map(({ endedAt }) => endedAt)) + ahead + WRITTEN_AFTER_MS,
        };
        for await (const page of place.read(span)) {
          const done = await source.merge(page.events, { span: null, aheadMs: ahead });
          for (const id of done.recorded) found.add(id);
          for (const record of done.completed) await noteCompleted(record);
          if (stopped) return null;
        }
      }
      const free = waiting.filter(
        ({ callSessionId, endedAt }) => found.has(callSessionId) || now >= endedAt + options.waitMs,
      );
      await release(free);
      if (waiting.length === CALLS) return now + AGAIN_MS;
      const left = waiting.filter((record) => !free.includes(record));
      if (left.length === 0) return null;
      // Those that were read in vain are read again after a while; at the end of their time they are free.
      const times = left.map(({ endedAt }) => {
        const ready = endedAt + WRITTEN_AFTER_MS;
        return Math.min(ready > now ? ready : now + AGAIN_MS, endedAt + options.waitMs);
      });
      return Math.min(...times);
    };

    /** It counts for the last gap that the call went on in. */
    const noteCompleted = async ({ startedAt, endedAt }: CallRecord): Promise<void> => {
      const touched = { source: name, since: startedAt - MARGIN_MS, until: endedAt + MARGIN_MS, limit: 1 };
      for (const { id, filledTo } of await gaps.list(touched))
        await gaps.progress({ id, filledTo, created: 0, completed: 1, skipped: 0 });
    };

    const freeOverdue = async (): Promise<void> => {
      const now = clock.now();
      const waiting = await calls.awaiting({ source: name, limit: CALLS });
      await release(waiting.filter(({ endedAt }) => now >= endedAt + options.waitMs));
    };

    const release = async (records: readonly CallRecord[]): Promise<void> => {
      if (records.length === 0) return;
      await calls.release({ ids: records.map(({ callSessionId }) => callSessionId) });
      options.onReleased();
    };

    return {
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
      for (const one of lines.values()) one.soon(WRITTEN_AFTER_MS);
    },
    gapEnded: ({ source }) => lines.get(source)?.soon(WRITTEN_AFTER_MS),
    callsEnded: (source) => lines.get(source)?.soon(WRITTEN_AFTER_MS),
    awaits({ source, flags }) {
      const own = options.sources.find(({ name }) => name === source);
      return (
        own !== undefined &&
        own.places.length > 0 &&
        options.waitMs > 0 &&
        flags.includes(GAP_FLAG) &&
        !flags.includes('from-cdr')
      );
    },
    async stop() {
      await Promise.all([...lines.values()].map((one) => one.stop()));
    },
  };
}
