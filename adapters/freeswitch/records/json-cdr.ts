/**
 * Folders of mod_json_cdr as a place of records: its `log-dir`, and the spool `err-log-dir` into which it puts what it could not post
 * to a web server. What is said there is right to the millisecond, but for legs in whose middle FreeSWITCH died: they leave no file.
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import {
  type CallRecords,
  type RecordedCalls,
  type RecordsCheck,
  RecordsError,
  type WantedCall,
} from '../../../src/records/port.ts';
import type { ChannelId } from '../../../src/telephony/call-event.ts';
import { urlDecoded } from '../cdr/body.ts';
import { type CdrLeg, legEvents } from '../cdr/leg.ts';
import { codeOf, fileProblem, isLocked, noteUnread, type RecordFile, RecordFolders } from './folder.ts';
import { checkJsonCdr } from './json-cdr-check.ts';
import type { JsonCdrOptions } from './options.ts';
import { SkipTally } from './skipped.ts';
import { LOOK_MS, type Reading, type RecordedLeg, spanOf, type Weaving, weave } from './weave.ts';

/** A file that is no valid JSON may still be written for so long, ms. */
const WRITING_MS = 60_000;

/** So many files in a row that cannot be read are no chance: the rest of them cannot either. */
const MOST_LOCKED = 100;

/** No record of a leg is larger, bytes. */
const LARGEST = 16 * 1024 * 1024;

const unpack = promisify(gunzip);

/** See `CallRecords`; `read` and `check` open nothing that stays open. */
export function createJsonCdrRecords(options: JsonCdrOptions): CallRecords {
  const { name, folders, source } = options;
  const now = options.now ?? Date.now;
  const place = (aheadMs = 0): Place => ({ folders, source, now: () => now() + aheadMs });
  return {
    name,
    read: (span, aheadMs) => wovenFrom(place(aheadMs), { span, lookMs: LOOK_MS }),
    find: (calls, aheadMs) => find(place(aheadMs), calls),
    check: (): Promise<RecordsCheck> =>
      checkJsonCdr(folders, (path, tally) => readLeg(path, source, tally), new SkipTally()),
    close: async () => {},
  };
}

interface Place {
  readonly folders: readonly string[];
  readonly source: string;
  /** The clock of the PBX, ms since the epoch. */
  readonly now: () => number;
}

/** What a file holds; `unfinished` when it is no valid JSON, `null` when it was left out with its reason. */
type LegOfFile = CdrLeg | 'unfinished' | 'locked' | null;

/** Nothing is read before a call has its file; then what was recorded while it went on, as legs that a queue rang name it alone. */
async function* find(place: Place, calls: readonly WantedCall[]): AsyncGenerator<RecordedCalls> {
  const legs = calls.map(({ id, span }) => ({ channel: id, since: span.from }));
  const wanted = await new RecordFolders(place.folders).present(legs);
  const span = spanOf(calls.filter(({ id }) => wanted.has(id)));
  if (span !== null) yield* wovenFrom(place, { span, lookMs: 0, wanted });
}

function wovenFrom({ folders, source, now }: Place, { span, lookMs, wanted }: Reading) {
  const skipped = new SkipTally();
  const records = new RecordFolders(folders);
  const began = now();
  /** When the first file was written that is not finished yet. */
  let unfinished = Number.POSITIVE_INFINITY;
  /** Files that were left out, so that each is counted once. */
  const leftOut = new Set<string>();
  /** Files that are there and cannot be read, and why. */
  const locked = new Map<string, string>();
  /** Of those of the span: how many in a row, and whether any other was read. */
  let [inARow, anyRead] = [0, false];
  const until = Math.min(span.to + lookMs, began);

  const legOf = async (file: RecordFile): Promise<LegOfFile> => {
    if (locked.has(file.path)) return 'locked';
    if (leftOut.has(file.path)) return null;
    const reading = await readLeg(file.path, source, skipped, (code) => locked.set(file.path, code));
    if (reading === 'unfinished' && now() - file.at < WRITING_MS) {
      unfinished = Math.min(unfinished, file.at);
      return reading;
    }
    if (reading === 'locked') return reading;
    if (reading === null || reading === 'unfinished') leftOut.add(file.path);
    if (reading !== 'unfinished') return reading;
    const why = `${file.path}: is no whole record, FreeSWITCH ended or the disk was full while it was written; remove it.`;
    skipped.note('broken', why);
    return null;
  };

  /** Where nothing of the span can be read, it is not known: it is to be read when that is mended. */
  const heed = ({ path, at }: RecordFile, leg: LegOfFile): void => {
    if (at < span.from || at > span.to) return;
    inARow = leg === 'locked' ? inARow + 1 : 0;
    anyRead ||= leg !== 'locked';
    if (inARow >= MOST_LOCKED) throw new RecordsError(fileProblem(path, locked.get(path) ?? ''));
  };

  async function* legs() {
    let from = span.from - lookMs;
    // What is foreign is counted once.
    let tally = skipped;
    let last = '';
    for (let complete = false; !complete; ) {
      const listing = await records.list({ from, to: until }, tally);
      ({ complete } = listing);
      tally = new SkipTally();
      for (const file of listing.files) {
        from = file.at + 1;
        const leg = await legOf(file);
        heed(file, leg);
        last = leg === 'locked' ? file.path : last;
        yield { recordedAt: file.at, leg: typeof leg === 'string' ? null : leg };
      }
    }
    if (inARow > 0 && !anyRead) throw new RecordsError(fileProblem(last, locked.get(last) ?? ''));
  }

  const find = async (channels: readonly ChannelId[], weaving: Weaving) => {
    const found = new Map<ChannelId, RecordedLeg | 'later'>();
    for (const channel of channels) {
      const file = await records.find(channel, span.from - lookMs);
      if (file === null) continue;
      const leg = file.at >= weaving.position && file.at <= until ? 'unfinished' : await legOf(file);
      if (leg === 'unfinished') found.set(channel, 'later');
      else if (leg !== 'locked' && leg?.channel === channel) found.set(channel, { leg, recordedAt: file.at });
    }
    return found;
  };

  const completeTo = () => Math.min(unfinished - 1, began);
  return weave({ ...(wanted === undefined ? {} : { wanted }), span, source, legs, find, skipped, completeTo });
}

/** `onLocked`: told of the code with which the file cannot be read, though it is there. */
async function readLeg(
  path: string,
  source: string,
  skipped: SkipTally,
  onLocked: (code: string) => void = () => {},
): Promise<LegOfFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = codeOf(error);
    noteUnread(skipped, path, code);
    if (!isLocked(code)) return null;
    onLocked(code);
    return 'locked';
  }
  if (bytes.length > LARGEST) {
    skipped.note('large', `${path}: is larger than any record of a leg; move it elsewhere.`);
    return null;
  }
  const body = await bodyIn(path, bytes);
  if (body === undefined) return 'unfinished';
  try {
    return legEvents(body, path, source);
  } catch (error) {
    const said = error instanceof Error && error.message.startsWith(path);
    skipped.note('foreign content', said ? error.message : `${path}: is no record of a leg; move it elsewhere.`);
    return null;
  }
}

/**
 * The spool holds what was to be posted: with `encode` the whole text is URL-encoded, or in base64. `undefined` when it is no JSON.
 */
async function bodyIn(path: string, bytes: Buffer): Promise<unknown> {
  try {
    const plain = path.endsWith('.gz') ? await unpack(bytes, { maxOutputLength: LARGEST }) : bytes;
    // Names may be in other encodings than UTF-8, so bytes are decoded with replacement.
    const text = plain.toString('utf8').trim();
    if (text.startsWith('%7B')) return JSON.parse(urlDecoded(text));
    if (/^ey[\w+/=\s]+$/.test(text)) return JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
