/** The list of calls in the order in which they were stored, oldest first: what came since a place is all that is new. */
import { prepared } from '../thread/prepared.ts';
import type { Connection } from '../thread/rpc.ts';
import { type CallQuery, type CallRow, filtersOf, type Part, textOf, valuesOf } from './list.ts';
import { decodeRecord, readableRows } from './row.ts';

/** A place: all that was stored later. Numbers grow with each call and are never used twice. */
export interface Arrival {
  readonly arrival: number;
}

export interface ArrivalQuery extends Omit<CallQuery, 'after'> {
  /** `next` of the page before, or a row's own place; absent to begin with the first. */
  readonly after?: Arrival | undefined;
  /** Begins with the last so many that are stored, filters aside; `after` goes before it. */
  readonly last?: number | undefined;
}

export interface ArrivalPage {
  readonly rows: readonly (CallRow & { readonly place: Arrival })[];
  /** Where to go on now; all rows of the page lie before. */
  readonly next: Arrival;
  /** Whether more may be there at this moment. */
  readonly more: boolean;
}

interface ArrivalRow extends Omit<CallRow, 'record'> {
  readonly json: string;
  readonly id: number;
}

export function arrivalLister(db: Connection): (query: ArrivalQuery) => ArrivalPage {
  const reading = prepared<ArrivalRow>(db);
  const edge = db
    .prepare<[number, number], number>('SELECT id FROM delivery WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?')
    .pluck();
  const fromEnd = db.prepare<[number], number>('SELECT id FROM delivery ORDER BY id DESC LIMIT 1 OFFSET ?').pluck();
  const newest = db.prepare<[], number>('SELECT max(id) FROM delivery').pluck();
  return (query) => {
    const { limit, scan, last } = query;
    const begin = query.after?.arrival ?? (last === undefined ? 0 : (fromEnd.get(last) ?? 0));
    // The last of those that are looked at; where it is the end, what is stored next begins behind it.
    const stop = edge.get(begin, scan - 1) ?? null;
    const end = stop ?? Math.max(begin, newest.get() ?? 0);
    const states: Part[] =
      query.states === undefined
        ? []
        : [['+d.state IN (SELECT value FROM json_each(?))', JSON.stringify(query.states)]];
    const parts: Part[] = [['d.id > ? AND d.id <= ?', begin, end], ...states, ...filtersOf(query, true)];
    const rows = reading(
      `SELECT d.id, s.json, d.state, d.reason, d.code, d.tries, d.delivered_at AS deliveredAt
         FROM delivery d CROSS JOIN session s ON s.call_session_id = d.session_id ${textOf(parts)} ORDER BY d.id LIMIT ?`,
    ).all(...valuesOf(parts), limit);
    const full = rows.length === limit ? rows.at(-1) : undefined;
    return {
      rows: readableRows(rows, ({ json, id, ...row }) => ({
        ...row,
        record: decodeRecord(json),
        place: { arrival: id },
      })),
      next: { arrival: full?.id ?? end },
      more: full !== undefined || stop !== null,
    };
  };
}
