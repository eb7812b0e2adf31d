/** One look at the automatic backups of a database: the next one is made when it is due, and old ones are removed. */
import { existsSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { type BackedUp, openSource } from '../upkeep/backup.ts';
import { namesIn, partsOf } from '../upkeep/copy.ts';
import { automaticCopies, forgetCopies, noteCopy, notedCopies, placeOfAutomatic, timeOfCopy } from '../upkeep/kept.ts';
import { idOf } from '../upkeep/look.ts';
import type { AutomaticCopy, BackupRequest } from './automatic.ts';
import { backUpInSteps } from './steps.ts';

interface Round {
  readonly made: BackedUp | null;
  readonly error: unknown;
  readonly last: AutomaticCopy | null;
}

/** Rejects where the database itself cannot be looked at. */
export async function roundOf({ path, keep, at, due, ...request }: BackupRequest): Promise<Round> {
  const real = realpathSync(path);
  const place: Place = { real, folder: request.folder ?? dirname(real), id: idOfSource(real), at };
  const last = lastOf(place);
  if (last !== null && last.at >= due) return { made: null, error: null, last };
  try {
    const made = await make(place);
    prune(place, keep);
    return { made, error: null, last: lastOf(place) };
  } catch (error) {
    return { made: null, error, last };
  }
}

interface Place {
  readonly real: string;
  readonly folder: string;
  readonly id: string | null;
  /** Now, ms since the epoch. */
  readonly at: number;
}

async function make({ real, folder, at }: Place): Promise<BackedUp> {
  removeParts(real, folder);
  const target = placeOfAutomatic(real, folder, at);
  // Before it is made: a kill on the way leaves a part of it there. Those beside the database are found by their names.
  const forget = folder === dirname(real) ? () => {} : noteCopy(real, target, statSync(real));
  try {
    return await backUpInSteps({ path: real, target, at });
  } catch (error) {
    forget();
    throw error;
  }
}

function lastOf(place: Place): AutomaticCopy | null {
  for (const path of ownCopies(place)) {
    const found = statSync(path, { throwIfNoEntry: false });
    // With a time that lies ahead it is of a clock that was wrong: nobody knows how old it is.
    if (found !== undefined && timeOfCopy(path) <= place.at) return { path, at: timeOfCopy(path), bytes: found.size };
  }
  return null;
}

/** Removes all but the newest `keep`. One of a clock that was ahead was made before those of now. */
function prune(place: Place, keep: number): void {
  const all = ownCopies(place);
  const ahead = all.filter((path) => timeOfCopy(path) > place.at);
  const old = [...all.filter((path) => !ahead.includes(path)), ...ahead].slice(keep);
  for (const one of old) rmSync(one, { force: true });
  forgetCopies(place.real, old, statSync(place.real));
}

/** The newest first. Other databases of the same name may have theirs in the same folder: what does not say that it is ours is not. */
const ownCopies = ({ real, folder, id }: Place): readonly string[] =>
  automaticCopies(real, folder).filter((path) => idOfCopy(path) === id);

function idOfSource(real: string): string | null {
  const db = openSource(real);
  try {
    return idOf(db);
  } finally {
    db.close();
  }
}

/** `undefined`: it cannot be told. */
function idOfCopy(path: string): string | null | undefined {
  let db: BetterSqlite3.Database | null = null;
  try {
    db = new BetterSqlite3(path, { readonly: true, fileMustExist: true });
    return idOf(db);
  } catch {
    return undefined;
  } finally {
    db?.close();
  }
}

/** Of backups that were killed. One is made at a time. */
function removeParts(real: string, folder: string): void {
  if (folder === dirname(real)) {
    const form = /\.auto-\d{8}T\d{6}Z\.\d+\.part(?:-\w+)?$/;
    for (const name of namesIn(folder)) {
      if (name.startsWith(`.${basename(real)}.auto-`) && form.test(name)) rmSync(join(folder, name), { force: true });
    }
    return;
  }
  // Elsewhere a name does not tell whose it is: what was noted does.
  const noted = notedCopies(real).filter((path) => basename(path).startsWith(`${basename(real)}.auto-`));
  for (const part of noted.flatMap(partsOf)) rmSync(part, { force: true });
  const gone = noted.filter((path) => dirname(path) === folder && !existsSync(path));
  forgetCopies(real, gone, statSync(real));
}
