/** A file in blocks of whole lines: never more of it in memory than one of them, however long it is. */
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse/sync';
import { RecordsError } from '../../../../src/records/port.ts';
import type { OpenFile } from './siblings.ts';

/** Lines of a file as records, not yet known by their columns. */
export interface Block {
  /** Where the block begins in the file, unpacked. */
  readonly offset: number;
  /** Where it ends. */
  readonly end: number;
  readonly records: readonly (readonly string[])[];
  /** Lines that are no CSV: cut off, or overwritten. */
  readonly broken: number;
}

/** What is read and taken apart in one go: a few ms. */
const BLOCK_BYTES = 32 * 1024;
const LINE_BREAK = 0x0a;
const QUOTE = 0x22;
/** A line that does not end is no line. */
const MAX_LINE = 1024 * 1024;

/** Says by its text (bytes as latin-1) whether a line is of use: that costs a small part of reading it. */
export type Keep = (line: string) => boolean;

/**
 * The blocks from a line on that begins at or after `offset`. A part of a line at the end of a file that is being written is left for
 * later. `keep`: the others are left out, but for the first line of each block, which tells where in time the block is.
 */
export async function* blocksOf(file: OpenFile, offset = 0, keep: Keep | null = null): AsyncGenerator<Block> {
  let at = offset;
  let rest: Buffer = Buffer.alloc(0);
  let skipping = offset > 0;
  for await (const chunk of bytesOf(file, offset)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(LINE_BREAK) + 1;
    if (end === 0) {
      rest = bytes.length > MAX_LINE ? Buffer.alloc(0) : bytes;
      if (rest.length === 0) at += bytes.length;
      continue;
    }
    const begin = skipping ? bytes.indexOf(LINE_BREAK) + 1 : 0;
    skipping = false;
    yield { offset: at + begin, end: at + end, ...recordsIn(bytes.subarray(begin, end), keep) };
    rest = bytes.subarray(end);
    at += end;
  }
  if (rest.length > 0 && !file.live && !skipping) yield { offset: at, end: at + rest.length, ...recordsIn(rest, keep) };
}

async function* bytesOf(file: OpenFile, offset: number): AsyncGenerator<Buffer> {
  if (file.packed) {
    const unpacked = rawBytes(file, 0);
    const gunzip = createGunzip({ chunkSize: BLOCK_BYTES });
    const feeding = feed(unpacked, gunzip);
    feeding.catch(() => undefined);
    let before = 0;
    try {
      for await (const chunk of gunzip) {
        const part: Buffer = chunk;
        const skip = Math.max(0, Math.min(part.length, offset - before));
        before += part.length;
        if (skip < part.length) yield part.subarray(skip);
      }
      await feeding;
    } catch (error) {
      if (error instanceof RecordsError) throw error;
      throw new RecordsError(
        `${file.name}: is no whole gzip file; was it cut off? Pack it anew, or take it out of the folder.`,
      );
    } finally {
      gunzip.destroy();
    }
    return;
  }
  yield* rawBytes(file, offset);
}

async function feed(from: AsyncIterable<Buffer>, gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  try {
    for await (const chunk of from) {
      if (gunzip.destroyed) return;
      if (!gunzip.write(chunk)) {
        await new Promise<void>((resolve) => {
          gunzip.once('drain', resolve);
          gunzip.once('close', resolve);
        });
      }
    }
    gunzip.end();
  } catch (error) {
    gunzip.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

async function* rawBytes({ name, handle, size }: OpenFile, offset: number): AsyncGenerator<Buffer> {
  for (let at = offset; at < size; ) {
    const buffer = Buffer.alloc(Math.min(BLOCK_BYTES, size - at));
    let bytesRead: number;
    try {
      ({ bytesRead } = await handle.read(buffer, 0, buffer.length, at));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
      throw new RecordsError(`${name}: cannot be read (${code}); the records are read again later.`);
    }
    if (bytesRead === 0)
      throw new RecordsError(`${name}: was cut while it was read; the records are read again later.`);
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The lines of a block. One with an odd number of quotes is half a record: with the next such line it may be a whole one. */
export function recordsIn(bytes: Buffer, keep: Keep | null = null): Omit<Block, 'offset' | 'end'> {
  const good: Uint8Array[] = [];
  let broken = 0;
  let half: Uint8Array | null = null;
  for (let from = 0; from < bytes.length; ) {
    const found = bytes.indexOf(LINE_BREAK, from);
    const to = found < 0 ? bytes.length : found + 1;
    const line = bytes.subarray(from, to);
    const wanted = keep === null || from === 0 || keep(bytes.toString('latin1', from, to));
    from = to;
    // What follows half a line may be its other half.
    if (!wanted && half === null) continue;
    if (isWhole(line)) {
      if (half !== null) broken += 1;
      half = null;
      good.push(line);
      continue;
    }
    const joined: Uint8Array | null = half === null ? null : Buffer.concat([half, line]);
    if (joined !== null && parsed([joined]).broken === 0) {
      good.push(joined);
      half = null;
    } else {
      if (half !== null) broken += 1;
      half = line;
    }
  }
  if (half !== null) broken += 1;
  const all = parsed(good);
  return { records: all.records, broken: broken + all.broken };
}

function isWhole(line: Uint8Array): boolean {
  let quotes = 0;
  for (const byte of line) if (byte === QUOTE) quotes += 1;
  return quotes % 2 === 0;
}

/** Text is UTF-8 with replacement: Asterisk 16 passes on names in other encodings. */
function parsed(lines: readonly Uint8Array[]): Omit<Block, 'offset' | 'end'> {
  let broken = 0;
  const records: string[][] = parse(Buffer.concat(lines), {
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      if (error instanceof CsvError) broken += 1;
    },
  });
  return { records, broken };
}
