/** The list of calls with their deliveries, newest first, page by page. */
import type { CallRecord } from '../../../src/call/record.ts';
import type { DeliveryState } from '../../../src/delivery/states.ts';
import { reasonParts } from '../outbox/filter.ts';
import { prepared } from '../thread/prepared.ts';
import type { Connection } from '../thread/rpc.ts';
import { type PeopleQuery, peopleParts } from './people.ts';
import { decodeRecord, readableRows, reversedDigits } from './row.ts';

/** Absent fields do not restrict. Times: ms since the epoch. */
export interface CallQuery extends PeopleQuery {
  /** Calls that ended in [since, until), as in the selection for a replay. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly states?: readonly DeliveryState[] | undefined;
  readonly source?: string | undefined;
  /** The other party's number by its last digits. */
  readonly number?: string | undefined;
  /** As in `DeliveryFilter`. */
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
  readonly sentence?: string | undefined;
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
  /** Of parked and skipped calls. */
  readonly code: string | null;
  /** Posts ever begun. */
  readonly tries: number;
  readonly deliveredAt: number | null;
}

interface ListRow extends Omit<CallRow, 'record'> {
  readonly json: string;
  readonly startedAt: number;
  readonly id: string;
}

export type Part = readonly [sql: string, ...values: (string | number)[]];

/** Calls in the order of the list. */
interface Way {
  /** CROSS JOIN makes SQLite begin with the first. */
  readonly from: string;
  /** Where alone the place of a call is found. */
  readonly places: string;
  readonly startedAt: string;
  readonly id: string;
  readonly where: readonly Part[];
}

const ALL: Way = {
  from: 'session s LEFT JOIN delivery d ON d.session_id = s.call_session_id',
  places: 'session s',
  ...{ startedAt: 's.started_at', id: 's.call_session_id' },
  where: [],
};
/** In no order: for a few. */
const OF_NUMBER: Way = { ...ALL, from: ALL.from.replace('session s', 'session s INDEXED BY session_by_number') };
/** Calls that are too long for `longest_session`: see 0008-long-calls.sql. */
const LONG: Way = {
  ...ALL,
  from: ALL.from.replace('session s', 'session s INDEXED BY session_long'),
  where: [['s.ended_at - s.started_at > 172800000']],
};
const inState = (state: DeliveryState): Way => ({
  from: 'delivery d INDEXED BY delivery_by_state CROSS JOIN session s ON s.call_session_id = d.session_id',
  places: 'delivery d INDEXED BY delivery_by_state',
  ...{ startedAt: 'd.started_at', id: 'd.session_id' },
  where: [['d.state = ?', state]],
});

export const textOf = (parts: readonly Part[]): string =>
  parts.length === 0 ? '' : `WHERE ${parts.map(([sql]) => sql).join(' AND ')}`;
export const valuesOf = (parts: readonly Part[]) => parts.flatMap(([, ...values]) => values);
const beside = ({ startedAt, id }: Way, relation: '<' | '>=', place: CallPlace): Part => [
  `(${startedAt}, ${id}) ${relation} (?, ?)`,
  place.startedAt,
  place.id,
];

/**
 * Where the index names no more calls of a number than `scan`, these are taken; else the calls (of each state, where states are
 * asked for) are walked through by time, `scan` of them for a page, so that a page may be empty and the next one not.
 */
export function lister(db: Connection): (query: CallQuery) => CallPage {
  const counting = prepared<{ readonly n: number }>(db);
  const seeking = prepared<CallPlace>(db);
  const reading = prepared<ListRow>(db);
  const longest = db.prepare<[], number>('SELECT ms FROM longest_session').pluck();

  const isFew = (part: Part, scan: number): boolean => {
    const sql = `SELECT count(*) AS n FROM (SELECT 1 FROM session s ${textOf([part])} LIMIT ?)`;
    return (counting(sql).get(...valuesOf([part]), scan + 1)?.n ?? 0) <= scan;
  };

  /** The last of the next `scan` calls of a way; `null`: there are fewer. */
  const edgeOf = (way: Way, top: CallPlace, scan: number): CallPlace | null => {
    const { places, startedAt, id } = way;
    const parts = [...way.where, beside(way, '<', top)];
    const sql = `SELECT ${startedAt} AS startedAt, ${id} AS id FROM ${places} ${textOf(parts)}
      ORDER BY ${startedAt} DESC, ${id} DESC LIMIT 1 OFFSET ?`;
    return seeking(sql).get(...valuesOf(parts), scan - 1) ?? null;
  };

  /** Calls of a way from `end` (`null`: its end) to before `after`. */
  const read = (way: Way, { filters, after, limit }: Wish, end: CallPlace | null): readonly ListRow[] => {
    const range: Part[] = [];
    if (after !== undefined) range.push(beside(way, '<', after));
    if (end !== null) range.push(beside(way, '>=', end));
    const parts = [...way.where, ...filters, ...range];
    return reading(
      `SELECT s.json, s.started_at AS startedAt, s.call_session_id AS id, d.state, d.reason, d.code, coalesce(d.tries, 0) AS tries,
           d.delivered_at AS deliveredAt
         FROM ${way.from} ${textOf(parts)} ORDER BY ${way.startedAt} DESC, ${way.id} DESC LIMIT ?`,
    ).all(...valuesOf(parts), limit);
  };

  return (query) => {
    const { limit, scan, after, since: sinceEnd, states, during } = query;
    const since = during === undefined ? sinceEnd : Math.max(sinceEnd ?? 0, during.from);
    const page = (rows: readonly ListRow[], end: CallPlace | null): CallPage => {
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return {
        rows: readableRows(rows, ({ json, startedAt: _at, id: _id, ...row }) => ({
          ...row,
          record: decodeRecord(json),
        })),
        next: last === undefined ? end : { startedAt: last.startedAt, id: last.id },
      };
    };
    const number = query.number === undefined ? null : numberPart(query.number);
    if (number !== null && isFew(number, scan)) {
      const filters = [number, ...statePart(query), ...filtersOf(query)];
      return page(read(OF_NUMBER, { filters, after, limit }, null), null);
    }
    const ways = states === undefined ? [ALL] : [...new Set(states)].map(inState);
    // No call begins after it ended: the walk begins with those that began before `until`.
    const until = Math.min(query.until ?? Number.MAX_SAFE_INTEGER, during?.to ?? Number.MAX_SAFE_INTEGER);
    const top = after ?? { startedAt: until, id: '' };
    const edge = ways.flatMap((way) => edgeOf(way, top, scan) ?? []).sort(latestFirst)[0] ?? null;
    // And but for the long ones, none has lasted longer than the longest: it ends with those that can have ended since.
    const first = since === undefined ? null : { startedAt: since - (longest.get() ?? 0), id: '' };
    const isLast = edge === null || (first !== null && latestFirst(first, edge) < 0);
    const filters = filtersOf(query, number !== null);
    const found = ways.flatMap((way) => read(way, { filters, after: top, limit }, isLast ? first : edge));
    // All of the long ones that are left began before.
    const before = first === null || (after !== undefined && latestFirst(first, after) < 0) ? after : first;
    const long =
      isLast && first !== null
        ? read(LONG, { filters: [...filters, ...statePart(query)], after: before, limit }, null)
        : [];
    return page([...found.sort(latestFirst), ...long].slice(0, limit), isLast ? null : edge);
  };
}

interface Wish {
  readonly filters: readonly Part[];
  readonly after: CallPlace | undefined;
  readonly limit: number;
}

/** The order of the list. Ids are compared as SQLite compares them, by their bytes. */
function latestFirst(a: CallPlace, b: CallPlace): number {
  if (a.startedAt !== b.startedAt) return b.startedAt - a.startedAt;
  return Buffer.compare(Buffer.from(b.id), Buffer.from(a.id));
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

/** Of the number only where the way to the calls is another one than its index. */
export function filtersOf(query: Omit<CallQuery, 'after'>, withNumber = false): readonly Part[] {
  const { since, until, source, number } = query;
  const parts: Part[] = withNumber && number !== undefined ? [walked(numberPart(number))] : [];
  if (since !== undefined) parts.push(['s.ended_at >= ?', since]);
  if (until !== undefined) parts.push(['s.ended_at < ?', until]);
  if (source !== undefined) parts.push(['s.source = ?', source]);
  return [...parts, ...reasonParts(query), ...peopleParts(query)];
}

function statePart({ states }: CallQuery): readonly Part[] {
  return states === undefined ? [] : [['d.state IN (SELECT value FROM json_each(?))', JSON.stringify(states)]];
}

/** Reversed, the end of a number is a beginning, which the index finds. ":" is the character after "9". */
function numberPart(number: string): Part {
  const end = reversedDigits(number) ?? '-';
  return ['s.external_reversed >= ? AND s.external_reversed < ?', end, `${end}:`];
}

/** "+": read in the order of the list; by the index of the numbers all that have it would be read and sorted for each page. */
const walked = ([sql, ...values]: Part): Part => [sql.replaceAll('s.', '+s.'), ...values];
