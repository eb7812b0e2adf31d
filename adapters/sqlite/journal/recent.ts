/** What was said lately, and the calls that came of it: for a start, which remembers them. */
import type { Connection } from '../thread/rpc.ts';

export interface RecentRequest {
  readonly source: string;
  /** ms since the epoch. */
  readonly since: number;
  /** Bytes of frames at most, the newest; whole segments. */
  readonly maxBytes: number;
}

export function recentReader(db: Connection) {
  const first = db.prepare<[object], number | null>(
    `SELECT min(seq) FROM (
       SELECT seq, sum(size) OVER (ORDER BY seq DESC) AS total FROM (
         SELECT seq, size FROM segment WHERE source = @source AND last_at >= @since
         UNION ALL SELECT seq, size FROM hot_segment WHERE source = @source AND last_at >= @since))
     WHERE total <= @maxBytes`,
  );
  const record = db.prepare<[string], string>('SELECT json FROM session WHERE call_session_id = ?');
  return {
    /** Number of the first frame of these; `null` when there is none. */
    recentFrom: (request: RecentRequest): number | null => first.pluck().get(request) ?? null,
    /** Records as they are stored, by the ids of the calls that are. */
    recordsOf: (ids: readonly string[]): readonly (readonly [id: string, json: string])[] =>
      ids.flatMap((id) => {
        const json = record.pluck().get(id);
        return json == null ? [] : [[id, json] as const];
      }),
  };
}
