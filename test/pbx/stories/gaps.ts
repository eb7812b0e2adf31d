/** Calls while nobody listens: the PBX's own records tell of them afterwards. */
import { COMPANY } from '../pbx.ts';
import { bothEnded, type Call } from '../sip/call.ts';
import { talkFor } from '../sip/moment.ts';
import { inboundCall, type Lab, outboundCall, ringingAt, type SeenCall, type Story, TALK_MS } from '../story.ts';

export const gaps: readonly Story[] = [
  {
    name: 'gap: answered while the daemon is stopped',
    async play(lab) {
      await lab.daemon.stop();
      const { caller, agent } = await answered(lab);
      await talkFor(TALK_MS);
      await agent.hangUp();
      await bothEnded(caller, agent);
      await lab.daemon.start();
      return [inboundCall('Answered', caller, ['1001'], agent)];
    },
  },
  {
    name: 'gap: a call out while the daemon is dead',
    async play(lab) {
      const customer = lab.newNumber();
      // For a daemon that has stored nothing there is no gap.
      const before = await talk(lab, customer);
      await lab.daemon.kill();
      const { agent, callee } = await answeredOutbound(lab, customer);
      await talkFor(TALK_MS);
      await callee.hangUp();
      await bothEnded(agent, callee);
      await lab.daemon.start();
      return [before, outboundCall('Answered', customer, '1002', agent, callee)];
    },
  },
  {
    name: 'gap: abandoned while the event link is cut',
    async play(lab) {
      lab.link.cut();
      const caller = await lab.pbx.caller.call(COMPANY.direct, { number: lab.newNumber() });
      const phone = await ringingAt(lab, '1001');
      await talkFor(TALK_MS);
      await caller.cancel();
      await bothEnded(caller, phone);
      await lab.link.repair();
      return [inboundCall('Abandoned', caller, ['1001'])];
    },
  },
  {
    name: 'gap: begins while the event link is cut, goes on',
    async play(lab) {
      lab.link.cut();
      const { caller, agent } = await answered(lab);
      await talkFor(TALK_MS);
      await lab.link.repair();
      await talkFor(TALK_MS);
      await caller.hangUp();
      await bothEnded(caller, agent);
      return [inboundCall('Answered', caller, ['1001'], agent)];
    },
  },
  {
    name: 'gap: two calls of one customer, one heard and one not',
    async play(lab) {
      const customer = lab.newNumber();
      const heard = await talk(lab, customer);
      lab.link.cut();
      const unheard = await talk(lab, customer);
      await lab.link.repair();
      return [heard, unheard];
    },
  },
];

/** An answer in the second of the call's beginning looks in whole seconds like that of the PBX itself, and people are slower. */
export const RINGING_MS = 1_200;

async function answered(
  lab: Lab,
  customer = lab.newNumber(),
): Promise<{ readonly caller: Call; readonly agent: Call }> {
  const caller = await lab.pbx.caller.call(COMPANY.direct, { number: customer });
  const agent = await ringingAt(lab, '1001');
  await talkFor(RINGING_MS);
  agent.answer();
  await caller.answered.wait();
  return { caller, agent };
}

/** A customer calls, 1001 answers, they talk. */
export async function talk(lab: Lab, customer: string): Promise<SeenCall> {
  const { caller, agent } = await answered(lab, customer);
  await talkFor(TALK_MS);
  await caller.hangUp();
  await bothEnded(caller, agent);
  return inboundCall('Answered', caller, ['1001'], agent);
}

/** A call out that the customer has answered. */
export async function answeredOutbound(
  lab: Lab,
  customer: string,
): Promise<{ readonly agent: Call; readonly callee: Call }> {
  const agent = await lab.pbx.phone('1002').call(customer);
  const callee = await lab.pbx.callee.nextCall();
  callee.ring();
  await talkFor(RINGING_MS);
  callee.answer();
  await agent.answered.wait();
  return { agent, callee };
}
