/** The calls that a gap in what was heard touched. */
import type { Connection } from '../thread/rpc.ts';
import type { CallRow } from './list.ts';
import { decodeRecord, readableRows } from './row.ts';

export interface GapSpan {
  readonly source: string;
  /** ms since the epoch; `endedAt` null: it goes on. */
  readonly beganAt: number;
  readonly endedAt: number | null;
}

/** Calls answered for one gap. */
const LIMIT = 500;
/** Records tell whole seconds, ms. */
const MARGIN_MS = 5000;

export function touchedBy(db: Connection): (gap: GapSpan) => readonly CallRow[] {
  const near = (from: string, where: string) =>
    db.prepare<[object], Omit<CallRow, 'record'> & { readonly json: string }>(
      `SELECT s.json, d.state, d.reason, d.code, coalesce(d.tries, 0) AS tries, d.delivered_at AS deliveredAt
       FROM ${from} LEFT JOIN delivery d ON d.session_id = s.call_session_id
       WHERE ${where} AND s.ended_at >= @from
         AND s.source = @source AND EXISTS (SELECT 1 FROM json_each(s.json, '$.flags') WHERE value = 'blind-interval')
       ORDER BY s.started_at LIMIT ${LIMIT}`,
    );
  // None has lasted longer than the longest one, so an index bounds what is read; those that are too long for it have their own.
  const since = '@from - (SELECT ms FROM longest_session)';
  const long = near(
    'session s INDEXED BY session_long',
    `s.ended_at - s.started_at > 172800000 AND s.started_at < ${since}`,
  );
  const read = near('session s', `s.started_at >= ${since} AND s.started_at <= @to`);
  // Where calls have the times of the PBX, its clock may not be ours.
  const ahead = db.prepare<[object], number>('SELECT ahead_ms * own_times FROM heard WHERE source = @source').pluck();
  return ({ source, beganAt, endedAt }) => {
    const by = ahead.get({ source }) ?? 0;
    const to = endedAt === null ? Number.MAX_SAFE_INTEGER : endedAt + by + MARGIN_MS;
    const from = beganAt + by - MARGIN_MS;
    const rows = [...long.all({ source, from }), ...read.all({ source, from, to })].slice(0, LIMIT);
    return readableRows(rows, ({ json, ...row }) => ({ ...row, record: decodeRecord(json) }));
  };
}
