/** Takes what a page of records says into the stored calls. */
import { backfill } from '../call/cdr/backfill.ts';
import { type CdrCall, callsOfCdr } from '../call/cdr/calls.ts';
import type { Span } from '../call/cdr/coverage.ts';
import { toldInPart } from '../call/cdr/matching.ts';
import type { CallRules } from '../call/correlate.ts';
import type { SourcePlan } from '../call/plan.ts';
import type { CallRecord } from '../call/record.ts';
import type { CallEvent } from '../telephony/call-event.ts';
import { unheardEnds } from './ends.ts';
import type { Erasures } from './erased.ts';
import { moved, type PbxTime, shiftOfCalls, shiftOfRecords } from './pbx-time.ts';
import { RecordsError, type SkippedRecords } from './port.ts';

/** What is known of calls already. */
export interface KnownCalls {
  /** The stored calls with one of these ids. */
  stored(ids: readonly string[]): Promise<readonly CallRecord[]>;
  /** Which of these channels and linked ids the PBX told of or named, of what the journal holds of that time. */
  heard(args: { source: string; ids: ReadonlySet<string>; span: Span }): Promise<{
    readonly ids: ReadonlySet<string>;
    readonly mentioned: ReadonlySet<string>;
  }>;
  /** Which of these calls, of which nobody has heard here, are those of another PBX. */
  elsewhere(args: { source: string; calls: readonly CdrCall[]; span: Span }): Promise<Elsewhere>;
  /** True for a channel of a call that is going on. */
  isOpen(source: string, channel: string): boolean;
  /** Resolves when what was heard so far is settled: with true when all of it is stored. */
  settled(): Promise<boolean>;
  /** When the PBX listed all of its channels, ms since the epoch, on our clock; those before `since` are left out. */
  lists(source: string, since: number): Promise<readonly number[]>;
}

/** Ids of calls. */
export interface Elsewhere {
  /**
   * Of a PBX that writes into the same place: it has a channel of them in a stored call, in one that goes on, or in what the journal holds of
   * that time.
   */
  readonly theirs: ReadonlySet<string>;
  /**
   * Of one whose records are elsewhere, which may count its channels alike: it has a stored call of the same id and number, or one of that
   * id that goes on. Both may read one place under two addresses.
   */
  readonly alike: ReadonlySet<string>;
}

export interface MergeOptions {
  readonly source: string;
  readonly plan: SourcePlan;
  readonly rules: CallRules;
  readonly known: KnownCalls;
  /** Stores calls that are new or have newer facts. */
  readonly store: (records: readonly CallRecord[]) => Promise<{
    readonly inserted: readonly string[];
    readonly changed: readonly string[];
  }>;
  readonly time: () => PbxTime;
  readonly erasures: Pick<Erasures, 'covered'>;
  /** When the PBX that is heard now was started, ms since the epoch, on our clock; `null`: it does not tell. */
  readonly bootedAt: () => number | null;
}

export interface MergeRequest {
  /** Calls that lie in it and were not heard are created, on our clock; `null`: none are. */
  readonly span: Span | null;
  /** When the PBX was lost, on our clock: calls that ended soon before lack what it tells late. Absent: never. */
  readonly lostAt?: readonly number[];
  readonly time: PbxTime;
  /** True: what would be done is told and nothing is stored. */
  readonly dryRun?: boolean;
}

export interface Merged {
  readonly created: readonly CallRecord[];
  readonly completed: readonly CallRecord[];
  /** Ids of calls that nobody heard and that are left out, as a number of them was erased. */
  readonly erased: readonly string[];
  /** Ids that calls of which the records told wholly may have, whether that was news or not. */
  readonly recorded: readonly string[];
  /** Records that the rules could not take in, each left out alone; what was wrong with the first. */
  readonly faults: readonly SkippedRecords[];
}

export interface PageMerger {
  /** Rejects with a `RecordsError` while what was heard is not stored yet: the caller tries again later. Event times: clock of the records. */
  (events: readonly CallEvent[], request: MergeRequest): Promise<Merged>;
  readonly time: () => PbxTime;
}

const ENDLESS =
  'The PBX recorded no end of these calls, and has not listed its channels since then: whether they go on is not known, so they were left out. ' +
  'logcalld check-config says what its records lack.';

const ALIKE =
  'Another PBX has a call of the same id and number, or one of that id that goes on, so these calls were left out. Where both write into one ' +
  'place, write it alike in [[source.records]] of both; else set systemname in asterisk.conf of each.';

/** How long before and after a call its channels may have been heard, ms. */
const AROUND_MS = 60_000;

/** The merger of one PBX. Pages must be merged one after the other. */
export function pageMerger(options: MergeOptions): PageMerger {
  const { source, plan, rules, known } = options;

  const sessionIdOf = (id: string): string => `${source}-${id}`;

  const merge = async (events: readonly CallEvent[], request: MergeRequest): Promise<Merged> => {
    const { span, time, dryRun = false } = request;
    const faults: SkippedRecords[] = [];
    const wrong = { count: 0, why: '' };
    const onFault = (what: string, error: unknown): void => {
      if (wrong.count++ > 0) return;
      wrong.why = `${what}: ${String(error)}`;
      faults.push(wrong);
    };
    const shifted = events.map((event) => earlier(event, shiftOfRecords(time)));
    const recordedEvents = [...shifted, ...startOf(time)];
    const ends = await unheardEnds(recordedEvents, {
      ...{ source, time, stored: known.stored },
      isOpen: (channel) => known.isOpen(source, channel),
      lists: (since) => known.lists(source, since),
    });
    if (ends.endless > 0) faults.push({ count: ends.endless, why: ENDLESS });
    const told = callsOfCdr([...recordedEvents, ...ends.events], source, plan, rules, onFault);
    // What is going on ends by itself, and is judged by what is heard.
    const over = told.filter(({ ids }) => ![...ids].some((id) => known.isOpen(source, id)));
    // Records may begin with a later channel of a call than the one that it was heard to begin with.
    const named = over.flatMap(({ ids }) => [...ids].map(sessionIdOf));
    // What has just ended may not be stored yet, and would look like a call that nobody heard.
    if (span !== null && over.length > 0 && !(await known.settled())) throw new RecordsError(unsettled(source));
    const before = await known.stored(named);
    const stored = new Set(before.map(({ callSessionId }) => callSessionId));
    const others = over.filter(({ ids }) => ![...ids].some((id) => stored.has(sessionIdOf(id))));
    const heard = span === null ? NOTHING : await heardOf(others, shiftOfCalls(time));
    const gaps = span === null ? [] : [moved(span, shiftOfCalls(time))];
    const lostAt = (request.lostAt ?? []).map((at) => at + shiftOfCalls(time));
    const after = backfill(before, { ...heard, gaps, lostAt }, over);
    const partly = new Set(toldInPart(before, over));
    const recorded = named.filter((id) => !partly.has(id));
    const same = new Set(before);
    const unheard = new Set(others.map(({ record }) => record.callSessionId));
    const fresh = after.filter((record) => unheard.has(record.callSessionId));
    const { own, alike } = await ownOf(fresh, others, shiftOfCalls(time));
    if (alike > 0) faults.push({ count: alike, why: ALIKE });
    const erased = own.length === 0 ? [] : await erasedOf(own, time);
    const created = own.filter(({ callSessionId }) => !erased.includes(callSessionId));
    const completed = after.filter((record) => stored.has(record.callSessionId) && !same.has(record));
    const news = [...created, ...completed];
    if (news.length === 0 || dryRun) return { created, completed, erased, recorded, faults };
    const { inserted, changed } = await options.store(news);
    const done = new Set([...inserted, ...changed]);
    const stays = (record: CallRecord): boolean => done.has(record.callSessionId);
    return { created: created.filter(stays), completed: completed.filter(stays), erased, recorded, faults };
  };

  const erasedOf = (records: readonly CallRecord[], time: PbxTime): Promise<readonly string[]> =>
    options.erasures.covered({ records, aheadMs: shiftOfCalls(time) });

  /** What an earlier run of the PBX has recorded without an end is over: records tell of a crash only what was before it. */
  const startOf = (time: PbxTime): CallEvent[] => {
    const bootedAt = options.bootedAt();
    if (bootedAt === null) return [];
    const at = bootedAt + shiftOfCalls(time);
    return [{ source, at, receivedAt: at, kind: 'source-connected', boot: null, bootedAt: at }];
  };

  /** The journal is kept by the clock of arrival. */
  const heardOf = async (calls: readonly CdrCall[], ahead: number): Promise<typeof NOTHING> => {
    return calls.length === 0 ? NOTHING : known.heard({ source, ...lookedFor(calls, ahead) });
  };

  /** Several PBXs may write into one table: what another one has is its call, and would be logged twice. */
  const ownOf = async (
    fresh: readonly CallRecord[],
    others: readonly CdrCall[],
    ahead: number,
  ): Promise<{ readonly own: readonly CallRecord[]; readonly alike: number }> => {
    if (fresh.length === 0) return { own: [], alike: 0 };
    const names = new Set(fresh.map(({ callSessionId }) => callSessionId));
    const calls = others.filter(({ record }) => names.has(record.callSessionId));
    const { theirs, alike } = await known.elsewhere({ source, calls, span: lookedFor(calls, ahead).span });
    const own = fresh.filter(({ callSessionId }) => !theirs.has(callSessionId) && !alike.has(callSessionId));
    return { own, alike: alike.size };
  };

  return Object.assign(merge, { time: options.time });
}

/** What these calls are looked for by, and when, on our clock. */
function lookedFor(
  calls: readonly CdrCall[],
  ahead: number,
): { readonly ids: ReadonlySet<string>; readonly span: Span } {
  const span = {
    from: Math.min(...calls.map(({ record }) => record.startedAt)) - AROUND_MS,
    // One without a recorded end may have been listed.
    to: Math.max(...calls.map(({ record: { endedAt, endBetween } }) => endBetween?.to ?? endedAt)) + AROUND_MS,
  };
  return { ids: new Set(calls.flatMap(({ ids }) => [...ids])), span: moved(span, -ahead) };
}

function unsettled(source: string): string {
  return `What was heard of ${source} is not stored yet, so nothing is taken from its records; tried again by itself (see storage-full, storage-backlog).`;
}

const NOTHING: { readonly ids: ReadonlySet<string>; readonly mentioned: ReadonlySet<string> } = {
  ids: new Set(),
  mentioned: new Set(),
};

function earlier(event: CallEvent, by: number): CallEvent {
  if (by === 0) return event;
  const told = { ...event, at: event.at - by, receivedAt: event.receivedAt - by };
  const before = (time: number | null) => (time === null ? null : time - by);
  if (told.kind === 'snapshot-channel') {
    const { createdAt, answeredAt, bridgedAt = null } = told;
    return { ...told, createdAt: before(createdAt), answeredAt: before(answeredAt), bridgedAt: before(bridgedAt) };
  }
  if (told.kind === 'vanished' && told.overAt !== undefined) return { ...told, overAt: told.overAt - by };
  if (told.kind === 'cleared' && told.history !== undefined) {
    const { createdAt, answeredAt, bridgedAt } = told.history;
    const times = { createdAt: before(createdAt), answeredAt: before(answeredAt), bridgedAt: before(bridgedAt) };
    return { ...told, history: { ...told.history, ...times } };
  }
  return told;
}
