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
  const halves = halvesOf(legs);
  const added = new Map<ChannelId, CdrLeg>();
  for (const dialled of [true, false]) {
    for (const [leg, called] of legs.flatMap((leg) => leg.calls.map((called) => [leg, called] as const))) {
      const { channel } = called;
      if (called.dialled !== dialled) continue;
      const name = called.name ?? halves.get(channel) ?? null;
      // Nothing can be said of who it was.
      if (name === null && called.number === null) continue;
      if (recorded.has(channel) || added.has(channel) || isRecorded(channel)) continue;
      const own = meetings.filter((one) => one.leg === channel || one.with === channel);
      added.set(channel, legEvents(bodyOf({ ...called, name }, own, leg.endedAt), channel, source));
    }
  }
  return inOrder([...legs, ...added.values()]).flatMap((leg) => leg.events);
}

/** Of legs that began at the same moment, in the order in which they were called: records come in any. */
function inOrder(legs: CdrLeg[]): CdrLeg[] {
  const places = new Map(legs.flatMap(({ calls }) => calls.map(({ channel }, index) => [channel, index] as const)));
  const placeOf = ({ channel }: CdrLeg): number => places.get(channel) ?? -1;
  return legs.sort((a, b) => a.startedAt - b.startedAt || placeOf(a) - placeOf(b));
}

/** The names of the first halves of loopback pairs, as the second ones tell them. */
function halvesOf(legs: readonly CdrLeg[]): ReadonlyMap<ChannelId, string> {
  const names = new Map<ChannelId, string>();
  for (const leg of legs) {
    const [created] = leg.events;
    if (created?.kind !== 'channel-created' || created.facts.wire === null) continue;
    const wired = leg.events.find((event) => event.kind === 'wired');
    if (wired?.kind === 'wired') names.set(wired.other, created.facts.name.replace(/-b$/, '-a'));
  }
  return names;
}
