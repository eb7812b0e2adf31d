/** What an operator is told when a copy of the database cannot be written. */
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
