/**
 * Fills gaps from the PBX's own records: what happened wholly in one becomes a call, what was heard in part is completed, and a
 * call that was going on in one waits for its record for a while before it is posted.
 *
 * A pass over a PBX reads what waits: its gaps, then the records of single calls. It runs when a gap has ended or such a call has,
 * and again as long as something waits. How far a place has been read is stored after each page, so a pass that was broken off
 * goes on there; a page that is read twice changes nothing the second time.
 */
import { LATE_MS } from '../call/cdr/coverage.ts';
import type { CallRecord } from '../call/record.ts';
import type { Clock } from '../ports.ts';
import { GAP_FLAG, type Gap, type Gaps } from './gaps.ts';
import { MARGIN_MS, WRITTEN_AFTER_MS } from './lateness.ts';
import type { PageMerger } from './merge.ts';
import { moved, shiftOfCalls, shiftOfRecords } from './pbx-time.ts';
import { keyOf } from './place-key.ts';
import { type CallRecords, RecordsError, type WantedCall } from './port.ts';

export interface FillingSource {
  readonly name: string;
  readonly places: readonly CallRecords[];
  readonly merge: PageMerger;
}

export interface AwaitingCall {
  readonly record: CallRecord;
  /** When it began to wait, ms since the epoch, on our clock. */
  readonly heldSince: number;
}

/** Calls that wait for their record. */
export interface AwaitingCalls {
  awaiting(args: { source: string; limit: number }): Promise<readonly AwaitingCall[]>;
  /** They wait no longer. */
  release(args: { ids: readonly string[] }): Promise<void>;
}

export interface FillingOptions {
  readonly sources: readonly FillingSource[];
  readonly gaps: Gaps;
  readonly calls: AwaitingCalls;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** How long a call waits for its record at most, ms. */
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

/** How soon a pass follows the one before while something waits, and the longest pause while the records cannot be read, ms. */
const AGAIN_MS = 15_000;
const LONGEST_PAUSE_MS = 600_000;
/** How long records that are not whole are waited for after the end of a gap, ms. */
const LATEST_MS = 900_000;
/** Calls looked at in one pass. */
const CALLS = 200;

/** What came of reading the places. */
interface Reading {
  /** False when something is not recorded wholly yet. */
  readonly whole: boolean;
  /** Why the first record was left out; `null`: none was. */
  readonly leftOut: string | null;
}

export const NO_RECORDS =
  'no [[source.records]] is set for this PBX, so calls made meanwhile are not known; see "The PBX\'s own records" in the README';

export function createFilling(options: FillingOptions): Filling {
  const { clock, gaps, calls } = options;
  const lines = new Map(options.sources.map((source) => [source.name, line(source)]));

  function line(source: FillingSource) {
    const { name, merge } = source;
    const places = source.places.map((place, index) => ({ place, key: keyOf(source.places, index) }));
    let cancel: () => void = () => {};
    let at = Number.POSITIVE_INFINITY;
    let running: Promise<void> | null = null;
    /** Something became due while a pass ran, which may have looked for it before. */
    let again = false;
    let stopped = false;
    let pause = AGAIN_MS;
    /** Where there are no records, nothing is waited for. */
    const written = places.length === 0 ? 0 : WRITTEN_AFTER_MS;

    const soon = (ms: number): void => {
      const when = clock.now() + ms;
      if (stopped || when >= at) return;
      cancel();
      at = when;
      cancel = clock.after(ms, () => {
        at = Number.POSITIVE_INFINITY;
        if (running !== null) {
          again = true;
          return;
        }
        running = pass().finally(() => {
          running = null;
          if (again) soon(0);
          again = false;
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
        const ready = (gap.endedAt ?? 0) + written;
        if (clock.now() < ready) times.push(ready);
        else if (await fillGap(gap)) times.push(Math.max(clock.now(), (gap.endedAt ?? 0) + LATE_MS + 1));
        else times.push(clock.now() + AGAIN_MS);
      }
      for (const gap of await gaps.unchecked({ source: name, endedBefore: clock.now() - LATE_MS })) {
        if (stopped) return null;
        await readGap(gap, {}, LATE_MS);
        if (stopped) return null;
        await gaps.checked({ id: gap.id });
      }
      const next = await fillCalls();
      if (next !== null) times.push(next);
      return times.length === 0 ? null : Math.min(...times);
    };

    /** False when it is to be read again. */
    const fillGap = async (gap: Gap): Promise<boolean> => {
      const settle = async (state: 'filled' | 'unfilled', note: string | null): Promise<true> => {
        const settled = await gaps.settle({ id: gap.id, state, note, at: clock.now() });
        if (settled !== null) options.onFilled(settled);
        return true;
      };
      if (places.length === 0) return settle('unfilled', NO_RECORDS);
      const { whole, leftOut } = await readGap(gap, gap.filledTo);
      if (stopped) return true;
      if (whole) return settle('filled', leftOut);
      // What a PBX still writes is waited for, but not for ever: an open end may never be closed.
      if (clock.now() < (gap.endedAt ?? 0) + LATEST_MS) return false;
      return settle('unfilled', 'some records of that time were still not whole; "logcalld backfill" reads them again');
    };

    /** Takes in what the places tell of the time of a gap, from where each was read to; `late`: again, and so long before, ms. */
    const readGap = async ({ id, beganAt, endedAt }: Gap, from: Gap['filledTo'], late = 0): Promise<Reading> => {
      const time = merge.time();
      const span = { from: beganAt, to: endedAt ?? clock.now() };
      const wanted = moved({ from: span.from - MARGIN_MS - late, to: span.to + MARGIN_MS }, time.aheadMs);
      let filledTo = from;
      let whole = true;
      let leftOut: string | null = null;
      for (const { place, key } of places) {
        const begin = Math.max(wanted.from, filledTo[key] ?? 0);
        if (begin >= wanted.to) continue;
        let upTo = wanted.to;
        for await (const page of place.read({ from: begin, to: wanted.to }, time.aheadMs)) {
          const { created, completed, faults } = await merge(page.events, { span, lostAt: [beganAt], time });
          // What is read again is not left out again.
          const fresh = late === 0 && page.upTo > (filledTo[key] ?? begin);
          const left = [...page.skipped, ...faults];
          const skipped = left.reduce((sum, { count }) => sum + count, 0);
          leftOut ??= left[0]?.why ?? null;
          upTo = page.upTo;
          filledTo = { ...filledTo, [key]: Math.max(upTo, filledTo[key] ?? 0) };
          const found = { created: created.length, completed: completed.length, skipped: fresh ? skipped : 0 };
          await gaps.progress({ id, filledTo, ...found });
          if (stopped) return { whole: false, leftOut };
        }
        whole &&= upTo >= wanted.to;
      }
      return { whole, leftOut };
    };

    /** As of `onePass`. */
    const fillCalls = async (): Promise<number | null> => {
      const waiting = await calls.awaiting({ source: name, limit: CALLS });
      if (waiting.length === 0) return null;
      const now = clock.now();
      const ready = waiting.filter(({ heldSince }) => now >= heldSince + WRITTEN_AFTER_MS);
      const found = ready.length === 0 ? new Set<string>() : await readCalls(ready.map(({ record }) => record));
      if (stopped) return null;
      const isFree = ({ record: { callSessionId }, heldSince }: AwaitingCall): boolean =>
        found.has(callSessionId) || now >= heldSince + options.waitMs;
      await release(waiting.filter(isFree));
      if (waiting.length === CALLS) return now + AGAIN_MS;
      // Those that were read in vain are read again after a while; at the end of their time they are free.
      const times = waiting
        .filter((one) => !isFree(one))
        .map(({ heldSince }) => {
          const first = heldSince + WRITTEN_AFTER_MS;
          const again = now + Math.max(AGAIN_MS, now - first);
          return Math.min(first > now ? first : again, heldSince + options.waitMs);
        });
      return times.length === 0 ? null : Math.min(...times);
    };

    /** Ids of the calls that the places told of, these among them. */
    const readCalls = async (records: readonly CallRecord[]): Promise<ReadonlySet<string>> => {
      const time = merge.time();
      const now = clock.now() + shiftOfCalls(time);
      const wanted = records.map(({ callSessionId, startedAt, endedAt, endBetween }): WantedCall => {
        // Of one that was cut off the record was written at its end, which nobody heard.
        const end = endBetween == null ? endedAt : (endBetween.to ?? now);
        const span = moved({ from: startedAt - MARGIN_MS, to: end + WRITTEN_AFTER_MS }, shiftOfRecords(time));
        return { id: callSessionId.slice(name.length + 1), span };
      });
      const found = new Set<string>();
      for (const { place } of places) {
        for await (const { events } of place.find(wanted, time.aheadMs)) {
          const done = await merge(events, { span: null, time });
          for (const id of done.recorded) found.add(id);
          for (const record of done.completed) await noteCompleted(record);
          if (stopped) return found;
        }
      }
      return found;
    };

    /** It counts for the last gap that the call went on in. */
    const noteCompleted = async ({ startedAt, endedAt }: CallRecord): Promise<void> => {
      const around = { from: startedAt - MARGIN_MS, to: endedAt + MARGIN_MS };
      const { from: since, to: until } = moved(around, -shiftOfCalls(merge.time()));
      for (const { id, filledTo } of await gaps.list({ source: name, since, until, limit: 1 }))
        await gaps.progress({ id, filledTo, created: 0, completed: 1, skipped: 0 });
    };

    const freeOverdue = async (): Promise<void> => {
      const now = clock.now();
      const waiting = await calls.awaiting({ source: name, limit: CALLS });
      await release(waiting.filter(({ heldSince }) => now >= heldSince + options.waitMs));
    };

    const release = async (free: readonly AwaitingCall[]): Promise<void> => {
      if (free.length === 0) return;
      await calls.release({ ids: free.map(({ record }) => record.callSessionId) });
      options.onReleased();
    };

    return {
      /** Something has ended of which the PBX writes records. */
      ended: () => soon(written),
      async stop(): Promise<void> {
        stopped = true;
        cancel();
        await running;
      },
    };
  }

  return {
    start() {
      for (const one of lines.values()) one.ended();
    },
    gapEnded: ({ source }) => lines.get(source)?.ended(),
    callsEnded: (source) => lines.get(source)?.ended(),
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
