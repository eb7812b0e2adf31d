/**
 * One writer for a database: who has it holds a lock on a small file beside it, `<database>.lock`.
 *
 * The lock is SQLite's own on an empty file (fcntl(2), which Node cannot reach otherwise): the kernel takes it away when the
 * process ends, however it ends, so nothing stale is ever left. The file itself stays; to remove it while it is held would make
 * room for a second writer. It must not be opened in this process by anything but SQLite, since closing any descriptor of a
 * file drops all locks that the process has on it. So who holds it stands in a file of its own, `<database>.holder`.
 */
import { accessSync, constants, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { claimFile, explained, giveToOwner } from './connection.ts';
import { codeOf, StorageError } from './errors.ts';
import { type Holder, holderFileOf, holderText, readHolder } from './holder.ts';
import { refuseNetwork } from './network.ts';

/** `holder` `null`: it did not say who it is, or this user may not read that. */
export type Held = { readonly held: false } | { readonly held: true; readonly holder: Holder | null };

/** How long the lock is waited for, ms: a daemon that is just ending, and a look by `heldBy`, are over by then. */
const WAIT_MS = 1_000;

/**
 * Takes the database at `path`, whatever symlinks lead to it, and makes an empty file where there is none. The returned function
 * gives it back. `elsewhere`: another database would do as well. Throws `StorageError`: `DATABASE_HELD` with one sentence that names the holder and what to do, or one that says
 * why there can be no lock.
 */
export function holdDatabase(path: string, holder: Holder | null, elsewhere = true): () => void {
  const real = realFile(path);
  refuseNetwork(real);
  let lock: BetterSqlite3.Database | null = null;
  try {
    lock = new BetterSqlite3(lockOf(real), { timeout: WAIT_MS });
    giveToOwner(lockOf(real), real);
    // SQLite opens what it may not write for reading, and then takes no lock at all.
    accessSync(lockOf(real), constants.R_OK | constants.W_OK);
    // Nothing is ever written: the file stays empty, and no journal appears beside it.
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    throw isBusy(error) ? inUse(path, readHolder(real), elsewhere) : explained(lockOf(real), error);
  }
  const taken = lock;
  introduce(real, holder);
  return () => {
    rmSync(holderFileOf(real), { force: true });
    taken.close();
  };
}

/** Whether somebody writes the database at `path`, and who. Changes nothing; what this user may not see counts as not held. */
export function heldBy(path: string): Held {
  let lock: BetterSqlite3.Database | null = null;
  try {
    const real = realpathSync(path);
    try {
      lock = new BetterSqlite3(lockOf(real), { readonly: true, fileMustExist: true, timeout: 0 });
      lock.prepare('SELECT count(*) FROM sqlite_schema').get();
      return { held: false };
    } catch (error) {
      return isBusy(error) ? { held: true, holder: readHolder(real) } : { held: false };
    }
  } catch {
    return { held: false };
  } finally {
    lock?.close();
  }
}

/** The file that the path leads to; made when it is not there yet. One that somebody has is not touched. */
function realFile(path: string): string {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) claimFile(path);
    return realpathSync(path);
  } catch (error) {
    throw explained(path, error);
  }
}

/** `real`: the file of the database, no link to it. */
export const lockOf = (real: string): string => `${real}.lock`;
const isBusy = (error: unknown): boolean => codeOf(error)?.startsWith('SQLITE_BUSY') === true;

/** That somebody has the database at `path`. `elsewhere`: another one would do as well. */
export function inUse(path: string, holder: Holder | null, elsewhere = true): StorageError {
  const end =
    holder === null
      ? 'end it'
      : `end it (${holder.stop === undefined ? '' : `${holder.stop}, or `}"kill ${holder.pid}")`;
  return new StorageError(
    'DATABASE_HELD',
    `The database ${path} is in use by ${holderText(holder)}: ${end}${elsewhere ? ', or set another [storage] path for this one' : ''}.`,
  );
}

/** Whole or not at all; what the last holder left is never taken for ours. The lock holds also where this cannot be written. */
function introduce(real: string, holder: Holder | null): void {
  const file = holderFileOf(real);
  try {
    rmSync(file, { force: true });
    if (holder === null) return;
    writeFileSync(`${file}.new`, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch {
    rmSync(`${file}.new`, { force: true });
  }
}
