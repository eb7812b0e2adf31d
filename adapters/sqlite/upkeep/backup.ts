/** Backups that an operator asks for, and their return. */
import { realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { APPLICATION_ID, claimFile, explained, type Owner, refuseForeignFile } from '../thread/connection.ts';
import { codeOf, StorageError } from '../thread/errors.ts';
import { holdDatabase } from '../thread/hold.ts';
import { refuseNewer } from '../thread/migrate.ts';
import type { Connection } from '../thread/rpc.ts';
import { asideFile, asideName, hasContent, putAside } from './aside.ts';
import { type Copy, copyInto, giveTo, openCopy } from './copy.ts';
import { noteCopy } from './kept.ts';
import { removeMark, syncFolder } from './mark.ts';

export interface BackedUp extends Copy {
  /** Of the file. */
  readonly bytes: number;
}

/**
 * Writes what the database at `path` holds now into `target`, beside a daemon that goes on or without one. Reads one moment of it and
 * writes nothing into it. Throws `StorageError` with one sentence.
 */
export function backUp(path: string, target: string, { at, replace }: { at: number; replace: boolean }): BackedUp {
  const db = openSource(path);
  const owner = statSync(path);
  const forget = noteCopy(realpathSync(path), target, owner);
  try {
    copyInto(db, target, { at, replace, owner });
  } catch (error) {
    forget();
    throw error;
  } finally {
    db.close();
  }
  const { db: made, copy } = openCopy(target);
  made.close();
  return { ...copy, bytes: statSync(target).size };
}

/** Reads only. Throws `StorageError` with one sentence. */
export function openSource(path: string): Connection {
  let db: Connection | null = null;
  try {
    if (statSync(path).isDirectory())
      throw new StorageError('EISDIR', `${path} is a folder, not a database: correct [storage] path.`);
    db = new BetterSqlite3(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
    if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID)
      throw new StorageError('SCHEMA_FOREIGN', `${path} is not a database of logcalld: correct [storage] path.`);
    refuseNewer(db);
    return db;
  } catch (error) {
    db?.close();
    if (codeOf(error) === 'ENOENT')
      throw new StorageError('ENOENT', `The database ${path} does not exist: there is nothing to back up yet.`, {
        cause: error,
      });
    if (['EACCES', 'SQLITE_CANTOPEN', 'SQLITE_READONLY'].includes(codeOf(error) ?? ''))
      throw new StorageError(
        'EACCES',
        `This user may not read the database ${path}: use sudo, or the user that runs logcalld.`,
        { cause: error },
      );
    throw explained(path, error);
  }
}

/** Makes an empty file where there is none, of the owner of its folder: its lock gets the same one. */
function claimFor(path: string): Owner {
  claimFile(path);
  const real = realpathSync(path);
  const owner = statSync(dirname(real));
  giveTo(real, owner);
  return owner;
}

export interface Restored {
  readonly copy: Copy;
  /** Where the database that was there is now; `null`: there was none. */
  readonly aside: string | null;
  /** Calls that had not been posted at the moment of the backup. */
  readonly waiting: number;
}

/**
 * Puts the backup `source` in the place of the database at `path`, which is put aside. Throws `StorageError` with one sentence,
 * `DATABASE_HELD` where a daemon has it; then nothing has changed. The next start finds that it is a backup, and takes care.
 */
export function restore(path: string, source: string, at: number): Restored {
  const { db, copy } = openCopy(source);
  let release = (): void => {};
  try {
    const was = statSync(path, { throwIfNoEntry: false });
    if (was !== undefined) refuseForeignFile(path);
    const owner = was ?? claimFor(path);
    release = holdDatabase(path, null, false);
    const real = realpathSync(path);
    const temporary = `${real}.restoring`;
    rmSync(temporary, { force: true });
    copyInto(db, temporary, { at: copy.at, replace: false, owner });
    const waiting = db
      .prepare<[], number>("SELECT count(*) FROM delivery WHERE state NOT IN ('delivered', 'parked', 'skipped')")
      .pluck()
      .get();
    if (was === undefined) rmSync(real);
    const name = hasContent(real) ? asideName(real, 'replaced', at) : null;
    putAside(real, name);
    renameSync(temporary, real);
    syncFolder(real);
    // What is known of the other one says nothing of this one. Killed before, the next start knows that a database was here.
    removeMark(real);
    const aside = name === null ? null : asideFile(name);
    return { copy, aside, waiting: waiting ?? 0 };
  } finally {
    db.close();
    release();
  }
}
