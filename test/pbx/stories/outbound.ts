import { bothEnded } from '../sip/call.ts';
import { talkFor } from '../sip/moment.ts';
import { type Lab, outboundCall, ringingAt, type SeenCall, type Story, TALK_MS } from '../story.ts';

export const outbound: readonly Story[] = [
  {
    name: 'outbound answered, agent hangs up',
    play: async (lab) => {
      const customer = lab.newNumber();
      const agent = await lab.pbx.phone('1001').call(customer);
      const callee = await lab.pbx.callee.nextCall();
      callee.ring();
      await agent.ringing.wait();
      callee.answer();
      await agent.answered.wait();
      await talkFor(TALK_MS);
      await agent.hangUp();
      await bothEnded(agent, callee);
      return [outboundCall('Answered', customer, '1001', agent, callee)];
    },
  },
  {
    name: 'outbound answered, dialled with 0, callee hangs up',
    play: async (lab) => {
      const customer = lab.newNumber();
      const agent = await lab.pbx.phone('1002').call(customer.replace('+91', '0'));
      const callee = await lab.pbx.callee.nextCall();
      callee.ring();
      callee.answer();
      await agent.answered.wait();
      await talkFor(TALK_MS);
      await callee.hangUp();
      await bothEnded(agent, callee);
      return [outboundCall('Answered', customer, '1002', agent, callee)];
    },
  },
  {
    name: 'outbound cancelled, dialled with 00',
    play: async (lab) => {
      const customer = lab.newNumber();
      const agent = await lab.pbx.phone('1001').call(customer.replace('+', '00'));
      const callee = await lab.pbx.callee.nextCall();
      callee.ring();
      await agent.ringing.wait();
      await talkFor(TALK_MS);
      await agent.cancel();
      await bothEnded(agent, callee);
      return [outboundCall('Cancelled', customer, '1001', agent)];
    },
  },
  { name: 'outbound busy (486)', play: (lab) => refused(lab, 486, 'Busy') },
  { name: 'outbound no answer (480)', play: (lab) => refused(lab, 480, 'NoAnswer') },
  { name: 'outbound unallocated number (404)', play: (lab) => refused(lab, 404, 'Failed') },
  { name: 'outbound declined (603)', play: (lab) => refused(lab, 603, 'Failed') },
  {
    name: 'click-to-call',
    play: async (lab) => {
      const customer = lab.newNumber();
      await lab.pbx.originate('1004', customer);
      const agent = await ringingAt(lab, '1004');
      agent.answer();
      const callee = await lab.pbx.callee.nextCall();
      callee.ring();
      callee.answer();
      await talkFor(TALK_MS);
      await callee.hangUp();
      await bothEnded(agent, callee);
      return [outboundCall('Answered', customer, '1004', agent, callee)];
    },
  },
];

async function refused(lab: Lab, sipStatus: number, status: SeenCall['status']): Promise<readonly SeenCall[]> {
  const customer = lab.newNumber();
  const agent = await lab.pbx.phone('1001').call(customer);
  const callee = await lab.pbx.callee.nextCall();
  if (status === 'NoAnswer') callee.ring();
  callee.reject(sipStatus);
  await agent.ended.wait();
  return [outboundCall(status, customer, '1001', agent)];
}
