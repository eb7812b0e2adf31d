/** The `Journal` of the core on top of the database thread. */
import type { CallRecord } from '../../../src/call/record.ts';
import { Slabs } from '../../../src/link/slabs.ts';
import type { Clock, CommitResult, Journal, OpenChannel } from '../../../src/ports.ts';
import { type CallEvent, channelOf } from '../../../src/telephony/call-event.ts';
import { parsed } from '../parsed.ts';
import { decodeRecord, readable, type SessionRow } from '../sessions/row.ts';
import type { Database } from '../thread/database.ts';
import type { StorageError } from '../thread/errors.ts';
import { type GroupCommitStatus, groupCommit } from '../thread/group-commit.ts';
import type { ModuleTable, Remote } from '../thread/rpc.ts';
import { eventsOf, keptFrames, type ReaderOf } from './events.ts';
import type { CallFate } from './journal.ts';
import type { PruneRequest, PruneResult } from './prune.ts';
import type { OpenCalls } from './read.ts';
import { type Holding, type Prepared, prepare, release, runsOf, type Unposted } from './runs.ts';
import type { SealRequest, SealResult } from './seal.ts';

/** Any table of modules that has the journal in it. */
type JournalModules = ModuleTable & { readonly journal: ReturnType<typeof import('./journal.ts').journalModule> };

export interface JournalOptions {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly readerOf: ReaderOf;
  /** Calls that are not posted are stored as such at once. */
  readonly unposted?: Unposted;
  /** Calls that wait for the PBX's own record are stored as waiting. */
  readonly holding?: Holding;
  /** Called when the file cannot be written for now, and with `null` when it can again. */
  readonly onTrouble?: (error: StorageError | null) => void;
  /** Segments that the open calls need cannot be read; what was said in them is missing. */
  readonly onDamaged?: (source: string, segments: number) => void;
  /** Something that is stored cannot be read, and is left out. */
  readonly onUnreadable?: (what: Unreadable) => void;
  /** Bytes kept while they cannot be stored. */
  readonly maxPending?: number;
}

/** Ids of calls; or the PBX whose open calls began on a connection of which nothing is known any more. */
export type Unreadable = { readonly calls: readonly string[] } | { readonly connectionOf: string };

export interface SqliteJournal extends Journal {
  /** `pendingWeight` counts bytes. */
  status(): GroupCommitStatus;
  /** Stores what waits, as far as the disk takes it now; rejects with the reason where it takes nothing: then all that waited is refused. */
  drain(): Promise<void>;
  prune(request: PruneRequest): Promise<PruneResult>;
  seal(request: SealRequest): Promise<SealResult>;
}

/**
 * Bytes of one transaction at most: joining them and handing them to the thread copies them twice, and other requests get their
 * turn between two transactions. With half of it the database thread needs a fifth more CPU in a flood of FreeSWITCH.
 */
const MAX_TRANSACTION = 1024 * 1024;
/** Calls that are looked for in one go: a few ms of the database thread. */
const CALLS_AT_ONCE = 500;
/** Bytes of a batch: fewer are copied on their way, which costs less than sharing them. */
const SHARED_FROM = 8 * 1024;
const MAX_PENDING = 32 * 1024 * 1024;

/** The database's `close` first stores what is pending. */
export function sqliteJournal<M extends JournalModules>(database: Database<M>, options: JournalOptions): SqliteJournal {
  const {
    clock,
    readerOf,
    onTrouble,
    onDamaged = () => {},
    onUnreadable = () => {},
    maxPending = MAX_PENDING,
  } = options;
  const remote: Remote<JournalModules['journal']> = database.remote.journal;
  const slabs = new Slabs(SHARED_FROM);
  const group = groupCommit<Prepared, CommitResult>({
    async commit(batches) {
      const ended = batches.flatMap((batch) => batch.ended);
      const fates = await remote.commit(runsOf(batches), ended, clock.now());
      return resultsOf(batches, fates);
    },
    weigh: ({ bytes }) => bytes,
    maxTransaction: MAX_TRANSACTION,
    maxWeight: maxPending,
    after: (ms, run) => clock.after(ms, run),
    ...(onTrouble === undefined ? {} : { onTrouble }),
  });
  database.beforeClose(() => group.drain());

  async function* openEvents({ source, channels, from, connected }: OpenCalls): AsyncGenerator<readonly CallEvent[]> {
    // Written by this module of this or an earlier version of the program.
    const connection = connected === null ? null : parsed<CallEvent>(connected);
    if (connection !== null) yield [connection];
    else if (connected !== null) onUnreadable({ connectionOf: source });
    const read = readerOf(source);
    const open = new Set(channels);
    for await (const frames of keptFrames(remote, { source, from, channels }, (count) => onDamaged(source, count))) {
      yield frames
        .flatMap((frame) => eventsOf(frame, source, read) ?? [])
        .filter((event) => {
          const channel = channelOf(event);
          return channel === null || open.has(channel);
        });
    }
  }

  return {
    // Not `async`: that would keep the batch until it is stored.
    commit(batch) {
      const prepared = prepare(batch, options.unposted, options.holding, slabs);
      return group.add(prepared).finally(() => release(prepared, slabs));
    },
    async openChannels() {
      const open = await remote.openCalls();
      return open.flatMap(({ source, channels }): OpenChannel[] => channels.map((channel) => ({ source, channel })));
    },
    async *openEvents() {
      for (const calls of await remote.openCalls()) yield* openEvents(calls);
    },
    async *recentEvents(source, bounds) {
      const from = await remote.recentFrom({ source, ...bounds });
      if (from === null) return;
      const read = readerOf(source);
      for await (const frames of keptFrames(remote, { source, from, since: bounds.since })) {
        yield frames.flatMap((frame) => eventsOf(frame, source, read) ?? []);
      }
    },
    async storedCalls(ids) {
      const found: CallRecord[] = [];
      for (let at = 0; at < ids.length; at += CALLS_AT_ONCE) {
        const rows = await remote.recordsOf(ids.slice(at, at + CALLS_AT_ONCE));
        const page = readable(
          rows,
          ([id]) => id,
          ([, json]) => decodeRecord(json),
        );
        found.push(...page.found);
        if (page.unreadable.length > 0) onUnreadable({ calls: page.unreadable });
      }
      return found;
    },
    lastFrameAt: (source, until) => remote.lastFrameAt({ source, until }),
    status: () => group.status(),
    drain: () => group.drain(),
    prune: (request) => remote.prune(request),
    seal: (request) => remote.seal(request),
  };
}

function resultsOf(batches: readonly Prepared[], fates: readonly CallFate[]): readonly CommitResult[] {
  let at = 0;
  return batches.map(({ ended }) => {
    const own = fates.slice(at, at + ended.length);
    at += ended.length;
    const withFate = (fate: CallFate) => idsWhere(ended, own, (one) => one === fate);
    const refused = ended.flatMap(({ callSessionId: id }, n) => {
      const fate = own[n];
      return typeof fate === 'object' ? [{ id, why: fate.message }] : [];
    });
    const moved = withFate('moved');
    const gone = withFate('gone');
    return {
      ...{ inserted: withFate('inserted'), changed: withFate('changed'), refused },
      ...(moved.length === 0 ? {} : { moved }),
      ...(gone.length === 0 ? {} : { gone }),
    };
  });
}

function idsWhere(
  ended: readonly SessionRow[],
  fates: readonly CallFate[],
  is: (fate: CallFate) => boolean,
): readonly string[] {
  return ended.flatMap(({ callSessionId }, n) => {
    const fate = fates[n];
    return fate !== undefined && is(fate) ? [callSessionId] : [];
  });
}
