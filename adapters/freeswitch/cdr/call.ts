/** The legs of a call together: what is recorded of them, and what they tell of legs that have no record of their own. */
import type { CallEvent, ChannelId } from '../../../src/telephony/call-event.ts';
import { type CdrLeg, legEvents } from './leg.ts';
import { bodyOf } from './mentions.ts';

/**
 * All events of legs that belong together, or of any number of calls. `isRecorded` is asked about legs that are named and not among
 * them: true for those that have a record elsewhere.
 */
export function eventsOfLegs(
  legs: readonly CdrLeg[],
  source: string,
  isRecorded: (channel: ChannelId) => boolean = () => false,
): CallEvent[] {
  const recorded = new Set(legs.map((leg) => leg.channel));
  const meetings = legs.flatMap((leg) => leg.meetings);
  const added = new Map<ChannelId, CdrLeg>();
  for (const leg of legs) {
    for (const called of leg.calls) {
      const { channel } = called;
      if (recorded.has(channel) || added.has(channel) || isRecorded(channel)) continue;
      const known = meetings.filter((one) => one.leg === channel || one.with === channel);
      added.set(channel, legEvents(bodyOf(called, known, leg.endedAt), channel, source));
    }
  }
  return [...legs, ...added.values()].flatMap((leg) => leg.events);
}
