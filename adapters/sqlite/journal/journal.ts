/**
 * The journal: stores what the PBXs said together with what it did to the open calls and the calls that ended, in one
 * transaction, and reads it again. Runs in the database thread.
 */
import type { SessionRow } from '../sessions/row.ts';
import { type SessionFate, type SessionHook, sessionStore } from '../sessions/store.ts';
import { isPassing, storageError } from '../thread/errors.ts';
import type { Connection, WireError } from '../thread/rpc.ts';
import { encodeError } from '../thread/rpc.ts';
import { joined, type Packet, pack } from './frames.ts';
import { pruner } from './prune.ts';
import { segmentReader } from './read.ts';
import { recentReader } from './recent.ts';
import { sealer } from './seal.ts';

/** What came of one PBX since the last transaction. */
export interface Run {
  readonly source: string;
  /** What was said; none when only channels opened or were released. */
  readonly packets: readonly Packet[];
  /** Channels that now belong to an open call, and whether they still do at the end of the transaction. */
  readonly opened: readonly string[];
  readonly released: readonly string[];
  /** The last connection that was made in it, the CallEvent as JSON. */
  readonly connected: string | null;
}

/** What became of a call: of one that is wrong in itself the error, and nothing of it is stored. */
export type CallFate = SessionFate | WireError;

/**
 * Bytes from which on a segment is compressed at once: less of it does not get smaller by half. Where a call ends, its post waits: then
 * only what takes longer to write than to compress. With calls that end a hundred times a second 16 KB would be met each time, and what
 * the compressor leaves behind was 30 MB.
 */
const WORTH_PACKING = { waitedFor: 65_536, else: 1536 } as const;

/** The journal with the hooks that run in the transaction of each new session. */
export function journalModule(onInserted: readonly SessionHook[]) {
  return (db: Connection) => {
    const runs = runStore(db);
    const storeCall = callStore(db, onInserted);
    const commit = db.transaction(
      (all: readonly Run[], ended: readonly SessionRow[], now: number): readonly CallFate[] => {
        const worthPacking = WORTH_PACKING[ended.length > 0 ? 'waitedFor' : 'else'];
        for (const run of all) runs.store(run, worthPacking);
        return ended.map((row) => storeCall(row, now));
      },
    ).immediate;
    const lastFrame = db.prepare<[object], number | null>(
      `SELECT coalesce(
         (SELECT last_at FROM hot_segment WHERE source = @source AND last_at <= @until ORDER BY id DESC LIMIT 1),
         (SELECT last_at FROM segment WHERE source = @source AND last_at <= @until ORDER BY seq DESC LIMIT 1))`,
    );
    // Frames are numbered from 1: a first one with a higher number means that some before it were removed.
    const first = `FROM (
         SELECT seq, first_at FROM segment WHERE source = @source
         UNION ALL SELECT seq, first_at FROM hot_segment WHERE source = @source ORDER BY seq LIMIT 1)`;
    const keptSince = db.prepare<[object], number | null>(`SELECT CASE WHEN seq > 1 THEN first_at END ${first}`);
    const firstFrame = db.prepare<[object], number>(`SELECT first_at ${first}`);
    return {
      /**
       * Stores all in one transaction and answers what became of each call, in order. A call that is wrong in itself stops
       * nothing else. Trouble of the file (full, I/O, locked) throws: then nothing is stored and all can be sent again.
       */
      commit(all: readonly Run[], ended: readonly SessionRow[], now: number): readonly CallFate[] {
        try {
          return commit(all, ended, now);
        } catch (error) {
          runs.forget();
          throw error;
        }
      },
      ...segmentReader(db),
      ...recentReader(db),
      /** As of the port of the journal. */
      lastFrameAt: (args: { source: string; until: number }): number | null => lastFrame.pluck().get(args) ?? null,
      /**
       * From when on the journal tells what was heard, ms since the epoch; `null`: always, as nothing has been removed, or nothing
       * was ever heard.
       */
      keptSince: ({ source }: { source: string }): number | null => keptSince.pluck().get({ source }) ?? null,
      /** When the first of the frames came that are kept, ms since the epoch; `null`: there is none. */
      firstFrameAt: ({ source }: { source: string }): number | null => firstFrame.pluck().get({ source }) ?? null,
      /** Answers when everything asked before is done. */
      alive: (): true => true,
      seal: sealer(db),
      prune: pruner(db),
    };
  };
}

function callStore(db: Connection, onInserted: readonly SessionHook[]) {
  // A transaction within a transaction is a savepoint.
  const store = db.transaction(sessionStore(db, onInserted));
  return (row: SessionRow, now: number): CallFate => {
    try {
      return store(row, now);
    } catch (thrown) {
      const error = storageError(thrown);
      // SQLite may have rolled back the whole transaction by itself; nothing may be committed after that.
      if (isPassing(error) || error.trouble !== 'program' || !db.inTransaction) throw error;
      return encodeError(error);
    }
  };
}

function runStore(db: Connection) {
  /** Number of the next frame of each source. */
  const numbers = new Map<string, number>();
  const next = db.prepare<[object], number | null>(
    `SELECT max(next) FROM (
       SELECT (SELECT seq + frames FROM segment WHERE source = @source ORDER BY seq DESC LIMIT 1) AS next
       UNION ALL SELECT (SELECT seq + frames FROM hot_segment WHERE source = @source ORDER BY id DESC LIMIT 1)
       UNION ALL SELECT max(seq) FROM open_channel WHERE source = @source
       UNION ALL SELECT max(seq) + 1 FROM connection WHERE source = @source)`,
  );
  const insert = db.prepare<[object]>(
    `INSERT INTO hot_segment (source, seq, frames, first_at, last_at, size, packed, data)
     VALUES (@source, @seq, @frames, @firstAt, @lastAt, @size, @packed, @data)`,
  );
  const open = db.prepare<[string, string, number]>(
    'INSERT INTO open_channel (source, channel, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const release = db.prepare<[string, string]>('DELETE FROM open_channel WHERE source = ? AND channel = ?');
  const connect = connectionStore(db);
  const store = ({ source, packets, opened, released, connected }: Run, worthPacking: number): void => {
    const seq = numbers.get(source) ?? next.pluck().get({ source }) ?? 1;
    const packet = joined(packets);
    if (packet !== null) {
      const { frames, firstAt, lastAt, bytes } = packet;
      const packed = bytes.length >= worthPacking;
      const data = packed ? pack(bytes, 'hot') : bytes;
      insert.run({ source, seq, frames, firstAt, lastAt, size: bytes.length, packed: packed ? 1 : 0, data });
    }
    for (const channel of opened) open.run(source, channel, seq);
    for (const channel of released) release.run(source, channel);
    if (connected !== null) connect(source, seq, connected);
    numbers.set(source, seq + (packet?.frames ?? 0));
  };
  return {
    store,
    /** After a transaction that was rolled back. */
    forget: () => numbers.clear(),
  };
}

/** Keeps the connections that the open calls need. */
function connectionStore(db: Connection): (source: string, seq: number, event: string) => void {
  const insert = db.prepare<[string, number, string]>(
    'INSERT OR REPLACE INTO connection (source, seq, event) VALUES (?, ?, ?)',
  );
  const forget = db.prepare<[object]>(
    `DELETE FROM connection WHERE source = @source AND seq < (
       SELECT max(seq) FROM connection WHERE source = @source AND seq < coalesce(
         (SELECT min(seq) FROM open_channel WHERE source = @source), @seq + 1))`,
  );
  return (source, seq, event) => {
    insert.run(source, seq, event);
    forget.run({ source, seq });
  };
}
