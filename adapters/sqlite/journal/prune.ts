/** Retention of the journal: whole segments, the oldest first, in pieces small enough that commits between them hardly wait. */
import type { Connection } from '../thread/rpc.ts';

export interface PruneRequest {
  /** Segments whose last frame came before this go; ms since the epoch. */
  readonly before: number;
  /** Bytes kept at most, compressed as they are, whatever their age. */
  readonly maxBytes: number;
  /** Segments removed in one call. */
  readonly limit: number;
}

export interface PruneResult {
  readonly removed: number;
  /** Bytes still kept that may go. */
  readonly bytes: number;
  /** True when another call would find more to do. */
  readonly more: boolean;
}

/** Not needed to fold an open call. */
const SPARE = `seq + frames <= coalesce((SELECT min(seq) FROM open_channel WHERE source = old.source), 9223372036854775807)`;

/** Nothing that folds into an open call is touched, however old; nor does it count against the limit, as others would have to go for it. */
export function pruner(db: Connection): (request: PruneRequest) => PruneResult {
  // What open calls need is looked up from their first frame on; the rest is in an index.
  const total = db.prepare<[], number>(
    `SELECT (SELECT coalesce(sum(bytes), 0) FROM segment) - (
       SELECT coalesce(sum(needed.bytes), 0) FROM (SELECT source, min(seq) AS seq FROM open_channel GROUP BY source) AS open
       CROSS JOIN segment AS needed ON needed.source = open.source AND needed.seq >= open.seq)`,
  );
  const old = db.prepare<[number], { readonly id: number; readonly last_at: number; readonly bytes: number }>(
    `SELECT id, last_at, bytes FROM segment AS old WHERE ${SPARE} ORDER BY last_at LIMIT ?`,
  );
  const remove = db.prepare<[number]>('DELETE FROM segment WHERE id = ?');
  return db.transaction(({ before, maxBytes, limit }: PruneRequest): PruneResult => {
    let bytes = total.pluck().get() ?? 0;
    let removed = 0;
    for (const row of old.all(limit)) {
      if (row.last_at >= before && bytes <= maxBytes) break;
      remove.run(row.id);
      bytes -= row.bytes;
      removed += 1;
    }
    return { removed, bytes, more: removed >= limit };
  }).immediate;
}
