import { COMPANY } from '../pbx.ts';
import { bothEnded } from '../sip/call.ts';
import { talkFor } from '../sip/moment.ts';
import { answeredInbound, inboundCall, ringingAt, type Story, TALK_MS } from '../story.ts';

export const transfers: readonly Story[] = [
  {
    name: 'blind transfer (REFER)',
    play: async (lab) => {
      const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001');
      await talkFor(TALK_MS);
      const transfer = agent.transferTo('1003');
      const second = await ringingAt(lab, '1003');
      second.answer();
      await transfer;
      await talkFor(TALK_MS);
      await caller.hangUp();
      await bothEnded(caller, second);
      return [inboundCall('Answered', caller, ['1003'], agent)];
    },
  },
  {
    name: 'attended transfer (REFER with Replaces)',
    play: async (lab) => {
      const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001');
      await talkFor(TALK_MS);
      await agent.hold();
      const consultation = await lab.pbx.phone('1001').call('1003');
      const second = await ringingAt(lab, '1003');
      second.answer();
      await consultation.answered.wait();
      await talkFor(TALK_MS);
      await agent.joinWith(consultation);
      await consultation.hangUp();
      await talkFor(TALK_MS);
      await second.hangUp();
      await bothEnded(caller, second);
      return [inboundCall('Answered', caller, ['1003'], agent)];
    },
  },
];
