/** Coming and going: bridges, holds, the end of a channel. */
import type { ApplyContext } from './context.ts';
import { type Bridge, type Call, type Channel, type Interval, isLive, linkCalls } from './state.ts';

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

/** A bridge that all have left is needed only as long as a call of its members is still to be judged by it. */
export function forgetBridge(context: ApplyContext, bridge: Bridge): void {
  if (bridge.stays.some((stay) => stay.to === null && isLive(stay.channel))) return;
  context.bridges.delete(bridge.id);
  const rest = bridge.stays.map((stay) => stay.channel).filter((one) => context.channels.get(one.id) === one);
  // A phone that goes on (an agent logged in all day) is not to keep every caller it ever had.
  if (rest.every((one) => isLive(one) && one.party.side === 'extension')) {
    for (const one of rest) one.bridges.delete(bridge);
  }
}

/** Who met the external party met it in that call; what the phones go on with is told by the bridges it never was in. */
export function startAnew(call: Call, rest: readonly Channel[]): void {
  for (const channel of rest) {
    for (const bridge of channel.bridges) {
      const before = bridge.stays.some((stay) => stay.channel.call === call && !rest.includes(stay.channel));
      if (before) channel.bridges.delete(bridge);
    }
  }
}
