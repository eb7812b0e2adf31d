/** The calls of a time, derived again from the journal by the present code, beside what is stored. */
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { frameReaders } from '../../../adapters/index.ts';
import { eventsOf, keptFrames } from '../../../adapters/sqlite/journal/events.ts';
import { KIND } from '../../../adapters/sqlite/journal/frames.ts';
import type { BegunPage, CallPlace } from '../../../adapters/sqlite/sessions/list.ts';
import type { Config, SourceConfig } from '../../../config/schema.ts';
import { CallTable } from '../../call/correlate.ts';
import { REMEMBERED } from '../../call/live/late.ts';
import type { CallRecord } from '../../call/record.ts';
import type { Store } from '../../daemon/answers/lookup.ts';
import { planOf, rulesOf } from '../../daemon/settings.ts';
import type { DeliveryState } from '../../delivery/states.ts';

export interface Window {
  /** Calls that began in [since, until), ms since the epoch. */
  readonly since: number;
  readonly until: number;
  /** `null`: all sources. */
  readonly source: string | null;
  readonly now: number;
}

export interface Difference {
  /** As the present code derives it. */
  readonly record: CallRecord;
  /** Of the stored facts; 0: not stored. */
  readonly revision: number;
  readonly state: DeliveryState | null;
  readonly fields: readonly { readonly field: string; readonly before: unknown; readonly after: unknown }[];
}

/** What is found, as it is found: the calls of a long time are more than should be kept in memory. */
export interface Findings {
  readonly different: (difference: Difference) => Promise<void>;
  /** The id of a stored call that does not come out any more. */
  readonly missing: (id: string) => void;
  /** Frames read so far. */
  readonly read?: (frames: number) => void;
}

/** How many of each kind. */
export interface Comparison {
  readonly different: number;
  readonly same: number;
  readonly missing: number;
  readonly leftAlone: number;
  /** Frames received in the window itself. */
  readonly frames: number;
  readonly withoutRaw: number;
  /** When the first frame that was read came. */
  readonly journalFrom: number;
}

/** A call may have begun, or go on, so long before or after the window. */
const MARGIN_MS = 4 * 3_600_000;
const PAGE = 1_000;
/** Flags of facts that the journal cannot give: they came from elsewhere, or it holds only a part of the call. */
export const NOT_OURS = ['from-cdr', 'start-unknown'];

/**
 * Reads the journal once, in order. In memory are the open calls, the last reported ones, and the id of each call of the window
 * (about 100 bytes each).
 */
export async function compare(store: Store, config: Config, window: Window, found: Findings): Promise<Comparison> {
  const sources = config.source.filter(({ name }) => window.source === null || name === window.source);
  const within = ({ startedAt }: CallRecord) => startedAt >= window.since && startedAt < window.until;
  // What is not stored and ended before was removed, and would be again at once.
  const oldest = window.now - config.storage.retention.calls;
  const derived = new Set<string>();
  const sum = { different: 0, same: 0, leftAlone: 0 };
  const judge = async (record: CallRecord): Promise<void> => {
    const { callSessionId: id } = record;
    const known = await store.sessions.get(id);
    const stored = known.found === 'one' && known.session.record.callSessionId === id ? known.session : null;
    if (!within(stored?.record ?? record)) return;
    derived.add(id);
    const isOver =
      stored === null && (record.endedAt < oldest || (await store.erasures.gone({ ids: [id] })).length > 0);
    if (isOver || NOT_OURS.some((flag) => record.flags.includes(flag) || stored?.record.flags.includes(flag) === true))
      sum.leftAlone += 1;
    else if (stored !== null && isDeepStrictEqual(stored.record, record)) sum.same += 1;
    else {
      const [row] = await store.outbox.select({ filter: { ids: [id] }, after: 0, limit: 1 });
      const fields = stored === null ? [] : fieldsOf(stored.record, record);
      sum.different += 1;
      await found.different({ record, revision: stored?.revision ?? 0, state: row?.state ?? null, fields });
    }
  };
  const read = await derive(store, config, sources, window, judge, found.read);
  const { since, until } = { ...window, since: Math.max(window.since, read.journalFrom) };
  let missing = 0;
  for (const { name } of sources) {
    for await (const id of storedIds(store, name, since, until)) {
      if (derived.has(id)) continue;
      missing += 1;
      found.missing(id);
    }
  }
  return { ...sum, missing, ...read };
}

/** Hands over each call once, as it is when nothing more can come of it. */
async function derive(
  store: Store,
  config: Config,
  sources: readonly SourceConfig[],
  window: Window,
  judge: (record: CallRecord) => Promise<void>,
  onRead: (frames: number) => void = () => {},
) {
  const rules = rulesOf(config);
  const tables = new Map(sources.map((source) => [source.name, new CallTable(source.name, planOf(source), rules)]));
  const range = {
    from: Math.floor(window.since - MARGIN_MS),
    to: Math.ceil(Math.min(window.until + MARGIN_MS, window.now)),
  };
  // A call that was reported may be so once more, when its recording is named late: the last word counts.
  const reported = new Map<string, CallRecord>();
  const settle = async (atMost: number): Promise<void> => {
    for (const [id, record] of reported) {
      if (reported.size <= atMost) return;
      reported.delete(id);
      await judge(record);
    }
  };
  const report = (ended: readonly CallRecord[]): void => {
    for (const record of ended) {
      reported.delete(record.callSessionId);
      reported.set(record.callSessionId, record);
    }
  };
  let all = 0;
  let frames = 0;
  let withoutRaw = 0;
  let journalFrom = Number.POSITIVE_INFINITY;
  for (const { name, type } of sources) {
    const table = tables.get(name);
    if (table === undefined) continue;
    const read = frameReaders[type] ?? null;
    const request = { source: name, from: 0, since: range.from, until: range.to };
    for await (const page of keptFrames(store.journal, request)) {
      for (const frame of page) {
        journalFrom = Math.min(journalFrom, frame.at);
        if (frame.at >= window.since && frame.at < window.until) frames += 1;
        const events = eventsOf(frame, name, read) ?? [];
        if (frame.kind === KIND.events) withoutRaw += 1;
        for (const event of events) report(table.apply(event).ended);
      }
      await settle(REMEMBERED);
      // The database is in this thread, so nothing else waits: signals and what is written must have their turn.
      await setImmediate();
      all += page.length;
      onRead(all);
    }
  }
  for (const table of tables.values()) report(table.advance(range.to).ended);
  await settle(0);
  return { frames, withoutRaw, journalFrom };
}

function fieldsOf(before: CallRecord, after: CallRecord): Difference['fields'] {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  return [...new Set([...now.keys(), ...old.keys()])]
    .filter((field) => !isDeepStrictEqual(old.get(field), now.get(field)))
    .map((field) => ({ field, before: old.get(field), after: now.get(field) }));
}

/** Calls that the journal may know: what came from the PBX's own records was never in it. */
async function* storedIds(store: Store, source: string, since: number, until: number): AsyncGenerator<string> {
  let after: CallPlace | null = null;
  do {
    const page: BegunPage = await store.calls.begun({ source, since, until, after, limit: PAGE });
    for (const { id, flags } of page.calls) if (!flags.some((flag) => NOT_OURS.includes(flag))) yield id;
    after = page.next;
  } while (after !== null);
}
