/**
 * The stages in order:
 *
 *     source -> normalise -> journal -> correlate -> session -> (outbox row)
 *
 * An event, what it does to the open calls and the calls it ends are one transaction of the journal; delivery hears of a
 * call only when that transaction is durable. The socket reader never waits: frames are folded in memory at once and
 * committed in groups by the journal.
 */
import { type CallRules, CallTable, type FoldResult } from './call/correlate.ts';
import type { SourcePlan } from './call/plan.ts';
import type { CallRecord } from './call/record.ts';
import type { Clock, EventSource, Journal, JournalBatch, SourceFrame, SourceStatus, StoredEvent } from './ports.ts';
import type { CallEvent } from './telephony/call-event.ts';

const EMPTY: JournalBatch = { frames: [], opened: [], released: [], ended: [] };

export interface PipelineSource {
  readonly source: EventSource;
  readonly plan: SourcePlan;
}

export interface PipelineOptions {
  readonly sources: readonly PipelineSource[];
  readonly journal: Journal;
  readonly rules: CallRules;
  readonly clock: Clock;
  /** Calls that are durably stored now: new ones, and known ones with newer facts. */
  readonly onStored: (ended: readonly CallRecord[], inserted: readonly string[], changed: readonly string[]) => void;
  /**
   * A batch could not be stored. True: the journal cannot take more for now and what was heard meanwhile is lost to it
   * (the calls that ended are kept and stored later); false: the program must end and start again from the disk.
   */
  readonly onRefused: (error: unknown) => boolean;
  readonly onStatus: (status: SourceStatus) => void;
  /** Each event that was folded in, for displays. */
  readonly onEvent?: (event: CallEvent) => void;
}

export interface Pipeline {
  /** Rebuilds the open calls from the journal, then starts the sources. */
  start(): Promise<void>;
  /** Stops the sources and waits until everything heard is stored. Open calls stay in the journal. */
  stop(): Promise<void>;
  /** The calls going on now. */
  live(): readonly CallRecord[];
  /** Channels of calls that are not finished. */
  openChannels(): number;
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const { journal, clock, rules } = options;
  const tables = new Map<string, CallTable>();
  for (const { source, plan } of options.sources) tables.set(source.name, new CallTable(source.name, plan, rules));
  const commits = new Set<Promise<void>>();
  let wakeAt = Number.POSITIVE_INFINITY;
  let cancelWake: () => void = () => {};

  /** What a refused batch had to say about calls; goes with the next batch. */
  let owed: JournalBatch | null = null;

  const store = (frames: readonly SourceFrame[], source: string, results: readonly FoldResult[]): void => {
    const channels = (ids: readonly string[]) => ids.map((channel) => ({ source, channel }));
    const ended = [...(owed?.ended ?? []), ...results.flatMap((result) => result.ended)];
    const opened = [...(owed?.opened ?? []), ...channels(results.flatMap((result) => result.opened))];
    const released = [...(owed?.released ?? []), ...channels(results.flatMap((result) => result.released))];
    owed = null;
    if (frames.length === 0 && ended.length === 0 && released.length === 0) return;
    const commit = journal.commit({ frames, opened, released, ended }).then(
      ({ inserted, changed }) => options.onStored(ended, inserted, changed),
      (error: unknown) => {
        if (!options.onRefused(error)) return;
        const { ended: late, opened: open, released: over } = owed ?? EMPTY;
        owed = {
          frames: [],
          ended: [...late, ...ended],
          opened: [...open, ...opened],
          released: [...over, ...released],
        };
      },
    );
    commits.add(commit);
    void commit.finally(() => commits.delete(commit));
  };

  const onFrame = (frame: SourceFrame): void => {
    const table = tables.get(frame.source);
    if (table === undefined) return;
    const results = frame.events.map((event) => {
      options.onEvent?.(event);
      return table.apply(event);
    });
    store([frame], frame.source, results);
    wakeFor(table);
  };

  const wakeFor = (table: CallTable): void => {
    const next = table.nextDeadline();
    if (next >= wakeAt) return;
    cancelWake();
    wakeAt = next;
    cancelWake = clock.after(Math.max(0, next - clock.now()), tick);
  };

  const tick = (): void => {
    wakeAt = Number.POSITIVE_INFINITY;
    for (const [source, table] of tables) {
      store([], source, [table.advance(clock.now())]);
      wakeFor(table);
    }
  };

  const refold = (events: readonly StoredEvent[]): void => {
    for (const { event } of events) {
      const table = tables.get(event.source);
      // What ended in an earlier life was stored then; storing it again changes nothing.
      if (table !== undefined) store([], event.source, [table.apply(event)]);
    }
  };

  /** Nobody listened since the last frame: the open calls are in doubt until the PBX lists its channels again. */
  const markGap = async (source: string): Promise<void> => {
    const at = await journal.lastFrameAt(source);
    if (at === null) return;
    const lost = {
      kind: 'source-lost',
      source,
      at,
      receivedAt: clock.now(),
      orderly: true,
      reason: 'logcalld was not running',
    } as const;
    onFrame({ source, receivedAt: lost.receivedAt, events: [lost], raw: null });
  };

  return {
    async start() {
      refold(await journal.openEvents());
      for (const { source } of options.sources) await markGap(source.name);
      tick();
      for (const { source } of options.sources) source.start(onFrame, options.onStatus);
    },
    async stop() {
      await Promise.all(options.sources.map(({ source }) => source.stop()));
      cancelWake();
      while (commits.size > 0) await Promise.all(commits);
    },
    live: () => [...tables.values()].flatMap((table) => table.live(clock.now())),
    openChannels: () => [...tables.values()].reduce((sum, table) => sum + table.openChannels, 0),
  };
}
