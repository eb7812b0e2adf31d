/** Puts files of a database away under names that tell when; nothing is ever removed. */
import { existsSync, renameSync } from 'node:fs';
import { moment } from './kept.ts';
import { syncFolder } from './mark.ts';

/**
 * Renames the main file and its log, so that they stay one database. Answers the new name of the main file; `null`: nothing was there.
 * `word`: `damaged`, `replaced`. Throws what the file system says.
 */
export function putAside(real: string, word: string, at: number): string | null {
  const name = freeName(`${real}.${word}-${moment(at)}`);
  let moved = false;
  // The log first: a main file alone is read without it, a log alone would be taken for that of the next main file.
  for (const suffix of ['-wal', '-shm', '']) {
    if (!existsSync(`${real}${suffix}`)) continue;
    renameSync(`${real}${suffix}`, `${name}${suffix}`);
    moved = true;
  }
  if (moved) syncFolder(real);
  return moved ? name : null;
}

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
