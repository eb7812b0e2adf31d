/** What an operator asks about calls: lists with their delivery, search by a part of the id, and the journal of a time. */
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { selector } from '../outbox/filter.ts';
import type { Connection } from '../thread/rpc.ts';
import { begunLister, lister } from './list.ts';

export type CallLookup =
  | { readonly found: 'one'; readonly id: string }
  | { readonly found: 'none' }
  | { readonly found: 'several'; readonly ids: readonly string[] };

/** A stored frame. `raw`: `null` when there was none or it is no longer kept. */
export interface FrameRow {
  readonly id: number;
  readonly source: string;
  readonly receivedAt: number;
  readonly raw: Uint8Array | null;
  readonly events: readonly CallEvent[];
}

export interface SeenExtension {
  readonly extension: string;
  /** `null`: none, or seen before domains were told apart. */
  readonly domain: string | null;
  readonly calls: number;
  readonly lastAt: number;
}

type Span = { readonly from: number; readonly to: number };

/** Extensions answered, those with the most calls; a PBX has fewer. */
const EXTENSIONS = 10_000;
/** Ids named when a part fits several. */
const SEVERAL = 10;
/** Characters at the end of an id that an index holds. */
const ID_END = 6;
/** Calls looked at for a shorter end. */
const LATEST = 20_000;

export function callsModule(db: Connection) {
  const span = db.prepare<[object], { from: number | null; to: number | null }>(
    'SELECT min(received_at) AS "from", max(received_at) AS "to" FROM event WHERE source = @source AND channel = @channel',
  );
  const events = db
    .prepare<[object], string>(
      `SELECT json FROM event WHERE source = @source AND received_at >= @from AND received_at < @to ORDER BY seq LIMIT @limit`,
    )
    .pluck();
  const extensions = db.prepare<[], SeenExtension>(
    `SELECT extension, nullif(domain, '') AS domain, calls, last_at AS lastAt FROM extension_seen
     ORDER BY calls DESC, extension, domain LIMIT ${EXTENSIONS}`,
  );
  return {
    /** Newest first, a page. */
    list: lister(db),
    /** By their begin, oldest first, a page. */
    begun: begunLister(db),
    /** Which calls are meant, a page. */
    selected: selector(db),
    find: finder(db),
    /** When a channel was heard of; `null`: never, or it is no longer kept. */
    span({ source, channel }: { source: string; channel: string }): Span | null {
      const { from = null, to = null } = span.get({ source, channel }) ?? {};
      return from === null || to === null ? null : { from, to };
    },
    /** Events of a source received in [from, to), in order. */
    events: (args: Span & { source: string; limit: number }): readonly CallEvent[] => events.all(args).map(toEvent),
    frames: frames(db),
    extensions: (): readonly SeenExtension[] => extensions.all(),
  };
}

// Written by the journal of this or an earlier version of the program.
const toEvent = (json: string): CallEvent => JSON.parse(json) as CallEvent;

/**
 * By the whole id, else by its beginning, else by its end, when only one id is such; by an end that is shorter than those of the
 * index among the latest calls.
 */
function finder(db: Connection) {
  const search = (condition: string, from = 'session') =>
    db.prepare<[object], string>(`SELECT call_session_id FROM ${from} WHERE ${condition} LIMIT @limit`).pluck();
  const whole = search('call_session_id = @id');
  const beginning = search('call_session_id >= @id AND call_session_id < @id || char(0x10FFFF)');
  const ending = 'substr(call_session_id, -length(@id)) = @id';
  const end = search(`substr(call_session_id, -${ID_END}) = substr(@id, -${ID_END}) AND ${ending}`);
  const latest = `(SELECT call_session_id FROM session ORDER BY started_at DESC, call_session_id DESC LIMIT ${LATEST})`;
  const shortEnd = search(ending, latest);
  return ({ id }: { id: string }): CallLookup => {
    if (id === '') return { found: 'none' };
    for (const statement of [whole, beginning, [...id].length < ID_END ? shortEnd : end]) {
      const ids = statement.all({ id, limit: SEVERAL });
      const [only] = ids;
      if (only !== undefined)
        return ids.length === 1 ? { found: 'one', id: only } : { found: 'several', ids: [...ids].sort() };
    }
    return { found: 'none' };
  };
}

/** A page of the frames received in [from, to), in the order they came; `after`: id of the last one read, 0 to begin. */
function frames(db: Connection) {
  const bounds = db.prepare<[object], { first: number | null; last: number | null }>(
    'SELECT min(id) AS first, max(id) AS last FROM frame WHERE received_at >= @from AND received_at < @to',
  );
  // "+": read by id, which is already in order.
  const page = db.prepare<[object], Omit<FrameRow, 'events'>>(
    `SELECT id, source, received_at AS receivedAt, raw FROM frame
     WHERE id > @after AND id <= @last AND +received_at >= @from AND +received_at < @to ORDER BY id LIMIT @limit`,
  );
  const events = db.prepare<[object], { frame: number; json: string }>(
    'SELECT frame_id AS frame, json FROM event WHERE frame_id >= @first AND frame_id <= @last ORDER BY seq',
  );
  // Found by looking at the whole time, so once for all its pages.
  let edges = { from: Number.NaN, to: Number.NaN, first: 0 as number | null, last: 0 as number | null };
  return (args: Span & { after: number; limit: number }): readonly FrameRow[] => {
    const { from, to } = args;
    const known = args.after > 0 && edges.from === from && edges.to === to;
    if (!known) edges = { from, to, ...(bounds.get(args) ?? { first: null, last: null }) };
    const { first, last } = edges;
    if (first === null || last === null) return [];
    const rows = page.all({ ...args, after: Math.max(args.after, first - 1), last });
    const of = new Map<number, CallEvent[]>(rows.map(({ id }) => [id, []]));
    const range = { first: rows[0]?.id ?? 0, last: rows.at(-1)?.id ?? -1 };
    for (const { frame, json } of events.all(range)) of.get(frame)?.push(toEvent(json));
    return rows.map((row) => ({ ...row, events: of.get(row.id) ?? [] }));
  };
}
