/** Batches on their way into one transaction. */
import type { CallRecord } from '../../../src/call/record.ts';
import type { Why } from '../../../src/delivery/parked/reasons.ts';
import { Slabs } from '../../../src/link/slabs.ts';
import type { JournalBatch } from '../../../src/ports.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { type Held, type SessionRow, sessionRow } from '../sessions/row.ts';
import { encode, kept, type Packet } from './frames.ts';
import type { Run } from './journal.ts';

/** A batch as it waits: its frames are copied, so that nothing keeps the buffers of a socket. */
export interface Prepared {
  readonly parts: ReadonlyMap<string, Part>;
  readonly ended: readonly SessionRow[];
  /** Bytes that it takes, about. */
  readonly bytes: number;
}

interface Part {
  readonly packet: Packet | null;
  /** By channel: whether it belongs to an open call at the end of the batch. */
  readonly open: ReadonlyMap<string, boolean>;
  readonly connected: CallEvent | null;
}

/** What a record and its rows take beside frames. */
const RECORD_BYTES = 4096;

/** Why a call is not to be posted, where its facts alone say so; `null`: delivery finds out. */
export type Unposted = (record: CallRecord) => Why | null;

/** Whether a call waits for the PBX's own record before it is posted; `null`: it does not. */
export type Holding = (record: CallRecord) => Held | null;

/** `slabs`: memory for the frames, to be given back by `release`. */
export function prepare(
  { frames, opened, released, ended, expected }: JournalBatch,
  unposted: Unposted = () => null,
  holding: Holding = () => null,
  slabs = new Slabs(),
): Prepared {
  const sources = new Set<string>();
  for (const list of [frames, opened, released]) for (const { source } of list) sources.add(source);
  const parts = new Map<string, Part>();
  let bytes = RECORD_BYTES * ended.length;
  for (const source of sources) {
    const of = (one: { readonly source: string }): boolean => one.source === source;
    const own = sources.size === 1 ? frames : frames.filter(of);
    const open = new Map<string, boolean>();
    for (const one of opened) if (of(one)) open.set(one.channel, true);
    for (const one of released) if (of(one)) open.set(one.channel, false);
    const packet = own.length === 0 ? null : encode(own.map(kept), (length) => slabs.take(length));
    bytes += packet?.bytes.length ?? 0;
    parts.set(source, { packet, open, connected: lastConnection(own) });
  }
  const rowOf = (record: CallRecord): SessionRow =>
    sessionRow(record, unposted(record), holding(record), expected?.get(record.callSessionId) ?? null);
  return { parts, ended: ended.map(rowOf), bytes };
}

/** The batch is stored, or given up. */
export function release({ parts }: Prepared, slabs: Slabs): void {
  for (const { packet } of parts.values()) if (packet !== null) slabs.giveBack(packet.bytes);
}

function lastConnection(frames: JournalBatch['frames']): CallEvent | null {
  let last: CallEvent | null = null;
  for (const { events } of frames) for (const event of events) if (event.kind === 'source-connected') last = event;
  return last;
}

/** What one transaction stores of each source. */
export function runsOf(batches: readonly Prepared[]): readonly Run[] {
  const sources = new Set(batches.flatMap(({ parts }) => [...parts.keys()]));
  return [...sources].map((source): Run => {
    const parts = batches.flatMap((batch) => batch.parts.get(source) ?? []);
    const open = new Map(parts.flatMap((part) => [...part.open]));
    const connected = parts.findLast((part) => part.connected !== null)?.connected ?? null;
    return {
      source,
      packets: parts.flatMap(({ packet }) => packet ?? []),
      opened: [...open].flatMap(([channel, is]) => (is ? [channel] : [])),
      released: [...open].flatMap(([channel, is]) => (is ? [] : [channel])),
      connected: connected === null ? null : JSON.stringify(connected),
    };
  });
}
