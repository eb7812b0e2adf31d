/** The package over an installation from source, by dpkg itself, in folders of its own: what runs is never left without its files. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';

const SCRIPTS = join(import.meta.dirname, '../../systemd/package/debian');
const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0;
const skip = !hasDpkg ? 'no dpkg here' : process.getuid?.() !== 0 ? 'root only' : false;

t.test('an installation from source goes when the package works, and not before', { skip }, async (t) => {
  const root = t.testdir({
    admin: { info: {}, updates: {}, status: '', available: '' },
    run: {},
    package: {},
    stubs: {},
  });
  const lib = join(root, 'usr/lib/logcalld');
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
  };
  for (const name of ['src/logcalld.js', 'adapters/later.js', 'bin/with-notify-socket']) put(join(lib, name), 'source');

  const stage = join(root, 'package');
  put(join(stage, lib, 'program/src/logcalld.js'), 'package');
  put(join(stage, lib, 'program/bin/node'), 'package');
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
  // The service runs; what the new version says of the config is what `verdict` ends with.
  const verdict = (code: number): void => put(join(root, 'stubs/setpriv'), `#!/bin/sh\nexit ${code}\n`, 0o755);
  for (const name of ['systemctl', 'systemd-sysusers', 'install', 'userdel', 'groupdel'])
    put(join(root, 'stubs', name), '#!/bin/sh\nexit 0\n', 0o755);
  const env = { ...process.env, PATH: `${root}/stubs:/usr/sbin:/usr/bin:/sbin:/bin` };
  const dpkg = (...words: string[]) =>
    spawnSync('dpkg', [`--admindir=${root}/admin`, ...words], { env, encoding: 'utf8' });
  const said = (name: string): string => readFileSync(join(lib, name), 'utf8');

  verdict(78);
  const refused = dpkg('--install', file);
  t.match(refused, { status: 1, stderr: /would not start with this config/ });
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
