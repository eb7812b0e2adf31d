/** What an operator asks about calls: lists with their delivery, search by a part of the id, and the journal of a time. */
import type { CallRecord, Direction } from '../../../src/call/record.ts';
import type { DeliveryState } from '../../../src/delivery/states.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import type { Connection } from '../thread/rpc.ts';
import { decodeRecord, reversedDigits } from './row.ts';

/** Absent fields do not restrict. Times: ms since the epoch. */
export interface CallQuery {
  /** Calls that ended in [since, until), as in the selection for a replay. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly states?: readonly DeliveryState[] | undefined;
  readonly source?: string | undefined;
  readonly direction?: Direction | undefined;
  /** The other party's number by its last digits. */
  readonly number?: string | undefined;
  readonly limit: number;
}

export interface CallRow {
  readonly record: CallRecord;
  /** `null`: the call has no row in the outbox. */
  readonly state: DeliveryState | null;
  readonly reason: string | null;
  /** Posts ever begun. */
  readonly tries: number;
  readonly deliveredAt: number | null;
}

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

/** Ids named when a part fits several. */
const SEVERAL = 10;

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
     ORDER BY calls DESC, extension, domain`,
  );
  return {
    /** Newest first. */
    list: (query: CallQuery): readonly CallRow[] => list(db, query),
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

interface ListRow extends Omit<CallRow, 'record'> {
  readonly json: string;
}

function list(db: Connection, query: CallQuery): readonly CallRow[] {
  const parts: (readonly [sql: string, ...values: (string | number)[]])[] = [];
  if (query.since !== undefined) parts.push(['s.ended_at >= ?', query.since]);
  if (query.until !== undefined) parts.push(['s.ended_at < ?', query.until]);
  if (query.source !== undefined) parts.push(['s.source = ?', query.source]);
  if (query.direction !== undefined) parts.push(['s.direction = ?', query.direction]);
  if (query.states !== undefined) {
    parts.push(['d.state IN (SELECT value FROM json_each(?))', JSON.stringify(query.states)]);
  }
  // Reversed, the end of a number is a beginning, which the index finds. ":" is the character after "9".
  const end = query.number === undefined ? null : (reversedDigits(query.number) ?? '-');
  if (end !== null) parts.push(['s.external_reversed >= ? AND s.external_reversed < ?', end, `${end}:`]);
  const where = parts.length === 0 ? '' : `WHERE ${parts.map(([sql]) => sql).join(' AND ')}`;
  return db
    .prepare<unknown[], ListRow>(
      `SELECT s.json, d.state, d.reason, coalesce(d.tries, 0) AS tries, d.delivered_at AS deliveredAt
       FROM session s LEFT JOIN delivery d ON d.session_id = s.call_session_id ${where}
       ORDER BY s.started_at DESC, s.call_session_id DESC LIMIT ?`,
    )
    .all(...parts.flatMap(([, ...values]) => values), query.limit)
    .map(({ json, ...row }) => ({ ...row, record: decodeRecord(json) }));
}

/** By the whole id, else by its beginning, else by its end, when only one id is such. */
function finder(db: Connection) {
  const search = (condition: string) =>
    db.prepare<[object], string>(`SELECT call_session_id FROM session WHERE ${condition} LIMIT @limit`).pluck();
  const whole = search('call_session_id = @id');
  const beginning = search('call_session_id >= @id AND call_session_id < @id || char(0x10FFFF)');
  const end = search('substr(call_session_id, -length(@id)) = @id');
  return ({ id }: { id: string }): CallLookup => {
    if (id === '') return { found: 'none' };
    for (const statement of [whole, beginning, end]) {
      const ids = statement.all({ id, limit: SEVERAL });
      const [only] = ids;
      if (only !== undefined) return ids.length === 1 ? { found: 'one', id: only } : { found: 'several', ids };
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
  return (args: Span & { after: number; limit: number }): readonly FrameRow[] => {
    const { first, last } = bounds.get(args) ?? { first: null, last: null };
    if (first === null || last === null) return [];
    const rows = page.all({ ...args, after: Math.max(args.after, first - 1), last });
    const of = new Map<number, CallEvent[]>(rows.map(({ id }) => [id, []]));
    const range = { first: rows[0]?.id ?? 0, last: rows.at(-1)?.id ?? -1 };
    for (const { frame, json } of events.all(range)) of.get(frame)?.push(toEvent(json));
    return rows.map((row) => ({ ...row, events: of.get(row.id) ?? [] }));
  };
}
