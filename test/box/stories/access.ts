/** Who may use the commands: root, members of the group, and what the others are told. */
import type { Ran } from '../box.ts';
import { expect, type Story } from '../story.ts';
import { outside, posted, serve } from '../world.ts';

/** What an operator does all day. */
const COMMANDS = [
  'status',
  'calls',
  'calls show ID',
  'explain ID',
  'users',
  'gaps',
  'pause',
  'resume',
  'reload',
  'replay ID --dry-run --force',
  'acknowledge',
];

export const access: Story = {
  name: 'root and members of the group may use every command, a stranger is told what to do',
  async play(box) {
    const pbx = await outside(['inbound_answered_caller_hangs_up'], 4);
    try {
      await serve(box, pbx);
      await box.must('useradd -m priya && usermod -aG logcalld priya && useradd -m anand');
      await posted(pbx.sandbox, 1);
      await box.until('logcalld status', ({ code }) => code === 0);
      const [call] = pbx.sandbox.ledger.calls();
      const typed = COMMANDS.map((words) => `logcalld ${words.replace('ID', String(call?.body.CallSessionId))}`);
      for (const command of typed) {
        const users = ['root', 'priya', 'anand'];
        const [root, priya, anand] = await Promise.all(users.map((as) => box.run(command, { as })));
        if (root === undefined || priya === undefined || anand === undefined) throw new Error('not run');
        expect(root.code === 0 && priya.code === 0, command, { root, priya });
        expect(root.out.split('\n').length === priya.out.split('\n').length, 'both see the same', { root, priya });
        refused('anand', command, anand, /usermod -aG logcalld anand/);
      }
      // A login from before the group was given.
      const old = await box.run('setpriv --reuid=priya --regid=priya --clear-groups logcalld status');
      refused('priya before a new login', 'status', old, /log in anew/);
      const hold = await box.must('logcalld pause && logcalld status | head -n 1; logcalld resume', { as: 'priya' });
      expect(/Something needs attention/.test(hold), 'a member holds posts back', hold);
      const tail = await box.run('timeout 5 logcalld tail', { as: 'priya' });
      expect(tail.code === 124 && tail.error === '', 'a member watches calls', tail);
      refused('anand', 'tail', await box.run('timeout 20 logcalld tail', { as: 'anand' }), /usermod -aG logcalld/);

      // While it is stopped the database is for root.
      await box.must('systemctl stop logcalld');
      const root = await box.run('logcalld calls');
      expect(root.code === 0 && /Inbound/.test(root.out), 'root reads the file', root);
      const member = await box.run('logcalld calls', { as: 'priya' });
      refused('priya while it is stopped', 'calls', member, /sudo/);
    } finally {
      await pbx.close();
    }
  },
};

/** One sentence with the remedy, and nothing else. */
function refused(who: string, command: string, ran: Ran, remedy: RegExp): void {
  const sentence = /^logcalld: [^\n]+\n$/.test(ran.error);
  expect(ran.code === 1 && ran.out === '' && sentence && remedy.test(ran.error), `${who}: ${command}`, ran);
}
