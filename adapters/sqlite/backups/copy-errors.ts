/** What an operator is told when a copy of the database cannot be written, or cannot be used. */
import { dirname } from 'node:path';
import { codeOf, StorageError, storageError } from '../thread/errors.ts';

/** The sentence for the operator. */
export function explainedCopy(target: string, error: unknown): StorageError {
  if (error instanceof StorageError && !error.code.startsWith('SQLITE_')) return error;
  const code = codeOf(error) ?? 'PROGRAM';
  const folder = dirname(target);
  const text =
    REASONS.find(([prefix]) => code.startsWith(prefix))?.[1](target, folder) ?? `${storageError(error).message}.`;
  return new StorageError(code, `Cannot write ${target}: ${text}`, { cause: error });
}

const mayNot = (_: string, folder: string): string =>
  `this user may not create files in ${folder}: use sudo, give the folder to it (a service: see systemd/README.md), or name another one.`;
const noRoom = (_: string, folder: string): string =>
  `no room is left in ${folder}: free some space, or name another folder.`;
const unreadable = (): string =>
  'the database is damaged where it was read: keep what there is of copies; a restart of logcalld checks it and restores the last one.';

const REASONS: readonly (readonly [string, (target: string, folder: string) => string])[] = [
  ['ENOENT', (_, folder) => `the folder ${folder} does not exist: make it, or name another one.`],
  ['ENOTDIR', (_, folder) => `${folder} is not a folder.`],
  ['EEXIST', (target) => `${target} came into being meanwhile: name another file, or replace it with --force.`],
  ['EACCES', mayNot],
  ['EPERM', mayNot],
  ['EROFS', mayNot],
  ['SQLITE_CANTOPEN', mayNot],
  ['SQLITE_READONLY', mayNot],
  ['ENOSPC', noRoom],
  ['EDQUOT', noRoom],
  ['SQLITE_FULL', noRoom],
  ['SQLITE_CORRUPT', unreadable],
  ['SQLITE_NOTADB', unreadable],
];

export const notACopy = (path: string, why: string): StorageError =>
  new StorageError(
    'SCHEMA_FOREIGN',
    `${path} is not a backup of logcalld (${why}): name a file that "logcalld backup" wrote.`,
  );

/** Why a file cannot be used as a backup: the sentence for the operator. */
export function unusable(path: string, error: unknown): StorageError {
  const code = codeOf(error) ?? 'PROGRAM';
  if (code === 'SCHEMA_NEWER') {
    const message = `The backup ${path} was written by a later version of logcalld: install that one, then restore it.`;
    return new StorageError(code, message, { cause: error });
  }
  if (code === 'SQLITE_NOTADB') return notACopy(path, 'it is not an SQLite database');
  if (code.startsWith('SQLITE_CORRUPT'))
    return new StorageError(code, `The backup ${path} is damaged: take an older one.`, { cause: error });
  if (error instanceof StorageError) return error;
  const text =
    code === 'ENOENT'
      ? 'it does not exist.'
      : code === 'EACCES' || code === 'SQLITE_CANTOPEN'
        ? 'this user may not read it, or what stands beside it: use sudo.'
        : `${storageError(error).message}.`;
  return new StorageError(code, `Cannot read the backup ${path}: ${text}`, { cause: error });
}
