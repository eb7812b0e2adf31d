/** The calls of a time, derived again from the journal by the present code, beside what is stored. */
import { isDeepStrictEqual } from 'node:util';
import { frameReaders } from '../../adapters/index.ts';
import type { FrameRow } from '../../adapters/sqlite/calls.ts';
import type { Config, SourceConfig } from '../../config/schema.ts';
import { CallTable } from '../call/correlate.ts';
import type { CallRecord } from '../call/record.ts';
import type { DeliveryState } from '../delivery/delivery.ts';
import type { CallEvent } from '../telephony/call-event.ts';
import type { Store } from './lookup.ts';
import { planOf, rulesOf } from './settings.ts';

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

export interface Comparison {
  readonly differences: readonly Difference[];
  readonly same: number;
  /** Ids of stored calls that do not come out any more. */
  readonly missing: readonly string[];
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
const NOT_OURS = ['from-cdr', 'start-unknown'];

export async function compare(store: Store, config: Config, window: Window): Promise<Comparison> {
  const sources = config.source.filter(({ name }) => window.source === null || name === window.source);
  const fold = await derive(store, config, sources, window);
  const within = ({ startedAt }: CallRecord) => startedAt >= window.since && startedAt < window.until;
  const differences: Difference[] = [];
  const derived = new Set<string>();
  let same = 0;
  let leftAlone = 0;
  for (const record of fold.ended) {
    derived.add(record.callSessionId);
    const found = await store.sessions.get(record.callSessionId);
    const stored =
      found.found === 'one' && found.session.record.callSessionId === record.callSessionId ? found.session : null;
    if (!within(stored?.record ?? record)) continue;
    if (NOT_OURS.some((flag) => record.flags.includes(flag) || stored?.record.flags.includes(flag) === true))
      leftAlone += 1;
    else if (stored !== null && isDeepStrictEqual(stored.record, record)) same += 1;
    else {
      const [row] = await store.outbox.select({ filter: { ids: [record.callSessionId] }, after: 0, limit: 1 });
      const fields = stored === null ? [] : fieldsOf(stored.record, record);
      differences.push({ record, revision: stored?.revision ?? 0, state: row?.state ?? null, fields });
    }
  }
  const from = Math.max(window.since, fold.journalFrom);
  const missing = await storedIds(store, { ...window, since: from }, sources, (id) => !derived.has(id));
  const { frames, withoutRaw, journalFrom } = fold;
  return { differences, same, missing, leftAlone, frames, withoutRaw, journalFrom };
}

async function derive(store: Store, config: Config, sources: readonly SourceConfig[], window: Window) {
  const rules = rulesOf(config);
  const tables = new Map(sources.map((source) => [source.name, new CallTable(source.name, planOf(source), rules)]));
  const types = new Map(sources.map(({ name, type }) => [name, type]));
  const ended: CallRecord[] = [];
  const range = {
    from: Math.floor(window.since - MARGIN_MS),
    to: Math.ceil(Math.min(window.until + MARGIN_MS, window.now)),
  };
  let frames = 0;
  let withoutRaw = 0;
  let journalFrom = Number.POSITIVE_INFINITY;
  for (let after = 0; ; ) {
    const page = await store.calls.frames({ ...range, after, limit: PAGE });
    for (const frame of page) {
      const table = tables.get(frame.source);
      if (table === undefined) continue;
      journalFrom = Math.min(journalFrom, frame.receivedAt);
      if (frame.receivedAt >= window.since && frame.receivedAt < window.until) frames += 1;
      const read = eventsOf(frame, types.get(frame.source) ?? '');
      if (read.raw === false) withoutRaw += 1;
      for (const event of read.events) ended.push(...table.apply(event).ended);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    after = last.id;
  }
  for (const table of tables.values()) ended.push(...table.advance(range.to).ended);
  return { ended, frames, withoutRaw, journalFrom };
}

/** The frame read again by the present code; its stored events where the frame is gone or cannot be read. `raw` `null`: never had any. */
export function eventsOf(frame: FrameRow, type: string): { events: readonly CallEvent[]; raw: boolean | null } {
  const own = frame.events.some((event) =>
    ['source-lost', 'source-connected', 'snapshot-complete'].includes(event.kind),
  );
  const stored = { events: frame.events, raw: own ? null : false };
  const read = frameReaders[type];
  if (frame.raw === null || read === undefined) return stored;
  try {
    return { events: read(frame.raw, frame.source, frame.receivedAt), raw: true };
  } catch {
    // A frame that the present code cannot read costs itself: what was made of it then is there.
    return stored;
  }
}

function fieldsOf(before: CallRecord, after: CallRecord): Difference['fields'] {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  return [...new Set([...now.keys(), ...old.keys()])]
    .filter((field) => !isDeepStrictEqual(old.get(field), now.get(field)))
    .map((field) => ({ field, before: old.get(field), after: now.get(field) }));
}

async function storedIds(
  store: Store,
  window: Window,
  sources: readonly SourceConfig[],
  wanted: (id: string) => boolean,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const { name } of sources) {
    for (let offset = 0; ; offset += PAGE) {
      const { since, until } = window;
      const page = await store.sessions.list({ since, until, source: name, limit: PAGE, offset });
      // What came from the PBX's own records was never in the journal.
      const ours = page.filter(({ record }) => !record.flags.some((flag) => NOT_OURS.includes(flag)));
      ids.push(...ours.map(({ record }) => record.callSessionId).filter(wanted));
      if (page.length < PAGE) break;
    }
  }
  return ids;
}
