/** What is told to type fits the place, whoever wrote the sentence. */
import t from 'tap';
import { storageFindings } from '../../src/commands/doctor/storage.ts';
import { fitted, hereOf } from '../../src/commands/here/here.ts';
import { PARKED_CODES, remedyOf, replayCommand } from '../../src/delivery/parked/reasons.ts';
import { parkedFinding } from '../../src/health/parked.ts';
import { shortFolder } from '../support/folder.ts';

const trial = hereOf('trial/l.toml', {});
const inTrial = (text: string): string => fitted(text, () => trial);

t.test('in a trial every told command has its config, and none is of the service', (t) => {
  for (const [text, expected] of [
    [
      'Try: logcalld calls, or logcalld calls --number N',
      'Try: logcalld calls --config trial/l.toml, or logcalld calls --config trial/l.toml --number N',
    ],
    [
      '"logcalld sessions rederive --since 7d --apply"',
      '"logcalld sessions rederive --config trial/l.toml --since 7d --apply"',
    ],
    ['"sudo logcalld restore /x.db"', '"logcalld restore --config trial/l.toml /x.db"'],
    ['Start it: logcalld run --config trial/l.toml', 'Start it: logcalld run --config trial/l.toml'],
    [
      '"logcalld replay --config a.toml x", then "logcalld status"',
      '"logcalld replay --config a.toml x", then "logcalld status --config trial/l.toml"',
    ],
    [
      'logcalld runs, /usr/bin/logcalld run, logcalld ends, "logcalld init"',
      'logcalld runs, /usr/bin/logcalld run, logcalld ends, "logcalld init"',
    ],
  ] as const)
    t.equal(inTrial(text), expected);
  const told = /logcalld (?:replay|calls|reload|users|salvage|sessions rederive|acknowledge)\b(?! --config trial)/;
  for (const code of PARKED_CODES) {
    t.notMatch(inTrial(remedyOf(code).helps), told, code);
    t.notMatch(inTrial(replayCommand(code)), told, code);
  }
  const latest = { calls: 1, fresh: 1 };
  const reasons = [{ code: 'no-user', count: 1, fresh: 1 }] as const;
  const finding = parkedFinding({ latest, reasons } as unknown as Parameters<typeof parkedFinding>[0]);
  for (const line of [finding?.text ?? '', ...(finding?.lines ?? [])]) t.notMatch(inTrial(line), told);
  t.end();
});

t.test('beside a service only what reads its files is told with sudo', (t) => {
  const folder = shortFolder(t, { 'logcalld.service': '[Service]\nExecStart=/x run --config /etc/x/l.toml\n' });
  const service = hereOf('/etc/x/l.toml', { SYSTEMD_UNIT_PATH: folder });
  const fit = (text: string): string => fitted(text, () => service);
  t.equal(fit('"logcalld replay --reason no-user"'), '"logcalld replay --reason no-user"');
  t.equal(fit('"logcalld salvage /x"'), '"sudo logcalld salvage /x"');
  t.equal(fit('sudo logcalld restore /x'), 'sudo logcalld restore /x');
  t.end();
});

t.test('a place is looked at only for a command', (t) => {
  const none = (): never => t.fail('looked at') as never;
  t.equal(fitted('every call is logged by logcalld', none), 'every call is logged by logcalld');
  t.end();
});

t.test('the backup by hand that doctor tells', async (t) => {
  const folder = shortFolder(t, { 'x.db': '' });
  const backup = { enabled: true, at: 0, keep: 2, folder: null };
  const found = await storageFindings({ path: `${folder}/x.db`, backup } as never, Date.now(), trial);
  const commands = found.flatMap((one) => one.commands ?? []);
  t.match(commands.at(-1), /^logcalld backup logcalld-\$\(date \+%F\)\.db --config trial\/l\.toml$/);
});
