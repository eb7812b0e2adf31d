/**
 * A channel that rings nobody: a Local channel to a context that is in no dialplan. Both of its halves are created and hung up within
 * a millisecond, with their Newchannel and Hangup (seen on Asterisk 16 and 22); no dialplan runs and no device is asked.
 */
import type { HearingProbe } from '../../../src/ports.ts';
import { AmiActionError } from '../link/actions.ts';
import type { AmiPacket } from '../link/packet.ts';
import { deafTo } from './advice.ts';

const CHANNEL = 'Local/logcalld@logcalld-nowhere';
/** For the answer of the PBX, ms. */
const WITHIN_MS = 3_000;
/** What Asterisk says when it has placed the channel and nobody was there to answer, as is meant. */
const PLACED = 'Originate failed';

export interface ProbeLink {
  action(name: string, fields: readonly (readonly [string, string])[]): Promise<AmiPacket>;
}

export function createProbe(link: ProbeLink, source: string, username: string): HearingProbe {
  return {
    byHand: `asterisk -rx 'channel originate ${CHANNEL} application Wait 1'`,
    unproven:
      'those of queues (the right "agent") show with the first caller in one: status tells when they are missing',
    unheard: (what) => deafTo(what, source, username),
    async place() {
      try {
        // Not asynchronous: then no event tells of the attempt itself, which would look like a click-to-call.
        const fields = [
          ['Channel', CHANNEL],
          ['Application', 'Wait'],
          ['Data', '1'],
          ['Timeout', String(WITHIN_MS)],
        ] as const;
        await link.action('Originate', fields);
        return null;
      } catch (error) {
        if (!(error instanceof AmiActionError)) throw error;
        const said = error.response?.get('Message') ?? '';
        if (said === PLACED) return null;
        if (error.failure !== 'refused') return error.message;
        return `the AMI user "${username}" may not place a channel (${said || 'refused'}), nor need it otherwise: add "originate" to its line "write" for this test, or place it by hand.`;
      }
    },
  };
}
