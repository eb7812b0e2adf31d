/** Retention of the journal, in batches small enough that commits between them hardly wait. */
import type { Connection } from '../thread/rpc.ts';

export interface PruneRequest {
  /** Raw bytes of frames received before this go; ms since the epoch. */
  readonly rawBefore: number;
  /** Events received before this go, and frames that are left without events. */
  readonly eventsBefore: number;
  /** Raw bytes kept at most, whatever their age; the oldest go first. */
  readonly rawMaxBytes: number;
  /** Rows of each kind touched in one call. */
  readonly limit: number;
}

export interface PruneResult {
  readonly rawCleared: number;
  readonly eventsDeleted: number;
  readonly framesDeleted: number;
  /** Bytes of raw frames still kept. */
  readonly rawBytes: number;
  /** True when another call would find more to do. */
  readonly more: boolean;
}

const OPEN = `EXISTS (
  SELECT 1 FROM event AS e JOIN open_channel AS o ON o.source = e.source AND o.channel = e.channel
  WHERE e.frame_id = frame.id)`;

/** Nothing that folds into an open call is touched, however old, nor the newest frame of a source. */
export function pruner(db: Connection): (request: PruneRequest) => PruneResult {
  const total = db.prepare<[], number>('SELECT bytes FROM raw_total').pluck();
  const subtract = db.prepare<[number]>('UPDATE raw_total SET bytes = bytes - ?');
  const withRaw = db.prepare<[number], { readonly id: number; readonly received_at: number; readonly bytes: number }>(
    `SELECT id, received_at, length(raw) AS bytes FROM frame WHERE raw IS NOT NULL AND NOT ${OPEN} ORDER BY id LIMIT ?`,
  );
  const clear = db.prepare<[number]>('UPDATE frame SET raw = NULL WHERE id = ?');
  const deleteEvents = db.prepare<[number, number]>(
    `DELETE FROM event WHERE seq IN (
       SELECT seq FROM event AS old WHERE old.received_at < ? AND CASE
         WHEN old.channel IS NULL
         THEN old.seq < coalesce((SELECT seq FROM refold_start WHERE source = old.source), old.seq + 1)
         ELSE NOT EXISTS (SELECT 1 FROM open_channel AS o WHERE o.source = old.source AND o.channel = old.channel)
       END LIMIT ?)`,
  );
  const bareFrames = db.prepare<[number, number], { readonly id: number; readonly bytes: number }>(
    `SELECT id, coalesce(length(raw), 0) AS bytes FROM frame
     WHERE received_at < ? AND NOT EXISTS (SELECT 1 FROM event WHERE event.frame_id = frame.id)
       AND EXISTS (SELECT 1 FROM frame AS newer WHERE newer.source = frame.source AND newer.received_at > frame.received_at)
     LIMIT ?`,
  );
  const deleteFrame = db.prepare<[number]>('DELETE FROM frame WHERE id = ?');

  const pruneRaw = ({ rawBefore, rawMaxBytes, limit }: PruneRequest): number => {
    let excess = (total.get() ?? 0) - rawMaxBytes;
    let cleared = 0;
    for (const { id, received_at, bytes } of withRaw.all(limit)) {
      if (received_at >= rawBefore && excess <= 0) break;
      clear.run(id);
      subtract.run(bytes);
      excess -= bytes;
      cleared += 1;
    }
    return cleared;
  };

  const pruneFrames = ({ eventsBefore, limit }: PruneRequest): number => {
    const bare = bareFrames.all(eventsBefore, limit);
    for (const { id, bytes } of bare) {
      deleteFrame.run(id);
      subtract.run(bytes);
    }
    return bare.length;
  };

  return db.transaction((request: PruneRequest): PruneResult => {
    const rawCleared = pruneRaw(request);
    const eventsDeleted = deleteEvents.run(request.eventsBefore, request.limit).changes;
    const framesDeleted = pruneFrames(request);
    const more = [rawCleared, eventsDeleted, framesDeleted].some((count) => count >= request.limit);
    return { rawCleared, eventsDeleted, framesDeleted, rawBytes: total.get() ?? 0, more };
  });
}
