/** The ring group that offered a call to its members. */

import { diallerOf } from '../known/originated.ts';
import type { Channel } from '../live/state.ts';
import { type Case, calledLegs, dialPath, isKnownExtension } from './case.ts';

/**
 * FreePBX dials members of a group from here, with the group's number as the extension; a single phone from `dialOne-with-exten`,
 * with its own.
 */
const GROUP_CONTEXT = 'dial-with-exten';

/** The group as one of whose members a leg was dialled, `null` when it was dialled as an extension's own. */
export function groupOf(of: Case, leg: Channel): string | null {
  for (const channel of dialPath(of, leg)) {
    for (const { from } of channel.dials) {
      const { context, exten } = from ?? { context: null, exten: null };
      // Follow-me dials from the same place with the number of the extension itself.
      if (exten !== null && context === GROUP_CONTEXT && !isKnownExtension(of, exten)) return exten;
    }
  }
  return null;
}

/** The queue whose member a leg was dialled as, `null` when its caller waited in none at that moment. */
export function queueOf(of: Case, leg: Channel): string | null {
  for (const channel of dialPath(of, leg)) {
    for (const { by, at } of channel.dials) {
      const waiting = diallerOf(of, channel, by)?.queues.find((stay) => stay.from <= at && (stay.to ?? at) >= at);
      if (waiting !== undefined) return waiting.queue;
    }
  }
  return null;
}

/** The ring group of a call, the first where it went through several. */
export function ringGroupOf(of: Case): string | null {
  for (const leg of calledLegs(of.channels)) {
    const group = groupOf(of, leg);
    if (group !== null) return group;
  }
  return null;
}
