/** Calls that are not in LeadSquared: told, sent again by what status says, and taken note of. */
import { expect, type Story } from '../story.ts';
import { entries, outside, posted, prepare } from '../world.ts';

export const parked: Story = {
  name: 'parked calls are no health: told with what helps, sent again once by what is told, taken note of',
  async play(box) {
    const pbx = await outside(['inbound_answered_caller_hangs_up', 'outbound_busy', 'queue_answered'], 4);
    const { ledger } = pbx.sandbox;
    try {
      // One extension without a user, one call that LeadSquared rejects, one that it takes.
      const config = pbx.config.replace(/^default_user.*\n/m, '');
      pbx.sandbox.addFaults({
        match: { path: 'LogCall', text: '"Direction":\\s*"Outbound"' },
        times: 0,
        fault: { kind: 'mx', status: 400, message: 'Status is no value of the list' },
      });
      await prepare(box, { ...pbx, config });
      const users = await box.must('cat /etc/logcalld/users.csv');
      await box.must("sed -i '/^1003,/d' /etc/logcalld/users.csv");
      await box.must('systemctl enable --now logcalld');
      const sick = await box.until('logcalld status', ({ out }) => /2 parked/.test(out) && /1 delivered/.test(out));
      expect(sick.code === 1 && /^Something needs attention\./.test(sick.out), 'status ends with 1', sick);
      for (const code of ['no-user', 'rejected']) {
        const line = `\n +${code} \\(1\\): [^\n]+\n +what helps: [^\n]+(?:\n[^\n]+)*\n +sends them: logcalld replay --reason ${code}\n`;
        expect(new RegExp(line).test(sick.out), `${code}: status counts it, and says what to type`, sick.out);
      }
      const listed = await box.must('logcalld calls --state parked');
      expect(listed.split('parked').length === 3, 'calls lists both', listed);
      expect(/Status is no value of the list/.test(listed) && /1003/.test(listed), 'and why', listed);
      const told = (await entries(box)).filter(({ event }) => event === 'call-parked');
      expect(told.length === 2 && told.every(({ level }) => level === 'warn'), 'the log tells each', told);
      const warned = await box.must('journalctl --no-pager -q -t logcalld -p warning -o cat');
      expect(warned.includes('"call-parked"') && warned.includes('"calls-parked"'), 'as warnings', warned);

      // What status says helps.
      await box.must('cat > /etc/logcalld/users.csv', { input: users });
      await box.must('logcalld check-config --offline && systemctl restart logcalld');
      const replayed = await box.must('logcalld replay --reason no-user');
      await posted(pbx.sandbox, 2);
      const half = await box.until('logcalld status', ({ out }) => /2 delivered/.test(out));
      expect(half.code === 1 && !/no-user/.test(half.out) && /rejected/.test(half.out), 'one is left', half);
      expect(/1 call/.test(replayed), 'replay says how many', replayed);
      await box.must('logcalld acknowledge');
      const noted = await box.must('logcalld status');
      expect(
        /^Every call is being logged( since \S+ \S+)?, but for 1 parked/.test(noted),
        'it is well, and told all the same',
        noted,
      );
      expect((await box.must('logcalld calls --state parked')).includes('rejected'), 'and stays parked', '');
      pbx.sandbox.clearFaults();
      await box.must('logcalld replay --reason rejected');
      await posted(pbx.sandbox, 3);
      const well = await box.until('logcalld status', ({ out }) => /3 delivered/.test(out));
      expect(well.code === 0 && /^Every call is being logged( since \S+ \S+)?\./.test(well.out), 'all is well', well);
      const again = await box.run('logcalld replay --reason rejected');
      expect(ledger.calls().length === 3 && ledger.doubled().length === 0, 'each once', { again, all: ledger.calls() });
    } finally {
      await pbx.close();
    }
  },
};
