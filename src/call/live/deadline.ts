/** How long a call is waited for: until it is over, until its external party has been gone for long enough, until it is given up. */

import { type CallEvent, channelOf } from '../../telephony/call-event.ts';
import { NONE } from '../few.ts';
import type { ApplyContext } from './context.ts';
import { callOf } from './create.ts';
import { endUnheard } from './reconcile.ts';
import { type Call, type Channel, calledIn, componentOf, isLive } from './state.ts';

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
  return call.links === null ? [call] : componentOf(call);
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
    if (isLive(channel)) return askOrOverdueAt(call, rules);
    // A number that was called in vain was never there, and cannot have gone: the phones go on with their own call.
    if (calledIn(channel) || channel.answeredAt !== null) gone = Math.max(gone, channel.clearedHeardAt);
  }
  return gone === Number.NEGATIVE_INFINITY ? askOrOverdueAt(call, rules) : gone + rules.externalGoneMs;
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

/** So long before a silent call is given up the PBX is asked what lives, ms: whoever is in its list is not silent any more. */
const ASKED_BEFORE_MS = 600_000;

/** When something is to become of the silence: first the question, then the end. */
function askOrOverdueAt(call: Call, rules: Waits): number {
  const overdue = overdueAt(call, rules);
  return call.askedFor === overdue ? overdue : overdue - ASKED_BEFORE_MS;
}

/** True, once for each silence, when the PBX is to be asked what lives before the call is given up. */
export function isToAskFor(call: Call, rules: Waits, now: number): boolean {
  const overdue = overdueAt(call, rules);
  if (now >= overdue || call.askedFor === overdue || now < dueAt(call, rules)) return false;
  if (dueAt(call, rules) !== overdue - ASKED_BEFORE_MS) return false;
  call.askedFor = overdue;
  return true;
}

/** The end of this call was missed. Calls it has been joined with have been heard of since. */
export function giveUp(context: ApplyContext, call: Call, now: number): void {
  for (const channel of call.channels) {
    channel.givenUp ||= isLive(channel);
    endUnheard(context, channel, null, now);
  }
}

/** What only tells an end, or comes after it: no sign of life. */
const LAST_WORDS: ReadonlySet<CallEvent['kind']> = new Set([
  ...(['cleared', 'vanished', 'hangup-requested', 'dial-ended', 'recording'] as const),
  ...(['voicemail-reached', 'voicemail-left', 'mailbox-read'] as const),
]);

/** A channel that was given up shows that it lives: what follows on it is taken in, as of one whose last call has been reported. */
export function reviveBy(context: ApplyContext, event: CallEvent): void {
  const id = channelOf(event);
  const channel = id === null ? undefined : context.givenUp.get(id);
  if (channel === undefined) return;
  const over = event.kind === 'cleared' || event.kind === 'vanished';
  if (LAST_WORDS.has(event.kind) && !over) return;
  const ids = [channel.id, ...channel.aliases];
  for (const one of ids) context.givenUp.delete(one);
  if (over) return;
  beginAnew(channel);
  channel.call = callOf(context, channel.facts.linkedId, channel.id, false);
  channel.call.channels.add(channel);
  for (const one of ids) {
    context.onRevived(one);
    context.channels.set(one, channel);
    context.onOpened(one);
  }
}

/** Nothing of what was reported is left on it. */
function beginAnew(channel: Channel): void {
  Object.assign(channel, { clearedAt: null, clearedHeardAt: 0, clearing: null, endBetween: null, givenUp: false });
  Object.assign(channel, { carriedOver: true, recorded: false, wire: null, seat: null, met: null });
  Object.assign(channel, { recordings: NONE, dials: NONE, holds: NONE, queues: NONE, transfers: NONE, bridges: NONE });
}
