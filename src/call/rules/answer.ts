/** When a person answered: not when an IVR, a queue or a mailbox did. */

import { type Channel, calledIn } from '../live/state.ts';
import type { Direction, Talk } from '../record.ts';
import type { Connection } from '../talk.ts';

/**
 * The PBX takes up to this long from a person's 200 OK until it has joined the two: under load a third of a second. A leg that
 * answered earlier did not answer this caller yet: an agent who is logged in was waiting, and whoever has to accept the call with a
 * key, or hears first whose call it is, takes two seconds and more.
 */
const JOINING_MS = 1000;

/**
 * `talks` are those with extensions, `outside` connections with an outside telephone in place of one; `null` when nobody was
 * connected. Of an inbound call the answer is the person's own, where the PBX took a moment to connect the two.
 */
export function answerOf(
  direction: Direction,
  subject: Channel,
  talks: readonly Talk[],
  outside: readonly Connection[],
  connections: readonly Connection[],
): number | null {
  const firsts = [talks[0]?.from, outside[0]?.from].filter((time) => time !== undefined);
  if (firsts.length === 0) return null;
  const connected = Math.min(...firsts);
  if (direction !== 'Inbound') return connected;
  const answers = (connections.find((one) => one.from <= connected && one.to > connected)?.others ?? [])
    .filter((other) => other !== subject && !calledIn(other) && other.answeredAt !== null)
    .map((other) => other.answeredAt ?? connected)
    .filter((at) => at <= connected && connected - at <= JOINING_MS);
  return Math.min(connected, ...answers);
}
