/**
 * The PBX is killed in mid-call while logcalld does not hear it. No telephone is told, and there is no CDR of a call that was cut off:
 * only the rows of its events (CEL) tell of it. It lived at least until the last row before the kill, of whatever call.
 */
import { COMPANY, type PbxProcess } from '../pbx.ts';
import type { Call } from '../sip/call.ts';
import { talkFor } from '../sip/moment.ts';
import { inboundCall, type Lab, outboundCall, ringingAt, type SeenCall, type Story, TALK_MS } from '../story.ts';
import { answeredOutbound, RINGING_MS, talk } from './gaps.ts';

export const crashes: readonly Story[] = [
  {
    name: 'gap: PBX killed while the daemon is stopped',
    play: (lab) =>
      killedInTheGap(
        lab,
        () => lab.daemon.stop(),
        () => lab.daemon.start(),
      ),
  },
  {
    name: 'gap: PBX killed while the event link is cut',
    play: (lab) =>
      killedInTheGap(
        lab,
        () => lab.link.cut(),
        () => lab.link.repair(),
      ),
  },
  {
    name: 'gap: PBX killed while the daemon is dead, a call out',
    async play(lab) {
      const pbx = processOf(lab);
      const customer = lab.newNumber();
      await lab.daemon.kill();
      const { agent, callee } = await answeredOutbound(lab, customer);
      await talkFor(TALK_MS);
      const until = await talk(lab, customer);
      // Asterisk writes rows behind the call: what was to be written at the kill is lost.
      await talkFor(TALK_MS);
      const cut = await cutOff(pbx, agent, callee);
      await pbx.start();
      await lab.daemon.start();
      return [
        until,
        { ...outboundCall('Answered', customer, '1002', agent, callee), ...cut, endKnownFrom: until.endedAt },
      ];
    },
  },
  {
    name: 'gap: PBX killed while it is heard, calls before it is again',
    async play(lab) {
      const pbx = processOf(lab);
      const customer = lab.newNumber();
      const { caller, agent } = await answeredBy(lab, '1002', customer);
      await talkFor(TALK_MS);
      const heard = Date.now();
      const cut = await cutOff(pbx, caller, agent);
      lab.link.cut();
      await pbx.start();
      const first = await talk(lab, customer);
      const second = await talk(lab, customer);
      await lab.link.repair();
      return [
        { ...inboundCall('Answered', caller, ['1002'], agent), ...cut, endKnownFrom: heard - TALK_MS },
        first,
        second,
      ];
    },
  },
];

/**
 * One call is heard to begin. In the gap a second one begins and ends, a third one is going on when the PBX is killed, as is the first;
 * a fourth one begins and ends after the PBX was started again.
 */
async function killedInTheGap(lab: Lab, blind: () => unknown, sees: () => Promise<void>): Promise<readonly SeenCall[]> {
  const pbx = processOf(lab);
  const customer = lab.newNumber();
  const heard = await answeredBy(lab, '1002', customer);
  await talkFor(TALK_MS);
  await blind();
  await talkFor(TALK_MS);
  const unheard = await answeredBy(lab, '1003', customer);
  await talkFor(TALK_MS);
  const before = await talk(lab, customer);
  await talkFor(TALK_MS);
  const cut = await cutOff(pbx, heard.caller, heard.agent, unheard.caller, unheard.agent);
  await pbx.start();
  const after = await talk(lab, customer);
  await sees();
  const endKnownFrom = before.endedAt;
  return [
    { ...inboundCall('Answered', heard.caller, ['1002'], heard.agent), ...cut, endKnownFrom },
    { ...inboundCall('Answered', unheard.caller, ['1003'], unheard.agent), ...cut, endKnownFrom },
    before,
    after,
  ];
}

function processOf({ pbx }: Lab): PbxProcess {
  if (pbx.process === null) throw new Error(`${pbx.name} cannot be killed in a story`);
  return pbx.process;
}

/** Kills the PBX; these telephones take note of it. */
async function cutOff(pbx: PbxProcess, ...calls: readonly Call[]): Promise<Pick<SeenCall, 'endedAt' | 'endKnownBy'>> {
  const endedAt = await pbx.kill();
  for (const call of calls) call.close();
  return { endedAt, endKnownBy: endedAt };
}

async function answeredBy(lab: Lab, extension: '1002' | '1003', customer: string) {
  // A call to a ring group: the direct line rings 1001 alone.
  const caller = await lab.pbx.caller.call(COMPANY.ringGroup, { number: customer });
  const group = await Promise.all((['1002', '1003', '1004'] as const).map((one) => ringingAt(lab, one)));
  await talkFor(RINGING_MS);
  const agent = group[extension === '1002' ? 0 : 1];
  if (agent === undefined) throw new Error('the ring group has three telephones');
  agent.answer();
  await caller.answered.wait();
  return { caller, agent };
}
