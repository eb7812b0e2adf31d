/** The journal of the daemon on a database of its own, without a daemon. */
import BetterSqlite3 from 'better-sqlite3';
import { createClock } from '../../adapters/host/clock.ts';
import { sqliteJournal } from '../../adapters/sqlite/journal/port.ts';
import { openConnection } from '../../adapters/sqlite/thread/connection.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import type { Journal } from '../../src/ports.ts';

export interface OwnJournal extends Pick<Journal, 'commit'> {
  /** Stores what is pending and closes the file. */
  close(): Promise<void>;
}

/** `maxPending` is wide: a bench hands over what it has and waits for all of it. */
export async function openJournal(path: string): Promise<OwnJournal> {
  const database = await openDatabase(path);
  const journal = sqliteJournal(database, { clock: createClock(), readerOf: () => null, maxPending: 1e9 });
  return { commit: (batch) => journal.commit(batch), close: () => database.close() };
}

/** What is stored, bytes: pages of the database in use, those in its log included; not the free ones that are kept for deliveries. */
export function storedBytes(database: string): number {
  const db = new BetterSqlite3(database, { readonly: true, fileMustExist: true });
  const count = (pragma: string): number => Number(db.pragma(pragma, { simple: true }));
  try {
    return (count('page_count') - count('freelist_count')) * count('page_size');
  } finally {
    db.close();
  }
}

/** Has everything that was written joined and compressed, whatever its age, and gives the room back to the disk. */
export async function seal(path: string): Promise<void> {
  const database = await openDatabase(path);
  const journal = sqliteJournal(database, { clock: createClock(), readerOf: () => null });
  while ((await journal.seal({ before: Number.MAX_SAFE_INTEGER })).more);
  await database.close();
  const file = openConnection(path);
  file.exec('VACUUM');
  file.close();
}
