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
  /** Bytes still kept. */
  readonly bytes: number;
  /** True when another call would find more to do. */
  readonly more: boolean;
}

/** Nothing that folds into an open call is touched, however old. */
export function pruner(db: Connection): (request: PruneRequest) => PruneResult {
  const total = db.prepare<[], number>(
    'SELECT (SELECT coalesce(sum(bytes), 0) FROM segment) + (SELECT coalesce(sum(length(data)), 0) FROM hot_segment)',
  );
  const old = db.prepare<[number], { readonly id: number; readonly last_at: number; readonly bytes: number }>(
    `SELECT id, last_at, bytes FROM segment AS old
     WHERE seq + frames <= coalesce((SELECT min(seq) FROM open_channel WHERE source = old.source), 9223372036854775807)
     ORDER BY last_at LIMIT ?`,
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
