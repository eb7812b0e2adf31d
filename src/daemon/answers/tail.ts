/** What goes on, for who watches (`logcalld tail`): what the PBXs say, calls that are stored, steps of deliveries. Costs nothing while nobody does. */
import type { StreamHandlers, TailLine } from '../../../adapters/control/stream.ts';
import type { CallRecord, LiveCall } from '../../call/record.ts';
import type { Delivery, Outbox, Settlement } from '../../delivery/store.ts';
import type { SourceFrame } from '../../ports.ts';

/** Takes lines as fast as its reader does; others are left out, and counted. */
export type Sink = (line: () => string) => void;

export interface Watching {
  /** Only this PBX; `null`: all. */
  readonly source: string | null;
  /** With the frames themselves. */
  readonly raw: boolean;
}

export interface Tail {
  readonly watched: boolean;
  /** A frame that was folded in. */
  frame(frame: SourceFrame): void;
  /** A call that is stored now. `unposted`: why it is not to be posted, `null`: it is. */
  ended(record: CallRecord, unposted: string | null): void;
  /** A step of a delivery that is stored now. */
  step(of: Delivery, step: Settlement): void;
  /** Until the answer is called. */
  watch(watching: Watching, sink: Sink): () => void;
}

export function createTail(): Tail {
  const watchers = new Set<{ readonly of: Watching; readonly sink: Sink }>();
  /** `plain` and `whole` are made once for all, and only where somebody takes them. */
  const tell = (source: string, plain: () => TailLine, whole: () => TailLine = plain): void => {
    const lines = [once(plain), once(whole)] as const;
    for (const { of, sink } of watchers) {
      if (of.source === null || of.source === source) sink(lines[of.raw ? 1 : 0]);
    }
  };
  return {
    get watched() {
      return watchers.size > 0;
    },
    frame(frame) {
      if (watchers.size === 0) return;
      const { source, receivedAt: at, events, raw } = frame;
      const text = () => (raw === null ? null : Buffer.from(raw).toString('utf8'));
      tell(
        source,
        () => ({ frame: { source, at, events, raw: null } }),
        () => ({ frame: { source, at, events, raw: text() } }),
      );
    },
    ended(record, unposted) {
      if (watchers.size > 0) tell(record.source, () => ({ ended: record, unposted }));
    },
    step({ record }, { from, to, found, reason, now: at }) {
      if (watchers.size === 0) return;
      const lead = found === undefined ? undefined : (found.leadId ?? null);
      tell(record.source, () => ({ step: { record, at, from: from.step, to: to.state, reason, lead } }));
    },
    watch(of, sink) {
      const watcher = { of, sink };
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}

function once(make: () => TailLine): () => string {
  let text: string | null = null;
  return () => {
    text ??= JSON.stringify(make());
    return text;
  };
}

/** The same outbox; who watches hears of each step that is stored. */
export function watched(outbox: Outbox, tail: Tail): Outbox {
  /** Rows under way, of those that were taken while somebody watched. */
  const rows = new Map<number, Delivery>();
  return {
    ...outbox,
    async claim(args) {
      const taken = await outbox.claim(args);
      if (!tail.watched) rows.clear();
      else for (const row of taken.rows) rows.set(row.id, row);
      return taken;
    },
    async settle(args) {
      const done = await outbox.settle(args);
      if (rows.size === 0) return done;
      for (const [at, item] of args.items.entries()) {
        const row = rows.get(item.id);
        if (row !== undefined && done[at] === true) tail.step(row, item);
        if (item.leaseUntil === undefined) rows.delete(item.id);
      }
      return done;
    },
  };
}

/** What who begins to watch is answered. `live`: the calls that go on then. */
export function streamsOf(tail: Tail, live: () => readonly LiveCall[]): StreamHandlers {
  return {
    tail({ source = null, raw }, sink) {
      const line = (one: TailLine) => () => JSON.stringify(one);
      for (const { record, channels } of live()) {
        if (source === null || record.source === source) sink(line({ live: record, channels }));
      }
      return tail.watch({ source, raw }, sink);
    },
  };
}
