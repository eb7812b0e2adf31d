/** A file system that is mounted read-only: no rights help there, and none are told. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { mountOf } from '../../../adapters/host/read-only.ts';
import { COMPILED, installation } from '../../support/daemon.ts';

t.setTimeout(60_000);

const PROJECT = join(import.meta.dirname, '..', '..', '..');
const made = spawnSync('unshare', ['--mount', 'true']).status === 0;

t.test('it is named, with where it is mounted', { skip: !made && 'needs root' }, async (t) => {
  const place = await installation({ asterisk: 9 }, { url: 'http://127.0.0.1:9', accessKey: 'a', secretKey: 'b' });
  t.teardown(() => place.remove());
  const data = join(place.directory, 'the data');
  mkdirSync(data);
  writeFileSync(
    place.config,
    readFileSync(place.config, 'utf8').replace(/^path = .*$/m, `path = '${join(data, 'calls.db')}'`),
  );
  const run = (...words: readonly string[]) =>
    new Promise<{ code: unknown; text: string }>((resolve) => {
      const script = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`;
      const line = [process.execPath, join(PROJECT, 'src', 'logcalld.js'), ...words, '--config', place.config];
      const options = { env: { PATH: process.env.PATH, SYSTEMD_UNIT_PATH: '/nowhere', ...COMPILED } };
      execFile('unshare', ['--mount', 'sh', '-ec', script, data, ...line], options, (failure, out, error) =>
        resolve({ code: failure === null ? 0 : failure.code, text: out + error }),
      );
    });
  const [checked, started] = await Promise.all([run('check-config', '--offline'), run('run')]);
  for (const { code, text } of [checked, started]) {
    t.equal(code, 78, text);
    t.match(text, `${data} may not be written: the file system at ${data} is mounted read-only. Mount it for writing`);
    t.notMatch(text, /chown|chmod|EROFS/);
  }
  t.match(checked.text, `type: sudo mount -o remount,rw ${data}`);
});

t.test('where a file is mounted', (t) => {
  t.equal(mountOf('/proc/self/status'), '/proc');
  t.equal(mountOf('/'), '/');
  t.end();
});
