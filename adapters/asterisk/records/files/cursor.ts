/** Goes through the files of one table, a block at a time, from a moment on. */
import type { Owns } from '../columns.ts';
import type { TableName } from '../csv.ts';
import { type Block, blocksOf, type Keep } from './blocks.ts';
import { rowReader, type TimedRow } from './rows.ts';
import type { OpenFile } from './siblings.ts';

/** What is being read: the files of one table, in the order of their writing. */
export interface FileTable {
  readonly table: TableName;
  readonly columns: readonly string[];
  readonly files: readonly OpenFile[];
  /** Rows of other calls are passed over. */
  readonly owns: Owns;
}

export interface RowBlock {
  readonly file: string;
  /** Where it ends: grows from block to block and from file to file of a table, and is the same however the block was come to. */
  readonly position: number;
  readonly rows: readonly TimedRow[];
  /** Lines that are no CSV, and records in no layout that is known. */
  readonly broken: number;
  readonly unknown: number;
  /** The latest time of writing in it, UTC, ms; `null` when none of its rows tells. */
  readonly latest: number | null;
}

/** Rows are written in batches, and calls end out of order: how far rows may be from the order of their times, ms. */
export const DISORDER_MS = 10 * 60_000;

/** Bytes, unpacked. */
const LONGEST_FILE = 2 ** 42;

/** A look into the middle of a file costs as much as reading that many bytes. */
const NEAR_BYTES = 128 * 1024;

/** The blocks of rows that were written at `from` or later (UTC, ms), with some before them. `keep`: as of `blocksOf`. */
export async function* rowBlocks(
  { table, columns, files, owns }: FileTable,
  from: number,
  keep: Keep | null = null,
): AsyncGenerator<RowBlock> {
  for (const [index, file] of files.entries()) {
    if (!file.live && file.writtenAt < from - DISORDER_MS) continue;
    const reader = rowReader(file.name, table, columns);
    const offset = file.packed ? 0 : await offsetOf(file, table, columns, from - DISORDER_MS);
    if (offset > 0) await readHeading(file, reader);
    let before = 0;
    for await (const block of blocksOf(file, offset, keep)) {
      const rows = rowsIn(block, reader).filter(({ linkedId }) => owns(linkedId));
      const unknown = reader.unknown() - before;
      before = reader.unknown();
      const position = index * LONGEST_FILE + block.end;
      yield { file: file.name, position, rows, broken: block.broken, unknown, latest: latestOf(rows) };
    }
  }
}

function rowsIn({ records }: Block, reader: ReturnType<typeof rowReader>): TimedRow[] {
  return records.flatMap((record) => reader.read(record) ?? []);
}

function latestOf(rows: readonly TimedRow[]): number | null {
  return rows.reduce<number | null>(
    (most, { recordedAt: at }) => (at === null ? most : Math.max(most ?? at, at)),
    null,
  );
}

/** A heading stands in the first line only. */
async function readHeading(file: OpenFile, reader: ReturnType<typeof rowReader>): Promise<void> {
  for await (const { records } of blocksOf(file)) {
    const [first] = records;
    if (first !== undefined) reader.read(first);
    return;
  }
}

/** Where rows of that time begin, by halving: the rows of a file are in the order of their writing. */
async function offsetOf(file: OpenFile, table: TableName, columns: readonly string[], at: number): Promise<number> {
  let [low, high] = [0, file.size];
  while (high - low > NEAR_BYTES) {
    const middle = Math.floor((low + high) / 2);
    const seen = await timeAt(file, table, columns, middle);
    if (seen === null || seen >= at) high = middle;
    else low = middle;
  }
  return low;
}

async function timeAt(
  file: OpenFile,
  table: TableName,
  columns: readonly string[],
  offset: number,
): Promise<number | null> {
  const reader = rowReader(file.name, table, columns);
  await readHeading(file, reader);
  for await (const block of blocksOf(file, offset)) {
    const rows = rowsIn(block, reader);
    // A guess is too early, if it is wrong: by it the place that is looked for would be passed over.
    const first = rows.find(({ certain }) => certain)?.recordedAt ?? latestOf(rows);
    if (first !== null) return first;
  }
  return null;
}
