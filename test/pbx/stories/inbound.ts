import { COMPANY } from '../pbx.ts';
import { bothEnded } from '../sip/call.ts';
import { talkFor } from '../sip/moment.ts';
import { answeredInbound, inboundCall, ringingAt, type Story, TALK_MS } from '../story.ts';

export const inbound: readonly Story[] = [
  {
    name: 'inbound answered, caller hangs up',
    play: async (lab) => {
      const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001');
      await talkFor(TALK_MS);
      await caller.hangUp();
      await bothEnded(caller, agent);
      return [inboundCall('Answered', caller, ['1001'], agent)];
    },
  },
  {
    name: 'inbound answered, agent hangs up',
    play: async (lab) => {
      const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001');
      await talkFor(TALK_MS);
      await agent.hangUp();
      await bothEnded(caller, agent);
      return [inboundCall('Answered', caller, ['1001'], agent)];
    },
  },
  {
    name: 'inbound missed: nobody answers',
    play: async (lab) => {
      const caller = await lab.pbx.caller.call(COMPANY.direct, { number: lab.newNumber() });
      const agent = await ringingAt(lab, '1001');
      await bothEnded(caller, agent);
      return [inboundCall('Missed', caller, ['1001'])];
    },
  },
  {
    name: 'inbound busy: the agent refuses (486)',
    play: async (lab) => {
      const caller = await lab.pbx.caller.call(COMPANY.direct, { number: lab.newNumber() });
      const agent = await lab.pbx.phone('1001').nextCall();
      agent.reject(486);
      await bothEnded(caller, agent);
      return [inboundCall('Busy', caller, ['1001'])];
    },
  },
  {
    name: 'inbound abandoned while ringing',
    play: async (lab) => {
      const caller = await lab.pbx.caller.call(COMPANY.direct, { number: lab.newNumber() });
      const agent = await ringingAt(lab, '1001');
      await caller.ringing.wait();
      await talkFor(TALK_MS);
      await caller.cancel();
      await bothEnded(caller, agent);
      return [inboundCall('Abandoned', caller, ['1001'])];
    },
  },
  {
    name: 'ring group, one of three answers',
    play: async (lab) => {
      const caller = await lab.pbx.caller.call(COMPANY.ringGroup, { number: lab.newNumber() });
      const first = await ringingAt(lab, '1002');
      const second = await ringingAt(lab, '1003');
      const third = await ringingAt(lab, '1004');
      second.answer();
      await bothEnded(first, third);
      await talkFor(TALK_MS);
      await caller.hangUp();
      await bothEnded(caller, second);
      return [inboundCall('Answered', caller, ['1003'], second)];
    },
  },
  {
    name: 'queue answered, two agents ring',
    play: async (lab) => {
      const caller = await lab.pbx.caller.call(COMPANY.queue, { number: lab.newNumber() });
      const other = await ringingAt(lab, '1002');
      const agent = await ringingAt(lab, '1003');
      // The queue took the call long before a person does: that time is no conversation.
      await talkFor(TALK_MS);
      agent.answer();
      await other.ended.wait();
      await talkFor(TALK_MS);
      await caller.hangUp();
      await bothEnded(caller, agent);
      return [inboundCall('Answered', caller, ['1003'], agent)];
    },
  },
  {
    name: 'queue abandoned',
    play: async (lab) => {
      const caller = await lab.pbx.caller.call(COMPANY.queue, { number: lab.newNumber() });
      const first = await ringingAt(lab, '1002');
      const second = await ringingAt(lab, '1003');
      await talkFor(TALK_MS);
      await caller.hangUp();
      await bothEnded(first, second);
      return [inboundCall('Abandoned', caller, ['1002', '1003'])];
    },
  },
  {
    name: 'two calls at once with the same numbers',
    play: async (lab) => {
      const first = await answeredInbound(lab, COMPANY.direct, '1001');
      const second = await answeredInbound(lab, COMPANY.direct, '1001', first.caller.callerNumber);
      await talkFor(TALK_MS);
      await first.caller.hangUp();
      await bothEnded(first.caller, first.agent);
      await talkFor(2 * TALK_MS);
      await second.agent.hangUp();
      await bothEnded(second.caller, second.agent);
      return [first, second].map(({ caller, agent }) => inboundCall('Answered', caller, ['1001'], agent));
    },
  },
];
