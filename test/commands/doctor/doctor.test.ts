/** `logcalld doctor`: what it finds, that one failure does not hide the next, and what its report holds. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Check, runChecks } from '../../../src/commands/check/checks.ts';
import type { Finding } from '../../../src/commands/check/finding.ts';
import { serviceFindings, startCommands } from '../../../src/commands/doctor/machine.ts';
import { daemonFindings } from '../../../src/commands/doctor/running.ts';
import { bundleText } from '../../../src/commands/doctor/support.ts';
import { type Here, hereOf } from '../../../src/commands/here/here.ts';
import { settled, world } from '../../cli/world.ts';
import { CANARY } from '../../support/daemon.ts';
import { shortFolder } from '../../support/folder.ts';

t.setTimeout(120_000);

/** Nothing wrong is told without what helps. */
function helpless(lines: readonly Line[]): readonly Line[] {
  const wrong = lines.filter(({ level }) => level === 'warn' || level === 'FAIL');
  return wrong.filter(
    ({ commands, lines: more, elsewhere }) => commands.length + more.length === 0 && elsewhere === null,
  );
}

interface Line {
  readonly level: string;
  readonly check: string;
  readonly about: string;
  readonly found: string;
  readonly commands: readonly string[];
  readonly lines: readonly string[];
  readonly elsewhere: string | null;
}

const read = (out: string): Line[] => out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
const of = (lines: readonly Line[], check: string) => lines.filter((line) => line.check === check);

t.test('a whole installation', async (t) => {
  const it = await world(['inbound_answered_caller_hangs_up']);
  t.teardown(() => it.end());
  const config = join(it.directory, 'logcalld.toml');
  const users = join(it.directory, 'users.csv');
  await it.start();
  await settled(it, 1);

  await t.test('beside the daemon: all is well, in the order in which trouble is met', async (t) => {
    const { code, out } = await it.run('doctor');
    t.equal(code, 0, out);
    t.match(
      out,
      /^ok +config[\s\S]*^ok +users file[\s\S]*^ok +database[\s\S]*^ok +secret[\s\S]*^ok +PBX asterisk[\s\S]*^ok +LeadSquared[\s\S]*^ok +daemon/m,
    );
    t.match(out, /^ok +numbers of asterisk +0\d.* is \+91\d{10}, posted as \+91-\d{10}/m);
    t.match(out, /^0 FAIL, \d warn.*Nothing keeps it from working\.$/m);
  });

  await t.test('users who are not in LeadSquared are named by line and extension', async (t) => {
    const before = readFileSync(users, 'utf8');
    writeFileSync(users, before.replace('agent1003@', 'nobody-knows@'));
    const { code, out } = await it.run('doctor', '--json');
    t.equal(code, 0);
    t.notMatch(out, /nobody-knows/);
    const found = of(read(out), 'directory');
    t.match(found[0], { level: 'warn', found: /^line 4 \(extension 1003\) of .* names nobody/ });
    t.match(
      found.map((line) => line.found),
      [/^line 4/, /^1 of 8 active users have no extension/, /default user is an active/, /reload/],
    );
    t.ok(of(read(out), 'daemon').some((line) => /users\.csv was changed after/.test(line.found)));
    writeFileSync(users, before);
  });

  await t.test('a wrong secret of the PBX: what to type', async (t) => {
    const secret = join(it.directory, 'pbx-secret');
    writeFileSync(secret, 'another one\n');
    const { out } = await it.run('check-config');
    t.match(out, /^FAIL +PBX asterisk .*refused the login.*$\n^ +type: .*umask 077; cat > .*pbx-secret/m);
    writeFileSync(secret, CANARY);
  });

  await t.test('without the daemon LeadSquared itself is asked; a default user whom it does not have', async (t) => {
    await it.stop();
    const stopped = await it.run('doctor');
    t.match(
      stopped.out,
      /^0 FAIL, .*working, but .*it does not run, so no call is logged\.$\n(^ +type: .*$\n)*^ +type: .* run --config .*logcalld\.toml$/m,
    );
    const before = readFileSync(config, 'utf8');
    writeFileSync(config, before.replace("default_user = 'agent1001@", "default_user = 'nobody-knows@"));
    const { code, out } = await it.run('check-config');
    t.equal(code, 1, out);
    t.match(
      out,
      /^ok +LeadSquared users +each of the 8 lines[\s\S]*^FAIL +LeadSquared users +default_user .* is no active user/m,
    );
    t.notMatch(out, /nobody-knows|fetched them/);
    writeFileSync(config, before);
  });

  await t.test('one failure does not hide the next', async (t) => {
    await it.player.close();
    it.sandbox.addFaults({ times: 0, fault: { kind: 'status', status: 401 } });
    writeFileSync(join(it.directory, 'pbx-secret'), '\n');
    writeFileSync(users, 'extension,user\n1001,\n');
    const { code, out } = await it.run('doctor', '--json');
    t.equal(code, 78, 'with such a users file it would not start');
    const lines = read(out);
    t.same(helpless(lines), []);
    t.match(of(lines, 'users-file'), [{ level: 'FAIL', found: /users\.csv:2: user: found nothing/ }]);
    t.ok(of(lines, 'secrets').some((line) => line.level === 'FAIL' && /is empty/.test(line.found)));
    t.match(of(lines, 'database')[0], { level: 'ok' });
    t.match(of(lines, 'pbx-asterisk'), [
      { level: 'skip', found: /not asked, because the AMI secret of source "asterisk" is not at hand/ },
    ]);
    t.match(of(lines, 'leadsquared'), [
      { level: 'FAIL', commands: [/umask 077; cat > .*access/, /umask 077; cat > .*secret/] },
    ]);
    t.match(of(lines, 'directory'), [{ level: 'skip', found: /the check "leadsquared" failed/ }]);
    t.match(of(lines, 'daemon'), [{ level: 'warn', found: /does not run with this config/ }]);
    writeFileSync(join(it.directory, 'pbx-secret'), CANARY);
    writeFileSync(users, 'extension,user\n1001,agent1001@example.com\n');
    const reached = await it.run('doctor', '--json');
    t.equal(reached.code, 1, 'it would start, and log nothing');
    t.match(of(read(reached.out), 'pbx-asterisk'), [{ level: 'FAIL', found: /refused the connection/ }]);
  });

  await t.test('a report of a config that is refused holds no secret and no whole number', async (t) => {
    const report = join(it.directory, 'report.txt');
    const before = readFileSync(config, 'utf8');
    writeFileSync(
      config,
      before
        .replace(
          "name = 'asterisk'",
          "name = 'asterisk'\npasswrod = 'hunter-two' # was hunter-one\nsecret = 'hunter-three'",
        )
        .replace(
          '[leadsquared]',
          "[source.direct_lines]\n'+918041110001' = '1001'\n[page]\ntoken = 'hunter-five'\n[leadsquared]\naccess_key = 'hunter-four'",
        ),
    );
    const { code, out } = await it.run('doctor', '--support', report);
    t.equal(code, 78);
    t.match(out, /^FAIL +config .*unknown key passwrod/m);
    t.match(out, /^skip +LeadSquared +not looked at, because the check "config" failed$/m);
    t.match(out, /^ *$\n^\d+ FAIL, .*Begin with the first FAIL/m);
    const text = readFileSync(report, 'utf8');
    t.equal(statSync(report).mode & 0o777, 0o600);
    t.match(text, /== versions ==[\s\S]*== findings ==[\s\S]*== config .*[\s\S]*type = "asterisk"/);
    for (const word of ['hunter', CANARY, it.sandbox.accessKey, it.sandbox.secretKey, '8041110001', 'agent1001@'])
      t.notMatch(text, word);
    t.match(await it.run('doctor', '--support', report), { code: 1, error: /is there already: name a new file/ });
    writeFileSync(config, before);
  });
  t.strictSame(it.leaks(), []);
});

t.test('a report: secrets wherever they stand, units, addresses', async (t) => {
  const folder = shortFolder(t, {
    'logcalld.toml': "[leadsquared.body]\nresource_url = 'https://me:pw-one@pbx.example/rec/{file}?token=pw-two'\n",
    'x.conf': '[Service]\nSetCredential=ami-secret:pw-three\\\n pw-four\nEnvironment="TOKEN=pw-five"\nUMask=0077\n',
  });
  const text = bundleText({
    at: 0,
    ...{
      system: 'Debian',
      user: 'root',
      machine: { unit: new Map([['Result', 'success']]), clockKept: null, exposure: null },
    },
    findings: ['{"found":"ok"}'],
    config: join(folder, 'logcalld.toml'),
    unitFiles: [join(folder, 'x.conf')],
    status: null,
    log: 'lead of +91 98450 12345, asha.rao@example.com: GET /x?accessKey=k%26y%2Fsix&z k&y/six "say \\"k&y/six\\""',
    secrets: ['k&y/six'],
  });
  t.notMatch(text, /pw-|k&y|k%26y|98450|asha/);
  t.match(text, /UMask=0077[\s\S]*\*\*\*2345, a\*\*\*@example\.com/);
});

/** As with a unit that is installed and runs with this config, or without one. */
function heres(t: Test) {
  const folder = shortFolder(t, {
    'logcalld.service': '[Service]\nExecStart=/usr/bin/logcalld run --config /etc/x/l.toml\n',
  });
  const env = { SYSTEMD_UNIT_PATH: folder };
  return { installed: hereOf('/etc/x/l.toml', env), trial: hereOf('trial/l.toml', env) };
}

t.test('what there is to type fits the place', async (t) => {
  const { installed, trial } = heres(t);
  const told = (here: Here) => [
    here.start,
    here.stop,
    here.restart,
    here.why,
    here.edit('u.csv'),
    here.command('doctor'),
  ];
  t.same(told(installed), [
    'sudo systemctl start logcalld',
    '"sudo systemctl stop logcalld"',
    'sudo systemctl restart logcalld',
    'look why it ended with "sudo journalctl -u logcalld -n 50"',
    'sudoedit u.csv',
    'sudo logcalld doctor',
  ]);
  t.notMatch(told(trial).join('\n'), /systemctl|journalctl|sudo/);
  t.match(told(trial), [
    'logcalld run --config trial/l.toml',
    /Ctrl-C/,
    /^logcalld run --config trial\/l\.toml +# after Ctrl-C/,
  ]);
  t.equal(hereOf('my trial/l.toml', {}).start, "logcalld run --config 'my trial/l.toml'");
  t.equal(hereOf('/etc/logcalld/logcalld.toml', { SYSTEMD_UNIT_PATH: '/nowhere' }).start, 'logcalld run');
});

t.test('what systemd tells of the service', async (t) => {
  const { installed, trial } = heres(t);
  const unit = (over: Record<string, string>, here = installed) => {
    const well = {
      LoadState: 'loaded',
      ActiveState: 'active',
      UnitFileState: 'enabled',
      WatchdogUSec: '1min',
      NRestarts: '0',
    };
    return serviceFindings(
      {
        unit: new Map(Object.entries({ ...well, ...over })),
        clockKept: 'yes',
        exposure: '1.3 OK',
      },
      here,
    );
  };
  t.match(unit({}, trial), [{ level: 'info', text: /another config/ }], 'its state is that of another installation');
  const levels = (over: Record<string, string>) => unit(over).map(({ level }) => level);
  t.same(levels({}), ['ok', 'ok', 'ok', 'info']);
  t.match(unit({ ActiveState: 'inactive', UnitFileState: 'disabled' }), [
    { level: 'warn', commands: ['sudo systemctl enable --now logcalld'] },
    { level: 'warn' },
  ]);
  // What systemd says of the watchdog of a service that does not run.
  t.same(levels({ ActiveState: 'inactive', WatchdogUSec: 'infinity' }), ['warn', 'ok', 'info']);
  t.match(unit({ ActiveState: 'failed', Result: 'exit-code', ExecMainStatus: '78' }), [
    { level: 'FAIL', text: /failed \(exit-code, exit status 78/ },
  ]);
  t.match(unit({ NeedDaemonReload: 'yes', WatchdogUSec: '0' })[2], {
    level: 'warn',
    commands: [/daemon-reload/, /restart/],
  });
  t.match(unit({ NeedDaemonReload: 'yes', WatchdogUSec: '0' })[3], {
    level: 'warn',
    text: /stuck/,
    commands: [/edit/, /restart/],
    lines: ['[Service]', 'WatchdogSec=60s'],
  });
  t.match(unit({ LoadState: 'not-found' }), [{ level: 'warn', text: /no unit logcalld\.service/ }]);
  t.match(unit({ LoadState: 'not-found' }, trial), [{ level: 'info', commands: undefined }]);
});

t.test('whatever a check finds wrong is told with what helps, be it by the check as a whole', async (t) => {
  const otherwise = { commands: ['sudoedit /x.toml'] };
  const told: Finding[] = [];
  const check = (name: string, run: Check['run']): Check => ({ name, about: name, stage: 'work', otherwise, run });
  const own = { level: 'FAIL', about: 'b', text: 'Wrong.', elsewhere: 'Nothing helps.' } as const;
  await runChecks(
    [
      check('a', () => [{ level: 'warn', about: 'a', text: 'Wrong.', lines: [], commands: [] }]),
      check('b', () => [own]),
      check('c', () => {
        throw new Error('Odd.');
      }),
      check('d', () => [{ level: 'info', about: 'd', text: 'Well.' }]),
    ],
    (_, finding) => told.push(finding),
  );
  t.match(told, [otherwise, own, { level: 'FAIL', ...otherwise }, { commands: undefined }]);
  t.equal(told[1]?.commands, undefined, 'a reason why there is nothing to type stands alone');
});

t.test('no daemon', async (t) => {
  t.match(daemonFindings(null, [], ['start it'], 'again'), [
    { level: 'warn', text: /no call is logged/, commands: ['start it'], idle: /does not run/ },
  ]);
  const machine = (unit: Record<string, string> | null) => ({
    ...{ unit: unit === null ? null : new Map(Object.entries(unit)), clockKept: null, exposure: null },
  });
  const { installed, trial } = heres(t);
  const starting = (unit: Record<string, string> | null, here = installed) => startCommands(machine(unit), here).join();
  t.match(starting(null, trial), /run --config trial\/l\.toml$/);
  t.match(starting({ LoadState: 'loaded', ActiveState: 'inactive' }, trial), /run --config trial/);
  t.equal(starting({ LoadState: 'loaded', ActiveState: 'inactive' }), 'sudo systemctl enable --now logcalld');
  t.equal(
    starting({ LoadState: 'loaded', ActiveState: 'active' }),
    'systemctl cat logcalld',
    'it has another database',
  );
});
