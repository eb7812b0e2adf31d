/** How long a call is waited for: until it is over, until its external party has been gone for long enough, until it is given up. */
import type { ApplyContext } from './context.ts';
import { endUnheard } from './reconcile.ts';
import { type Call, calledIn, componentOf, isLive } from './state.ts';

/** See `CallRules`. All in ms. */
export interface Waits {
  readonly graceMs: number;
  readonly externalGoneMs: number;
  readonly maxAgeMs: number;
}

/** When the call is to be ended as things are now, ms since the epoch; infinity when it waits for another call. */
export function dueAt(call: Call, rules: Waits): number {
  const cleared = lastCleared(groupOf(call));
  return cleared === null ? ownDueAt(call, rules) : cleared + rules.graceMs;
}

/** The call with all that it is joined with. */
export function groupOf(call: Call): Iterable<Call> {
  return call.links.size === 0 ? [call] : componentOf(call);
}

/** Tells of each call of the group when it is to be ended. */
export function eachDueAt(group: Iterable<Call>, rules: Waits, tell: (call: Call, at: number) => void): void {
  const cleared = lastCleared(group);
  for (const call of group) tell(call, cleared === null ? ownDueAt(call, rules) : cleared + rules.graceMs);
}

/** When the last channel of the group was heard to be cleared, ms since the epoch; `null` as long as one lives. */
function lastCleared(group: Iterable<Call>): number | null {
  let last = 0;
  for (const call of group) {
    let external = false;
    for (const channel of call.channels) {
      if (isLive(channel)) return null;
      last = Math.max(last, channel.clearedHeardAt);
      external ||= channel.party.side === 'trunk';
    }
    // Members of a conference are calls of their own; but a customer's call is judged by the agents who were in the room, so
    // an internal call is kept until the customers it met have gone.
    if (external) continue;
    for (const channel of call.channels) {
      if (channel.met === null) continue;
      for (const other of channel.met) {
        if (other.party.side !== 'trunk' || other.call === call) continue;
        if (isLive(other)) return null;
        last = Math.max(last, other.clearedHeardAt);
      }
    }
  }
  return last;
}

/** The same for a call whose group goes on. */
function ownDueAt(call: Call, rules: Waits): number {
  let gone = Number.NEGATIVE_INFINITY;
  for (const channel of call.channels) {
    if (channel.party.side !== 'trunk') continue;
    if (isLive(channel)) return overdueAt(call, rules);
    // A number that was called in vain was never there, and cannot have gone: the phones go on with their own call.
    if (calledIn(channel) || channel.answeredAt !== null) gone = Math.max(gone, channel.clearedHeardAt);
  }
  return gone === Number.NEGATIVE_INFINITY ? overdueAt(call, rules) : gone + rules.externalGoneMs;
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
  for (const channel of call.channels) endUnheard(context, channel, null, now);
}
