/** A real Asterisk whose AMI user hears of no call, until the line that status names is put right. */
import { startSandbox } from '../../../adapters/leadsquared/sandbox/sandbox.ts';
import { installAsterisk, startAsterisk } from '../../pbx/asterisk/asterisk.ts';
import { PJSIP } from '../../pbx/asterisk/edition.ts';
import { COMPANY, type Pbx, type PbxRights, Unavailable as PbxUnavailable } from '../../pbx/pbx.ts';
import type { Call } from '../../pbx/sip/call.ts';
import { sandboxUsers } from '../../support/daemon.ts';
import { type Box, Unavailable } from '../box.ts';
import { expect, type Story } from '../story.ts';
import { configOf, posted, serve } from '../world.ts';

/** Where the suite of real calls keeps it. */
const ASTERISK = process.env.LOGCALLD_PBX_ROOT ?? '/var/tmp/logcalld-pbx';

/** What an administrator had before. */
const LACKING = ['read = system', 'write = reporting'];

export const deaf: Story = {
  name: 'a real Asterisk that tells of no call: status and journal say so and name the line, which helps',
  async play(box) {
    const pbx = await asterisk();
    const sandbox = await startSandbox({ users: sandboxUsers });
    const rights = pbx.rights;
    if (rights === null) throw new Error('nobody can take rights away at this PBX');
    try {
      await rights.set(LACKING);
      await serve(box, { sandbox, config: configOf(pbx.events.port, sandbox), secret: pbx.secret });
      await box.until('logcalld status', ({ code }) => code === 0);
      const unheard = await talk(pbx, '+919845012301');
      const told = await box.until('logcalld status', ({ out }) => /lacks "call"/.test(out));
      expect(told.code === 1 && /^Something needs attention\./.test(told.out), 'status ends with 1', told);
      const lines = [...told.out.matchAll(/^ +((?:read|eventfilter) = .+)$/gm)].map(([, line = '']) => line);
      expect(/^ +\[logcalld\]\n +read = \S*\bcall\b/m.test(told.out), 'and names the line', told.out);
      await hangUp(unheard);
      expect((await priorities(box)).join() === '3', 'an error in the journal', await priorities(box));
      const doctor = await box.run('sudo logcalld doctor');
      expect(doctor.code === 1 && lines.every((line) => doctor.out.includes(line)), 'doctor says the same', doctor);

      // As it is told, and nothing but "manager reload" after it.
      await rights.set([...lines, 'write = reporting']);
      await loggedInAnew(rights);
      const heard = await talk(pbx, '+919845012302');
      const well = await box.until('logcalld status', ({ code }) => code === 0);
      expect(/^Every call is being logged( since \S+ \S+)?\./.test(well.out), 'all is well', well.out);
      expect(/told nothing of its calls/.test(well.out), 'the time is told', well.out);
      await hangUp(heard);
      // What was seen of the first call in lists of channels is logged as well; there are no records that tell the rest.
      await posted(sandbox, 2);
      const ends = sandbox.ledger.calls().map(({ body }) => String(body.SourceNumber).slice(-10));
      expect(ends.sort().join() === '9845012301,9845012302', 'each call is logged once', ends);
      const over = await priorities(box);
      expect(over.length === 2 && over[1] !== '3', 'the journal tells that it is over', over);
    } finally {
      await pbx.stop();
      await sandbox.close();
    }
  },
};

async function asterisk(): Promise<Pbx> {
  try {
    return await startAsterisk(ASTERISK, PJSIP, await installAsterisk(ASTERISK, PJSIP));
  } catch (error) {
    if (error instanceof PbxUnavailable) throw new Unavailable(error.message);
    throw error;
  }
}

/** Rights are those of a login: resolves when that of logcalld has `call` (main/manager.c of Asterisk: 1 << 1) among what it may read. */
async function loggedInAnew(rights: PbxRights): Promise<void> {
  for (;;) {
    const shown = await rights.byHand("asterisk -rx 'manager show connected'");
    const logins = [...shown.matchAll(/^ *logcalld .* (\d+) +\d+ *$/gm)];
    if (logins.some(([, read]) => (Number(read) & 2) !== 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

interface Talking {
  readonly caller: Call;
  readonly agent: Call;
}

/** A customer and 1001, connected. */
async function talk(pbx: Pbx, number: string): Promise<Talking> {
  const caller = await pbx.caller.call(COMPANY.direct, { number });
  const agent = await pbx.phone('1001').nextCall();
  agent.ring();
  agent.answer();
  await caller.answered.wait();
  return { caller, agent };
}

async function hangUp({ caller, agent }: Talking): Promise<void> {
  await caller.hangUp();
  await Promise.all([caller.ended.wait(), agent.ended.wait()]);
}

/** Of what the journal has about it, syslog's numbers. */
async function priorities(box: Box): Promise<readonly string[]> {
  const out = await box.must('journalctl --no-pager -q -t logcalld -o json');
  return out.split('\n').flatMap((line) => {
    if (line === '') return [];
    const { PRIORITY, MESSAGE }: { PRIORITY: string; MESSAGE: string } = JSON.parse(line);
    return JSON.parse(MESSAGE).event === 'pbx-deaf' ? [PRIORITY] : [];
  });
}
