/** The records of the PBXs in the running daemon: which gaps they fill, by themselves and by hand. */
import { z } from 'zod';
import type { BackfillAnswer, RequestOf } from '../../adapters/control/api.ts';
import { ControlError } from '../../adapters/control/refusal.ts';
import type { Held } from '../../adapters/sqlite/sessions/row.ts';
import type { Span } from '../call/cdr/coverage.ts';
import type { CallRules } from '../call/correlate.ts';
import type { SourcePlan } from '../call/plan.ts';
import type { CallRecord } from '../call/record.ts';
import { events } from '../events.ts';
import type { Conditions } from '../health/conditions.ts';
import type { HearingWatch } from '../health/hearing.ts';
import type { Clock, CommitResult, Log } from '../ports.ts';
import { type Audit, createAudit } from '../records/audit.ts';
import { createFilling, type Filling } from '../records/filling.ts';
import type { Gap } from '../records/gaps.ts';
import { type Merged, type PageMerger, pageMerger } from '../records/merge.ts';
import { moved, type PbxTime, shiftOfCalls } from '../records/pbx-time.ts';
import { type CallRecords, RecordsError, type SkippedRecords } from '../records/port.ts';
import type { Store } from './answers/lookup.ts';
import { cursorOf, placeOf } from './answers/pages.ts';
import { type KnownParts, knownCalls, type SourcePlaces } from './known-calls.ts';

export interface RecordedSource extends SourcePlaces {
  readonly plan: SourcePlan;
  /** Where the PBX keeps its records; none: it does not, or nobody says where. */
  readonly places: readonly CallRecords[];
}

export interface RecordsParts extends KnownParts {
  readonly store: Store;
  readonly sources: readonly RecordedSource[];
  readonly rules: CallRules;
  /** How long a call that was going on in a gap waits for its record after its end, ms. */
  readonly waitMs: number;
  /** How long calls are kept, ms: one that ended before is not known any more. */
  readonly callsKeptMs: number;
  /** Stores calls that are new or have newer facts, and tells everybody. */
  readonly save: (records: readonly CallRecord[]) => Promise<CommitResult>;
  /** The outbox clock in so many ms. */
  readonly dueIn: (ms: number) => number;
  /** Calls are free to be posted. */
  readonly onReleased: () => void;
  /** When a PBX was heard last, ms since the epoch; `null`: it is not heard now. */
  readonly heardUpTo: (source: string) => number | null;
  readonly hearing: () => Pick<HearingWatch, 'isDeaf' | 'looked'>;
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Records {
  readonly filling: Filling;
  readonly audit: Audit;
  /** A gap is over. */
  gapEnded(gap: Gap): void;
  /** Until when a call waits for its record; `null`: it does not. */
  holding(record: CallRecord): Held | null;
  /** Calls have been stored. */
  stored(records: readonly CallRecord[]): void;
  /** One page of a backfill by hand. */
  backfill(request: RequestOf<'backfill'>): Promise<BackfillAnswer>;
  close(): Promise<void>;
}

const HELD = "Waits for the PBX's own record: it was going on while the PBX was not heard.";

export function openRecords(parts: RecordsParts): Records {
  const { store, clock, log, conditions, rules, waitMs } = parts;
  const known = knownCalls(parts);
  const { erasures } = store;
  const inTurn = turns();
  const sources = parts.sources.map(({ name, plan, places }) => {
    const time = () => parts.pipeline().timeOf(name);
    const bootedAt = () => parts.pipeline().bootedAt(name);
    const merger = pageMerger({ source: name, plan, rules, known, store: parts.save, time, bootedAt, erasures });
    // Two PBXs that write into one table would both take a call that neither has yet.
    const merge: PageMerger = Object.assign((...page: Parameters<PageMerger>) => inTurn(() => merger(...page)), {
      time,
    });
    return { name, places, merge };
  });
  const reader = unreadable(conditions);
  const audit = createAudit({
    ...{ gaps: store.gaps, clock, onTrouble: reader() },
    sources: sources.filter(({ places }) => places.length > 0),
    heardSince: (source) => store.journal.firstFrameAt({ source }),
    heardUpTo: parts.heardUpTo,
    isDeaf: (source) => parts.hearing().isDeaf(source),
    onLooked: (source, unheard) => parts.hearing().looked(source, unheard),
    onFault: (source, text) => events.warning(log, source, text),
  });
  const filling = createFilling({
    sources,
    gaps: store.gaps,
    calls: store.outbox,
    clock,
    waitMs,
    onReleased: parts.onReleased,
    onFilled: (gap) => events.gapSettled(log, gap),
    onTrouble: reader(),
  });
  return {
    filling,
    audit,
    gapEnded(gap) {
      events.gapEnded(log, gap);
      filling.gapEnded(gap);
    },
    holding(record) {
      if (!filling.awaits(record)) return null;
      return { dueAt: parts.dueIn(waitMs), reason: HELD };
    },
    stored(records) {
      for (const source of new Set(records.filter(filling.awaits).map((record) => record.source)))
        filling.callsEnded(source);
    },
    backfill: (request) => byHand(parts, sources, request),
    async close() {
      await Promise.all([filling.stop(), audit.stop()]);
      await Promise.all(sources.flatMap(({ places }) => places.map((place) => place.close())));
    },
  };
}

/**
 * Who reads the newest records reads others than who fills a gap of last night: that the records of a PBX cannot be read stands until each
 * reader that met it can.
 */
function unreadable(conditions: Pick<Conditions, 'set'>): () => (source: string, problem: string | null) => void {
  const readers: Map<string, string>[] = [];
  return () => {
    const problems = new Map<string, string>();
    readers.push(problems);
    return (source, problem) => {
      if (problem === null) problems.delete(source);
      else problems.set(source, problem);
      const standing = readers.flatMap((one) => one.get(source) ?? []);
      conditions.set('records-unreadable', standing[0] ?? null, 'error', { source });
    };
  };
}

/** One after the other, each when the one before it is done or has failed. */
function turns(): <T>(run: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const own = last.then(run);
    last = own.catch(() => undefined);
    return own;
  };
}

interface Source {
  readonly name: string;
  readonly places: readonly CallRecords[];
  readonly merge: PageMerger;
}

const placeOfPage = z.object({ place: z.number().int().min(0), from: z.number() });

/** One answer has the pages of so long, ms: each reading begins with some that the one before it had already. */
const PAGES_MS = 300;

/** Some pages: of the place that the cursor names, from where it came to. */
async function byHand(
  { store, clock, callsKeptMs }: RecordsParts,
  sources: readonly Source[],
  request: RequestOf<'backfill'>,
): Promise<BackfillAnswer> {
  const { cursor, dryRun, ...selection } = request;
  const source = sources.find(({ name }) => name === selection.source);
  if (source === undefined) {
    const names = sources.map(({ name }) => name).join(', ');
    throw new ControlError(404, `The config has no source "${selection.source}". Name one of: ${names}.`);
  }
  if (source.places.length === 0) {
    const why = `No [[source.records]] is set for "${source.name}": see "The PBX's own records" in the README for the lines to add.`;
    throw new ControlError(400, why);
  }
  const until = selection.until ?? Math.floor(clock.now());
  const known = await store.journal.keptSince({ source: source.name });
  // What was heard before can no longer be told from what was not, and a call that was removed for its age would come again.
  const [journal, calls] = [known ?? 0, Math.floor(clock.now() - callsKeptMs)];
  const since = Math.max(selection.since, journal, calls);
  const keptBy: BackfillAnswer['keptBy'] = since === selection.since ? null : calls > journal ? 'calls' : 'journal';
  if (since >= until) {
    const why =
      keptBy === 'calls' ? 'calls of then are kept no longer' : 'the journal that tells what was heard begins later';
    throw new ControlError(400, `Nothing can be filled in that time: ${why}.`);
  }
  const begin = cursor === undefined ? { place: 0, from: 0 } : placeOf(selection, cursor, placeOfPage);
  const place = source.places[begin.place];
  if (place === undefined) throw new ControlError(400, 'The place of records is gone: begin anew.');
  const time = source.merge.time();
  const span = { from: since, to: until };
  const wanted = moved(span, time.aheadMs);
  const from = Math.max(wanted.from, begin.from);
  const gaps = await store.gaps.list({ source: source.name, since, until, limit: 1000 });
  const lostAt = gaps.map(({ beganAt }) => beganAt);
  const created: CallRecord[] = [];
  const completed: CallRecord[] = [];
  const erased: string[] = [];
  const skipped: SkippedRecords[] = [];
  const answer = { place: place.name, since, keptBy, created, completed, erased, skipped };
  const began = clock.now();
  const next = (at: z.output<typeof placeOfPage> | null) => (at === null ? null : cursorOf(selection, at));
  try {
    for await (const page of place.read({ from, to: wanted.to }, time.aheadMs)) {
      const done = await source.merge(page.events, { span, lostAt, time, dryRun });
      created.push(...done.created);
      completed.push(...done.completed);
      erased.push(...done.erased);
      skipped.push(...page.skipped, ...done.faults);
      if (!dryRun) await countFor(store, source, done, time);
      // One that comes no further tells of what went on before: the next one follows at once.
      const enough = clock.now() - began >= PAGES_MS;
      if (enough && page.upTo > from && page.upTo < wanted.to)
        return { ...answer, upTo: page.upTo - time.aheadMs, cursor: next({ place: begin.place, from: page.upTo }) };
    }
  } catch (error) {
    if (error instanceof RecordsError) throw new ControlError(503, error.message);
    throw error;
  }
  if (begin.place + 1 < source.places.length)
    return { ...answer, upTo: until, cursor: next({ place: begin.place + 1, from: 0 }) };
  if (!dryRun) await settleWithin(store, source.name, span, clock);
  return { ...answer, upTo: until, cursor: null };
}

/** What was found counts for the gaps that it touches. */
async function countFor(
  { gaps }: Store,
  { name }: Source,
  { created, completed }: Merged,
  time: PbxTime,
): Promise<void> {
  const touched = async ({ startedAt, endedAt }: CallRecord): Promise<readonly Gap[]> => {
    const { from, to } = moved({ from: startedAt, to: endedAt }, -shiftOfCalls(time));
    return gaps.list({ source: name, since: from, until: to, limit: 1 });
  };
  const none = { created: 0, completed: 0, skipped: 0 };
  for (const record of created)
    for (const { id, filledTo } of await touched(record)) await gaps.progress({ ...none, id, filledTo, created: 1 });
  for (const record of completed)
    for (const { id, filledTo } of await touched(record)) await gaps.progress({ ...none, id, filledTo, completed: 1 });
}

/** Gaps that lie wholly in a time that was filled by hand are filled. */
async function settleWithin(store: Store, source: string, { from, to }: Span, clock: Clock): Promise<void> {
  for (const gap of await store.gaps.list({ source, since: from, until: to, limit: 1000 })) {
    if (gap.endedAt === null || gap.state === 'filled' || gap.beganAt < from || gap.endedAt > to) continue;
    await store.gaps.settle({ id: gap.id, state: 'filled', note: 'by hand', at: Math.floor(clock.now()) });
  }
}
