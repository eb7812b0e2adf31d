/** Looks into the database file without changing it, beside a running daemon or without one. */
import { accessSync, constants } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { saysOurs } from '../upkeep/examine.ts';
import { isDamage } from '../upkeep/look.ts';
import { readMark } from '../upkeep/mark.ts';
import { APPLICATION_ID } from './connection.ts';
import { codeOf, StorageError, storageError } from './errors.ts';
import { refuseNewer } from './migrate.ts';
import { type Modules, modules } from './modules.ts';
import { type Connection, type Remotes, remotes } from './rpc.ts';

export interface ReadOnlyDatabase {
  /** The same modules as in the daemon, served in this thread. Methods that write reject. */
  readonly remote: Remotes<Modules>;
  close(): void;
}

/** How long a statement waits for a lock, ms. */
const BUSY_MS = 5_000;

/** Throws `StorageError` with one sentence when there is no file, or this user may not read it, or it is not ours. */
export function openReadOnly(path: string): ReadOnlyDatabase {
  let db: Connection | null = null;
  try {
    accessSync(path, constants.R_OK);
    db = new BetterSqlite3(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
      throw new StorageError('SCHEMA_FOREIGN', `${path} is not a database of logcalld: correct the path.`);
    }
    refuseNewer(db);
    return serve(db);
  } catch (error) {
    db?.close();
    throw unreadable(path, error);
  }
}

/** What is wrong with a database file. */
export interface SchemaProblem {
  /** One sentence. */
  readonly text: string;
  /** False: the daemon would start all the same. */
  readonly refused: boolean;
}

/** `null`: nothing is wrong, also when there is none or it is an older one. */
export function schemaProblem(path: string): SchemaProblem | null {
  let db: Connection | null = null;
  try {
    db = new BetterSqlite3(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    if (db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0) return null;
    if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID)
      return { text: `${path} is not a database of logcalld.`, refused: true };
    refuseNewer(db);
    return null;
  } catch (error) {
    const { message, code } = unreadable(path, error);
    // As `openGuarded` does it.
    if (isDamage(error) && (readMark(path) !== null || saysOurs(path))) {
      const after = 'the next start puts it aside and takes the last backup in its place, or begins a new one';
      return { text: `The database ${path} is damaged (${storageError(error).message}): ${after}.`, refused: false };
    }
    return { text: message, refused: code.startsWith('SCHEMA_') || code === 'SQLITE_NOTADB' };
  } finally {
    db?.close();
  }
}

function serve(db: Connection): ReadOnlyDatabase {
  const served = new Map<string, Readonly<Record<string, (...args: readonly unknown[]) => unknown>>>(
    // Calls arrive by name; their arguments were checked by the compiler on the calling side.
    Object.entries(modules).map(([name, factory]) => [name, factory(db) as never]),
  );
  const methods = Object.fromEntries([...served].map(([name, own]) => [name, Object.keys(own)]));
  return {
    remote: remotes<Modules>(methods, async (module, method, args) => served.get(module)?.[method]?.(...args)),
    close: () => db.close(),
  };
}

function unreadable(path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = codeOf(error) ?? 'PROGRAM';
  const text =
    code === 'ENOENT'
      ? 'it does not exist: logcalld has not run with this config yet.'
      : code === 'EACCES' || code === 'EPERM'
        ? 'this user may not read it: use sudo, or the user that runs logcalld.'
        : code === 'SQLITE_CANTOPEN' || code === 'SQLITE_READONLY'
          ? 'SQLite cannot open it here: use sudo, or the user that runs logcalld.'
          : code === 'SQLITE_ERROR'
            ? `it is of another version of logcalld (${storageError(error).message}): start this version once.`
            : `${storageError(error).message}.`;
  return new StorageError(code, `Cannot read the database ${path}: ${text}`, { cause: error });
}
