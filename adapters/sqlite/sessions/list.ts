/** The list of calls with their deliveries, newest first, page by page. */
import type { CallRecord, Direction } from '../../../src/call/record.ts';
import type { DeliveryState } from '../../../src/delivery/states.ts';
import { prepared } from '../thread/prepared.ts';
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
  /** `next` of the page before; absent to begin with the newest. */
  readonly after?: CallPlace | undefined;
  /** Rows in a page, at most. */
  readonly limit: number;
  /** Calls looked at for a page, at most: what bounds the time where few of many are meant. */
  readonly scan: number;
}

/** A place in the list: everything older than this call. */
export interface CallPlace {
  readonly startedAt: number;
  readonly id: string;
}

export interface CallPage {
  readonly rows: readonly CallRow[];
  /** `null`: nothing is left. */
  readonly next: CallPlace | null;
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

interface ListRow extends Omit<CallRow, 'record'> {
  readonly json: string;
  readonly startedAt: number;
  readonly id: string;
}

type Part = readonly [sql: string, ...values: (string | number)[]];

const ALL = 'session s LEFT JOIN delivery d ON d.session_id = s.call_session_id';
/** What an index finds alone; CROSS JOIN makes SQLite begin there. */
const BY_NUMBER = `session s INDEXED BY session_by_number LEFT JOIN delivery d ON d.session_id = s.call_session_id`;
const BY_STATE = 'delivery d INDEXED BY delivery_by_state CROSS JOIN session s ON s.call_session_id = d.session_id';

/**
 * Where an index names no more calls than `scan`, these are taken; else the calls are walked through by time, `scan` of them for
 * a page, so that a page may be empty and the next one not.
 */
export function lister(db: Connection): (query: CallQuery) => CallPage {
  const edge = db.prepare<[object], CallPlace>(
    `SELECT started_at AS startedAt, call_session_id AS id FROM session
     WHERE (started_at, call_session_id) < (@startedAt, @id)
     ORDER BY started_at DESC, call_session_id DESC LIMIT 1 OFFSET @skip`,
  );
  const counting = prepared<{ readonly n: number }>(db);
  const reading = prepared<ListRow>(db);
  const count = (from: string, [sql, ...values]: Part, limit: number): number =>
    counting(`SELECT count(*) AS n FROM (SELECT 1 FROM ${from} WHERE ${sql} LIMIT ?)`).get(...values, limit)?.n ?? 0;

  const read = (from: string, parts: readonly Part[], limit: number): readonly ListRow[] => {
    const where = parts.length === 0 ? '' : `WHERE ${parts.map(([sql]) => sql).join(' AND ')}`;
    return reading(
      `SELECT s.json, s.started_at AS startedAt, s.call_session_id AS id, d.state, d.reason, coalesce(d.tries, 0) AS tries,
           d.delivered_at AS deliveredAt
         FROM ${from} ${where} ORDER BY s.started_at DESC, s.call_session_id DESC LIMIT ?`,
    ).all(...parts.flatMap(([, ...values]) => values), limit);
  };

  return (query) => {
    const { limit, scan, after } = query;
    const { state, number, others } = partsOf(query);
    const start: Part[] =
      after === undefined ? [] : [['(s.started_at, s.call_session_id) < (?, ?)', after.startedAt, after.id]];
    const few = (from: string, part: Part | null): part is Part => part !== null && count(from, part, scan + 1) <= scan;
    const given = [state, number].filter((part) => part !== null);
    const from = few('session s', number) ? BY_NUMBER : few('delivery d', state) ? BY_STATE : null;
    // No call begins after it ended: the walk begins with those that began before `until`.
    const top = after ?? { startedAt: query.until ?? Number.MAX_SAFE_INTEGER, id: '' };
    const end = from === null ? (edge.get({ ...top, skip: scan - 1 }) ?? null) : null;
    const range: Part[] = end === null ? [] : [['(s.started_at, s.call_session_id) >= (?, ?)', end.startedAt, end.id]];
    const rows = read(from ?? ALL, [...given, ...others, ...start, ...range], limit);
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return {
      rows: rows.map(({ json, startedAt: _at, id: _id, ...row }) => ({ ...row, record: decodeRecord(json) })),
      next: last === undefined ? end : { startedAt: last.startedAt, id: last.id },
    };
  };
}

/** Calls by their begin. `next`: as in `CallPage`. */
export interface BegunPage {
  readonly calls: readonly { readonly id: string; readonly flags: readonly string[] }[];
  readonly next: CallPlace | null;
}

export interface BegunQuery {
  readonly source: string;
  /** Calls that began in [since, until), ms since the epoch. */
  readonly since: number;
  readonly until: number;
  readonly after: CallPlace | null;
  /** Calls looked at for a page. */
  readonly limit: number;
}

/** The calls of a source that began in a time, oldest first. A page may be empty and the next one not. */
export function begunLister(db: Connection): (query: BegunQuery) => BegunPage {
  const read = db.prepare<[object], CallPlace & { readonly source: string; readonly flags: string }>(
    `SELECT started_at AS startedAt, call_session_id AS id, source, json_extract(json, '$.flags') AS flags FROM session
     WHERE (started_at, call_session_id) > (@startedAt, @id) AND started_at < @until
     ORDER BY started_at, call_session_id LIMIT @limit`,
  );
  return ({ source, since, until, after, limit }) => {
    const rows = read.all({ startedAt: after?.startedAt ?? since, id: after?.id ?? '', until, limit });
    const last = rows.length < limit ? undefined : rows.at(-1);
    return {
      calls: rows
        .filter((row) => row.source === source)
        .map(({ id, flags }) => ({ id, flags: JSON.parse(flags) as string[] })),
      next: last === undefined ? null : { startedAt: last.startedAt, id: last.id },
    };
  };
}

function partsOf(query: CallQuery): { state: Part | null; number: Part | null; others: readonly Part[] } {
  const others: Part[] = [];
  if (query.since !== undefined) others.push(['s.ended_at >= ?', query.since]);
  if (query.until !== undefined) others.push(['s.ended_at < ?', query.until]);
  if (query.source !== undefined) others.push(['s.source = ?', query.source]);
  if (query.direction !== undefined) others.push(['s.direction = ?', query.direction]);
  const { states } = query;
  const state: Part | null =
    states === undefined ? null : ['d.state IN (SELECT value FROM json_each(?))', JSON.stringify(states)];
  // Reversed, the end of a number is a beginning, which the index finds. ":" is the character after "9".
  const end = query.number === undefined ? null : (reversedDigits(query.number) ?? '-');
  const number: Part | null =
    end === null ? null : ['s.external_reversed >= ? AND s.external_reversed < ?', end, `${end}:`];
  return { state, number, others };
}
