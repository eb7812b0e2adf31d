import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseConfig } from '../../config/load.ts';
import { leadsquaredSecrets, pageSecret, recordsSecret, sourceSecret } from '../../config/schema.ts';

const file = join(import.meta.dirname, '../../systemd/logcalld.service');
const unit = readFileSync(file, 'utf8');
const values = (key: string): string[] =>
  [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map((match) => match[1] ?? '');

t.test('every credential the config asks for by default is loaded, and may be missing', async (t) => {
  const config = parseConfig(
    "[[source]]\ntype='asterisk'\nname='a'\nusername='u'\n[[source.records]]\ntype='mysql'\n[[source]]\ntype='freeswitch'\nname='f'\n[leadsquared]\nhost='x.example'",
    '/etc/logcalld/logcalld.toml',
  );
  const { accessKey, secretKey } = leadsquaredSecrets(config.leadsquared);
  const places = config.source.flatMap((source) =>
    source.records.flatMap((records) => recordsSecret(source.name, records) ?? []),
  );
  const all = [...config.source.map(sourceSecret), accessKey, secretKey, ...places, pageSecret(config.page)];
  const asked = all.map(({ credential }) => credential);
  const loaded = values('LoadCredential').map((value) => value.split(':')[0]);
  t.same(loaded, asked);
  t.same(
    values('SetCredential').map((value) => value.split(':')[0]),
    asked,
    'LoadCredential= alone fails on a missing file',
  );
});

t.test('what the daemon relies on', async (t) => {
  t.same(values('Type'), ['notify']);
  t.ok(values('ExecStart').every((line) => line.includes('--max-semi-space-size=4 ')));
  t.same(values('NotifyAccess'), ['main']);
  t.same(values('SyslogIdentifier'), ['logcalld'], 'the recipes of README choose by it');
  t.same(values('LimitCORE'), ['0']);
  t.same(values('RestartPreventExitStatus'), ['78']);
  t.same(values('StateDirectory'), ['logcalld']);
  t.match(values('Environment'), ['LOGCALLD_BOOT_ID=%b', 'MALLOC_ARENA_MAX=1']);
  t.same(values('MemoryDenyWriteExecute'), [], 'Node dies with it');
  t.match(values('SystemCallFilter'), [/@pkey/, /^~/]);
});

const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });
const skip = analyze('--version').error === undefined ? false : 'systemd-analyze is not installed';

t.test('systemd understands every line, and finds it well protected', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const copy = join(folder, 'logcalld.service');
  // verify looks whether the programs are there.
  writeFileSync(copy, unit.replace(/^(Exec\w+)=\S+/gm, '$1=/bin/true'));
  const verified = analyze('verify', copy);
  t.same([verified.status, verified.stderr], [0, '']);
  const scored = analyze('security', '--offline=true', '--threshold=12', copy);
  t.equal(scored.status, 0, scored.stdout.trim().split('\n').at(-1) ?? '');
});

const perl = spawnSync('perl', ['--version']).error === undefined ? false : 'perl is not installed';

t.test('with-notify-socket: one process, a socket to systemd, nothing without one', { skip: perl }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const script = join(import.meta.dirname, '../../systemd/with-notify-socket.sh');
  const socket = join(folder, 'notify');
  const says = `require('node:fs').writeSync(Number(process.env.LOGCALLD_NOTIFY_FD), 'READY=1 of ' + process.pid)`;
  // Stands for systemd: tells the datagram, and the process that it began by the same id.
  const receiver = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0) and bind(S, pack_sockaddr_un("${socket}")) or die $!; alarm 15;
    my $pid = fork; unless ($pid) { exec @ARGV } recv(S, my $got, 100, 0); waitpid $pid, 0; print $got eq "READY=1 of $pid" ? "same" : $got;`;
  const env = { ...process.env, NOTIFY_SOCKET: socket };
  const ran = spawnSync('perl', ['-e', receiver, script, process.execPath, '-e', says], {
    encoding: 'utf8',
    env,
    timeout: 20_000,
  });
  t.same([ran.stdout, ran.stderr], ['same', '']);
  const { NOTIFY_SOCKET: _, ...bare } = env;
  const none = spawnSync(script, ['sh', '-c', 'echo "fd <$LOGCALLD_NOTIFY_FD>"'], { encoding: 'utf8', env: bare });
  t.same([none.stdout, none.stderr], ['fd <>\n', '']);
});
