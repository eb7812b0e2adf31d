/**
 * Gathers what is to be stored into batches for the journal: a call that ended is stored at once, as its delivery waits for it, unless
 * many do: then it waits some ms for others, as events do. Tells when the journal falls behind, so that less is read from the PBXs for a while.
 */
import type { FoldResult } from './call/correlate.ts';
import type { CallRecord } from './call/record.ts';
import type { Clock, CommitResult, Journal, JournalBatch, OpenChannel, SourceFrame } from './ports.ts';
import type { ChannelId } from './telephony/call-event.ts';

export interface BatchesOptions {
  readonly journal: Pick<Journal, 'commit'>;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly isOpen: (channel: OpenChannel) => boolean;
  /** Calls that are durably stored now, with what became of each. */
  readonly onStored: (ended: readonly CallRecord[], result: CommitResult) => void;
  /** A batch could not be stored. True: its frames are lost, and what it said about calls goes with the next one. */
  readonly onRefused: (error: unknown) => boolean;
  /** True: too much waits to be stored. False: no longer. */
  readonly onPressure: (behind: boolean) => void;
}

export interface Batches {
  /** What a step of the fold did: it goes with the frame that did it, or alone when time did it. */
  folded(source: string, result: FoldResult): void;
  /** A frame whose events have been folded. */
  said(frame: SourceFrame): void;
  /** Channels of a source that are over, though no event said so. */
  release(source: string, channels: readonly ChannelId[]): void;
  /** Resolves when all that was added is stored or refused, what was refused before included. After it nothing is offered by itself. */
  drain(): Promise<void>;
  /** Resolves when all that was added so far is settled: true when it is stored, false when some of it was refused. */
  stored(): Promise<boolean>;
  /** Calls that have ended and are not stored: a full disk keeps them in memory. */
  readonly unstored: number;
}

/** How long a refused batch waits when nothing else is to be stored, ms. */
const OWED_AGAIN_MS = 5000;
/** How long events wait for others, ms. */
const LINGER_MS = 20;
/**
 * So many batches with calls are stored at once one after the other, and one more for each time that events linger: in a flood of calls a commit
 * costs more than the calls in it, while only some of them can be posted in a second.
 */
const AT_ONCE = 40;
/** Bytes of frames that wait for no more. */
const FULL_BYTES = 224 * 1024;
/** Bytes that are not stored yet from which on the journal is behind, and down to which. */
const BEHIND_BYTES = 4 * 1024 * 1024;
const CAUGHT_UP_BYTES = 1024 * 1024;

/** Bytes of frames that are kept in memory that is used again: a batch that is nearly full, and a usual frame. */
const DESK_BYTES = FULL_BYTES + 24 * 1024;

interface Growing {
  readonly frames: SourceFrame[];
  readonly opened: OpenChannel[];
  readonly released: OpenChannel[];
  readonly ended: CallRecord[];
  bytes: number;
}

const empty = (): Growing => ({ frames: [], opened: [], released: [], ended: [], bytes: 0 });

export function gatherBatches(options: BatchesOptions): Batches {
  const { journal, clock, isOpen } = options;
  const commits = new Set<Promise<void>>();
  /** The calls of each of them. */
  const underWay = new Set<readonly CallRecord[]>();
  let growing = empty();
  let owed: JournalBatch | null = null;
  /** Calls that were refused for good. */
  const lost: CallRecord[] = [];
  let drained = false;
  let planned: 'no' | 'later' | 'now' = 'no';
  /** Monotonic ms up to which batches with calls have used their turns. */
  let usedTo = Number.NEGATIVE_INFINITY;
  let cancel: () => void = () => {};
  let cancelOwed: () => void = () => {};
  /** Bytes that are not stored yet. */
  let held = 0;
  /** Batches that were refused. */
  let refused = 0;
  let behind = false;
  /** The bytes of the frames of `growing`. */
  const desk = new Uint8Array(DESK_BYTES);
  let written = 0;

  const keep = (raw: Uint8Array): Uint8Array => {
    const end = written + raw.length;
    if (end > desk.length) return new Uint8Array(raw);
    desk.set(raw, written);
    const kept = desk.subarray(written, end);
    written = end;
    return kept;
  };

  const weigh = (bytes: number): void => {
    held += bytes;
    const next = behind ? held > CAUGHT_UP_BYTES : held > BEHIND_BYTES;
    if (next === behind) return;
    behind = next;
    options.onPressure(behind);
  };

  /** What a refused batch had to say about calls, and what the client said itself: few and small. The frames of the PBX are lost. */
  const owe = (batch: JournalBatch): void => {
    owed = {
      frames: [...(owed?.frames ?? []), ...batch.frames],
      ended: [...(owed?.ended ?? []), ...batch.ended],
      // A later batch, which was not refused, may have released them already.
      opened: [...(owed?.opened ?? []), ...batch.opened].filter(isOpen),
      released: [...(owed?.released ?? []), ...batch.released],
    };
    cancelOwed();
    if (!drained) cancelOwed = clock.after(OWED_AGAIN_MS, flushAll);
  };

  /** It is offered again when its time has come, or a call ends: not with each event, as a disk that is full stays so for a while. */
  const withOwed = (batch: JournalBatch): JournalBatch => {
    const before = owed;
    if (before === null) return batch;
    owed = null;
    cancelOwed();
    return {
      frames: [...before.frames, ...batch.frames],
      ended: [...before.ended, ...batch.ended],
      opened: [...before.opened, ...batch.opened],
      released: [...before.released, ...batch.released],
    };
  };

  function flush(all = false): void {
    cancel();
    const { bytes, ...grown } = growing;
    const lingered = !all && planned === 'later' && grown.ended.length === 0;
    planned = 'no';
    growing = empty();
    written = 0;
    const batch = lingered ? grown : withOwed(grown);
    const { frames, ended, opened, released } = batch;
    if (frames.length + ended.length + opened.length + released.length === 0) return;
    if (ended.length > 0) usedTo = Math.max(usedTo, clock.monotonic() - AT_ONCE * LINGER_MS) + LINGER_MS;
    // In a flood many batches wait at once: what the PBX said is not kept a second time meanwhile.
    underWay.add(ended);
    const own = { ended, opened, released, frames: frames.filter(({ raw }) => raw === null) };
    const commit = journal
      .commit(batch)
      .then(
        (result) => options.onStored(ended, result),
        (error: unknown) => {
          refused += 1;
          if (options.onRefused(error)) owe(own);
          else lost.push(...ended);
        },
      )
      .finally(() => {
        commits.delete(commit);
        underWay.delete(ended);
        weigh(-bytes);
      });
    commits.add(commit);
  }

  /** With what is owed, whatever else waits. */
  function flushAll(): void {
    flush(true);
  }

  const plan = (wanted: 'later' | 'now'): void => {
    const at = wanted === 'now' && usedTo > clock.monotonic() ? 'later' : wanted;
    if (planned === at || planned === 'now') return;
    cancel();
    planned = at;
    cancel = () => {};
    // What came with the same bytes of the socket goes along.
    if (at === 'now') queueMicrotask(() => planned === 'now' && flush());
    else cancel = clock.after(LINGER_MS, () => flush());
  };

  return {
    folded(source, { ended, opened, released, carried }) {
      if (ended.length + opened.length + released.length === 0) return;
      for (const record of ended) growing.ended.push(record);
      for (const channel of opened) growing.opened.push({ source, channel });
      for (const channel of released) growing.released.push({ source, channel });
      for (const event of carried)
        growing.frames.push({ source, receivedAt: event.receivedAt, events: [event], raw: null });
      plan(ended.length > 0 ? 'now' : 'later');
    },

    said(frame) {
      growing.frames.push(frame.raw === null ? frame : { ...frame, raw: keep(frame.raw) });
      const bytes = frame.raw?.length ?? 0;
      growing.bytes += bytes;
      weigh(bytes);
      // At once: a turn of the event loop may bring many times as much.
      if (growing.bytes >= FULL_BYTES) flush();
      else plan('later');
    },

    release(source, channels) {
      for (const channel of channels) growing.released.push({ source, channel });
      if (growing.released.length > 0) plan('later');
    },

    async stored() {
      const refusals = refused;
      flush();
      await Promise.all(commits);
      return refusals === refused && owed === null;
    },

    get unstored() {
      const ids = [...underWay, growing.ended, owed?.ended ?? [], lost].flatMap((calls) =>
        calls.map((one) => one.callSessionId),
      );
      return new Set(ids).size;
    },

    async drain() {
      drained = true;
      flushAll();
      // What is refused now stays owed: the journal is asked once.
      while (commits.size > 0) await Promise.all(commits);
      cancel();
      cancelOwed();
    },
  };
}
