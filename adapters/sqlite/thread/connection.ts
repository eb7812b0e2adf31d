/** Opens the one connection to the database file, with the settings every promise about durability rests on. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { codeOf, StorageError, storageError } from './errors.ts';
import type { Connection } from './rpc.ts';

/** Written into the file's header so that the database of another program is not taken for ours: "LGCD". */
export const APPLICATION_ID = 0x4c474344;

/** Pages in memory, KB. better-sqlite3 would take 16 MB; what is read again lies in the cache of the kernel as well. */
const CACHE_KB = 4096;

/** The WAL is cut back to this after a checkpoint, bytes. */
const WAL_LIMIT = 64 * 1024 * 1024;

/**
 * Opens or creates the file, readable by its owner only. Throws `StorageError` with one sentence that names the file
 * and the remedy. `:memory:` opens a private database for tests.
 */
export function openConnection(path: string, busyTimeoutMs = 5_000): Connection {
  if (path !== ':memory:') claimFile(path);
  return connect(path, busyTimeoutMs);
}

/** The same where this process has the file open already: to open and close it in another way would take the locks of SQLite away. */
export function connect(path: string, busyTimeoutMs: number): Connection {
  let db: Connection | null = null;
  try {
    db = new BetterSqlite3(path, { timeout: busyTimeoutMs });
    refuseForeign(db, path);
    db.pragma('journal_mode = WAL');
    // In WAL mode NORMAL may lose the last commits at a power cut; FULL syncs the log at every commit.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('temp_store = MEMORY');
    db.pragma(`cache_size = -${CACHE_KB}`);
    db.pragma(`journal_size_limit = ${WAL_LIMIT}`);
    return db;
  } catch (error) {
    db?.close();
    throw explained(path, error);
  }
}

/**
 * SQLite gives -wal and -shm the mode of the main file, so the mode is set before SQLite sees it. Only on a new file or
 * one of ours: a wrong path in the config must not change the file of somebody else.
 */
export function claimFile(path: string): void {
  let file: number | null = null;
  try {
    file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const { mode, size, uid } = fstatSync(file);
    if (size === 0 && uid === 0) giveAway(dirname(path), (owner) => fchownSync(Number(file), owner.uid, owner.gid));
    if ((mode & 0o077) !== 0 && (size === 0 || isOurs(file))) fchmodSync(file, 0o600);
  } catch (error) {
    throw explained(path, error);
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Whose a database is, or is to be where there is none: that of its folder. */
const ownerOf = (real: string): Owner => statSync(real, { throwIfNoEntry: false }) ?? statSync(dirname(real));

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What a start by root makes beside a database must not shut out the user of the service afterwards. Links are not followed. */
export function giveToOwner(path: string, real: string): void {
  giveAway(real, ({ uid, gid }) => lchownSync(path, uid, gid));
}

/** Not every root may do that, for instance in a container. */
function giveAway(like: string, give: (owner: Owner) => void): void {
  if (process.getuid?.() !== 0) return;
  try {
    give(ownerOf(like));
  } catch {
    // It works for this user all the same.
  }
}

/** Looks at the header of an SQLite file: 16 bytes of text, and the application id at offset 68 (sqlite.org/fileformat2). */
function isOurs(file: number): boolean {
  const header = Buffer.alloc(72);
  readSync(file, header, 0, header.length, 0);
  return header.toString('latin1', 0, 15) === 'SQLite format 3' && header.readUInt32BE(68) === APPLICATION_ID;
}

/** Throws `StorageError` with one sentence for the database of another program. What cannot be read is none. */
export function refuseForeignFile(path: string): void {
  let db: Connection | null = null;
  try {
    db = new BetterSqlite3(path, { readonly: true, fileMustExist: true });
    refuseForeign(db, path);
  } catch (error) {
    if (error instanceof StorageError) throw error;
  } finally {
    db?.close();
  }
}

function refuseForeign(db: Connection, path: string): void {
  const id = db.pragma('application_id', { simple: true });
  if (id === APPLICATION_ID) return;
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (tables === 0) return;
  throw new StorageError(
    'SCHEMA_FOREIGN',
    `The file ${path} is the database of another program: set the path of the database to a file of its own.`,
  );
}

/** The sentence for the operator. Errors that already are one pass unchanged. */
export function explained(path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = codeOf(error) ?? 'PROGRAM';
  const reason = REASONS.find(([prefix]) => code.startsWith(prefix))?.[1];
  const text = reason === undefined ? `${storageError(error).message}.` : reason(path, dirname(path));
  return new StorageError(code, `Cannot use the database ${path}: ${text}`, { cause: error });
}

type Reason = (path: string, directory: string) => string;

const notWritable: Reason = (path, directory) =>
  `${user()} may not write ${path} or create files in ${directory}; ` +
  'give both to the user that runs logcalld, on a file system that is mounted for writing.';

const noRoom: Reason = (_path, directory) => `no room is left on the file system of ${directory}; free some space.`;

const damaged: Reason = (path) =>
  `the file is damaged; stop logcalld, move it away together with ${path}-wal and ${path}-shm, and restore the last backup.`;

const refused: Reason = (_path, directory) =>
  `the disk, or the file system of ${directory}, refuses to read or write; look at it (dmesg).`;

const noLocks: Reason = (_path, directory) =>
  `the file system of ${directory} has no locks; set [storage] path to a local disk.`;

const REASONS: readonly (readonly [string, Reason])[] = [
  ['ENOENT', (_path, directory) => `the directory ${directory} does not exist; create it for the user of logcalld.`],
  ['ENOTDIR', (_path, directory) => `${directory} is not a directory; correct the path of the database.`],
  ['EISDIR', () => 'it is a directory; set the path of the database to a file.'],
  ['EACCES', notWritable],
  ['EPERM', notWritable],
  ['EROFS', notWritable],
  ['SQLITE_CANTOPEN', notWritable],
  ['SQLITE_READONLY', notWritable],
  ['ENOSPC', noRoom],
  ['EDQUOT', noRoom],
  ['SQLITE_FULL', noRoom],
  // The index of the log could not be made longer.
  ['SQLITE_IOERR_SHMSIZE', noRoom],
  [
    'SQLITE_NOTADB',
    () => 'it is not an SQLite database; correct the path, or move the file away and restore a backup.',
  ],
  ['SQLITE_CORRUPT', damaged],
  ['SQLITE_IOERR_LOCK', noLocks],
  ['SQLITE_IOERR_RDLOCK', noLocks],
  ['SQLITE_IOERR_SHMLOCK', noLocks],
  ['SQLITE_IOERR', refused],
  ['EIO', refused],
  ['SQLITE_BUSY', () => 'another program holds it locked; end that program, or a second logcalld on the same file.'],
];

function user(): string {
  const uid = process.getuid?.();
  return uid === undefined ? 'this user' : `user id ${uid}`;
}
