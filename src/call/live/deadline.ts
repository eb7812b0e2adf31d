/** How long a call is waited for: until it is over, until its external party has been gone for long enough, until it is given up. */
import type { ApplyContext } from './context.ts';
import { clear } from './membership.ts';
import { type Call, calledIn, componentOf, isLive, trunksOf } from './state.ts';

/** See `CallRules`. All in ms. */
interface Waits {
  readonly graceMs: number;
  readonly externalGoneMs: number;
  readonly maxAgeMs: number;
}

/** When the call is to be ended as things are now, ms since the epoch; infinity when it waits for another call. */
export function dueAt(call: Call, rules: Waits): number {
  const group = componentOf(call);
  let lastCleared = 0;
  let live = false;
  for (const one of group) {
    for (const channel of one.channels) {
      if (isLive(channel)) live = true;
      else lastCleared = Math.max(lastCleared, channel.clearedHeardAt);
      // Members of a conference are calls of their own; but a customer's call is judged by the agents who were in the room, so
      // an internal call is kept until the customers it met have gone.
      for (const other of trunksOf(one).length > 0 ? [] : channel.met) {
        if (other.party.side !== 'trunk' || other.call === one) continue;
        if (isLive(other)) live = true;
        else lastCleared = Math.max(lastCleared, other.clearedHeardAt);
      }
    }
  }
  if (!live) return lastCleared + rules.graceMs;
  const trunks = trunksOf(call);
  // A number that was called in vain was never there, and cannot have gone: the phones go on with their own call.
  const met = trunks.filter((trunk) => calledIn(trunk) || trunk.answeredAt !== null);
  if (met.length === 0 || trunks.some(isLive)) return overdueAt(call, rules);
  return Math.max(...met.map((trunk) => trunk.clearedHeardAt)) + rules.externalGoneMs;
}

/**
 * When the silence about the live channels of a call has lasted too long, ms since the epoch. Their age does not count: agents
 * stay logged in for days, and the clock of a PBX may be days behind.
 */
export function overdueAt(call: Call, rules: Waits): number {
  let heardAt = Number.NEGATIVE_INFINITY;
  for (const channel of call.channels) if (isLive(channel)) heardAt = Math.max(heardAt, channel.heardAt);
  return heardAt === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : heardAt + rules.maxAgeMs;
}

/** The end of this call was missed. Calls it has been joined with have been heard of since. */
export function giveUp(context: ApplyContext, call: Call, now: number): void {
  for (const channel of call.channels) {
    if (!isLive(channel)) continue;
    channel.endSeen = false;
    clear(context, channel, now, now);
  }
}
