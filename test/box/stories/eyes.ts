/** check-config and doctor see what the service would see, and what they say to type helps. */
import type { Box } from '../box.ts';
import { expect, type Story } from '../story.ts';
import { install, outside, packages, posted, serve } from '../world.ts';

export const eyes: Story = {
  name: 'check-config sees with the eyes of the service: users file, secrets, records; before an upgrade as well',
  async play(box) {
    const pbx = await outside(['outbound_busy'], 4);
    try {
      await serve(box, pbx);
      await posted(pbx.sandbox, 1);
      await box.until('logcalld status', ({ code }) => code === 0);
      const before = await box.must('systemctl show -P MainPID logcalld');

      // Root may read it, and the daemon would not start.
      await box.must('chown root:root /etc/logcalld/users.csv && chmod 600 /etc/logcalld/users.csv');
      const hidden = await checks(
        box,
        78,
        /users\.csv: found a file that may not be read.* e\.g\. chgrp logcalld .*users\.csv/,
      );
      const { newer } = await packages();
      const bad = await install(box, newer);
      expect(bad.code !== 0 && /users\.csv/.test(bad.out + bad.error), 'apt does not upgrade into that', bad);
      const after = await box.must('systemctl show -P MainPID logcalld');
      expect(before === after, 'and the old daemon runs on', { before, after });
      await box.must(/ e\.g\. (chgrp .*)\.$/m.exec(hidden)?.[1] ?? 'false');
      await checks(box, 0, /^ok .*looked at as logcalld/m);
      await box.must('dpkg --configure logcalld');

      // A secret that others may read is read all the same.
      const secret = '/etc/logcalld/credentials/ami-secret';
      await box.must(`chmod 644 ${secret}`);
      const open = await checks(box, 0, new RegExp(`^warn .*${secret}: others than root may read`, 'm'));
      await typed(box, open, `chmod 600 ${secret}`);
      expect((await box.must(`stat -c '%a %U' ${secret}`)) === '600 root\n', 'mended', '');
      await box.must(`mv ${secret} /root/`);
      const gone = await checks(box, 78, /^FAIL .*unit hands over \S+ami-secret, which does not exist/m);
      expect(gone.includes(`cat > ${secret}`), 'what to type', gone);
      await box.must(`mv /root/ami-secret ${secret}`);

      // The PBX's records belong to its user.
      await box.must('groupadd asterisk && install -d -m 750 -g asterisk /var/log/asterisk/cdr-csv');
      await box.must('install -m 640 -g asterisk /dev/null /var/log/asterisk/cdr-csv/Master.csv');
      const table =
        "[[source.records]]\ntype = 'csv'\ncdr_file = '/var/log/asterisk/cdr-csv/Master.csv'\n\n[leadsquared]";
      await box.must('cat > /etc/logcalld/logcalld.toml', { input: pbx.config.replace('[leadsquared]', table) });
      const records = await checks(box, 1, /^FAIL .*user logcalld may not read \/var\/log\/asterisk/m);
      const lines = /\[Service\]\n +SupplementaryGroups=asterisk$/m;
      expect(lines.test(records), 'the lines of the unit', records);
      await box.must('cat > /run/group.conf', { input: '[Service]\nSupplementaryGroups=asterisk\n' });
      await box.must(
        'install -D -m 644 /run/group.conf /etc/systemd/system/logcalld.service.d/override.conf && systemctl daemon-reload',
      );
      const read = await box.run('logcalld check-config --offline');
      expect(!/may not read/.test(read.out) && /groups: .*asterisk/.test(read.out), 'which help', read);

      // Another user learns what he may, and who knows more.
      await box.must('useradd anand && usermod -aG logcalld anand');
      const member = await box.run('logcalld check-config --offline', { as: 'anand' });
      expect(!/^FAIL/m.test(member.out) && /sudo logcalld doctor/.test(member.out), 'a member', member);
    } finally {
      await pbx.close();
    }
  },
};

/** Both commands find it; what check-config printed. */
async function checks(box: Box, code: number, finding: RegExp): Promise<string> {
  const commands = ['logcalld check-config --offline', 'logcalld doctor'];
  const [check, doctor] = await Promise.all(commands.map((command) => box.run(command)));
  if (check === undefined || doctor === undefined) throw new Error('not run');
  const told = check.out + check.error;
  expect(check.code === code && finding.test(told), `check-config: ${code} and ${finding}`, check);
  expect(finding.test(doctor.out), `doctor: ${finding}`, doctor);
  return told;
}

/** Types every command that it tells; `one` has to be among them. */
async function typed(box: Box, told: string, one: string): Promise<void> {
  const commands = told.split('\n').flatMap((line) => /^ +(?:type: )?(sudo .*)$/.exec(line)?.[1] ?? []);
  expect(
    commands.some((command) => command.includes(one)),
    `it says to type ${one}`,
    told,
  );
  await box.must(commands.join(' && '));
}
