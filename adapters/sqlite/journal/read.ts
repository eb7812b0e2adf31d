/** Reads segments again, some at a time, so that what comes in between two pages is stored meanwhile. */
import type { Connection } from '../thread/rpc.ts';
import { decode, encode, type KeptFrame, KIND, unpack } from './frames.ts';
import { naming } from './search.ts';

export interface FramesPage {
  /** Frames in order; `decode` takes them apart. */
  readonly bytes: Uint8Array;
  /** Number of the frame to go on `from`; `null`: that was all. */
  readonly next: number | null;
  /** Segments that cannot be read, and are passed over. */
  readonly damaged: number;
}

/** The open calls of one PBX. */
export interface OpenCalls {
  readonly source: string;
  readonly channels: readonly string[];
  /** The first frame that is needed to fold them again. */
  readonly from: number;
  /** The connection under which the oldest began, made before that frame: a CallEvent as JSON. `null`: none was heard. */
  readonly connected: string | null;
}

export interface FramesRequest {
  readonly source: string;
  /** Number of the first frame looked at; 0: all. */
  readonly from: number;
  /** Only frames that came in [since, until), ms since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only frames that name one of these channels, and those about the source as a whole. */
  readonly channels?: readonly string[] | undefined;
}

interface Row {
  readonly seq: number;
  readonly frames: number;
  readonly size: number;
  readonly packed: number;
  readonly data: Uint8Array;
}

/** Bytes of frames looked at for one page: some ms of the database thread. */
const PAGE_BYTES = 1 << 20;
const EVER = Number.MAX_SAFE_INTEGER;

export function segmentReader(db: Connection) {
  const byTime = db.prepare<[object], number | null>(
    'SELECT min(seq) FROM segment WHERE source = @source AND last_at >= @since AND first_at < @until',
  );
  const byNumber = db.prepare<[object], number | null>(
    'SELECT max(seq) FROM segment WHERE source = @source AND seq <= @from',
  );
  // "+": in the order of the numbers, not sorted by time.
  const sealed = db.prepare<[object], Row>(
    `SELECT seq, frames, size, 1 AS packed, data FROM segment
     WHERE source = @source AND seq >= @begin AND +last_at >= @since AND +first_at < @until ORDER BY seq`,
  );
  const hot = db.prepare<[object], Row>(
    `SELECT seq, frames, size, packed, data FROM hot_segment
     WHERE source = @source AND seq + frames > @from AND last_at >= @since AND first_at < @until ORDER BY id`,
  );
  const open = db.prepare<[], { readonly source: string; readonly channel: string; readonly seq: number }>(
    'SELECT source, channel, seq FROM open_channel ORDER BY source, seq, channel',
  );
  const connection = db.prepare<[string, number], string>(
    'SELECT event FROM connection WHERE source = ? AND seq < ? ORDER BY seq DESC LIMIT 1',
  );

  return {
    /** The open calls of all sources that have some. */
    openCalls: (): readonly OpenCalls[] =>
      [...Map.groupBy(open.all(), ({ source }) => source)].map(([source, rows]) => {
        const from = Math.min(...rows.map(({ seq }) => seq));
        const connected = connection.pluck().get(source, from) ?? null;
        return { source, channels: rows.map(({ channel }) => channel), from, connected };
      }),

    /** A page of frames of a source, in order. */
    frames({ source, from, since = -EVER, until = EVER, channels }: FramesRequest): FramesPage {
      const range = { source, from, since, until };
      const wanted = filter(range, channels === undefined ? null : naming(channels));
      const found: KeptFrame[] = [];
      let left = PAGE_BYTES;
      let damaged = 0;
      let next = from;
      const take = (rows: IterableIterator<Row>): boolean => {
        for (const row of rows) {
          if (left <= 0) return false;
          const frames = framesOf(row);
          if (frames === null) damaged += 1;
          for (const [n, frame] of (frames ?? []).entries())
            if (row.seq + n >= from && wanted(frame)) found.push(frame);
          next = row.seq + row.frames;
          left -= row.size;
        }
        return true;
      };
      const timed = since > -EVER || until < EVER;
      const earliest = timed ? byTime.pluck().get(range) : 0;
      const none = timed && earliest == null;
      const begin = Math.max(earliest ?? 0, byNumber.pluck().get(range) ?? 0);
      const all = (none || take(sealed.iterate({ ...range, begin }))) && take(hot.iterate(range));
      return { bytes: encode(found).bytes, next: all ? null : next, damaged };
    },
  };
}

/** `null`: damaged. That costs what was said in it, and nothing else: a start must not fail for it. */
function framesOf({ packed, data }: Row): readonly KeptFrame[] | null {
  try {
    return [...decode(packed === 1 ? unpack(data) : data)];
  } catch {
    return null;
  }
}

function filter(
  { since, until }: { readonly since: number; readonly until: number },
  names: ((bytes: Uint8Array) => boolean) | null,
): (frame: KeptFrame) => boolean {
  return ({ kind, at, bytes }) => at >= since && at < until && (kind !== KIND.pbx || names === null || names(bytes));
}
