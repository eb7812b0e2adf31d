/**
 * The write-ahead log as a file (sqlite.org/fileformat2, section 4.1). It may be read and made longer beside SQLite: no lock is kept
 * on it, those of the WAL mode are on `-shm` and on the main file.
 */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { StorageError } from '../thread/errors.ts';

export const walOf = (real: string): string => `${real}-wal`;

const HEADER = 32;
const MAGIC = 0x377f0682;
const PAGE = 4096;
/** A page in the log, with its head. */
export const FRAME = PAGE + 24;
const CHUNK = 1024 * 1024;

/** The first salt, which grows by one each time SQLite begins the log anew. `null`: there is none, or nothing is in it. */
export function walName(real: string): number | null {
  let file: number | null = null;
  try {
    file = openSync(walOf(real), 'r');
    const header = Buffer.alloc(HEADER);
    if (readSync(file, header, 0, HEADER, 0) < HEADER || (header.readUInt32BE(0) & ~1) !== MAGIC) return null;
    return header.readUInt32BE(16);
  } catch {
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** A log begins anew every few megabytes, and is looked at every few seconds. */
const RESTARTS = 10_000;

/** Whether a log named `now` can be what became of the one named `before`. */
export const isLater = (before: number, now: number): boolean => (now - before) >>> 0 <= RESTARTS;

/**
 * Gives the log room for so many pages, so that commits find it also when the disk is full. What is not there yet is written as
 * zeros, which SQLite takes for the end of the log. Throws what the file system says.
 */
export function makeWalRoom(real: string, pages: number): void {
  const file = openSync(walOf(real), 'r+');
  try {
    const until = HEADER + pages * FRAME;
    for (let at = fstatSync(file).size; at < until; ) {
      at += writeSync(file, ZEROS, 0, Math.min(CHUNK, until - at), at);
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Writes the first `pages` of the log over themselves and syncs them, as a write that failed may be gone from the disk though it can be
 * read; what stands behind them, of a transaction that failed, is not taken for one any more. Nobody may write the log meanwhile. Throws
 * what the file system says, or that a page of it is gone.
 */
export function rewriteWal(real: string, pages: number): void {
  const file = openSync(walOf(real), 'r+');
  try {
    const { size } = fstatSync(file);
    const until = HEADER + pages * FRAME;
    const chunk = Buffer.alloc(CHUNK);
    for (let at = 0; at < until; ) {
      const read = readSync(file, chunk, 0, Math.min(CHUNK, until - at), at);
      if (read === 0)
        throw new StorageError('SQLITE_IOERR_SHORT_READ', `The log ${walOf(real)} is shorter than it was.`);
      for (let done = 0; done < read; ) done += writeSync(file, chunk, done, read - done, at + done);
      at += read;
    }
    const head = Math.min(FRAME - PAGE, Math.max(0, size - until));
    if (head > 0) writeSync(file, ZEROS, 0, head, until);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

const ZEROS = Buffer.alloc(CHUNK);
