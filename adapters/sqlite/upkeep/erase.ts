/**
 * Takes a telephone number out of the database: its calls with their deliveries and attempts, what was looked up of it, and the number
 * in the frames of the journal. Page by page, so that calls are stored between two of them; pages that are freed are overwritten.
 */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { goneCalls } from '../erased/gone.ts';
import { naming } from '../erased/writing.ts';
import { decode, encode, pack, unpack } from '../journal/frames.ts';
import type { Connection } from '../thread/rpc.ts';

/** What is erased. */
export interface Erasure {
  /** Its national digits, at least seven: a run of digits that ends with them is the number. */
  readonly digits: string;
  /** In E.164 form; a call whose number is known and another one is left alone. `null`: not known. */
  readonly e164: string | null;
  /** Nothing is changed. */
  readonly dryRun: boolean;
}

/** Where a page begins. */
export type ErasePlace = readonly [stage: Stage, after: number];
type Stage = 'calls' | 'leads' | 'sealed' | 'hot';

export interface ErasedPage {
  readonly calls: number;
  /** Their ids. */
  readonly erased: readonly string[];
  /** Calls that are left, as they are still on their way. */
  readonly waiting: readonly string[];
  readonly leads: number;
  readonly frames: number;
  /** Parts of the journal that cannot be read. */
  readonly damaged: number;
  /** `null`: that was all. */
  readonly next: ErasePlace | null;
}

/** Rows and bytes of one page: some ms of the database thread. */
const ROWS = 1_000;
const BYTES = 1 << 20;

const NONE: ErasedPage = { calls: 0, erased: [], waiting: [], leads: 0, frames: 0, damaged: 0, next: null };

export function eraser(db: Connection) {
  const stages: Readonly<Record<Stage, (erasure: Erasure, after: number) => ErasedPage>> = {
    calls: ofCalls(db),
    leads: ofLeads(db),
    sealed: ofFrames(db, 'segment'),
    hot: ofFrames(db, 'hot_segment'),
  };
  const page = db.transaction((erasure: Erasure, [stage, after]: ErasePlace) =>
    stages[stage](erasure, after),
  ).immediate;
  return {
    /** A page. */
    erase(args: Erasure & { readonly place: ErasePlace }): ErasedPage {
      db.pragma('secure_delete = ON');
      try {
        return page(args, args.place);
      } finally {
        db.pragma('secure_delete = OFF');
      }
    },
    tidy: tidier(db),
  };
}

function ofCalls(db: Connection) {
  type Row = {
    n: number;
    id: string;
    json: string;
    endedAt: number;
    e164: string | null;
    delivery: number | null;
    rests: number;
  };
  const rows = db.prepare<[number, number], Row>(
    `SELECT s.rowid AS n, s.call_session_id AS id, s.json, s.ended_at AS endedAt, s.external_e164 AS e164, d.id AS delivery,
       d.id IS NULL OR (d.state IN ('delivered', 'parked', 'skipped') AND d.lease_owner IS NULL) AS rests
     FROM session s LEFT JOIN delivery d ON d.session_id = s.call_session_id WHERE s.rowid > ? ORDER BY s.rowid LIMIT ?`,
  );
  const noDelivery = db.prepare<[number]>('DELETE FROM delivery WHERE id = ?');
  const noSession = db.prepare<[string]>('DELETE FROM session WHERE call_session_id = ?');
  const gone = goneCalls(db);
  return ({ digits, e164, dryRun }: Erasure, after: number): ErasedPage => {
    const found = rows.all(after, ROWS);
    const names = naming(digits);
    const waiting: string[] = [];
    const erased: string[] = [];
    for (const row of found) {
      // One that has the same digits in another country.
      const other = e164 !== null && row.e164 !== null && row.e164 !== e164 && row.e164.endsWith(digits);
      if (other || row.json.replaceAll(row.id, '').search(names) < 0) continue;
      if (row.rests === 0) {
        waiting.push(row.id);
        continue;
      }
      erased.push(row.id);
      if (dryRun) continue;
      if (row.delivery !== null) noDelivery.run(row.delivery);
      noSession.run(row.id);
      // The journal still tells of it, without the number.
      gone.note(row.id, row.endedAt);
    }
    const last = found.length === ROWS ? found.at(-1) : undefined;
    return {
      ...NONE,
      calls: erased.length,
      erased,
      waiting,
      next: last === undefined ? ['leads', 0] : ['calls', last.n],
    };
  };
}

function ofLeads(db: Connection) {
  const rows = db.prepare<[], { number: string; lead: string | null }>('SELECT number, lead FROM lead_cache');
  const remove = db.prepare<[string]>('DELETE FROM lead_cache WHERE number = ?');
  return ({ digits, dryRun }: Erasure): ErasedPage => {
    const names = naming(digits);
    const found: string[] = [];
    for (const { number, lead } of rows.iterate()) if (`${number} ${lead ?? ''}`.search(names) >= 0) found.push(number);
    if (!dryRun) for (const number of found) remove.run(number);
    return { ...NONE, leads: found.length, next: ['sealed', 0] };
  };
}

/** In frames the digits become zeros: they stay as long as they are, and what else they say can be read as before. */
function ofFrames(db: Connection, table: 'segment' | 'hot_segment') {
  const sealed = table === 'segment';
  const rows = db.prepare<[number], { id: number; size: number; packed: number; data: Uint8Array }>(
    `SELECT id, size, ${sealed ? '1 AS packed' : 'packed'}, data FROM ${table} WHERE id > ? ORDER BY id`,
  );
  const write = db.prepare<[object]>(
    `UPDATE ${table} SET data = @data${sealed ? ', bytes = @bytes' : ''} WHERE id = @id`,
  );
  return ({ digits, dryRun }: Erasure, after: number): ErasedPage => {
    const names = naming(digits);
    const changed: { id: number; data: Uint8Array; bytes: number }[] = [];
    let [frames, damaged, left, last] = [0, 0, BYTES, after];
    for (const { id, size, packed, data } of rows.iterate(after)) {
      if (left <= 0) {
        left = Number.NEGATIVE_INFINITY;
        break;
      }
      last = id;
      left -= size;
      try {
        const wiped = withoutNumber(packed === 1 ? unpack(data) : data, names);
        frames += wiped.frames;
        if (wiped.frames === 0) continue;
        const packedAgain = packed === 1 ? pack(wiped.bytes, sealed ? 'sealed' : 'hot') : wiped.bytes;
        changed.push({ id, data: packedAgain, bytes: packedAgain.length });
      } catch {
        damaged += 1;
      }
    }
    if (!dryRun) for (const row of changed) write.run(row);
    const more = left === Number.NEGATIVE_INFINITY;
    const next: ErasePlace | null = more ? [sealed ? 'sealed' : 'hot', last] : sealed ? ['hot', 0] : null;
    return { ...NONE, frames, damaged, next };
  };
}

/** The same frames. `frames`: those in which the number stood. */
function withoutNumber(segment: Uint8Array, names: RegExp): { readonly bytes: Uint8Array; readonly frames: number } {
  // Most hold it nowhere.
  if (Buffer.from(segment.buffer, segment.byteOffset, segment.length).toString('latin1').search(names) < 0)
    return { bytes: segment, frames: 0 };
  let count = 0;
  const all = [...decode(segment)].map((frame) => {
    const text = frame.bytes.toString('latin1');
    if (text.search(names) < 0) return frame;
    count += 1;
    return {
      ...frame,
      bytes: Buffer.from(
        text.replace(names, (found) => found.replace(/(?<!%)(?<!%2)\d/g, '0')),
        'latin1',
      ),
    };
  });
  return { bytes: encode(all).bytes, frames: count };
}

export interface Tidied {
  /** Why free space in the file may still hold it, one sentence; `null`: it does not. */
  readonly left: string | null;
}

/**
 * Writes the file anew without its free space, which may hold what was erased earlier, and empties the log. Stores nothing else
 * meanwhile: seconds for a gigabyte.
 */
function tidier(db: Connection): () => Tidied {
  return () => {
    const bytes = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }));
    const { bavail, bsize } = statfsSync(dirname(db.name));
    // It goes into the log first, and from there into the file.
    if (bavail * bsize < 2 * bytes) {
      const text = `There was no room to write the file anew (${Math.ceil((2 * bytes) / 1e6)} MB): its free space may hold what was erased earlier.`;
      return { left: text };
    }
    db.exec('VACUUM');
    const [{ busy }] = db.pragma('wal_checkpoint(TRUNCATE)') as [{ readonly busy: number }];
    return {
      left: busy === 0 ? null : 'Another program reads the database: its log may still hold it; erase it again.',
    };
  };
}

export const FIRST_PLACE: ErasePlace = ['calls', 0];
