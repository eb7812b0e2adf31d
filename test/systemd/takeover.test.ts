/** The package by dpkg itself, in folders of its own: over an installation from source, over a version that runs, over a newer database. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { shortFolder } from '../support/folder.ts';

const SCRIPTS = join(import.meta.dirname, '../../systemd/package/debian');
const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0;
const skip = !hasDpkg ? 'no dpkg here' : process.getuid?.() !== 0 ? 'root only' : false;

/** What the new version says of the config: it is asked as root, without the credentials of the daemon that runs. */
const asked = (root: string): string =>
  `#!/bin/sh\n[ -z "$CREDENTIALS_DIRECTORY" ] && [ "$(id -u)" = 0 ] || exit 99\necho "$*" > ${root}/asked-of\nexit "$(cat ${root}/verdict)"\n`;

/** The service is in the state that a file holds; a restart is noted, and comes to what another one says. */
const systemctl = (root: string): string => `#!/bin/sh
case $1 in
  show) cat ${root}/starts ;;
  is-active) cat ${root}/state; grep -qx active ${root}/state ;;
  restart) echo restart >> ${root}/asked; cat ${root}/comes > ${root}/state; grep -qx active ${root}/state ;;
esac
`;

/** A machine whose package knows schema 1. */
function machine(t: Test) {
  const root = shortFolder(t, {
    admin: { info: {}, updates: {}, status: '', available: '' },
    run: {},
    stubs: {},
    package: {},
  });
  const lib = join(root, 'usr/lib/logcalld');
  const stage = join(root, 'package');
  const put = (path: string, text: string | Uint8Array, mode = 0o644): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
  };
  put(join(stage, lib, 'program/src/logcalld.js'), 'package');
  put(join(stage, lib, 'program/bin/node'), asked(root), 0o755);
  for (const part of ['bin', 'src']) symlinkSync(`current/${part}`, join(stage, lib, part));
  const control = 'Package: probe\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y>\nDescription: x\n';
  put(join(stage, 'DEBIAN/control'), control);
  for (const name of readdirSync(SCRIPTS)) {
    const text = readFileSync(join(SCRIPTS, name), 'utf8')
      .replaceAll('@SCHEMA@', '1')
      .replaceAll(/\/(?=usr\/lib\/|var\/lib\/|etc\/|run\/)/g, `${root}/`)
      .replaceAll(`${root}/run/systemd/system`, `${root}/run`);
    put(join(stage, 'DEBIAN', name), text, 0o755);
  }
  const file = join(root, 'probe.deb');
  t.equal(spawnSync('dpkg-deb', ['--build', stage, file]).status, 0);
  put(join(root, 'stubs/systemctl'), systemctl(root), 0o755);
  for (const name of ['systemd-sysusers', 'install', 'userdel', 'groupdel'])
    put(join(root, 'stubs', name), '#!/bin/sh\nexit 0\n', 0o755);
  const env = { ...process.env, PATH: `${root}/stubs:/usr/sbin:/usr/bin:/sbin:/bin` };
  const it = {
    ...{ root, lib, file, put },
    verdict: (code: number) => put(join(root, 'verdict'), `${code}\n`),
    /** `comes`: what a restart comes to. */
    service(state: string, comes = 'active') {
      put(join(root, 'state'), `${state}\n`);
      put(join(root, 'comes'), `${comes}\n`);
      put(join(root, 'asked'), '');
    },
    restarts: () => readFileSync(join(root, 'asked'), 'utf8').split('\n').length - 1,
    said: (name: string) => readFileSync(join(lib, name), 'utf8'),
    dpkg: (...words: string[]) => spawnSync('dpkg', [`--admindir=${root}/admin`, ...words], { env, encoding: 'utf8' }),
  };
  it.verdict(0);
  it.service('active');
  return it;
}

t.test('an installation from source goes when the package works, and not before', { skip }, async (t) => {
  const { lib, file, put, verdict, said, dpkg } = machine(t);
  for (const name of ['src/logcalld.js', 'adapters/later.js', 'bin/with-notify-socket']) put(join(lib, name), 'source');
  verdict(78);
  const refused = dpkg('--install', file);
  t.match(refused, { status: 1, stderr: /would not start with this config\. The version before it goes on running/ });
  for (const name of ['src/logcalld.js', 'adapters/later.js', 'bin/with-notify-socket'])
    t.equal(said(name), 'source', `${name} is where the daemon that runs has it`);
  verdict(0);
  t.equal(dpkg('--configure', 'probe').status, 0);
  t.equal(said('src/logcalld.js'), 'package');
  t.same(
    readdirSync(lib).filter((name) => !name.startsWith('running.')),
    ['bin', 'current', 'program', 'src'],
  );
  t.notOk(existsSync(`${lib}.source`));
  t.equal(dpkg('--remove', 'probe').status, 0);
  t.notOk(existsSync(lib));
});

t.test('the config that is looked at is that of the unit', { skip }, async (t) => {
  const { root, file, put, verdict, dpkg } = machine(t);
  const looked = (): string => readFileSync(join(root, 'asked-of'), 'utf8');
  const unit = (words: string): void =>
    put(join(root, 'starts'), `{ path=/x ; argv[]=/x run ${words} ; ignore_errors=no ; start_time=[n/a] }\n`);
  verdict(78);
  unit('--config /srv/calls.toml');
  t.match(dpkg('--install', file), { status: 1, stderr: /would not start with this config/ });
  t.match(looked(), /check-config .*--config \/srv\/calls\.toml$/m);
  for (const words of ['-c /srv/calls.toml', '--config=/srv/calls.toml']) {
    unit(words);
    t.equal(dpkg('--configure', 'probe').status, 1);
    t.match(looked(), /--config \/srv\/calls\.toml$/m, words);
  }
  unit('');
  verdict(0);
  t.equal(dpkg('--configure', 'probe').status, 0);
  t.match(looked(), `--config ${root}/etc/logcalld/logcalld.toml`, 'systemd does not say: where it is else');
});

t.test('a restart that failed is made up for by the remedy that is told', { skip }, async (t) => {
  const { lib, file, service, verdict, restarts, dpkg } = machine(t);
  service('active', 'failed');
  t.match(dpkg('--install', file), { status: 1, stderr: /did not start.*dpkg --configure logcalld/ });
  t.equal(restarts(), 1);
  verdict(78);
  t.match(dpkg('--configure', 'probe'), { status: 1, stderr: /would not start.*The service does not run/ });
  verdict(0);
  for (const state of ['failed', 'activating']) {
    service(state, 'failed');
    t.match(dpkg('--configure', 'probe'), { status: 1, stderr: /did not start/ }, state);
    t.equal(restarts(), 1, state);
  }
  service('failed');
  t.match(dpkg('--configure', 'probe'), { status: 0 });
  t.equal(restarts(), 1);
  t.notOk(existsSync(`${lib}.restart`));
});

t.test(
  'a service that is starting counts as running; one that failed before or was stopped does not',
  { skip },
  async (t) => {
    const { lib, file, service, verdict, restarts, dpkg } = machine(t);
    verdict(78);
    service('activating');
    t.match(dpkg('--install', file), { status: 1, stderr: /would not start with this config/ });
    t.equal(restarts(), 0);
    for (const state of ['failed', 'inactive']) {
      service(state);
      t.match(dpkg('--install', file), { status: 0 }, state);
      t.equal(restarts(), 0, state);
    }
    verdict(0);
    service('active', 'failed');
    t.match(dpkg('--install', file), { status: 1 });
    service('inactive');
    t.match(dpkg('--configure', 'probe'), { status: 0 }, 'stopped by somebody after the restart that failed');
    t.equal(restarts(), 0);
    t.notOk(existsSync(`${lib}.restart`));
  },
);

t.test(
  'a package that is too old for the database is refused, also where none is installed any more',
  { skip },
  async (t) => {
    const { root, lib, file, put, dpkg } = machine(t);
    const database = join(root, 'var/lib/logcalld/logcalld.db');
    const header = (schema: number): Buffer => {
      const bytes = Buffer.alloc(100);
      bytes.write('SQLite format 3\0');
      bytes.writeUInt32BE(schema, 60);
      return bytes;
    };
    put(database, header(9999));
    t.match(dpkg('--install', file), { status: 1, stderr: /up to schema 1; \S+ has 9999\.\n/ });
    t.notOk(existsSync(lib));
    for (const content of [header(1), Buffer.alloc(100, 'x')]) {
      put(database, content);
      t.match(dpkg('--install', file), { status: 0 });
    }
    put(database, header(2));
    t.match(dpkg('--install', file), { status: 1, stderr: /has 2, so version 1 stays/ });
  },
);
