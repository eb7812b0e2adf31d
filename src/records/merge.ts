/** Takes what a page of records says into the stored calls. */
import { backfill, type CdrCall, callsOfCdr } from '../call/cdr/backfill.ts';
import type { Span } from '../call/cdr/coverage.ts';
import type { CallRules } from '../call/correlate.ts';
import type { SourcePlan } from '../call/plan.ts';
import type { CallRecord } from '../call/record.ts';
import type { CallEvent } from '../telephony/call-event.ts';

/** What is known of calls already. */
export interface KnownCalls {
  /** The stored calls with one of these ids. */
  stored(ids: readonly string[]): Promise<readonly CallRecord[]>;
  /** Which of these channels and linked ids the PBX told of or named, of what the journal holds of that time. */
  heard(args: { source: string; ids: ReadonlySet<string>; span: Span }): Promise<{
    readonly ids: ReadonlySet<string>;
    readonly mentioned: ReadonlySet<string>;
  }>;
  /** True for a channel of a call that is going on. */
  isOpen(source: string, channel: string): boolean;
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
  /** How far the clock of the PBX is ahead of ours, ms. */
  readonly aheadMs: () => number;
}

export interface MergeRequest {
  /** Calls that lie in it and were not heard are created, on our clock; `null`: none are. */
  readonly span: Span | null;
  readonly aheadMs: number;
  /** True: what would be done is told and nothing is stored. */
  readonly dryRun?: boolean;
}

export interface Merged {
  readonly created: readonly CallRecord[];
  readonly completed: readonly CallRecord[];
  /** Ids that calls of which the records told may have, whether that was news or not. */
  readonly recorded: readonly string[];
}

export interface PageMerger {
  (events: readonly CallEvent[], request: MergeRequest): Promise<Merged>;
  readonly aheadMs: () => number;
}

/** How long before and after a call its channels may have been heard, ms. */
const AROUND_MS = 60_000;

export function pageMerger(options: MergeOptions): PageMerger {
  const { source, plan, rules, known } = options;

  const sessionIdOf = (id: string): string => `${source}-${id}`;

  const merge = async (
    events: readonly CallEvent[],
    { span, aheadMs, dryRun = false }: MergeRequest,
  ): Promise<Merged> => {
    const told = callsOfCdr(
      events.map((event) => onOurClock(event, aheadMs)),
      source,
      plan,
      rules,
    );
    // What is going on ends by itself, and is judged by what is heard.
    const over = told.filter(({ ids }) => ![...ids].some((id) => known.isOpen(source, id)));
    // Records may begin with a later channel of a call than the one that it was heard to begin with.
    const recorded = over.flatMap(({ ids }) => [...ids].map(sessionIdOf));
    const before = await known.stored(recorded);
    const stored = new Set(before.map(({ callSessionId }) => callSessionId));
    const others = over.filter(({ ids }) => ![...ids].some((id) => stored.has(sessionIdOf(id))));
    const heard = span === null ? NOTHING : await heardOf(others);
    const gaps = span === null ? [] : [span];
    const after = backfill(before, { ...heard, gaps }, over);
    const same = new Set(before);
    const unheard = new Set(others.map(({ record }) => record.callSessionId));
    const created = after.filter(({ callSessionId }) => unheard.has(callSessionId));
    const completed = after.filter((record) => stored.has(record.callSessionId) && !same.has(record));
    const news = [...created, ...completed];
    if (news.length === 0 || dryRun) return { created, completed, recorded };
    const { inserted, changed } = await options.store(news);
    const done = new Set([...inserted, ...changed]);
    const stays = (record: CallRecord): boolean => done.has(record.callSessionId);
    return { created: created.filter(stays), completed: completed.filter(stays), recorded };
  };

  const heardOf = async (calls: readonly CdrCall[]): Promise<typeof NOTHING> => {
    if (calls.length === 0) return NOTHING;
    const ids = new Set(calls.flatMap((call) => [...call.ids]));
    const span = {
      from: Math.min(...calls.map(({ record }) => record.startedAt)) - AROUND_MS,
      to: Math.max(...calls.map(({ record }) => record.endedAt)) + AROUND_MS,
    };
    return known.heard({ source, ids, span });
  };

  return Object.assign(merge, { aheadMs: options.aheadMs });
}

const NOTHING: { readonly ids: ReadonlySet<string>; readonly mentioned: ReadonlySet<string> } = {
  ids: new Set(),
  mentioned: new Set(),
};

/** Records are written by the clock of the PBX, calls are kept by ours. */
function onOurClock(event: CallEvent, aheadMs: number): CallEvent {
  if (aheadMs === 0) return event;
  const moved = { ...event, at: event.at - aheadMs, receivedAt: event.receivedAt - aheadMs };
  if (moved.kind === 'snapshot-channel') {
    const { createdAt, answeredAt } = moved;
    const earlier = (time: number | null) => (time === null ? null : time - aheadMs);
    return { ...moved, createdAt: earlier(createdAt), answeredAt: earlier(answeredAt) };
  }
  return moved;
}
