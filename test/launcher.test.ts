import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

/** Makes this Node say that it is an old one. */
const old =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"18.19.0"}})';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-'));
t.teardown(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'src'));
const launcher = join(folder, 'src/logcalld.js');
copyFileSync(join(import.meta.dirname, '../src/logcalld.js'), launcher);
writeFileSync(join(folder, 'package.json'), '{"type":"module"}');

const run = (execArgv: readonly string[], args: readonly string[]) =>
  spawnSync(process.execPath, [...execArgv, launcher, ...args], { encoding: 'utf8' });

function bundle(script: string): void {
  const bin = join(folder, `node_modules/node-${process.platform}-${process.arch}/bin`);
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'node'), script);
  chmodSync(join(bin, 'node'), 0o755);
}

t.test('on a new Node: the compiled program, else the source', async (t) => {
  writeFileSync(
    join(folder, 'src/main.ts'),
    "const word: string = 'ts';\nconsole.log(word, ...process.argv.slice(2));",
  );
  t.equal(run([], ['calls', '--json']).stdout, 'ts calls --json\n');
  writeFileSync(join(folder, 'src/main.js'), "console.log('js', ...process.argv.slice(2));process.exitCode = 3;");
  const compiled = run([], ['run']);
  t.same([compiled.stdout, compiled.status], ['js run\n', 3]);
  t.equal(compiled.stderr, '', 'this Node knows each option of the heap');
});

t.test('what was compiled is kept in the home of the user, whatever HOME says, and not by the daemon', async (t) => {
  const [home, other] = ['home', 'other'].map((name) => join(folder, name));
  for (const path of [home, other]) mkdirSync(String(path));
  const user = (info: string) => [
    '--import',
    `data:text/javascript,process.getBuiltinModule("node:os").userInfo=()=>${encodeURIComponent(info)}`,
  ];
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const runAs = (info: string, word: string) =>
    spawnSync(process.execPath, [...user(info), launcher, word], { encoding: 'utf8', env: { ...env, HOME: other } });
  const known = `({homedir:${JSON.stringify(home)}})`;
  t.equal(runAs(known, 'run').stdout, 'js run\n');
  t.notOk(existsSync(join(String(home), '.cache')), 'run');
  t.equal(runAs(known, 'calls').stdout, 'js calls\n');
  t.ok(existsSync(join(String(home), '.cache', 'logcalld')), 'calls');
  t.notOk(existsSync(join(String(other), '.cache')), 'HOME');
  t.equal(runAs('{throw new Error("ENOENT")}', 'calls').stdout, 'js calls\n', 'a user without a name');
});

t.test('on an old Node without the bundled one: one line', async (t) => {
  const { status, stderr, stdout } = run(['--import', old], ['run']);
  t.same([status, stdout], [1, '']);
  t.match(stderr, /^logcalld: needs Node 24 or newer, this is 18\.19\.0: run "npm ci".*\n$/);
});

t.test('on an old Node with the bundled one: hands over arguments and exit status', async (t) => {
  bundle('#!/bin/sh\nshift 2\necho "$LOGCALLD_LAUNCHED" "$@"\nexit 78\n');
  const { status, stdout } = run(['--import', old], ['run', '--config', 'a b']);
  t.equal(status, 78);
  t.equal(stdout, `1 ${launcher} run --config a b\n`);
});

t.test('signals go through, and the end by a signal shows', async (t) => {
  bundle('#!/bin/sh\ntrap "echo got term; kill -9 $$" TERM\necho ready\nfor n in $(seq 200); do sleep 0.05; done\n');
  const child = spawn(process.execPath, ['--import', old, launcher, 'run'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk) => {
    if (out === '') child.kill('SIGTERM');
    out += String(chunk);
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  t.same([out, status], ['ready\ngot term\n', 137]);
});

t.test('a bundled Node that is too old or cannot start does not go round in circles', async (t) => {
  bundle(`#!/bin/sh\nexec '${process.execPath}' "$@"\n`);
  t.match(run(['--import', old], ['run']).stderr, /^logcalld: needs Node 24 or newer/);
  bundle('#!/nowhere/sh\n');
  const { status, stderr } = run(['--import', old], ['run']);
  t.equal(status, 1);
  t.match(stderr, /^logcalld: cannot start .* \(ENOENT\): run "npm ci".*\n$/);
});
