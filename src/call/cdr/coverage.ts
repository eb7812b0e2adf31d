/** What was heard of a PBX, and when it was not heard: what decides which calls need its own call detail records (CDR). */
import { type CallEvent, channelOf } from '../../telephony/call-event.ts';

/** A PBX that writes its records in batches (cdr.conf, `batch=yes`) does so every five minutes, and tells then of recordings, ms. */
export const LATE_MS = 360_000;

/** A stretch of time, ms since the epoch, UTC, both ends included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The result of listening. */
export interface Heard {
  /** Ids and linked ids of the channels whose facts were told, at their beginning, in a list or at their end. */
  readonly ids: ReadonlySet<string>;
  /** Every id and linked id that an event named, also of channels about which nothing else was told. */
  readonly mentioned: ReadonlySet<string>;
  /** Blind intervals: from the last thing heard to the first complete list of channels afterwards. */
  readonly gaps: readonly Span[];
  /** When the PBX was lost, ms since the epoch: what it tells of a call after its end was not heard then. Absent: as the gaps begin. */
  readonly lostAt?: readonly number[];
}

/** Takes note of what a PBX says, in order of arrival. */
export interface Listener {
  /** Everything that arrived at one time on one connection, wanted or not; connections count from 1. */
  note(events: readonly CallEvent[], receivedAt: number, connection: number): void;
  heard(): Heard;
}

/**
 * A greeting on a connection that was already greeted means another connection, in captures that do not count them. A gap
 * that no list of channels closes ends with the first thing heard after it.
 */
export function listen(): Listener {
  const ids = new Set<string>();
  const mentioned = new Set<string>();
  const gaps: Span[] = [];
  let last: { readonly at: number; readonly connection: number } | null = null;
  let greeted = false;
  let awaitingList = false;

  const note = (event: CallEvent, receivedAt: number, before: number | null): void => {
    const facts = 'facts' in event ? event.facts : 'history' in event ? event.history?.facts : undefined;
    const named = [channelOf(event), 'linkedId' in event ? event.linkedId : null, facts?.linkedId];
    for (const id of [...named, ...('linkedIds' in event ? event.linkedIds : [])]) {
      if (id === null || id === undefined) continue;
      mentioned.add(id);
      if (facts !== undefined) ids.add(id);
    }
    if (event.kind === 'source-connected' && event.boot === null && event.bootedAt === null) {
      if (greeted && before !== null) openGap(before, receivedAt);
      greeted = true;
    } else if (event.kind === 'snapshot-complete' && awaitingList) {
      const open = gaps.pop();
      if (open !== undefined) gaps.push({ from: open.from, to: receivedAt });
      awaitingList = false;
    }
  };
  const openGap = (from: number, to: number): void => {
    gaps.push({ from, to });
    awaitingList = true;
    greeted = false;
  };
  return {
    note(events, receivedAt, connection) {
      const before = last;
      if (before !== null && connection !== before.connection) openGap(before.at, receivedAt);
      for (const event of events) note(event, receivedAt, before?.at ?? null);
      last = { at: Math.max(receivedAt, before?.at ?? 0), connection };
    },
    heard: () => ({ ids, mentioned, gaps }),
  };
}
