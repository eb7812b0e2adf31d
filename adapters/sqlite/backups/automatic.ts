/** Backups that logcalld makes by itself: `<database>.auto-TIME`, beside the database or in a folder of their own. */
import { realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { StorageError } from '../thread/errors.ts';
import { decodeError } from '../thread/rpc.ts';
import type { BackedUp } from '../upkeep/backup.ts';
import { namesIn } from '../upkeep/copy.ts';
import { automaticCopies, forgetCopies, noteCopy, placeOfAutomatic, timeOfCopy } from '../upkeep/kept.ts';
import type { BackupRequest, FromBackup } from './steps.ts';

export interface BackupPlace {
  /** The database. */
  readonly path: string;
  /** Where its backups go; `null`: beside it. */
  readonly folder: string | null;
}

const SUFFIX = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/**
 * Makes one, in a thread of its own. Rejects with `StorageError`, one sentence. `at`: now, ms since the epoch. `stop`: it is not waited
 * for any more; what was written of it goes with the next one.
 */
export async function backUpAutomatically(place: BackupPlace, at: number, stop: AbortSignal): Promise<BackedUp> {
  const real = realpathSync(place.path);
  const folder = place.folder ?? dirname(real);
  removeParts(real, folder);
  const target = placeOfAutomatic(real, folder, at);
  // Before it is made: a kill on the way leaves a part of it there. Those beside the database are found by their names.
  const forget = folder === dirname(real) ? () => {} : noteCopy(real, target, statSync(real));
  try {
    return await inThread({ path: real, target, at }, stop);
  } catch (error) {
    forget();
    throw error;
  }
}

function inThread(workerData: BackupRequest, stop: AbortSignal): Promise<BackedUp> {
  const { promise, resolve, reject } = Promise.withResolvers<BackedUp>();
  const worker = new Worker(new URL(`./worker${SUFFIX}`, import.meta.url), { workerData, name: 'backup' });
  worker.once('message', (message: FromBackup) => {
    if ('made' in message) resolve(message.made);
    else reject(decodeError(message.error));
  });
  const ended = (why: string): void =>
    reject(
      new StorageError(
        'PROGRAM',
        `The backup of the database ended before its time (${why}); the next one is tried soon.`,
      ),
    );
  worker.once('error', (error) => ended(error.message));
  worker.once('exit', (code) => ended(`exit code ${code}`));
  const end = (): void => void worker.terminate();
  stop.addEventListener('abort', end, { once: true });
  return promise.finally(() => stop.removeEventListener('abort', end));
}

export interface AutomaticCopy {
  readonly path: string;
  /** When it was made, ms since the epoch. */
  readonly at: number;
  readonly bytes: number;
}

/** The last one; `null`: there is none. */
export function lastAutomatic({ path, folder }: BackupPlace): AutomaticCopy | null {
  const real = realpathSync(path);
  const [newest] = automaticCopies(real, folder ?? dirname(real));
  const found = newest === undefined ? undefined : statSync(newest, { throwIfNoEntry: false });
  if (newest === undefined || found === undefined) return null;
  return { path: newest, at: timeOfCopy(newest), bytes: found.size };
}

/** Removes all but the newest `keep`. */
export function pruneAutomatic({ path, folder }: BackupPlace, keep: number): void {
  const real = realpathSync(path);
  const old = automaticCopies(real, folder ?? dirname(real)).slice(keep);
  for (const one of old) rmSync(one, { force: true });
  forgetCopies(real, old, statSync(real));
}

/** Of backups that were killed. One is made at a time. */
function removeParts(real: string, folder: string): void {
  const form = /\.auto-\d{8}T\d{6}Z\.\d+\.part(?:-\w+)?$/;
  for (const name of namesIn(folder)) {
    if (name.startsWith(`.${basename(real)}.auto-`) && form.test(name)) rmSync(join(folder, name), { force: true });
  }
}
