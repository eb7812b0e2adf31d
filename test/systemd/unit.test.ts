import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseConfig } from '../../config/load.ts';
import { leadsquaredSecrets, recordsSecret, sourceSecret } from '../../config/schema.ts';

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
  const all = [...config.source.map(sourceSecret), accessKey, secretKey, ...places];
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
  t.same(values('NotifyAccess'), ['all'], 'systemd-notify is a child');
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
  const scored = analyze('security', '--offline=true', '--threshold=15', copy);
  t.equal(scored.status, 0, scored.stdout.trim().split('\n').at(-1) ?? '');
});
