/**
 * Takes a telephone number out of the database: its calls with their deliveries and attempts, what was looked up of it, and the number
 * in what is stored of deliveries of other calls and in the frames of the journal. Page by page, so that calls are stored between two of them; pages that are freed are overwritten.
 */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CallRecord } from '../../../src/call/record.ts';
import { goneCalls } from '../erased/gone.ts';
import { deliveryTexts } from '../erased/texts.ts';
import { type Wiping, wiper } from '../erased/wiping.ts';
import { naming, wordsOf } from '../erased/writing.ts';
import { decode, encode, type KeptFrame, KIND, pack, unpack } from '../journal/frames.ts';
import { type OpenCalls, segmentReader } from '../journal/read.ts';
import { naming as namingChannels } from '../journal/search.ts';
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
  /** Deliveries of other calls in which the number stood, as in what the CRM answered. */
  readonly deliveries: number;
  /** Calls that are left, as they are still on their way. */
  readonly waiting: readonly string[];
  readonly leads: number;
  readonly frames: number;
  /** Frames with the number that are left, as calls that go on are made of them again at a start. */
  readonly needed: number;
  /** Parts of the journal that cannot be read. */
  readonly damaged: number;
  /** `null`: that was all. */
  readonly next: ErasePlace | null;
}

/** Room that is left over, bytes. */
const SPARE = 1 << 20;

/** Rows and bytes of one page: some ms of the database thread. */
const ROWS = 500;
const BYTES = 1 << 20;

const NONE: ErasedPage = {
  ...{ calls: 0, erased: [], deliveries: 0, waiting: [], leads: 0, frames: 0, needed: 0, damaged: 0, next: null },
};

export function eraser(db: Connection) {
  const stages: Readonly<Record<Stage, (erasure: Erasure, after: number) => ErasedPage>> = {
    calls: ofCalls(db),
    leads: ofLeads(db),
    hot: ofFrames(db, 'hot_segment'),
    // Last: what is sealed meanwhile comes here.
    sealed: ofFrames(db, 'segment'),
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
  const texts = deliveryTexts(db);
  return ({ digits, e164, dryRun }: Erasure, after: number): ErasedPage => {
    const found = rows.all(after, ROWS);
    const names = naming(digits);
    const wiping = wiper(digits, e164);
    const waiting: string[] = [];
    const erased: string[] = [];
    let deliveries = 0;
    for (const row of found) {
      // One that has the same digits in another country.
      if (e164 !== null && row.e164 !== null && row.e164 !== e164 && row.e164.endsWith(digits)) continue;
      const named = row.json.search(names) >= 0 && isNamed(row.json, names);
      if (row.rests === 0 && (named || (row.delivery !== null && texts.names(row.delivery, wiping)))) {
        waiting.push(row.id);
        continue;
      }
      if (!named) {
        if (row.delivery !== null && texts.wipe(row.delivery, wiping, !dryRun)) deliveries += 1;
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
      ...{ calls: erased.length, erased, deliveries, waiting },
      next: last === undefined ? ['leads', 0] : ['calls', last.n],
    };
  };
}

/** What cannot be read may name it. */
function isNamed(json: string, names: RegExp): boolean {
  try {
    return wordsOf(JSON.parse(json) as CallRecord).search(names) >= 0;
  } catch {
    return true;
  }
}

function ofLeads(db: Connection) {
  const rows = db.prepare<[], { number: string; lead: string | null }>('SELECT number, lead FROM lead_cache');
  const remove = db.prepare<[string]>('DELETE FROM lead_cache WHERE number = ?');
  return ({ digits, dryRun }: Erasure): ErasedPage => {
    const names = naming(digits);
    const found: string[] = [];
    for (const { number, lead } of rows.iterate()) if (`${number} ${lead ?? ''}`.search(names) >= 0) found.push(number);
    if (!dryRun) for (const number of found) remove.run(number);
    return { ...NONE, leads: found.length, next: ['hot', 0] };
  };
}

/** In frames the digits become zeros: they stay as long as they are, and what else they say can be read as before. */
function ofFrames(db: Connection, table: 'segment' | 'hot_segment') {
  const sealed = table === 'segment';
  type Row = { id: number; source: string; seq: number; size: number; packed: number; data: Uint8Array };
  const rows = db.prepare<[number], Row>(
    `SELECT id, source, seq, size, ${sealed ? '1 AS packed' : 'packed'}, data FROM ${table} WHERE id > ? ORDER BY id`,
  );
  const write = db.prepare<[object]>(
    `UPDATE ${table} SET data = @data${sealed ? ', bytes = @bytes' : ''} WHERE id = @id`,
  );
  const open = segmentReader(db).openCalls;
  return ({ digits, e164, dryRun }: Erasure, after: number): ErasedPage => {
    const wiping = wiper(digits, e164);
    const folded = new Map(open().map((calls) => [calls.source, foldedAgain(calls)]));
    const changed: { id: number; data: Uint8Array; bytes: number }[] = [];
    let [frames, needed, damaged, left, last] = [0, 0, 0, BYTES, after];
    for (const { id, source, seq, size, packed, data } of rows.iterate(after)) {
      if (left <= 0) {
        left = Number.NEGATIVE_INFINITY;
        break;
      }
      last = id;
      left -= size;
      try {
        const isNeeded = folded.get(source);
        const wiped = withoutNumber(packed === 1 ? unpack(data) : data, wiping, (frame, n) =>
          isNeeded === undefined ? false : isNeeded(frame, seq + n),
        );
        frames += wiped.frames;
        needed += wiped.needed;
        if (wiped.frames === 0) continue;
        const packedAgain = packed === 1 ? pack(wiped.bytes, sealed ? 'sealed' : 'hot') : wiped.bytes;
        changed.push({ id, data: packedAgain, bytes: packedAgain.length });
      } catch {
        damaged += 1;
      }
    }
    if (!dryRun) for (const row of changed) write.run(row);
    const more = left === Number.NEGATIVE_INFINITY;
    const next: ErasePlace | null = more ? [sealed ? 'sealed' : 'hot', last] : sealed ? null : ['sealed', 0];
    return { ...NONE, frames, needed, damaged, next };
  };
}

/** Whether a start reads a frame to fold the open calls of its source again. */
function foldedAgain({ from, channels }: OpenCalls): (frame: KeptFrame, seq: number) => boolean {
  const names = namingChannels(channels);
  return ({ kind, bytes }, seq) => seq >= from && (kind !== KIND.pbx || names(bytes));
}

interface Wiped {
  readonly bytes: Uint8Array;
  /** Those in which the number stood. */
  readonly frames: number;
  /** Those in which it is left. */
  readonly needed: number;
}

/** The same frames. `isNeeded`: of the frame with that number within the segment. */
function withoutNumber(segment: Uint8Array, wiping: Wiping, isNeeded: (frame: KeptFrame, n: number) => boolean): Wiped {
  // Most hold it nowhere.
  const whole = Buffer.from(segment.buffer, segment.byteOffset, segment.length).toString('latin1');
  if (wiping(whole) === whole) return { bytes: segment, frames: 0, needed: 0 };
  let [frames, needed] = [0, 0];
  const all = [...decode(segment)].map((frame, n) => {
    const text = frame.bytes.toString('latin1');
    const without = wiping(text);
    if (without === text) return frame;
    if (isNeeded(frame, n)) {
      needed += 1;
      return frame;
    }
    frames += 1;
    return { ...frame, bytes: Buffer.from(without, 'latin1') };
  });
  return { bytes: encode(all).bytes, frames, needed };
}

export interface Tidied {
  /** Why free space in the file may still hold it, one sentence; `null`: it does not. */
  readonly left: string | null;
}

/**
 * Writes the file anew without its free space, which may hold what was erased earlier, and empties the log. Stores nothing else
 * meanwhile: half a minute for a gigabyte, minutes on a slow disk. The copy is made in a file beside the database, which has no name and
 * goes with this connection: in memory it would take as much as the database.
 */
function tidier(db: Connection): () => Tidied {
  return () => {
    const bytes = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }));
    const { bavail, bsize } = statfsSync(dirname(db.name));
    // A copy, which goes into the log, and from there into the file.
    const needed = 2 * bytes + SPARE;
    if (bavail * bsize < needed) {
      const text = `There was no room to write the file anew (${Math.ceil(needed / 1e6)} MB are needed): its free space may hold what was erased earlier; free some space, and erase it again.`;
      return { left: text };
    }
    vacuum(db);
    const [{ busy }] = db.pragma('wal_checkpoint(TRUNCATE)') as [{ readonly busy: number }];
    return {
      left: busy === 0 ? null : 'Another program reads the database: its log may still hold it; erase it again.',
    };
  };
}

function vacuum(db: Connection): void {
  const store = db.pragma('temp_store', { simple: true });
  db.pragma('temp_store = FILE');
  try {
    // Of the whole process; it stays so, as another thread may be about to make a file there.
    if (db.name !== ':memory:') db.pragma(`temp_store_directory = '${dirname(db.name).replaceAll("'", "''")}'`);
    db.exec('VACUUM');
  } finally {
    db.pragma(`temp_store = ${store}`);
  }
}

export const FIRST_PLACE: ErasePlace = ['calls', 0];
