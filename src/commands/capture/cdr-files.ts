/** Files of the PBX's own records, as `--cdr` and `--cel` name them. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unreadable } from '../../../adapters/host/unreadable.ts';
import type { CdrFile } from '../../call/cdr/backfill.ts';

const WANTED = "a file of the PBX's own records, or the folder of mod_json_cdr";

/**
 * The files at `paths`, compressed with gzip or not. A folder stands for the files in it: mod_json_cdr of FreeSWITCH writes
 * one for each leg. `table`: what they should hold. Throws one clear sentence.
 */
export async function readRecordFiles(
  paths: readonly string[],
  table: NonNullable<CdrFile['table']> = 'cdr',
): Promise<CdrFile[]> {
  const files: CdrFile[] = [];
  for (const path of paths) {
    for (const name of await filesAt(path)) {
      const content = await readFile(name).catch((error: unknown) => {
        throw new Error(unreadable(name, error, WANTED));
      });
      files.push({ name, table, content: unpacked(name, content) });
    }
  }
  return files;
}

async function filesAt(path: string): Promise<string[]> {
  const kind = await stat(path).catch((error: unknown) => {
    throw new Error(unreadable(path, error, WANTED));
  });
  if (!kind.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw new Error(unreadable(path, error, WANTED));
  });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(path, entry.name))
    .sort();
}

function unpacked(name: string, content: Buffer): Buffer {
  if (content[0] !== 0x1f || content[1] !== 0x8b) return content;
  try {
    return gunzipSync(content);
  } catch {
    throw new Error(`${name}: is not a whole gzip file; was it cut off? Copy it again from the PBX.`);
  }
}
