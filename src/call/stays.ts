/** Coming and going: bridges, holds, the end of a channel. */
import type { ApplyContext } from './context.ts';
import { type Bridge, type Channel, type Interval, linkCalls } from './state.ts';

/** A channel is in one bridge at a time. Two channels in a talk bridge belong to one call; members of a conference do not. */
export function enter(context: ApplyContext, channel: Channel, id: string, kind: Bridge['kind'], at: number): void {
  let bridge = context.bridges.get(id);
  if (bridge === undefined) {
    bridge = { id, kind, stays: [] };
    context.bridges.set(id, bridge);
  }
  if (bridge.stays.some((stay) => stay.channel === channel && stay.to === null)) return;
  leave(channel, at, () => true);
  if (bridge.kind === 'talk') {
    for (const { channel: other, to } of bridge.stays) if (to === null || to > at) linkCalls(channel.call, other.call);
  }
  bridge.stays.push({ channel, from: at, to: null });
  channel.bridges.add(bridge);
}

export function leave(channel: Channel, at: number, which: (bridge: Bridge) => boolean): void {
  for (const bridge of channel.bridges) {
    if (!which(bridge)) continue;
    for (const stay of bridge.stays) if (stay.channel === channel) closeInterval(stay, at);
  }
}

export function closeInterval(interval: Interval | undefined, at: number): void {
  if (interval !== undefined && interval.to === null) interval.to = Math.max(at, interval.from);
}

/** Ends a channel and all that was going on on it. `heardAt`: time of arrival, from which the grace counts. */
export function clear(channel: Channel, at: number, heardAt: number): void {
  if (channel.clearedAt !== null) return;
  channel.clearedAt = Math.max(at, channel.createdAt);
  channel.clearedHeardAt = heardAt;
  leave(channel, channel.clearedAt, () => true);
  closeInterval(channel.holds.at(-1), channel.clearedAt);
}
