/** Joins and compresses what was stored a while ago, one segment at a time. */
import type { Connection } from '../thread/rpc.ts';
import { pack, unpack } from './frames.ts';

export interface SealRequest {
  /** What was stored before is sealed, however little it is; ms since the epoch. */
  readonly before: number;
}

export interface SealResult {
  readonly sealed: number;
  /** True when another call would find more to do. */
  readonly more: boolean;
}

/**
 * Bytes of frames in one segment at most: more compress no better, and each takes some ms of the database thread. So much is
 * sealed at once, whatever its age.
 */
export const SEGMENT_BYTES = 1 << 20;
/** What was compressed in a group of so many bytes is sealed as it is: joined with others it would take a tenth less. */
const WHOLE_BYTES = 256 * 1024;

interface Candidate {
  readonly source: string;
  readonly size: number;
  readonly first_at: number;
}

interface Row {
  readonly id: number;
  readonly seq: number;
  readonly frames: number;
  readonly first_at: number;
  readonly last_at: number;
  readonly size: number;
  readonly packed: number;
  readonly data: Uint8Array;
}

const isWhole = ({ packed, size }: Row): boolean => packed === 1 && size >= WHOLE_BYTES;

/** Rows as one segment. Where one of them is damaged, the first goes alone: as it is, if it is that one. */
function joinedRows(rows: readonly Row[]): { readonly of: readonly Row[]; readonly data: Uint8Array } {
  const [first] = rows;
  if (first !== undefined && rows.length === 1 && isWhole(first)) return { of: rows, data: first.data };
  try {
    const all = Buffer.concat(rows.map(({ packed, data }) => (packed === 1 ? unpack(data) : data)));
    return { of: rows, data: pack(all, 'sealed') };
  } catch (error) {
    if (first === undefined) throw error;
    return { of: [first], data: first.packed === 1 ? first.data : pack(first.data, 'sealed') };
  }
}

export function sealer(db: Connection): (request: SealRequest) => SealResult {
  const candidates = db.prepare<[], Candidate>(
    'SELECT source, sum(size) AS size, min(first_at) AS first_at FROM hot_segment GROUP BY source',
  );
  const rows = db.prepare<[string], Row>('SELECT * FROM hot_segment WHERE source = ? ORDER BY id');
  const insert = db.prepare<[object]>(
    `INSERT INTO segment (source, seq, frames, first_at, last_at, size, bytes, data)
     VALUES (@source, @seq, @frames, @firstAt, @lastAt, @size, @bytes, @data)`,
  );
  const remove = db.prepare<[string, number]>('DELETE FROM hot_segment WHERE source = ? AND id <= ?');

  /** Answers the rows joined, and their bytes. */
  const seal = db.transaction((source: string): { readonly sealed: number; readonly size: number } => {
    const found: Row[] = [];
    let most = 0;
    for (const row of rows.iterate(source)) {
      const before = found.at(-1);
      // Numbers within a segment have no gap.
      if (before !== undefined && (most + row.size > SEGMENT_BYTES || row.seq !== before.seq + before.frames)) break;
      if (before !== undefined && (isWhole(before) || isWhole(row))) break;
      found.push(row);
      most += row.size;
    }
    if (found.length === 0) return { sealed: 0, size: 0 };
    const { of: joined, data } = joinedRows(found);
    const [first, last] = [joined[0], joined.at(-1)];
    if (first === undefined || last === undefined) return { sealed: 0, size: 0 };
    const size = joined.reduce((sum, row) => sum + row.size, 0);
    insert.run({
      ...{ source, seq: first.seq, frames: joined.reduce((sum, row) => sum + row.frames, 0) },
      firstAt: Math.min(...joined.map((row) => row.first_at)),
      lastAt: Math.max(...joined.map((row) => row.last_at)),
      ...{ size, bytes: data.length, data },
    });
    remove.run(source, last.id);
    return { sealed: joined.length, size };
  }).immediate;

  return ({ before }) => {
    const due = candidates.all().filter(({ size, first_at }) => size >= SEGMENT_BYTES || first_at < before);
    const [first] = due;
    if (first === undefined) return { sealed: 0, more: false };
    const { sealed, size } = seal(first.source);
    return { sealed, more: due.length > 1 || first.size - size >= SEGMENT_BYTES };
  };
}
