import { COMPANY } from '../pbx.ts';
import { bothEnded } from '../sip/call.ts';
import { talkFor } from '../sip/moment.ts';
import { answeredInbound, inboundCall, ringingAt, type Story, TALK_MS } from '../story.ts';

/** Enough for a call to end and to be stored on a busy machine, ms. */
const SKIPPED_MS = 20_000;

/** On a PBX that believes what the network asserts, and tells of its channels how a number may be presented. */
export const privacy: readonly Story[] = [
  {
    name: 'a caller who asked for privacy, though the network tells his number, is not logged; the call after it is',
    play: async (lab) => {
      const skipped = lab.daemon.says(/"event":"call-skipped"[^\n]*"skip-no-number"/, SKIPPED_MS);
      const hidden = await lab.pbx.caller.call(COMPANY.direct, { number: lab.newNumber(), hidden: true });
      const taken = await ringingAt(lab, '1001');
      taken.answer();
      await hidden.answered.wait();
      await talkFor(TALK_MS);
      await hidden.hangUp();
      await bothEnded(hidden, taken);
      await skipped;
      const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001');
      await talkFor(TALK_MS);
      await caller.hangUp();
      await bothEnded(caller, agent);
      return [inboundCall('Answered', caller, ['1001'], agent)];
    },
  },
];
