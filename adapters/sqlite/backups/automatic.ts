/**
 * Backups that logcalld makes by itself: `<database>.auto-TIME`, beside the database or in a folder of their own.
 *
 * A process of its own does all of it: SQLite looks at every page in one go, which a thread cannot be taken out of, and a folder on another
 * disk or machine may not answer for minutes. Neither may hold up calls, or the end of the program.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StorageError } from '../thread/errors.ts';
import { decodeError, type WireError } from '../thread/rpc.ts';
import type { BackedUp } from '../upkeep/backup.ts';
import { automaticAmong, timeOfCopy } from '../upkeep/kept.ts';

export interface BackupRequest {
  /** The database. */
  readonly path: string;
  /** Where its backups go; `null`: beside it. */
  readonly folder: string | null;
  /** How many are kept. */
  readonly keep: number;
  /** Now, ms since the epoch. */
  readonly at: number;
  /** One is made unless one of then or later is there, ms since the epoch. */
  readonly due: number;
}

export interface AutomaticCopy {
  readonly path: string;
  /** When it was made, ms since the epoch. */
  readonly at: number;
  readonly bytes: number;
}

export interface BackupAnswer {
  /** `null`: none was to be made. */
  readonly made: BackedUp | null;
  /** Why none could be made. */
  readonly error: StorageError | null;
  /** The last one that is there; `null`: none. */
  readonly last: AutomaticCopy | null;
}

/** As it comes from the process. */
export type FromBackup = Omit<BackupAnswer, 'error'> & { readonly error: WireError | null };

const SUFFIX = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
/** A disk that has not taken a backup by then will not, ms. */
const LONGEST_MS = 4 * 3_600_000;

/**
 * Makes one where it is due, and removes those that are kept no longer. Never rejects. `stop` ends it at once; what was written of it goes
 * with the next one.
 */
export async function backUpWhenDue(request: BackupRequest, stop: AbortSignal): Promise<BackupAnswer> {
  const { promise, resolve } = Promise.withResolvers<BackupAnswer>();
  const ended = (why: string): void =>
    resolve({
      ...{ made: null, last: null },
      error: new StorageError('PROGRAM', `The backup of the database ended before its time (${why}).`),
    });
  let child: ChildProcess;
  try {
    child = start();
  } catch (error) {
    ended(error instanceof Error ? error.message : String(error));
    return promise;
  }
  child.once('message', (answer: FromBackup) =>
    resolve({ ...answer, error: answer.error === null ? null : decodeError(answer.error) }),
  );
  child.once('error', (error) => ended(error.message));
  child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
  child.send(request, () => {});
  const end = (why: string): void => {
    child.kill('SIGKILL');
    // It is not waited for: a disk that does not answer keeps it.
    child.unref();
    ended(why);
  };
  const late = setTimeout(() => end(`the disk has not taken it in ${LONGEST_MS / 3_600_000} hours`), LONGEST_MS);
  const stopped = (): void => end('the program ends');
  stop.addEventListener('abort', stopped, { once: true });
  return promise.finally(() => {
    clearTimeout(late);
    stop.removeEventListener('abort', stopped);
    if (child.connected) child.disconnect();
  });
}

/**
 * The last one by its name alone, for displays: whose it is, and whether it is whole, is looked at when the next one is due. `null`: none is
 * there. Rejects where the folder cannot be read.
 */
export async function lastByName({
  path,
  folder,
  at,
}: Pick<BackupRequest, 'path' | 'folder' | 'at'>): Promise<AutomaticCopy | null> {
  const real = await realpath(path);
  const place = folder ?? dirname(real);
  for (const name of automaticAmong(await readdir(place), real)) {
    const copy = join(place, name);
    if (timeOfCopy(copy) <= at) return { path: copy, at: timeOfCopy(copy), bytes: (await stat(copy)).size };
  }
  return null;
}

const start = (): ChildProcess =>
  fork(new URL(`./worker${SUFFIX}`, import.meta.url), [], {
    ...{ execArgv: [], serialization: 'advanced' },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
