/** From nothing to a logged call, and away again. */
import { expect, type Story } from '../story.ts';
import { configure, entries, install, outside, packages, posted } from '../world.ts';

const ZSH = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'autoload -U compinit && compinit -u && print ready''now'
zpty -r -m shell line '*readynow*'
zpty -w -n shell $'logcalld calls sh\\t--bo\\t'
zpty -r -m shell line '*--body*'
print -r -- "$line"
zpty -d shell
`;

export const installed: Story = {
  name: 'install, configure, start: a call is logged',
  async play(box) {
    const { current, version } = await packages();
    const tried = await outside(['inbound_answered_caller_hangs_up'], 4);
    const pbx = await outside(['inbound_answered_caller_hangs_up', 'outbound_busy'], 4);
    try {
      const ran = await install(box, current);
      expect(ran.code === 0, 'apt installs it', ran);
      expect(/0 upgraded, 1 newly installed, 0 to remove/.test(ran.out), 'and no other package', ran.out);
      expect(/installed and not started/.test(ran.out), 'it says what is next', ran.out);
      const state = await box.run('systemctl is-active logcalld; systemctl is-enabled logcalld');
      expect(state.out === 'inactive\ndisabled\n', 'nothing is started or enabled', state);
      const modes = await box.must(
        'cd /etc/logcalld && stat -c "%n %a %U:%G" credentials logcalld.toml /var/lib/logcalld',
      );
      expect(
        modes ===
          'credentials 700 root:root\nlogcalld.toml 640 root:logcalld\n/var/lib/logcalld 700 logcalld:logcalld\n',
        'modes and owners',
        modes,
      );
      const unconfigured = await box.run('systemctl start logcalld; systemctl is-failed logcalld');
      expect(unconfigured.out === 'failed\n', 'unconfigured, it does not run', unconfigured);
      // It listens for a call, which a player plays once.
      await configure(box, tried);
      const check = await box.run('sudo logcalld check-config');
      expect(check.code === 0 && /^ok +hearing of pbx1/m.test(check.out), 'check-config finds all well', check);
      await configure(box, pbx);
      await box.must('sudo systemctl enable --now logcalld');
      await posted(pbx.sandbox, 2);
      await box.until('sudo logcalld status', ({ code }) => code === 0);
      expect((await box.must('logcalld version')).startsWith(`logcalld ${version} (Node 24.`), 'its own Node', '');
      const calls = await box.must('logcalld calls');
      expect(/Inbound|inbound/.test(calls), 'calls shows them', calls);
      for (const name of ['8 logcalld', '5 logcalld.toml']) {
        const manual = await box.run(`MANWIDTH=100 man --warnings ${name}`);
        expect(manual.code === 0 && manual.error === '' && manual.out.includes('NAME'), `man ${name}`, manual.error);
      }
      const bash = await box.must(
        `bash -c '. /usr/share/bash-completion/completions/logcalld; COMP_WORDS=(logcalld calls sh); COMP_CWORD=2; _logcalld; echo "\${COMPREPLY[*]}"'`,
      );
      expect(bash === 'show\n', 'bash completes', bash);
      // As somebody types it: Tab, then Enter on what has become of the line.
      await box.write('/root/tab.zsh', ZSH);
      const zsh = await box.must('timeout 60 zsh -f /root/tab.zsh');
      expect(/calls show +--body/.test(zsh.replaceAll('\u0007', '')), 'zsh completes', zsh);
      const log = await entries(box);
      expect(log.filter(({ event }) => event === 'call-logged').length === 2, 'each call is told once', log);
      expect(pbx.sandbox.ledger.calls().length === 2, 'and posted once', pbx.sandbox.ledger.calls());
    } finally {
      await tried.close();
      await pbx.close();
    }
  },
};

export const removed: Story = {
  name: 'remove keeps config and calls, purge does not',
  async play(box) {
    const { current } = await packages();
    const pbx = await outside(['outbound_busy'], 4);
    try {
      await install(box, current);
      await configure(box, pbx);
      await box.must('systemctl enable --now logcalld');
      await posted(pbx.sandbox, 1);
      await box.until('logcalld status', ({ code }) => code === 0);
      await box.must('apt-get remove -y logcalld');
      const after = await box.run(
        'systemctl is-active logcalld; ls /usr/lib/logcalld /usr/bin/logcalld; ls /etc/systemd/system/multi-user.target.wants/logcalld.service',
      );
      expect(/^inactive\n$/.test(after.out), 'stopped, and the program is gone', after);
      await box.must('test -s /var/lib/logcalld/logcalld.db && test -s /etc/logcalld/credentials/ami-secret');
      const again = await install(box, current);
      expect(again.code === 0, 'it can be installed again', again);
      await box.must('systemctl enable --now logcalld');
      expect(/Outbound|outbound/.test(await box.must('logcalld calls')), 'and knows its calls', '');
      await box.must('apt-get purge -y logcalld');
      const gone = await box.run(
        'ls -d /etc/logcalld /var/lib/logcalld /usr/lib/logcalld; id logcalld; getent group logcalld',
      );
      expect(gone.out === '', 'everything is gone', gone);
      expect((await box.run('dpkg -s logcalld')).code !== 0, 'dpkg knows it no more', '');
    } finally {
      await pbx.close();
    }
  },
};
