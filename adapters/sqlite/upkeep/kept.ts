/** The copies that logcalld makes by itself, beside the database, and where an operator put others. */
import { existsSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Owner } from '../thread/connection.ts';
import { codeOf } from '../thread/errors.ts';
import { type Claim, claimOf, giveTo, namesIn, partsOf } from './copy.ts';

/** `20261126T031040Z` */
export const moment = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');

const nameOf = (real: string): string => `${real}.backup-`;
const listOf = (real: string): string => `${real}.backups`;
/**
 * Places of an operator's copies that are remembered: those that are there, as they hold what is erased in the database, and the last
 * ones whether they are or not, as a disk may be away.
 */
const REMEMBERED = { there: 400, last: 20 } as const;

/** Where the next one goes. `real`: the file of the database, no link to it; `at`: ms since the epoch. */
export const placeOfCopy = (real: string, at: number): string => `${nameOf(real)}${moment(at)}`;

/** Where the next automatic one goes. */
export const placeOfAutomatic = (real: string, folder: string, at: number): string =>
  join(folder, `${basename(real)}.auto-${moment(at)}`);

/** Those before changes of the schema, beside the database, the newest first. */
export const keptCopies = (real: string): readonly string[] => copiesIn(dirname(real), basename(nameOf(real)));

/** The automatic ones in a folder, the newest first; none where it cannot be read. */
export const automaticCopies = (real: string, folder: string): readonly string[] =>
  copiesIn(folder, `${basename(real)}.auto-`);

function copiesIn(folder: string, prefix: string): readonly string[] {
  return copiesAmong(namesIn(folder), prefix).map((name) => join(folder, name));
}

function copiesAmong(names: readonly string[], prefix: string): readonly string[] {
  return names
    .filter((name) => name.startsWith(prefix) && /^\d{8}T\d{6}Z$/.test(name.slice(prefix.length)))
    .sort()
    .reverse();
}

/** The names of automatic copies of a database of that name, the newest first. */
export const automaticAmong = (names: readonly string[], real: string): readonly string[] =>
  copiesAmong(names, `${basename(real)}.auto-`);

/** As its name tells, ms since the epoch. */
export function timeOfCopy(path: string): number {
  const [, date, time] = /(\d{8})T(\d{6})Z$/.exec(path) ?? [];
  const day = date?.replace(/(\d{4})(\d\d)(\d\d)/, '$1-$2-$3');
  return Date.parse(`${day}T${time?.replace(/(\d\d)(\d\d)(\d\d)/, '$1:$2:$3')}Z`);
}

/** Removes all but the newest `keep`. */
export function pruneCopies(real: string, keep: number): void {
  for (const path of keptCopies(real).slice(keep)) rmSync(path, { force: true });
}

/**
 * Remembers where an operator puts one, before it is made: a kill on the way leaves a part of it there. The returned function takes that
 * back. What cannot be remembered is no reason to fail.
 */
export function noteCopy(real: string, path: string, owner: Owner): () => void {
  const before = notedCopies(real);
  writeList(real, remembering([path, ...before.filter((one) => one !== path)]), owner);
  return () => {
    // Others may have been noted since.
    const now = notedCopies(real).filter((one) => one !== path || before.includes(path));
    writeList(real, remembering([...now, ...before.filter((one) => !now.includes(one))]), owner);
  };
}

const remembering = (paths: readonly string[]): readonly string[] =>
  paths.filter((path, n) => n < REMEMBERED.last || existsSync(path)).slice(0, REMEMBERED.there);

/** They have been removed. */
export function forgetCopies(real: string, paths: readonly string[], owner: Owner): void {
  const before = notedCopies(real);
  const left = before.filter((one) => !paths.includes(one));
  if (left.length < before.length) writeList(real, left, owner);
}

function writeList(real: string, list: readonly string[], owner: Owner): void {
  const file = listOf(real);
  try {
    if (list.length === 0) {
      rmSync(file, { force: true });
      return;
    }
    writeFileSync(`${file}.new`, `${JSON.stringify(list)}\n`, { mode: 0o600 });
    giveTo(`${file}.new`, owner);
    renameSync(`${file}.new`, file);
  } catch {
    rmSync(`${file}.new`, { force: true });
  }
}

/** Where an operator put copies; those that are gone included. */
export const notedCopies = (real: string): readonly string[] => readList(real).paths;

interface List {
  readonly paths: readonly string[];
  /** Why it cannot be read, a sentence; `null`: it can, or there is none. */
  readonly problem: string | null;
}

function readList(real: string): List {
  try {
    const value: unknown = JSON.parse(readFileSync(listOf(real), 'utf8'));
    return { paths: Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [], problem: null };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { paths: [], problem: null };
    const text = `The list of backups ${listOf(real)} cannot be read (${codeOf(error) ?? 'it is damaged'}): give it to the user that runs logcalld.`;
    return { paths: [], problem: text };
  }
}

/** Files that hold what the database held at some time: copies, and what was put aside. */
export function otherFiles(path: string): readonly string[] {
  const real = realpathSync(path);
  const beside = readdirSync(dirname(real))
    .filter(
      (name) =>
        [`${basename(real)}.restoring`, `${basename(real)}.look`].includes(name) ||
        ['damaged', 'replaced', 'backup', 'auto'].some((word) => name.startsWith(`${basename(real)}.${word}-`)),
    )
    .filter((name) => !name.endsWith('-shm'))
    .sort()
    .map((name) => join(dirname(real), name));
  const noted = notedCopies(real);
  // Of a copy that was killed.
  const targets = [real, `${real}.restoring`, ...noted].flatMap(partsOf);
  const own = /\.(?:backup|auto)-\d{8}T\d{6}Z\.\d+\.part/;
  const parts = [
    ...targets,
    ...namesIn(dirname(real))
      .filter((name) => name.startsWith(`.${basename(real)}.`) && own.test(name))
      .map((name) => join(dirname(real), name)),
  ];
  return [...beside, ...noted.filter((one) => existsSync(one)), ...parts];
}

export interface Usable {
  /** The newest first, those of a clock that was ahead last. Whether one is whole is looked at when it is its turn, as that takes its time. */
  readonly copies: readonly Claim[];
  /** Why not, of the others, a sentence each. */
  readonly refused: string[];
}

/** What may take the place of the database `id` (`null`: it is not known which it was). `now`: ms since the epoch. */
export function usableCopies(real: string, id: string | null, now: number): Usable {
  const { paths, problem } = readList(real);
  const refused: string[] = problem === null ? [] : [problem];
  const copies = [...new Set([...keptCopies(real), ...automaticCopies(real, dirname(real)), ...paths])].flatMap(
    (path) => {
      try {
        const claim = claimOf(path);
        if (id === null || claim.id === null || claim.id === id) return [claim];
        refused.push(`The backup ${path} is of another database of logcalld.`);
      } catch (error) {
        refused.push(error instanceof Error ? error.message : String(error));
      }
      return [];
    },
  );
  const isAhead = ({ at }: Claim): number => (at > now ? 1 : 0);
  return { copies: copies.sort((a, b) => isAhead(a) - isAhead(b) || b.at - a.at), refused };
}
