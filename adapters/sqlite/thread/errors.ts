/**
 * What went wrong with the storage, in the terms the daemon acts on.
 *
 * full: no room; waiting helps. io: the medium or the file system refused; waiting may help. busy: another program holds
 * the file. corrupt: the file is damaged, only a backup helps. unusable: it cannot be opened or is not ours.
 * program: the statement or the data was wrong; the file is fine.
 */
export type StorageTrouble = 'full' | 'io' | 'busy' | 'corrupt' | 'unusable' | 'program';

/** An error of the database or of its thread. `code`: SQLite's extended result code or our own upper-case word. */
export class StorageError extends Error {
  readonly code: string;
  readonly trouble: StorageTrouble;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StorageError';
    this.code = code;
    this.trouble = troubleOf(code);
  }
}

/** Classes of SQLite's result codes (sqlite.org/rescode.html); the longer extended codes begin with these. */
const TROUBLES: readonly (readonly [string, StorageTrouble])[] = [
  ['SQLITE_FULL', 'full'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['SQLITE_IOERR', 'io'],
  ['EIO', 'io'],
  ['SQLITE_READONLY', 'io'],
  ['SQLITE_CANTOPEN', 'io'],
  ['SQLITE_PROTOCOL', 'io'],
  ['SQLITE_NOMEM', 'io'],
  ['SQLITE_BUSY', 'busy'],
  ['SQLITE_LOCKED', 'busy'],
  ['SQLITE_CORRUPT', 'corrupt'],
  ['SQLITE_NOTADB', 'unusable'],
  ['SCHEMA_', 'unusable'],
  ['WORKER_', 'unusable'],
  ['DATABASE_', 'unusable'],
  ['ENOENT', 'unusable'],
  ['EACCES', 'unusable'],
  ['EPERM', 'unusable'],
  ['EROFS', 'unusable'],
  ['EISDIR', 'unusable'],
];

export function troubleOf(code: string): StorageTrouble {
  return TROUBLES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'program';
}

/** True when the same request can succeed later without anybody changing it: its data must be kept. */
export function isPassing(error: unknown): boolean {
  return error instanceof StorageError && ['full', 'io', 'busy'].includes(error.trouble);
}

/** The `code` of a Node or SQLite error, `null` when it has none. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** Any thrown value as a `StorageError`; errors without a code of their own are faults of the program. */
export function storageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StorageError(codeOf(error) ?? 'PROGRAM', message, { cause: error });
}
