/**
 * Lines of files of mod_cdr_csv: the file itself and those that FreeSWITCH (`Master.csv.2026-11-22-10-00-00`, on HUP) or logrotate have
 * put aside, packed ones, too. Lines are appended at the end of a leg, so files and lines are in order of time.
 */
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';

export interface CsvFile {
  readonly path: string;
  /** When it was written last, ms since the epoch, UTC. */
  readonly changedAt: number;
  readonly size: number;
  /** The one that is written to. */
  readonly live: boolean;
}

/** The file and those beside it that were put aside, the oldest first. Rejects when the folder cannot be read. */
export async function filesOf(file: string): Promise<CsvFile[]> {
  const name = basename(file);
  const found: CsvFile[] = [];
  for (const entry of await readdir(dirname(file))) {
    if (entry !== name && !(entry.startsWith(name) && /^[.-][\w.-]+$/.test(entry.slice(name.length)))) continue;
    const path = join(dirname(file), entry);
    const one = await stat(path).catch(() => null);
    const live = entry === name;
    if (one?.isFile()) found.push({ path, changedAt: Math.floor(one.mtimeMs), size: one.size, live });
  }
  // The file that is written to is the latest, whatever was done to the others.
  const place = (one: CsvFile) => (one.live ? Number.MAX_SAFE_INTEGER : one.changedAt);
  return found.sort((a, b) => place(a) - place(b));
}

/** A longer line is none of a call; bytes. */
const LONGEST = 64 * 1024;

/** The lines from a byte on, without their line feeds; `last`: it may go on, since no line feed follows. */
export async function* linesOf(
  { path }: CsvFile,
  from = 0,
): AsyncIterable<{ readonly text: string; readonly last: boolean }> {
  const bytes = createReadStream(path, { start: from });
  const stream = path.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  bytes.on('error', (error) => stream.destroy(error));
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      let data = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
      for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10)) {
        yield { text: decoded(data.subarray(0, at)), last: false };
        data = data.subarray(at + 1);
      }
      rest = data.length > LONGEST ? Buffer.alloc(0) : Buffer.from(data);
    }
    if (rest.length > 0) yield { text: decoded(rest), last: true };
  } finally {
    bytes.destroy();
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Names come in the encoding in which a phone or a carrier sent them: what is no UTF-8 is Latin-1. */
export function decoded(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

/** Files up to this size are read from their beginning, bytes; also how near a place is found. */
const NEAR = 1024 * 1024;

/**
 * A byte before the first line that is later than `after`; `timeOf`: when a line was written, `null` for what is no line. Packed files
 * are read from their beginning.
 */
export async function placeIn(file: CsvFile, after: number, timeOf: (line: string) => number | null): Promise<number> {
  if (file.path.endsWith('.gz')) return 0;
  let [low, high] = [0, file.size];
  const handle = await open(file.path);
  try {
    while (high - low > NEAR) {
      const middle = Math.floor((low + high) / 2);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(LONGEST), 0, LONGEST, middle);
      // The first part belongs to a line that begins before.
      const lines = decoded(buffer.subarray(0, bytesRead)).split('\n').slice(1, -1);
      const times = lines.map(timeOf).filter((one) => one !== null);
      if (times.length === 0 || Math.max(...times) > after) high = middle;
      else low = middle;
    }
  } finally {
    await handle.close();
  }
  return low;
}
