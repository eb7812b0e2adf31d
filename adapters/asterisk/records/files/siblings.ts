/** A file of records, and what logrotate made of it: opened together, so that a rotation in the middle of a reading moves nothing. */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { RecordsError } from '../../../../src/records/port.ts';

export interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  /** What is read of it: bytes that it had when it was opened. */
  readonly size: number;
  /** When it was written last, ms since the epoch. */
  readonly writtenAt: number;
  readonly packed: boolean;
  /** The one that is being written: its last line may be a part of one. */
  readonly live: boolean;
}

export interface Siblings {
  /** In the order of their writing. */
  readonly files: readonly OpenFile[];
  close(): Promise<void>;
}

/** Opens those that were written at `since` or later (ms since the epoch). Rejects with a `RecordsError` that names the remedy. */
export async function openSiblings(path: string, key: string, since: number): Promise<Siblings> {
  const names = await namesBeside(path, key);
  const files: OpenFile[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(files.map(({ handle }) => handle.close().catch(() => undefined)));
  };
  try {
    for (const name of names) {
      const file = await openOne(name, name === path, key);
      if (file === null) continue;
      // A file that is gone meanwhile was renamed: it is among the others, and the same one is not read twice.
      files.push(file);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const kept = await distinct(files);
  const wanted = kept.filter(({ live, writtenAt }) => live || writtenAt >= since);
  return { files: wanted.toSorted((a, b) => Number(a.live) - Number(b.live) || a.writtenAt - b.writtenAt), close };
}

/** `Master.csv`, `Master.csv.1`, `Master.csv.2.gz`, `Master.csv-20261126`, `Master-20261126.csv.gz`. */
async function namesBeside(path: string, key: string): Promise<readonly string[]> {
  const folder = dirname(path);
  const extension = extname(path);
  const stem = basename(path, extension);
  const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const number = '[.-]\\d[\\d_-]*';
  const form = new RegExp(
    `^${escaped(stem)}(?:${escaped(extension)}(?:${number})?|${number}${escaped(extension)})(?:\\.gz)?$`,
  );
  try {
    const all = await readdir(folder);
    // The live one last: what is moved away from its name meanwhile is met under its new one, or still under the old.
    return [...all.filter((name) => form.test(name) && name !== basename(path)).sort(), basename(path)].map((name) =>
      join(folder, name),
    );
  } catch (error) {
    throw unreadable(folder, error, key);
  }
}

async function openOne(name: string, live: boolean, key: string): Promise<OpenFile | null> {
  let handle: FileHandle;
  try {
    handle = await open(name, 'r');
  } catch (error) {
    if (!live && codeOf(error) === 'ENOENT') return null;
    throw unreadable(name, error, key);
  }
  const stat = await handle.stat();
  if (stat.isFile())
    return { name, handle, size: stat.size, writtenAt: stat.mtimeMs, packed: name.endsWith('.gz'), live };
  await handle.close();
  throw new RecordsError(`${name}: is not a file: correct ${key} of [[source.records]].`);
}

/** A file that was renamed while the folder was read has two names. */
async function distinct(files: readonly OpenFile[]): Promise<OpenFile[]> {
  const seen = new Set<string>();
  const kept: OpenFile[] = [];
  for (const file of files.toReversed()) {
    const { dev, ino } = await file.handle.stat();
    if (seen.has(`${dev}/${ino}`)) continue;
    seen.add(`${dev}/${ino}`);
    kept.push(file);
  }
  return kept;
}

function unreadable(name: string, error: unknown, key: string): RecordsError {
  const code = codeOf(error);
  if (code === 'ENOENT') {
    return new RecordsError(
      `${name}: does not exist: correct ${key} of [[source.records]]; FreePBX keeps its records in MariaDB (type = 'mysql').`,
    );
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new RecordsError(
      `${name}: may not be read: let the user of logcalld read it, e.g. usermod -aG asterisk logcalld, and restart logcalld.`,
    );
  }
  return new RecordsError(`${name}: cannot be read (${code}); the records are read again later.`);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'error';
}
