import { COMPANY } from '../pbx.ts';
import { bothEnded } from '../sip/call.ts';
import { talkFor } from '../sip/moment.ts';
import { answeredInbound, inboundCall, ringingAt, type Story, TALK_MS } from '../story.ts';

export const internal: readonly Story[] = [
  {
    // What colleagues say to each other is none of the CRM's business; the customer's call after it shows that logcalld
    // has come past it.
    name: 'internal call is not logged, the call after it is',
    play: async (lab) => {
      const colleague = await lab.pbx.phone('1002').call('1003');
      const other = await ringingAt(lab, '1003');
      other.answer();
      await colleague.answered.wait();
      await talkFor(TALK_MS);
      await colleague.hangUp();
      await bothEnded(colleague, other);
      const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001');
      await talkFor(TALK_MS);
      await caller.hangUp();
      await bothEnded(caller, agent);
      return [inboundCall('Answered', caller, ['1001'], agent)];
    },
  },
];
