/** What a command loads is nearly all that it costs: those that only ask the daemon load no package but the one that reads TOML. */
import { execFile } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { settled, world } from './world.ts';

t.setTimeout(60_000);

const PROJECT = join(import.meta.dirname, '..', '..');

/** Writes the address of each module that is loaded to the standard error. */
const hook = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
import { writeSync } from 'node:fs';
registerHooks({
  load(url, context, next) {
    writeSync(2, 'loaded ' + url + '\\n');
    return next(url, context);
  },
});`)}`;

/** The packages that a command loads, and how many modules of this program. */
function loadedBy(...words: readonly string[]): Promise<{ packages: string[]; own: string[]; out: string }> {
  const node = join(PROJECT, 'node_modules', '.bin', 'node');
  return new Promise((resolve) => {
    execFile(node, ['--import', hook, join(PROJECT, 'src/logcalld.js'), ...words], (_failure, out, error) => {
      const urls = [...error.matchAll(/^loaded (.*)$/gm)].map(([, url = '']) => url);
      const packages = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
      const own = urls.filter((url) => url.startsWith('file:') && !url.includes('/node_modules/'));
      resolve({ packages: [...new Set(packages)], own: own.map((url) => url.slice(`file://${PROJECT}/`.length)), out });
    });
  });
}

t.test('version and help load no package', async (t) => {
  for (const words of [['version'], ['--help'], ['help', 'calls'], ['statsu']]) {
    const { packages, own } = await loadedBy(...words);
    t.same(packages, [], words.join(' '));
    t.ok(own.includes('src/main.ts') && own.length < 25, `${own.length} modules`);
  }
});

t.test('status, calls, pause and resume ask the running daemon', async (t) => {
  const it = await world(['inbound_answered_caller_hangs_up']);
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 1);
  const config = join(it.directory, 'logcalld.toml');
  for (const words of [
    ['status'],
    ['status', '--json'],
    ['calls'],
    ['calls', '--numbers', '--since', '1d'],
    ['pause'],
    ['resume'],
  ]) {
    const { packages, own, out } = await loadedBy(...words, '--config', config);
    t.not(out, '', 'it answers');
    t.same(packages, ['smol-toml'], words.join(' '));
    t.ok(own.length < 55, `${own.length} modules: ${own.join(' ')}`);
  }
  await t.test(
    'also when the rest of the file is not good any more: the daemon has checked what it runs with',
    async (t) => {
      appendFileSync(config, '\n[lead]\nx = 1\n');
      t.equal((await it.run('status')).code, 0);
      await it.stop();
      const { code, error } = await it.run('status');
      t.equal(code, 78, 'without the daemon the file is all there is');
      t.match(error, /unknown key lead/);
    },
  );
});

t.test('what a killed daemon left does not lead to another one', async (t) => {
  const [one, other] = [await world([]), await world([])];
  t.teardown(() => Promise.all([one.end(), other.end()]));
  await one.start();
  await one.stop();
  await other.start();
  const { path } = one.config.storage;
  const holder = { pid: 1, since: 0, host: 'pbx', version: '0.0.1', socket: join(other.directory, 'control.sock') };
  writeFileSync(`${path}.holder`, JSON.stringify(holder));
  const ran = await one.run('status');
  t.equal(ran.code, 1);
  t.match(ran.error, /logcalld is not running: read from/);
});
