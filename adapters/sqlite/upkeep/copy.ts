/**
 * Copies of a database, each a whole database in one file: made beside a writer without holding it up (`VACUUM INTO` reads one
 * moment of it), checked, and put in place whole or not at all.
 */
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { explainedCopy, notACopy, unusable } from '../backups/copy-errors.ts';
import { megabytes } from '../backups/megabytes.ts';
import { APPLICATION_ID, type Owner } from '../thread/connection.ts';
import { codeOf, StorageError } from '../thread/errors.ts';
import { refuseNewer, schemaVersion } from '../thread/migrate.ts';
import type { Connection } from '../thread/rpc.ts';
import { remember, remembered } from './identity.ts';
import { refuseDamaged } from './look.ts';
import { syncFolder } from './mark.ts';

/** A copy that can be put to use. */
export interface Copy {
  readonly path: string;
  /** The moment it is of, ms since the epoch; of a file that does not say, when it was last written. */
  readonly at: number;
  readonly schema: number;
  /** Calls in it. */
  readonly calls: number;
  /** Of which database; `null`: it does not say. */
  readonly id: string | null;
}

/** Room that is left over, bytes. */
const SPARE = 1 << 20;

export interface CopyOptions {
  /** The moment it is of, ms since the epoch. */
  readonly at: number;
  readonly replace: boolean;
  /** Whose it becomes, where this user may give files away; else it stays this user's. */
  readonly owner?: Owner;
  /** Room that is to be left on the disk in any case, bytes; none unless given. */
  readonly leave?: number;
}

/** What root makes for the service must be the service's: it could not read it otherwise. */
export function giveTo(path: string, { uid, gid }: Owner): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
}

/** A copy that is being made under another name, beside its place. */
export interface Making {
  /** An empty file that nobody else may read: what is to be copied goes into it. */
  readonly temporary: string;
  /** Checks every page, and puts it in its place, durably. */
  finish(): void;
  /** Removes what is left of one that was not finished. */
  clear(): void;
}

/** Throws `StorageError` with one sentence; then nothing has changed. */
export function beginCopy(db: Connection, target: string, { at, replace, owner, leave = 0 }: CopyOptions): Making {
  try {
    refuseTarget(db, target, replace);
  } catch (error) {
    throw explainedCopy(target, error);
  }
  refuseNoRoom(db, target, leave);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.part`);
  const clear = (): void => {
    for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(`${temporary}${suffix}`, { force: true });
  };
  try {
    removeParts(target, (pid) => pid === process.pid || !isAlive(pid));
    // Made here, so that nobody else may read it; SQLite takes an empty file.
    closeSync(openSync(temporary, 'wx', 0o600));
  } catch (error) {
    clear();
    throw explainedCopy(target, error);
  }
  return {
    temporary,
    finish() {
      stamp(temporary, at);
      if (owner !== undefined) giveTo(temporary, owner);
      syncFile(temporary);
      place(temporary, target, replace);
    },
    clear,
  };
}

/**
 * Writes what `db` holds now into `target`; an existing file is replaced only with `replace`. Throws `StorageError` with one sentence;
 * then nothing has changed.
 */
export function copyInto(db: Connection, target: string, options: CopyOptions): void {
  const making = beginCopy(db, target, options);
  try {
    db.prepare('VACUUM INTO ?').run(making.temporary);
    making.finish();
  } catch (error) {
    throw explainedCopy(target, error);
  } finally {
    making.clear();
  }
}

/** Copies of `target` that were not finished. */
export function partsOf(target: string): readonly string[] {
  return partsIn(target).map(({ path }) => path);
}

interface Part {
  readonly path: string;
  /** Of the process that makes it, or made it. */
  readonly pid: number;
}

function partsIn(target: string): readonly Part[] {
  const prefix = `.${basename(target)}.`;
  return namesIn(dirname(target)).flatMap((name) => {
    const pid = name.startsWith(prefix)
      ? /^(\d+)\.part(?:-(?:journal|wal|shm))?$/.exec(name.slice(prefix.length))?.[1]
      : undefined;
    return pid === undefined ? [] : [{ path: join(dirname(target), name), pid: Number(pid) }];
  });
}

/** What is in a folder; none where this user may not look. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function removeParts(target: string, which: (pid: number) => boolean): void {
  for (const { path, pid } of partsIn(target)) if (which(pid)) rmSync(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** Says in the copy that it is one, and checks every page of it. */
function stamp(path: string, at: number): void {
  const copy = new BetterSqlite3(path, { fileMustExist: true });
  try {
    copy.pragma('synchronous = OFF');
    // One file: a reader needs no log beside it.
    copy.pragma('journal_mode = DELETE');
    copy.pragma('temp_store = MEMORY');
    remember(copy, 'copy', { at }, at);
    remember(copy, 'notices', null, at);
    refuseDamaged(copy, path);
  } finally {
    copy.close();
  }
}

export function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The name appears when the whole file is there; one that came meanwhile is not replaced. */
function place(temporary: string, target: string, replace: boolean): void {
  if (replace) renameSync(temporary, target);
  else {
    try {
      linkSync(temporary, target);
    } catch (error) {
      // File systems without hard links, as on many removable disks.
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error) ?? '') || existsSync(target))
        throw error;
      renameSync(temporary, target);
    }
  }
  syncFolder(target);
}

/** Files of a database, after its name. */
const OWN = ['', '-wal', '-shm', '.lock', '.mark', '.holder', '.backups', '.restoring', '.room'];

function refuseTarget(db: Connection, target: string, replace: boolean): void {
  const found = lstatSync(target, { throwIfNoEntry: false });
  if (found?.isDirectory() === true)
    throw new StorageError(
      'EISDIR',
      `${target} is a folder: name a file in it, for instance ${join(target, 'logcalld.backup')}.`,
    );
  if (found === undefined) return;
  if (!replace)
    throw new StorageError('EEXIST', `${target} exists already: name another file, or replace it with --force.`);
  if (!found.isFile())
    throw new StorageError('EEXIST', `${target} is not a file that can be replaced: name another one.`);
  const real = realpathSync(db.name);
  if (OWN.some((suffix) => realpathSync(target) === `${real}${suffix}`))
    throw new StorageError('EEXIST', `${target} belongs to the database itself: name another file.`);
}

function refuseNoRoom(db: Connection, target: string, leave: number): void {
  const folder = dirname(target);
  const pages =
    Number(db.pragma('page_count', { simple: true })) - Number(db.pragma('freelist_count', { simple: true }));
  const needed = pages * Number(db.pragma('page_size', { simple: true })) + SPARE + leave;
  let free: number;
  try {
    const { bavail, bsize } = statfsSync(folder);
    free = bavail * bsize;
  } catch (error) {
    throw explainedCopy(target, error);
  }
  if (free >= needed) return;
  throw new StorageError(
    'ENOSPC',
    `The copy needs ${megabytes(needed - leave)}${leave === 0 ? '' : ` and leaves ${megabytes(leave)} free`}, and ${folder} has ${megabytes(free)} left: free some space, or name another folder.`,
  );
}

/** What a file says of itself that may be a copy: whether it is whole only a look at every page tells. */
export type Claim = Omit<Copy, 'calls'>;

/** Looks at the head of it alone. Throws `StorageError` with one sentence when it is no copy, or is of a later version of the program. */
export function claimOf(path: string): Claim {
  const { db, claim } = opened(path);
  db.close();
  return claim;
}

/** Opens a copy and looks at every page of it. Throws as `claimOf`, also when it is damaged. */
export function openCopy(path: string): { readonly db: Connection; readonly copy: Copy } {
  const { db, claim } = opened(path);
  try {
    refuseDamaged(db, path);
    return { db, copy: { ...claim, calls: Number(db.prepare('SELECT count(*) FROM session').pluck().get()) } };
  } catch (error) {
    db.close();
    throw unusable(path, error);
  }
}

function opened(path: string): { readonly db: Connection; readonly claim: Claim } {
  let db: Connection | null = null;
  try {
    const found = lstatSync(realpathSync(path));
    if (found.isDirectory()) throw new StorageError('EISDIR', `${path} is a folder: name the file of a backup.`);
    if (found.size === 0) throw notACopy(path, 'it is empty');
    db = new BetterSqlite3(path, { readonly: true, fileMustExist: true });
    if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID)
      throw notACopy(path, 'it is of another program');
    refuseNewer(db);
    const at = remembered(db, 'copy')?.at ?? Math.floor(found.mtimeMs);
    return { db, claim: { path, at, schema: schemaVersion(db), id: remembered(db, 'database')?.id ?? null } };
  } catch (error) {
    db?.close();
    throw unusable(path, error);
  }
}
