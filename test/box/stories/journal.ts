/** The journal: priorities, the recipes of systemd/README.md as they stand there, ends that need a person; messages to systemd. */
import { readFileSync } from 'node:fs';
import type { Box } from '../box.ts';
import { expect, type Story } from '../story.ts';
import { configure, entries, install, outside, packages, posted } from '../world.ts';

const README = readFileSync(new URL('../../../systemd/README.md', import.meta.url), 'utf8');

/** The commands with this word in the part about the log. */
const recipes = (word: string): readonly string[] => {
  const part = /\n## Log\n([\s\S]*?)\n## /.exec(README)?.[1] ?? '';
  return part.split('\n').flatMap((line) => (line.startsWith('    ') && line.includes(word) ? [line.trim()] : []));
};

/** The service cannot start: its status, and what the journal has of it as errors. */
async function failing(box: Box): Promise<{ readonly status: string; readonly errors: string }> {
  await box.must(
    'systemctl reset-failed logcalld 2>/dev/null || true; journalctl --rotate -q; journalctl --vacuum-time=1s -q',
  );
  await box.run('systemctl start logcalld');
  const shown = await box.until('systemctl show -p ActiveState,ExecMainStatus,NRestarts logcalld | sort', ({ out }) =>
    out.includes('=failed'),
  );
  return {
    status: shown.out
      .trim()
      .replaceAll(/\n?\w+=/g, ' ')
      .trim(),
    errors: await box.must('journalctl --no-pager -q -t logcalld -p err -o cat'),
  };
}

export const journal: Story = {
  name: 'the journal: recipes, priorities; messages to systemd come from the main process',
  async play(box) {
    const { current } = await packages();
    const pbx = await outside(['inbound_answered_caller_hangs_up', 'outbound_busy'], 4);
    try {
      await install(box, current);
      await configure(box, pbx);
      await box.must('systemctl enable --now logcalld');
      await posted(pbx.sandbox, 2);
      await box.until('logcalld status', ({ code }) => code === 0);
      const call = (await entries(box)).find(({ event }) => event === 'call-logged')?.call;
      expect(typeof call === 'string', 'a call in the log', call);
      expect(recipes('journalctl').length >= 3, 'README has recipes', recipes('journalctl'));
      for (const recipe of recipes('journalctl')) {
        const ended = recipe.replace(/^journalctl/, 'timeout 5 journalctl --no-pager').replaceAll('"ID"', `"${call}"`);
        const ran = await box.run(ended);
        const follows = recipe.includes(' -f');
        expect(ran.code === (follows ? 124 : 0) && ran.error === '', `"${recipe}" works`, ran);
        if (recipe.includes('jq')) {
          const told = ran.out.match(/"event": "[^"]+"/g) ?? [];
          expect(told.join() === '"event": "call-ended","event": "call-logged"', 'the story of the call', ran.out);
        }
      }
      // One process says it all, also after systemd has begun anew, and the daemon is alive to it.
      const watchdog = async () => box.must('systemctl show -P WatchdogTimestampMonotonic logcalld');
      await box.must('mkdir -p /run/systemd/system/logcalld.service.d');
      await box.write('/run/systemd/system/logcalld.service.d/fast.conf', '[Service]\nWatchdogSec=2s\n');
      await box.must('systemctl daemon-reload && systemctl restart logcalld && systemctl daemon-reexec');
      const before = Number(await watchdog());
      await box.until(
        'systemctl show -P WatchdogTimestampMonotonic logcalld',
        ({ out }) => Number(out) > before + 2_000_000,
      );
      const shown = await box.must('systemctl show -P NotifyAccess -P StatusText -P SubState logcalld');
      expect(/^main\n.*pbx1 .*\nrunning\n$/m.test(shown), 'the status comes from the main process', shown);
      const tree = await box.must(
        'for pid in $(cat /sys/fs/cgroup/system.slice/logcalld.service/cgroup.procs); do tr "\\0" " " < /proc/$pid/cmdline; echo; done',
      );
      expect(tree.trim().split('\n').length === 1, 'it is one process', tree);
      const denied = await box.run('journalctl --no-pager -q _PID=1 | grep -iE "notify message|watchdog"');
      expect(denied.out === '', 'systemd refuses no message', denied.out);
      const score = await box.must('systemd-analyze security logcalld.service | tail -n 1');
      expect(Number(/level for \S+: (\S+)/.exec(score)?.[1]) <= 1.2, 'exposure', score);
      await box.must('systemctl stop logcalld');
      expect((await box.must('systemctl show -P Result logcalld')) === 'success\n', 'it stops in order', '');
    } finally {
      await pbx.close();
    }
  },
};

export const hopeless: Story = {
  name: 'what a restart cannot heal ends with 78, once, and is an error in the journal',
  async play(box) {
    const { current } = await packages();
    const pbx = await outside([], 4);
    try {
      await install(box, current);
      await configure(box, pbx);
      const fails = async (what: string, told: RegExp): Promise<void> => {
        const { status, errors } = await failing(box);
        expect(status === 'failed 78 0', `${what}: ends with 78 and is not tried again`, { status, errors });
        const texts = errors
          .trim()
          .split('\n')
          .map((line): string => JSON.parse(line).text);
        expect(
          texts.some((text) => told.test(text)),
          `${what}: the journal says what`,
          errors,
        );
      };
      const good = await box.must('cat /etc/logcalld/logcalld.toml');
      await box.must('echo "[filters]\ninternall = true" >> /etc/logcalld/logcalld.toml');
      await fails('a wrong config', /filters\.internall/);
      await box.must('cat > /etc/logcalld/logcalld.toml', { input: good });
      await box.must('mv /etc/logcalld/credentials/lsq-secret-key /root/');
      await fails('a secret that is missing', /LeadSquared secret key/);
      await box.must('mv /root/lsq-secret-key /etc/logcalld/credentials/');
      await box.must('systemctl reset-failed logcalld; systemctl start logcalld; systemctl stop logcalld');
      const database = '/var/lib/logcalld/logcalld.db';
      await box.must(`cp -p ${database} /root/`);
      const sqlite = (script: string) =>
        box.must(
          `cd /usr/lib/logcalld/program && ./bin/node --input-type=module -e "const { default: Sqlite } = await import('better-sqlite3'); const db = new Sqlite('${database}'); ${script}"`,
        );
      await sqlite("db.pragma('user_version = 9999')");
      await fails('a database of a later version', /schema version 9999/);
      await box.must(`rm ${database}*`);
      await sqlite("db.exec('CREATE TABLE a (b)')");
      await box.must(`chown logcalld: ${database}`);
      await fails('the database of another program', /another program/);
      await box.must(`rm ${database}* && cp -p /root/logcalld.db ${database}`);
      // A daemon by hand has the database.
      await box.must(
        'install -d -o logcalld -m 700 /run/by-hand; cp /etc/logcalld/credentials/* /run/by-hand/; chown logcalld /run/by-hand/*',
      );
      const held = box.run(
        `setpriv --reuid=logcalld --regid=logcalld --init-groups env CREDENTIALS_DIRECTORY=/run/by-hand timeout 60 logcalld run --config /etc/logcalld/logcalld.toml`,
      );
      await box.until(`cat ${database}.holder 2>/dev/null`, ({ out }) => out.includes('pid'));
      await fails('a second daemon', /in use by/);
      await box.must('pkill -TERM -u logcalld -f "logcalld.js run"');
      await held;
    } finally {
      await pbx.close();
    }
  },
};
