/** Which deliveries are meant, in SQL: for a statement that joins `delivery d` and `session s`. */
import type { ReplayRow } from '../../../src/delivery/replay.ts';
import type { DeliveryFilter } from '../../../src/delivery/store.ts';
import { type PeopleQuery, peopleParts } from '../sessions/people.ts';
import { reversedDigits } from '../sessions/row.ts';
import { prepared } from '../thread/prepared.ts';
import type { Connection } from '../thread/rpc.ts';
import { DOUBT } from './row.ts';

/** The conditions of a filter; all must hold. */
export function conditions({ ids, since, until, states, source, number, code, reason, sentence }: DeliveryFilter) {
  const where: string[] = [];
  const values: (string | number)[] = [];
  const add = (sql: string, ...args: (string | number)[]): void => {
    where.push(sql);
    values.push(...args);
  };
  // Lists travel as JSON: their length has no limit and the statement stays the same.
  if (ids !== undefined) add('d.session_id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
  // "+": rows are read in the order of their ids; by the state's index all of them would be read and sorted for each page.
  if (states !== undefined) add('+d.state IN (SELECT value FROM json_each(?))', JSON.stringify(states));
  if (since !== undefined) add('d.ended_at >= ?', since);
  if (until !== undefined) add('d.ended_at < ?', until);
  if (source !== undefined) add('s.source = ?', source);
  if (number !== undefined) {
    const reversed = reversedDigits(number) ?? '';
    // "+": the same.
    add("+s.external_reversed >= ? AND +s.external_reversed < ? || ':'", reversed, reversed);
  }
  for (const [sql, ...args] of reasonParts({ code, reason, sentence })) add(sql, ...args);
  return { where, values };
}

type Part = readonly [sql: string, ...values: string[]];

/**
 * A code is that of the row and nothing else, counted as `parked_count` does; a text is looked for in the sentence. Rows that were
 * skipped by an earlier version have the sentence alone.
 */
export function reasonParts({
  code,
  reason,
  sentence,
}: Pick<DeliveryFilter, 'code' | 'reason' | 'sentence'>): readonly Part[] {
  const parts: Part[] = [];
  if (code !== undefined) parts.push(["coalesce(d.code, iif(d.state = 'parked', 'other', NULL)) = ?", code]);
  if (reason !== undefined)
    parts.push(["(d.code = ? OR instr(lower(coalesce(d.reason, '')), lower(?)) > 0)", reason, reason]);
  if (sentence !== undefined) parts.push(["coalesce(d.reason, '') = ?", sentence]);
  return parts;
}

/** A page of a selection. `next`: what to begin the following one with; `null`: nothing is left. */
export interface SelectedPage {
  readonly rows: readonly ReplayRow[];
  readonly next: number | null;
}

export interface SelectedQuery {
  readonly filter: DeliveryFilter & PeopleQuery;
  /** `next` of the page before; 0 to begin. */
  readonly after: number;
  /** Rows in a page, at most. */
  readonly limit: number;
  /** Rows looked at for a page, at most: what bounds the time where few of many are meant. */
  readonly scan: number;
}

/** Goes through the outbox in the order of its rows: each is met once, however they change between the pages. */
export function selector(db: Connection): (query: SelectedQuery) => SelectedPage {
  const edge = db
    .prepare<[number, number], number>('SELECT id FROM delivery WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?')
    .pluck();
  const statement = prepared<Omit<ReplayRow, 'doubtful'> & { readonly doubtful: number }>(db);
  return ({ filter, after, limit, scan }) => {
    // Named calls are found one by one.
    const end = filter.ids === undefined ? (edge.get(after, scan - 1) ?? null) : null;
    const { where, values } = conditions(filter);
    for (const [sql, ...own] of peopleParts(filter)) {
      where.push(sql);
      values.push(...own);
    }
    const range = end === null ? [] : ['d.id <= ?'];
    const rows = statement(
      `SELECT d.id, d.session_id AS sessionId, d.state, d.doubtful FROM delivery d CROSS JOIN session s ON s.call_session_id = d.session_id
         WHERE ${['d.id > ?', ...range, ...where].join(' AND ')} ORDER BY d.id LIMIT ?`,
    ).all(after, ...(end === null ? [] : [end]), ...values, limit);
    const full = rows.length === limit ? rows.at(-1) : undefined;
    return { rows: rows.map((row) => ({ ...row, doubtful: row.doubtful !== DOUBT.none })), next: full?.id ?? end };
  };
}
