import { COMPANY } from '../pbx.ts';
import { bothEnded } from '../sip/call.ts';
import { talkFor } from '../sip/moment.ts';
import { answeredInbound, inboundCall, type Lab, type SeenCall, type Story, TALK_MS } from '../story.ts';

export const faults: readonly Story[] = [
  {
    name: 'event link cut and repaired in mid-call',
    play: (lab) =>
      lastsLonger(
        lab,
        () => lab.link.cut(),
        () => lab.link.repair(),
      ),
  },
  {
    name: 'daemon killed in mid-call and started again',
    play: (lab) =>
      lastsLonger(
        lab,
        () => lab.daemon.kill(),
        () => lab.daemon.start(),
      ),
  },
  {
    name: 'event link cut, the call ends meanwhile',
    play: (lab) =>
      endsMeanwhile(
        lab,
        () => lab.link.cut(),
        () => lab.link.repair(),
      ),
  },
  {
    name: 'daemon killed, the call ends meanwhile',
    play: (lab) =>
      endsMeanwhile(
        lab,
        () => lab.daemon.kill(),
        () => lab.daemon.start(),
      ),
  },
];

type Step = () => Promise<void> | void;

/** The daemon is blind for a while in the middle of an answered call. */
async function lastsLonger(lab: Lab, blind: Step, sees: Step): Promise<readonly SeenCall[]> {
  const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001');
  await talkFor(TALK_MS);
  await blind();
  await talkFor(TALK_MS);
  await sees();
  await talkFor(TALK_MS);
  await caller.hangUp();
  await bothEnded(caller, agent);
  return [inboundCall('Answered', caller, ['1001'], agent)];
}

/** The call ends while the daemon is blind: only the PBX's own record tells when. */
async function endsMeanwhile(lab: Lab, blind: Step, sees: Step): Promise<readonly SeenCall[]> {
  const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001');
  await talkFor(TALK_MS);
  await blind();
  await talkFor(TALK_MS);
  await caller.hangUp();
  await bothEnded(caller, agent);
  await sees();
  return [inboundCall('Answered', caller, ['1001'], agent)];
}
