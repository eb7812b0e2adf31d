/**
 * Room that is kept for deliveries, so that calls which are stored are posted also while the disk is full: an intent must be durable
 * before its post. It is taken ahead, inside the files of the database, where no other program can take it: free pages in the main
 * file, of which there are always so many, and a log that is as long as it gets between two checkpoints. A commit takes its pages from
 * the free ones, so a checkpoint never has to make the file longer. When the free pages cannot be replaced, the journal waits, and
 * what is left of them is for the outbox.
 */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeWalRoom } from '../upkeep/wal.ts';
import { codeOf, StorageError } from './errors.ts';
import type { Connection } from './rpc.ts';
import { unsynced } from './unsynced.ts';

export interface Room {
  /** Throws `StorageError` (`SQLITE_FULL`) when this request must wait for room. */
  admit(module: string, method: string): void;
  /** A request was served. */
  served(): void;
  /** A request met a full disk. */
  full(): void;
  /** The connection is another one. */
  renewed(db: Connection): void;
}

const PAGE = 4096;
/** Free pages kept, and in the log; on a small file system a part of it. */
const KEPT = 2048;
const LOG = 1536;
const SMALL = 64;
/** How often it is looked whether the disk is full, ms. */
const LOOK_EVERY_MS = 1000;
/** Filled up to so many times what is kept. */
const FILLED = 2;
/** Bytes of one value that takes pages. */
const PIECE = 1 << 16;
/** Pages that stay in memory meanwhile, KB: what is filled is not read again, and memory that SQLite once had the process keeps. */
const CACHE_KB = 256;
/** Free on the disk beside what is taken, bytes. */
const SPARE = 1 << 20;
/** Pages that a delivery takes for good, with its attempt and its lead; measured: 0.9. */
const PAGES_OF_DELIVERY = 1;
/** Requests that bring more into the database than they take out of it, and can wait. */
const GROWING: ReadonlySet<string> = new Set(['journal.commit']);

/** `real`: the file of the database, no link to it. */
export function keepRoom(real: string, connection: Connection): Room {
  const { kept, log } = sizesFor(dirname(real));
  let full = false;
  let lookedAt = 0;
  let pages = using(connection, log);
  logRoom();

  /** False: the disk is full. Throws where it refuses for another reason. */
  function fill(): boolean {
    const left = pages.free();
    try {
      // A disk that is full is told while there is still room: what is left of it is for deliveries.
      if (left >= kept) {
        if (!full && Date.now() - lookedAt < LOOK_EVERY_MS) return true;
        lookedAt = Date.now();
        prove(real, 0);
        return true;
      }
      // In the log and in the file; looked for first, as what is in the log must find its place in the file.
      prove(real, (FILLED * kept - left + log) * PAGE);
      // Those that are free are taken first, so all of them are: seldom, and many at once.
      pages.grow(FILLED * kept * PAGE);
      logRoom();
      return true;
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      return false;
    }
  }

  function logRoom(): void {
    try {
      makeWalRoom(real, log);
    } catch {
      // Tried again with the next pages.
    }
  }

  return {
    admit(module, method) {
      if (!full || !GROWING.has(`${module}.${method}`)) return;
      // Whoever is refused comes again after a pause.
      full = !fill();
      if (full) throw noRoom(real, pages.free());
    },
    served() {
      if (!full && !fill()) full = true;
    },
    full() {
      full = true;
    },
    renewed(db) {
      pages = using(db, log);
      logRoom();
    },
  };
}

function using(db: Connection, log: number) {
  db.pragma(`wal_autocheckpoint = ${Math.floor((log * 2) / 3)}`);
  const free = db.prepare<[], number>('PRAGMA freelist_count').pluck();
  const take = db.prepare<[string, number]>(
    'INSERT OR REPLACE INTO delivery_memory (key, value, at) VALUES (?, hex(zeroblob(?)), 0)',
  );
  const leave = db.prepare("DELETE FROM delivery_memory WHERE key >= 'room:' AND key < 'room;'");
  const grow = unsynced(db, (bytes: number): void => {
    try {
      for (let at = 0; at < bytes; at += PIECE) take.run(`room:${at}`, Math.ceil(Math.min(PIECE, bytes - at) / 2));
    } finally {
      // Also of those that found no more room: what is taken is for deliveries.
      leave.run();
    }
  });
  return {
    free: () => free.get() ?? 0,
    grow(bytes: number) {
      const cache = db.pragma('cache_size', { simple: true });
      db.pragma(`cache_size = -${CACHE_KB}`);
      try {
        // Not in one transaction: pages that are taken and left in one are never written.
        grow(bytes);
        // Now they have their place in the file.
        db.pragma('wal_checkpoint(PASSIVE)');
      } finally {
        db.pragma(`cache_size = ${cache}`);
      }
    },
  };
}

/** Throws when there is no room for so many bytes, with some to spare. Not by writing them: that would cost as much as what is stored. */
function prove(real: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(real));
  if (bavail * bsize < bytes + SPARE) throw new StorageError('SQLITE_FULL', 'no room');
}

const isNoRoom = (error: unknown): boolean => /^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(codeOf(error) ?? '');

function sizesFor(folder: string): { readonly kept: number; readonly log: number } {
  const { blocks, bsize } = statfsSync(folder);
  const part = (blocks * bsize) / PAGE / 64;
  return {
    kept: Math.max(SMALL, Math.min(KEPT, Math.floor(part))),
    log: Math.max(2 * SMALL, Math.min(LOG, Math.floor(part * 1.5))),
  };
}

function noRoom(real: string, free: number): StorageError {
  const posts = Math.floor(free / PAGES_OF_DELIVERY);
  return new StorageError(
    'SQLITE_FULL',
    `No room is left on the file system of ${dirname(real)}: free some space. New calls are kept in memory, up to 32 MB, and stored when there is room; ` +
      `calls that are stored are posted meanwhile, room is kept for about ${posts} of them.`,
  );
}
