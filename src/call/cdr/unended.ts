/**
 * Channels of which records tell the beginning and no end: rows that were lost, or that the PBX does not write. Such a one has ended
 * when the PBX lists its channels without it, between the last thing that is recorded of it and that list.
 */
import type { CallEvent, ChannelId } from '../../telephony/call-event.ts';

/** Times: ms since the epoch, UTC, on one clock. */
export interface Unended {
  readonly channel: ChannelId;
  readonly linkedId: string;
  readonly createdAt: number;
  /** When it did something that is recorded last. */
  readonly lastAt: number;
}

/** Those among `events`, in any order. What lived before the PBX was started anew is over by that. */
export function unendedIn(events: readonly CallEvent[]): Unended[] {
  const found = new Map<ChannelId, Unended>();
  const ended = new Set<ChannelId>();
  let bootedAt = Number.NEGATIVE_INFINITY;
  for (const event of events) {
    if (event.kind === 'channel-created') {
      const { channel, at, facts } = event;
      found.set(channel, { channel, linkedId: facts.linkedId, createdAt: at, lastAt: at });
    } else if (event.kind === 'cleared' || event.kind === 'vanished') ended.add(event.channel);
    else if (event.kind === 'source-connected') bootedAt = Math.max(bootedAt, event.bootedAt ?? bootedAt);
  }
  for (const event of events) {
    const known = 'channel' in event ? found.get(event.channel) : undefined;
    if (known !== undefined && event.at > known.lastAt) found.set(known.channel, { ...known, lastAt: event.at });
  }
  return [...found.values()].filter(({ channel, createdAt }) => !ended.has(channel) && createdAt >= bootedAt);
}

/** A difference of the clocks up to this is none: the second of a channel's creation is known to half of one, ms. */
export const SAME_MS = 1500;

/** The first of these times that is not before the last proof of its life; `null`: none tells that it is over. */
export function overBy({ createdAt, lastAt }: Unended, times: readonly number[]): number | null {
  const later = times.filter((at) => at >= createdAt && at + SAME_MS >= lastAt);
  return later.length === 0 ? null : Math.max(lastAt, Math.min(...later));
}

/** It was over by then, and nothing tells when it ended. */
export function unheardEnd(source: string, { channel, lastAt }: Unended, overAt: number): CallEvent {
  return { source, kind: 'vanished', channel, at: lastAt, receivedAt: lastAt, overAt };
}
