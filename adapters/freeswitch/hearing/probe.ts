/**
 * A channel that rings nobody: a loopback to a context that is in no dialplan. Both of its halves are created and hung up at once, with
 * their CHANNEL_CREATE and CHANNEL_HANGUP_COMPLETE (seen on FreeSWITCH 1.11).
 */
import type { HearingProbe } from '../../../src/ports.ts';
import { deafTo } from './hearing.ts';

const COMMAND = 'originate loopback/logcalld/logcalld-nowhere &hangup()';
/** What FreeSWITCH says when it has placed the channel: there is no such context, as is meant. */
const PLACED = /^(?:\+OK|-ERR NO_ROUTE_DESTINATION)/;

export function createProbe(api: (command: string) => Promise<string>, source: string): HearingProbe {
  return {
    byHand: `fs_cli -x '${COMMAND}'`,
    // There are no rights for kinds of events: one subscription, which this program makes, names those of queues as well.
    unproven: null,
    unheard: () => deafTo(source),
    async place() {
      try {
        const answer = (await api(COMMAND)).trim();
        if (PLACED.test(answer)) return null;
        if (/CHAN_NOT_IMPLEMENTED/.test(answer))
          return "FreeSWITCH has no mod_loopback, by which the channel would be placed: fs_cli -x 'load mod_loopback', or make a call.";
        return `FreeSWITCH did not place the channel ("${answer.slice(0, 80)}"): make a call instead.`;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}
