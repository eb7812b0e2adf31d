import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';

const project = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'logcalld-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const root = join(folder, 'checkout');
const dest = join(folder, 'machine');
const node = `node-linux-${process.arch}`;

function put(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** A checkout with a build and its packages, as small as can be. */
function makeCheckout(): void {
  for (const part of [
    'systemd',
    'src/logcalld.js',
    'config/logcalld.example.toml',
    'config/users.example.csv',
    'config/prometheus-alerts.yml',
    'LICENSE',
  ]) {
    cpSync(join(project, part), join(root, part), { recursive: true });
  }
  put(
    'package.json',
    JSON.stringify({
      name: 'logcalld',
      version: '0.1.0',
      type: 'module',
      dependencies: { used: '1.0.0' },
      optionalDependencies: { [node]: '24.0.0' },
      devDependencies: { tap: '1.0.0' },
    }),
  );
  for (const name of ['used', node, 'tap'])
    put(`node_modules/${name}/package.json`, JSON.stringify({ name, version: name === node ? '24.0.0' : '1.0.0' }));
  put(`node_modules/${node}/bin/node`, '#!/bin/sh\necho "$@"\n');
  chmodSync(join(root, `node_modules/${node}/bin/node`), 0o755);
  put('adapters/sqlite/migrations/0001-first.sql', 'SELECT 1;');
  put('README.md', '');
  put('CHANGELOG.md', '');
}

const install = (env: Record<string, string> = { DESTDIR: dest }) =>
  spawnSync(join(root, 'systemd/install.sh'), { encoding: 'utf8', env: { PATH: process.env.PATH ?? '', ...env } });
const mode = (path: string): string => (statSync(join(dest, path)).mode & 0o777).toString(8);

makeCheckout();

t.test('without a build nothing is installed', async (t) => {
  const { status, stderr } = install();
  t.equal(status, 1);
  t.match(stderr, /npm run build/);
  t.notOk(existsSync(dest));
});

t.test('a first installation: program, production packages, unit, config; secrets for root alone', async (t) => {
  put('dist/src/main.js', 'first');
  const { status, stdout, stderr } = install();
  t.same([status, stderr], [0, '']);
  t.match(stdout, /not started/);
  for (const path of [
    'usr/lib/logcalld/src/main.js',
    'usr/lib/logcalld/src/logcalld.js',
    'usr/lib/logcalld/adapters/sqlite/migrations/0001-first.sql',
    'usr/lib/logcalld/node_modules/used/package.json',
    'usr/lib/systemd/system/logcalld.service',
    'usr/lib/sysusers.d/logcalld.conf',
    'etc/logcalld/logcalld.toml',
  ]) {
    t.ok(existsSync(join(dest, path)), path);
  }
  t.notOk(existsSync(join(dest, 'usr/lib/logcalld/node_modules/tap')), 'no development packages');
  t.same(
    [mode('etc/logcalld/credentials'), mode('etc/logcalld/logcalld.toml'), mode('usr/bin/logcalld')],
    ['700', '640', '755'],
  );
  t.equal(spawnSync(join(dest, 'usr/lib/logcalld/bin/node'), ['x'], { encoding: 'utf8' }).stdout, 'x\n');
});

t.test('a later one: new program, no leftovers, the config untouched', async (t) => {
  writeFileSync(join(dest, 'etc/logcalld/logcalld.toml'), 'mine');
  writeFileSync(join(dest, 'usr/lib/logcalld/src/gone.js'), 'old');
  put('dist/src/main.js', 'second');
  const { status, stdout } = install();
  t.equal(status, 0);
  t.match(stdout, /as it was/);
  t.equal(readFileSync(join(dest, 'etc/logcalld/logcalld.toml'), 'utf8'), 'mine');
  t.equal(readFileSync(join(dest, 'usr/lib/logcalld/src/main.js'), 'utf8'), 'second');
  t.notOk(existsSync(join(dest, 'usr/lib/logcalld/src/gone.js')));
  t.notOk(existsSync(join(dest, 'usr/lib/logcalld.old')) || existsSync(join(dest, 'usr/lib/logcalld.new')));
});

t.test('while the service runs, a config that the new version would refuse leaves all as it was', async (t) => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'systemctl'), '#!/bin/sh\ntest "$1 $2" = "is-active logcalld.service" && echo active\n', {
    mode: 0o755,
  });
  const env = { DESTDIR: dest, PATH: `${bin}:${process.env.PATH}` };
  const answering = (status: number) => {
    put(`node_modules/${node}/bin/node`, `#!/bin/sh\necho "asked: $*"\nexit ${status}\n`);
    put('dist/src/main.js', `status ${status}`);
    return install(env);
  };
  const refused = answering(78);
  t.equal(refused.status, 1);
  t.match(
    refused.stderr,
    /asked: \S+logcalld\.new\/src\/logcalld\.js check-config --offline --config \S+logcalld\.toml/,
  );
  t.match(refused.stderr, /Nothing was changed, and the service runs on/);
  t.equal(readFileSync(join(dest, 'usr/lib/logcalld/src/main.js'), 'utf8'), 'second');
  t.notOk(existsSync(join(dest, 'usr/lib/logcalld.new')));
  const warned = answering(1);
  t.same([warned.status, warned.stderr], [0, ''], 'what would not keep it from starting keeps nobody from an upgrade');
  writeFileSync(join(bin, 'systemctl'), '#!/bin/sh\necho activating\nexit 3\n');
  t.match(
    answering(78),
    { status: 1, stderr: /the service is activating/ },
    'one that is starting has as much to lose',
  );
  writeFileSync(join(bin, 'systemctl'), '#!/bin/sh\necho inactive\nexit 3\n');
  t.equal(answering(78).status, 0, 'nothing runs that could be harmed');
  t.equal(readFileSync(join(dest, 'usr/lib/logcalld/src/main.js'), 'utf8'), 'status 78');
});

t.test('when the packages are incomplete the old program stays', async (t) => {
  rmSync(join(root, 'node_modules', node), { recursive: true });
  const { status, stderr } = install();
  t.equal(status, 1);
  t.match(stderr, /npm ci/);
  t.equal(readFileSync(join(dest, 'usr/lib/logcalld/src/main.js'), 'utf8'), 'status 78');
});
