/** Whose phones rang, and since when. */
import type { ChannelId } from '../../telephony/call-event.ts';
import { inOrder } from '../in-order.ts';
import { type Call, type Channel, calledIn } from '../live/state.ts';
import { calledLegs, isPhone } from './case.ts';

/** Extensions whose phones rang, in order. A leg sent out by a trunk in the name of an extension counts as that extension. */
export function rungOf(channels: readonly Channel[]): string[] {
  const rung = new Set<string>();
  for (const channel of inOrder(channels, ({ createdAt }) => createdAt)) {
    if (calledIn(channel)) continue;
    const { side, ext } = channel.party;
    const who = side === 'extension' ? ext : side === 'trunk' ? channel.facts.extension : null;
    if (who !== null) rung.add(who);
  }
  return [...rung];
}

/**
 * Channels made while the external party was there: whom a phone calls after that is not part of its call. Times alone do not
 * tell, since the clock of a PBX may tick in steps of 20 ms.
 */
export function madeBefore(endedAt: number, channels: readonly Channel[]): Channel[] {
  const isOfPhone = (id: ChannelId | null) => channels.some((one) => one.id === id && isPhone(one));
  const byPhone = (channel: Channel) => channel.dials.some((dial) => isOfPhone(dial.by));
  return channels.filter(
    (channel) => channel.createdAt < endedAt || (channel.createdAt === endedAt && !byPhone(channel)),
  );
}

/**
 * What was made for the call of the subject: of an internal call that was joined with it, and of one that has been reported, only what is
 * younger. An agent who is logged in brings along all that went before.
 */
export function madeSince(subject: Channel, call: Call, channels: readonly Channel[]): Channel[] {
  const older = (channel: Channel) =>
    (channel.carriedOver || channel.call !== call) && channel.createdAt < subject.createdAt;
  return channels.filter((channel) => channel === subject || !older(channel));
}

/** When the first leg began to be called, ms since the epoch; `null` when none was. */
export function ringingSince(channels: readonly Channel[]): number | null {
  const called = calledLegs(channels);
  return called.length === 0 ? null : Math.min(...called.map((channel) => channel.createdAt));
}
