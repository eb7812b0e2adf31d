/** Puts files of a database away under names that tell when; nothing that holds anything is ever removed. */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { moment } from './kept.ts';
import { syncFolder } from './mark.ts';

/** A name that nothing has yet. `word`: `damaged`, `replaced`; `at`: ms since the epoch. */
export const asideName = (real: string, word: string, at: number): string => freeName(`${real}.${word}-${moment(at)}`);

/** Whether there is anything worth to be kept. */
export const hasContent = (real: string): boolean => ['', '-wal'].some((suffix) => sizeOf(`${real}${suffix}`) > 0);

/**
 * Gives the main file and its log the name `name`, so that they stay one database; what is empty is removed. Throws what the file
 * system says.
 */
export function putAside(real: string, name: string | null): void {
  // The log first: a main file alone is read without it, a log alone would be taken for that of the next main file.
  for (const suffix of ['-wal', '']) {
    if (name === null || sizeOf(`${real}${suffix}`) === 0) rmSync(`${real}${suffix}`, { force: true });
    else renameSync(`${real}${suffix}`, `${name}${suffix}`);
  }
  // An index of the log, which SQLite makes anew.
  rmSync(`${real}-shm`, { force: true });
  syncFolder(real);
}

/** What stands under such a name: the main file, or where that was empty its log; `null`: nothing. */
export const asideFile = (name: string): string | null => [name, `${name}-wal`].find((one) => existsSync(one)) ?? null;

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** The log alone. Answers its new name. */
export function putLogAside(real: string, at: number): string {
  const name = freeName(`${real}.damaged-${moment(at)}`);
  renameSync(`${real}-wal`, `${name}-wal`);
  if (existsSync(`${real}-shm`)) renameSync(`${real}-shm`, `${name}-shm`);
  syncFolder(real);
  return `${name}-wal`;
}

function freeName(name: string): string {
  const taken = (one: string): boolean => ['', '-wal', '-shm'].some((suffix) => existsSync(`${one}${suffix}`));
  for (let n = 1; ; n++) {
    const one = n === 1 ? name : `${name}-${n}`;
    if (!taken(one)) return one;
  }
}
