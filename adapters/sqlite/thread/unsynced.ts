import type { Connection } from './rpc.ts';

/**
 * Commits without waiting for the disk, for what need not survive a power cut. The log is in order: what is committed later is
 * durable only together with this. A crash of the program alone loses nothing.
 */
export function unsynced<A extends readonly unknown[], R>(db: Connection, run: (...args: A) => R): (...args: A) => R {
  const synced = Number(db.pragma('synchronous', { simple: true }));
  return (...args) => {
    // Within a transaction it is the outer one that is committed.
    if (db.inTransaction) return run(...args);
    db.pragma('synchronous = NORMAL');
    try {
      return run(...args);
    } finally {
      db.pragma(`synchronous = ${synced}`);
    }
  };
}
