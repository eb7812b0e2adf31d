/**
 * Brings the journal of version 0.1 (a row for each frame and each event) over into segments. Runs within the transaction of the
 * migration, after its SQL: afterwards the file is either as it was or new.
 */
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { channelOf } from '../../../src/telephony/call-event.ts';
import type { Connection } from '../thread/rpc.ts';
import { encode, KIND, type Kind, pack } from './frames.ts';
import { SEGMENT_BYTES } from './seal.ts';

interface FrameRow {
  readonly id: number;
  readonly source: string;
  readonly received_at: number;
  readonly raw: Uint8Array | null;
}

interface EventRow {
  readonly frame_id: number;
  readonly json: string;
}

/** What is under way of one source. */
interface Growing {
  /** Number of the next frame. */
  seq: number;
  size: number;
  frames: { readonly kind: Kind; readonly at: number; readonly bytes: Uint8Array }[];
  readonly open: ReadonlySet<string>;
  /** The first frame of each open channel. */
  readonly begun: Map<string, number>;
  /** The last connection before the first of these. */
  connected: { readonly seq: number; readonly json: string } | null;
}

/** Frames read at once. */
const PAGE = 500;

/** Kinds of events that the client makes itself. */
const OWN: ReadonlySet<CallEvent['kind']> = new Set([
  'source-lost',
  'source-connected',
  'snapshot-complete',
  'snapshot-channel',
  'vanished',
]);

export function convertJournal(db: Connection): void {
  const frames = db.prepare<[number, number], FrameRow>(
    'SELECT id, source, received_at, raw FROM frame WHERE id > ? ORDER BY id LIMIT ?',
  );
  const events = db.prepare<[number, number], EventRow>(
    'SELECT frame_id, json FROM event WHERE frame_id >= ? AND frame_id <= ? ORDER BY seq',
  );
  const openOf = db.prepare<[string], string>('SELECT channel FROM open_channel_v4 WHERE source = ?').pluck();
  const store = segmentStore(db);
  const sources = new Map<string, Growing>();
  const growingOf = (source: string): Growing => {
    const known = sources.get(source);
    if (known !== undefined) return known;
    const open = new Set(openOf.all(source));
    const made: Growing = { seq: 1, size: 0, frames: [], open, begun: new Map(), connected: null };
    sources.set(source, made);
    return made;
  };

  for (let after = 0; ; ) {
    const page = frames.all(after, PAGE);
    const [first, last] = [page[0], page.at(-1)];
    if (first === undefined || last === undefined) break;
    const said = Map.groupBy(events.all(first.id, last.id), (event) => event.frame_id);
    for (const row of page) {
      const growing = growingOf(row.source);
      add(
        growing,
        row,
        (said.get(row.id) ?? []).map(({ json }) => json),
      );
      if (growing.size >= SEGMENT_BYTES) store(row.source, growing);
    }
    after = last.id;
  }
  for (const [source, growing] of sources) store(source, growing);
  keepOpen(db, sources);
  db.exec('DROP TABLE event; DROP TABLE frame; DROP TABLE raw_total; DROP TABLE open_channel_v4;');
}

function add(growing: Growing, { received_at: at, raw }: FrameRow, jsons: readonly string[]): void {
  // Written by version 0.1.
  const events = jsons.map((json) => JSON.parse(json) as CallEvent);
  if (raw === null && events.length === 0) return;
  const { seq } = growing;
  for (const [n, event] of events.entries()) {
    const channel = channelOf(event);
    if (channel !== null && growing.open.has(channel) && !growing.begun.has(channel)) growing.begun.set(channel, seq);
    if (event.kind === 'source-connected' && growing.begun.size === 0)
      growing.connected = { seq, json: jsons[n] ?? '' };
  }
  const wide = events.some((event) => channelOf(event) === null);
  const own = events.some(({ kind }) => OWN.has(kind));
  const kind = raw !== null ? (wide ? KIND.wide : KIND.pbx) : own ? KIND.own : KIND.events;
  const bytes = raw ?? Buffer.from(`[${jsons.join(',')}]`);
  growing.frames.push({ kind, at, bytes });
  growing.size += bytes.length;
  growing.seq += 1;
}

/** Writes what is under way as one segment. */
function segmentStore(db: Connection): (source: string, growing: Growing) => void {
  const insert = db.prepare<[object]>(
    `INSERT INTO segment (source, seq, frames, first_at, last_at, size, bytes, data)
     VALUES (@source, @seq, @frames, @firstAt, @lastAt, @size, @bytes, @data)`,
  );
  return (source, growing) => {
    if (growing.frames.length === 0) return;
    const { frames, firstAt, lastAt, bytes } = encode(growing.frames);
    const data = pack(bytes, 'sealed');
    const seq = growing.seq - frames;
    insert.run({ source, seq, frames, firstAt, lastAt, size: bytes.length, bytes: data.length, data });
    growing.frames = [];
    growing.size = 0;
  };
}

/** A channel of which nothing is kept is open from now on: the next start releases it. */
function keepOpen(db: Connection, sources: ReadonlyMap<string, Growing>): void {
  const open = db.prepare<[string, string, number]>('INSERT INTO open_channel (source, channel, seq) VALUES (?, ?, ?)');
  const connect = db.prepare<[string, number, string]>('INSERT INTO connection (source, seq, event) VALUES (?, ?, ?)');
  const old = db.prepare<[], { readonly source: string; readonly channel: string }>(
    'SELECT source, channel FROM open_channel_v4',
  );
  for (const { source, channel } of old.all()) {
    const growing = sources.get(source);
    open.run(source, channel, growing?.begun.get(channel) ?? growing?.seq ?? 1);
  }
  for (const [source, { connected }] of sources)
    if (connected !== null) connect.run(source, connected.seq, connected.json);
}
