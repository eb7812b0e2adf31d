/**
 * The stages in order:
 *
 *     source -> normalise -> journal -> correlate -> session -> (outbox row)
 *
 * An event, what it does to the open calls and the calls it ends are one transaction of the journal; delivery hears of a
 * call only when that transaction is durable. Frames are folded in memory at once and committed in groups (`batches.ts`); the
 * socket reader is held back only when much more is heard than the disk takes.
 */
import { gatherBatches } from './batches.ts';
import { type CallRules, CallTable } from './call/correlate.ts';
import type { MisreadName } from './call/known/side.ts';
import type { SourcePlan } from './call/plan.ts';
import type { CallRecord, LiveCall } from './call/record.ts';
import { clockEvent } from './clock-event.ts';
import { rememberLately } from './lately.ts';
import type { Clock, ClockNews, EventSource, Journal, SourceFrame, SourceStatus } from './ports.ts';
import type { Gap, Gaps } from './records/gaps.ts';
import { type PbxTime, SAME_TIME } from './records/pbx-time.ts';
import { watchGaps } from './records/watch.ts';
import type { CallEvent } from './telephony/call-event.ts';
import { oddTime } from './telephony/event-time.ts';

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
  /** An event or a call that was left out, in one sentence; everything else goes on. */
  readonly onFault: (source: string, text: string) => void;
  /** An endpoint of a source whose name says something else than what the PBX showed. */
  readonly onMisread?: (source: string, name: MisreadName) => void;
  /** Keeps the stretches of time in which a PBX was not heard. */
  readonly gaps?: Gaps;
  /** A gap is over and stored. */
  readonly onGap?: (gap: Gap) => void;
  /** As of `GapWatchOptions`. */
  readonly onDoubt?: (source: string, since: number | null) => void;
  /** The clock of this machine was set, or this program stood still: calls that it touches are flagged. */
  readonly onClock?: (news: ClockNews) => void;
  /** Each frame that was folded in, for who watches; its bytes are good only until this returns. */
  readonly onFrame?: (frame: SourceFrame) => void;
  /** Each event that was folded in, for displays. */
  readonly onEvent?: (event: CallEvent) => void;
}

export interface Pipeline {
  /** Rebuilds the open calls from the journal, then starts the sources. */
  start(): Promise<void>;
  /** Stops the sources and waits until everything heard is stored. Open calls stay in the journal. */
  stop(): Promise<void>;
  /** After a stop: offers the journal once more what it refused, and resolves when that is settled. */
  offerLeft(): Promise<void>;
  /** The calls going on now. */
  live(): readonly LiveCall[];
  /** How many calls of a source are not finished. */
  openCalls(source: string): number;
  /** As of `Batches`. */
  unstoredCalls(): number;
  /** Channels of calls that are not finished. */
  openChannels(): number;
  /** True for a channel of a call that is not finished. */
  isOpen(source: string, channel: string): boolean;
  /** Resolves when all that was heard so far is settled: true when it is stored, false when some of it was refused. */
  settled(): Promise<boolean>;
  /** Newer facts of finished calls have been stored: what the PBX says late is added to these. `gone`: ids of those erased. */
  corrected(records: readonly CallRecord[], gone?: readonly string[]): void;
  /** The clock of a PBX beside ours. */
  timeOf(source: string): PbxTime;
  /** When the PBX was started, ms since the epoch, on our clock; `null`: it has not told. */
  bootedAt(source: string): number | null;
  /** When it listed all of its channels last, ms since the epoch, on our clock; `null`: not in this life. */
  listedAt(source: string): number | null;
}

/** A frame that is stored came so long after the last note at most: that is made every ten seconds, or later on a slow disk. */
const SINCE_NOTE_MS = 60_000;
/** Nothing is known of how long nobody listened. */
const UNKNOWN_MS = 86_400_000;

/** `since` is by the clock of its time, which may have been set back: while anything was heard, only that is proof. */
function heardLast(status: SourceStatus, now: number): SourceStatus {
  return { ...status, since: Math.min(status.since, status.lastFrameAt ?? now) };
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const { journal, clock, rules } = options;
  const tables = new Map<string, CallTable>();
  for (const { source, plan } of options.sources) {
    const { name } = source;
    const onFault = (what: string, error: unknown): void => options.onFault(name, `${what}: ${String(error)}`);
    const onMisread = (misread: MisreadName): void => options.onMisread?.(name, misread);
    tables.set(name, new CallTable(name, plan, rules, onFault, onMisread));
  }
  let wakeAt = Number.POSITIVE_INFINITY;
  let cancelWake: () => void = () => {};
  let unwatch: () => void = () => {};

  const batches = gatherBatches({
    journal,
    clock,
    isOpen: ({ source, channel }) => tables.get(source)?.isOpen(channel) === true,
    onRefused: options.onRefused,
    onPressure(behind) {
      for (const { source } of options.sources) source.hold(behind);
    },
    onStored(ended, { inserted, changed, refused }) {
      try {
        options.onStored(ended, inserted, changed);
        for (const { id, why } of refused) {
          const source = ended.find((record) => record.callSessionId === id)?.source ?? '';
          options.onFault(source, `The call ${id} could not be stored and was left out: ${why}`);
        }
      } catch (error) {
        // What is stored is stored, whatever displays make of it.
        options.onFault(ended[0]?.source ?? '', `Calls were stored, but not told on: ${String(error)}`);
      }
    },
  });

  const watch =
    options.gaps === undefined
      ? null
      : watchGaps({
          gaps: options.gaps,
          clock,
          statuses: () => options.sources.map(({ source }) => heardLast(source.status(), clock.now())),
          stored: () => batches.stored(),
          liveOf: (source) => tables.get(source)?.openCalls ?? 0,
          onEnded: (gap) => options.onGap?.(gap),
          onDoubt: (source, since) => options.onDoubt?.(source, since),
          onFault: options.onFault,
        });

  /**
   * The last moment at which everything that was heard of a PBX is stored, or one before it; `null`: it was never heard. What was noted
   * goes with the clock when that is set, while the time of a frame stays what it was, so of the frames only those since the last note
   * count. What lies in the future is of a clock that was set back since: then the last frame from before that moment.
   */
  const lastHeardAt = async (source: string): Promise<number | null> => {
    const now = clock.now();
    const noted = (await options.gaps?.lastHeard({ source }))?.at ?? null;
    const frame = await journal.lastFrameAt(source, now);
    if (noted === null) return frame;
    if (noted > now) return frame ?? now - UNKNOWN_MS;
    return frame !== null && frame > noted && frame - noted <= SINCE_NOTE_MS ? frame : noted;
  };

  const onFrame = (frame: SourceFrame): void => {
    const table = tables.get(frame.source);
    if (table === undefined) return;
    let sound = true;
    for (const event of frame.events) {
      const odd = oddTime(event);
      if (odd === null) {
        options.onEvent?.(event);
        watch?.note(event);
        batches.folded(frame.source, table.apply(event));
      } else {
        sound = false;
        options.onFault(event.source, `The event "${event.kind}" was left out: its time is ${odd}.`);
      }
    }
    options.onFrame?.(frame);
    batches.said(sound ? frame : { ...frame, events: frame.events.filter((event) => oddTime(event) === null) });
    // Without a grace a call is over with its last event: a timer would be a ms late.
    if (table.nextDeadline() <= frame.receivedAt) queueMicrotask(tick);
    else wakeFor(table);
  };

  const wakeFor = (table: CallTable): void => {
    if (table.nextDeadline() >= wakeAt) return;
    // First: what is told of the clock meanwhile moves what is waited for.
    const now = clock.now();
    const next = table.nextDeadline();
    if (next >= wakeAt) return;
    cancelWake();
    wakeAt = next;
    cancelWake = clock.after(Math.max(0, next - now), tick);
  };

  const tick = (): void => {
    wakeAt = Number.POSITIVE_INFINITY;
    for (const { source } of options.sources) {
      const table = tables.get(source.name);
      if (table === undefined) continue;
      batches.folded(source.name, table.advance(clock.now()));
      if (table.asking) source.list?.();
      table.asking = false;
      wakeFor(table);
    }
  };

  const refold = async (): Promise<void> => {
    for await (const events of journal.openEvents()) {
      for (const event of events) {
        const table = tables.get(event.source);
        // What ended in an earlier life was stored then; storing it again changes nothing.
        if (table !== undefined) batches.folded(event.source, table.apply(event));
      }
    }
    // Where the beginning of a channel could not be stored, nothing would ever release it.
    const open = Map.groupBy(await journal.openChannels(), ({ source }) => source);
    for (const [source, known] of open) {
      const table = tables.get(source);
      const over = known.map(({ channel }) => channel).filter((channel) => table?.isOpen(channel) !== true);
      batches.release(source, over);
      if (table !== undefined) continue;
      // They would keep the journal of that source for ever.
      options.onFault(source, `No [[source]] has this name any more: ${over.length} open channels are given up.`);
    }
  };

  const remember = async (): Promise<void> => {
    for (const { source, plan } of options.sources) {
      const table = tables.get(source.name);
      if (table !== undefined) await rememberLately(journal, table, { plan, rules, now: clock.now() });
    }
  };

  /** Told before anything that is stamped by the clock as it goes now: part of what every source said, so a restart folds it again. */
  const onClock = (news: ClockNews): void => {
    options.onClock?.(news);
    for (const { source } of options.sources) {
      onFrame({ source: source.name, receivedAt: news.at, events: [clockEvent(source.name, news)], raw: null });
    }
    if (news.kind === 'stalled') return;
    cancelWake();
    tick();
  };

  /** Nobody listens to the PBX from `at` on: the open calls are in doubt until it lists its channels again. */
  const markGap = (source: string, at: number, reason: string): void => {
    const receivedAt = clock.now();
    const lost = { kind: 'source-lost', source, at, receivedAt, orderly: true, reason } as const;
    onFrame({ source, receivedAt, events: [lost], raw: null });
  };

  const onStatus = (status: SourceStatus): void => {
    watch?.status(status);
    options.onStatus(status);
  };

  return {
    async start() {
      // Before anything begins a gap.
      await watch?.start(options.sources.map(({ source }) => source.name));
      await refold();
      await remember();
      unwatch = clock.watch?.(onClock) ?? unwatch;
      for (const { source } of options.sources) {
        // After a kill the last thing heard is all that is known; an orderly end has been marked then.
        const at = await lastHeardAt(source.name);
        if (at !== null) markGap(source.name, at, 'logcalld was not running');
      }
      tick();
      for (const { source } of options.sources) source.start(onFrame, onStatus);
    },
    async stop() {
      await Promise.all(
        options.sources.map(async ({ source }) => {
          const { state, lastFrameAt } = source.status();
          await source.stop();
          if (state === 'connected') markGap(source.name, lastFrameAt ?? clock.now(), 'logcalld stopped');
        }),
      );
      cancelWake();
      unwatch();
      await batches.drain();
      await watch?.stop();
    },
    offerLeft: () => batches.drain(),
    live: () => [...tables.values()].flatMap((table) => table.live(clock.now())),
    unstoredCalls: () => batches.unstored,
    openCalls: (source) => tables.get(source)?.openCalls ?? 0,
    openChannels: () => [...tables.values()].reduce((sum, table) => sum + table.openChannels, 0),
    isOpen: (source, channel) => tables.get(source)?.isOpen(channel) === true,
    settled: () => batches.stored(),
    corrected(records, gone) {
      const own = Map.groupBy(records, ({ source }) => source);
      for (const [name, table] of tables) table.correct(own.get(name) ?? [], gone);
    },
    timeOf: (source) => watch?.timeOf(source) ?? SAME_TIME,
    bootedAt: (source) => watch?.bootedAt(source) ?? null,
    listedAt: (source) => watch?.listedAt(source) ?? null,
  };
}
