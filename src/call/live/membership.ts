/** Coming and going: bridges, holds, the end of a channel. */
import { plus } from '../few.ts';
import { dismiss, forget, newBridge, seat, staysDuring, unseat } from './bridge.ts';
import type { ApplyContext } from './context.ts';
import { type Bridge, type Channel, type Interval, isLive, linkCalls } from './state.ts';

/** A channel is in one bridge at a time. Two channels in a talk bridge belong to one call; members of a conference do not. */
export function enter(context: ApplyContext, channel: Channel, id: string, kind: Bridge['kind'], at: number): void {
  const bridge = context.bridges.get(id) ?? newBridge(id, kind);
  if (bridge.here.has(channel)) return;
  leave(context, channel, at);
  context.bridges.set(id, bridge);
  if (bridge.kind !== 'holding') meet(context, bridge, channel, at);
  seat(bridge, channel, at);
  channel.seat = bridge;
  channel.seatedAt = Math.max(at, channel.seatedAt ?? at);
}

function meet(context: ApplyContext, bridge: Bridge, channel: Channel, at: number): void {
  if (!channel.bridges.includes(bridge)) channel.bridges = plus(channel.bridges, bridge);
  bridge.members.add(channel);
  for (const { channel: other, to } of staysDuring(bridge, at, Number.POSITIVE_INFINITY)) {
    if (other === channel || context.channels.get(other.id) !== other) continue;
    if (bridge.kind === 'conference') {
      noteMet(channel, other);
      noteMet(other, channel);
      if (!isLive(other)) context.touched.add(other.call);
    } else if (to !== at) linkCalls(channel.call, other.call);
  }
}

function noteMet(channel: Channel, other: Channel): void {
  channel.met ??= new Set();
  channel.met.add(other);
}

/** The calls of those whom the channel met may end sooner than before. */
export function touchMet({ touched }: Pick<ApplyContext, 'touched'>, { met }: Channel): void {
  if (met !== null) for (const { call } of met) touched.add(call);
}

/** The channel leaves the bridge in which it is. */
export function leave(context: ApplyContext, channel: Channel, at: number): void {
  const bridge = channel.seat;
  if (bridge === null) return;
  unseat(bridge, channel, at);
  channel.seat = null;
  letGo(context, bridge);
}

export function closeInterval(interval: Interval | undefined, at: number): void {
  if (interval !== undefined && interval.to === null) interval.to = Math.max(at, interval.from);
}

/** From `at` on (ms since the epoch, clock of the PBX) all that becomes of the channel is heard again. */
export function seeAgain({ blindTimes }: Channel, at: number): void {
  closeInterval(blindTimes.at(-1), at);
}

/** Ends a channel and all that was going on on it. `heardAt`: time of arrival, from which the grace counts. */
export function clear(context: ApplyContext, channel: Channel, at: number, heardAt: number): void {
  if (channel.clearedAt !== null) return;
  channel.clearedAt = Math.max(at, channel.createdAt);
  channel.clearedHeardAt = heardAt;
  leave(context, channel, channel.clearedAt);
  closeInterval(channel.holds.at(-1), channel.clearedAt);
  touchMet(context, channel);
}

/** The channel has been reported: nothing waits for it any more, and it is remembered only where a call is still to be judged by it. */
export function depart(context: ApplyContext, channel: Channel): void {
  touchMet(context, channel);
  if (channel.met !== null) for (const other of channel.met) other.met?.delete(channel);
  channel.met = null;
  for (const { asked } of channel.dials) if (asked !== null) forgetAsked(context, channel, asked);
  for (const bridge of channel.bridges) {
    dismiss(bridge, channel);
    if (bridge.here.size === 0) remove(context, bridge);
  }
}

function forgetAsked({ asked }: ApplyContext, channel: Channel, what: string): void {
  const known = asked.get(what);
  known?.delete(channel);
  if (known?.size === 0) asked.delete(what);
}

/** Who met the external party met it in that call; what the phones go on with is told by the bridges it never was in. */
export function startAnew(context: ApplyContext, gone: readonly Channel[], rest: readonly Channel[]): void {
  const before = new Set(gone.flatMap((channel) => channel.bridges));
  for (const channel of rest) {
    for (const bridge of channel.bridges) {
      if (!before.has(bridge)) continue;
      forget(bridge, channel);
      letGo(context, bridge);
    }
  }
}

/** A bridge that all have left, and by which nothing is to be judged, is gone. */
function letGo(context: ApplyContext, bridge: Bridge): void {
  if (bridge.members.size > 0) return;
  if (bridge.here.size === 0) remove(context, bridge);
  else bridge.over.length = 0;
}

/** Another bridge may have its id by now. */
function remove(context: ApplyContext, bridge: Bridge): void {
  if (context.bridges.get(bridge.id) === bridge) context.bridges.delete(bridge.id);
}
