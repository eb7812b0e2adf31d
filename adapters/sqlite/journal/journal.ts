/** The journal's statements; runs in the database thread. The main thread's side is `port.ts`. */
import type { CommitResult, JournalBatch, SourceFrame } from '../../../src/ports.ts';
import { channelOf } from '../../../src/telephony/call-event.ts';
import { sessionRow } from '../sessions/row.ts';
import type { SessionHook } from '../sessions/store.ts';
import { sessionStore } from '../sessions/store.ts';
import { isPassing, storageError } from '../thread/errors.ts';
import type { Connection, WireError } from '../thread/rpc.ts';
import { encodeError } from '../thread/rpc.ts';
import { pruner } from './prune.ts';

/** What became of one batch of a shared transaction. */
export type BatchFate =
  | { readonly ok: true; readonly result: CommitResult }
  | { readonly ok: false; readonly error: WireError };

export interface EventRow {
  readonly seq: number;
  readonly json: string;
}

/** The journal with the hooks that run in the transaction of each new session. */
export function journalModule(onInserted: readonly SessionHook[]) {
  return (db: Connection) => {
    const store = batchStore(db, onInserted);

    /**
     * Stores all batches in one transaction. A batch that is wrong in itself is left out with its error and does not stop
     * the others. Trouble of the file (full, I/O, locked) throws: then nothing is stored and all can be sent again.
     */
    const commit = db.transaction((batches: readonly JournalBatch[], now: number): readonly BatchFate[] =>
      batches.map((batch) => {
        try {
          return { ok: true, result: store(batch, now) };
        } catch (thrown) {
          const error = storageError(thrown);
          // SQLite may have rolled back the whole transaction by itself; nothing may be committed after that.
          if (isPassing(error) || error.trouble !== 'program' || !db.inTransaction) throw error;
          return { ok: false, error: encodeError(error) };
        }
      }),
    );

    return { commit: commit.immediate, ...reader(db), prune: pruner(db) };
  };
}

function batchStore(db: Connection, onInserted: readonly SessionHook[]) {
  const open = db.prepare<[string, string]>('INSERT OR IGNORE INTO open_channel (source, channel) VALUES (?, ?)');
  const release = db.prepare<[string, string]>('DELETE FROM open_channel WHERE source = ? AND channel = ?');
  const addRaw = db.prepare<[number]>('UPDATE raw_total SET bytes = bytes + ?');
  const storeFrame = frameStore(db);
  const storeSession = sessionStore(db, onInserted);

  // A transaction within a transaction is a savepoint.
  return db.transaction((batch: JournalBatch, now: number): CommitResult => {
    let rawBytes = 0;
    for (const frame of batch.frames) rawBytes += storeFrame(frame);
    if (rawBytes > 0) addRaw.run(rawBytes);
    for (const { source, channel } of batch.opened) open.run(source, channel);
    for (const { source, channel } of batch.released) release.run(source, channel);
    const fates = batch.ended.map((record) => ({
      id: record.callSessionId,
      fate: storeSession(sessionRow(record), now),
    }));
    return {
      inserted: fates.filter(({ fate }) => fate === 'inserted').map(({ id }) => id),
      changed: fates.filter(({ fate }) => fate === 'changed').map(({ id }) => id),
    };
  });
}

/** Stores one frame with its events; answers the bytes of its raw form. */
function frameStore(db: Connection) {
  const insertFrame = db.prepare<[string, number, Uint8Array | null]>(
    'INSERT INTO frame (source, received_at, raw) VALUES (?, ?, ?)',
  );
  const insertEvent = db.prepare<[number | bigint, string, number, number, string, string | null, string]>(
    'INSERT INTO event (frame_id, source, received_at, at, kind, channel, json) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  // The columns are whole milliseconds; `json` keeps what the PBX gave.
  const whole = (time: number): number => Math.floor(time);
  return ({ source, receivedAt, raw, events }: SourceFrame): number => {
    const { lastInsertRowid: frameId } = insertFrame.run(source, whole(receivedAt), raw);
    for (const event of events) {
      const times = [whole(event.receivedAt), whole(event.at)] as const;
      insertEvent.run(frameId, event.source, ...times, event.kind, channelOf(event), JSON.stringify(event));
    }
    return raw?.byteLength ?? 0;
  };
}

function reader(db: Connection) {
  const openEvents = db.prepare<[], EventRow>(
    `SELECT seq, json FROM event WHERE seq IN (
       SELECT event.seq FROM open_channel
       CROSS JOIN event ON event.source = open_channel.source AND event.channel = open_channel.channel
       UNION
       SELECT event.seq FROM refold_start
       CROSS JOIN event ON event.source = refold_start.source AND event.channel IS NULL AND event.seq >= refold_start.seq
     ) ORDER BY seq`,
  );
  const bounds = db.prepare<[number, number], { readonly first: number | null; readonly last: number | null }>(
    'SELECT min(seq) AS first, max(seq) AS last FROM event WHERE received_at >= ? AND received_at < ?',
  );
  // "+": read by seq, which is already in order, instead of sorting the whole interval for each page.
  const page = db.prepare<[number, number, number, number, number], EventRow>(
    `SELECT seq, json FROM event WHERE seq > ? AND seq <= ? AND +received_at >= ? AND +received_at < ?
     ORDER BY seq LIMIT ?`,
  );
  const lastFrame = db.prepare<[string], number | null>('SELECT max(received_at) FROM frame WHERE source = ?').pluck();
  let interval: { from: number; to: number; first: number; last: number } | null = null;

  return {
    /** Of the open channels all events; of each source what it said since the connection under which they began. */
    openEvents: (): readonly EventRow[] => openEvents.all(),

    /** A page of events received in [from, to), by seq. The first page (`after` 0) fixes where the interval ends. */
    eventsBetween(from: number, to: number, after: number, limit: number): readonly EventRow[] {
      if (after === 0 || interval === null || interval.from !== from || interval.to !== to) {
        const { first, last } = bounds.get(from, to) ?? { first: null, last: null };
        if (first === null || last === null) return [];
        interval = { from, to, first, last };
      }
      return page.all(Math.max(after, interval.first - 1), interval.last, from, to, limit);
    },

    lastFrameAt: (source: string): number | null => lastFrame.get(source) ?? null,
  };
}
