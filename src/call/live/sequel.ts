/**
 * Calls that follow one another on one line: an agent stays on the line while a script, or a supervisor's redirect, calls one
 * customer after the other for him. The PBX gives all of it one linked id.
 */

import { NONE } from '../few.ts';
import { reachable } from '../talk.ts';
import { type Call, type Channel, calledIn, isLive, oldest, trunksOf } from './state.ts';

/**
 * True when the leg is called for phones that go on after all outside parties of their call have gone: another call begins. A leg
 * that takes the place of one that was called in vain is a further attempt of the same call.
 */
export function beginsAnother(leg: Channel): boolean {
  if (leg.party.side !== 'trunk' || calledIn(leg) || !isLive(leg) || leg.answeredAt !== null) return false;
  const before = trunksOf(leg.call).filter((one) => one !== leg);
  if (!before.some(wasMet) || before.some(isLive)) return false;
  return [...leg.call.channels].some((one) => one.party.side === 'extension' && isLive(one));
}

/** An outside party that called in, or that answered and was connected with somebody. */
function wasMet(trunk: Channel): boolean {
  if (calledIn(trunk)) return true;
  return trunk.answeredAt !== null && [...reachable(trunk)].some((one) => one !== trunk && one.party.side !== 'wire');
}

/** What was made for the leg, itself included: nothing of it is older than the end of the last outside party. */
export function madeFor(leg: Channel): Channel[] {
  const gone = Math.max(...trunksOf(leg.call).map((one) => one.clearedAt ?? Number.NEGATIVE_INFINITY));
  return [...leg.call.channels].filter((one) => one === leg || (isLive(one) && one.createdAt >= gone));
}

/** What is left of a call that has been reported. */
export function carryOver(channel: Channel): void {
  channel.carriedOver = true;
  dropRecordings(channel);
}

/** They are those of the call that has been reported. */
export function dropRecordings(channel: Channel): void {
  channel.recorded = false;
  channel.recordings = NONE;
}

/** The channels of a call that have not been part of a reported one; `[]` where all that is left goes on alone. */
export function newIn(call: Call): Channel[] {
  const fresh = [...call.channels].filter((one) => !one.carriedOver && !metStranger(one));
  if (fresh.length > 0) return fresh;
  const parties = [...call.channels].filter((one) => one.party.side !== 'wire');
  return parties.length > 1 ? parties.slice(1) : [];
}

/** What names the call: its linked id, else the oldest channel that no reported call has had. */
export function sessionKeyOf(call: Call): string {
  const fresh = newIn(call);
  return fresh.length < call.channels.size ? (oldest(fresh)?.id ?? call.sessionKey) : call.sessionKey;
}

/**
 * True for a channel that had been connected with somebody of whom nothing is known any more when others of the call were made.
 * After a restart only what was heard of channels that live is there: that one's call has been reported.
 */
function metStranger(channel: Channel): boolean {
  for (const bridge of channel.bridges) {
    const { kind, shared, here, over } = bridge;
    if (kind !== 'talk' || shared || here.size > 0) continue;
    const lastMade = lastMadeBeside(channel);
    if (over.every(({ to }) => to !== null && to <= lastMade)) return true;
  }
  return false;
}

/** When the last of the others of its call was made, ms since the epoch. */
function lastMadeBeside(channel: Channel): number {
  let last = Number.NEGATIVE_INFINITY;
  for (const one of channel.call.channels) if (one !== channel) last = Math.max(last, one.createdAt);
  return last;
}
