/** The `Journal` of the core on top of the database thread. */
import type { Clock, CommitResult, Journal, JournalBatch, SourceFrame, StoredEvent } from '../../../src/ports.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import type { Database } from '../thread/database.ts';
import type { StorageError } from '../thread/errors.ts';
import { type GroupCommitStatus, groupCommit } from '../thread/group-commit.ts';
import type { ModuleTable, Remote } from '../thread/rpc.ts';
import { decodeError } from '../thread/rpc.ts';
import type { BatchFate, EventRow } from './journal.ts';
import type { PruneRequest, PruneResult } from './prune.ts';

/** Any table of modules that has the journal in it. */
type JournalModules = ModuleTable & { readonly journal: ReturnType<typeof import('./journal.ts').journalModule> };

export interface JournalOptions {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** Called when the file cannot be written for now, and with `null` when it can again. */
  readonly onTrouble?: (error: StorageError | null) => void;
  /** Weight of the batches kept while they cannot be stored, in events (see `weigh`); about 1 KB of memory each. */
  readonly maxPending?: number;
}

export interface SqliteJournal extends Journal {
  /** `pendingWeight` counts events, see `weigh`. */
  status(): GroupCommitStatus;
  prune(request: PruneRequest): Promise<PruneResult>;
}

/**
 * Weight of one transaction at most: handing it to the thread copies it, which holds up the main thread for 1 to 2 ms at
 * this size, and other requests get their turn between two transactions.
 */
const MAX_TRANSACTION = 1_000;
const MAX_PENDING = 200_000;

/** The database's `close` first stores what is pending. */
export function sqliteJournal<M extends JournalModules>(database: Database<M>, options: JournalOptions): SqliteJournal {
  const { clock, onTrouble, maxPending = MAX_PENDING } = options;
  const remote: Remote<JournalModules['journal']> = database.remote.journal;
  const group = groupCommit<JournalBatch, CommitResult>({
    commit: async (batches) => (await remote.commit(batches, clock.now())).map(outcome),
    weigh,
    maxTransaction: MAX_TRANSACTION,
    maxWeight: maxPending,
    after: (ms, run) => clock.after(ms, run),
    ...(onTrouble === undefined ? {} : { onTrouble }),
  });
  database.beforeClose(() => group.drain());
  return {
    commit: (batch) => group.add({ ...batch, frames: batch.frames.map(compact) }),
    openEvents: async () => (await remote.openEvents()).map(decodeEvent),
    eventsBetween: async (from, to, after, limit) =>
      (await remote.eventsBetween(from, to, after, limit)).map(decodeEvent),
    lastFrameAt: (source) => remote.lastFrameAt(source),
    status: () => group.status(),
    prune: (request) => remote.prune(request),
  };
}

const outcome = (fate: BatchFate): CommitResult | StorageError => (fate.ok ? fate.result : decodeError(fate.error));

/** One for each event, ended call and kilobyte of raw bytes, and one for the batch. */
function weigh({ frames, ended }: JournalBatch): number {
  return frames.reduce(
    (sum, { events, raw }) => sum + events.length + (raw?.byteLength ?? 0) / 1_024,
    1 + ended.length,
  );
}

/** A view into a socket's buffer would keep, and send to the thread, the whole buffer: so its bytes are copied. */
function compact(frame: SourceFrame): SourceFrame {
  const { raw } = frame;
  if (raw === null || raw.byteLength === raw.buffer.byteLength) return frame;
  return { ...frame, raw: Uint8Array.from(raw) };
}

function decodeEvent({ seq, json }: EventRow): StoredEvent {
  // Written by the journal module of this or an earlier version of the program.
  return { seq, event: JSON.parse(json) as CallEvent };
}
