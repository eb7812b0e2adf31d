/** `logcalld init` in a dialogue, as processes: its questions come to an installation that works. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { AmiPlayer } from '../../../adapters/asterisk/player/player.ts';
import { startSandbox } from '../../../adapters/leadsquared/sandbox/sandbox.ts';
import { loadConfig } from '../../../config/load.ts';
import { command } from '../../cli/world.ts';
import { accepted, COMPILED, DaemonProcess, sandboxUsers } from '../../support/daemon.ts';
import { shortFolder } from '../../support/folder.ts';

t.setTimeout(120_000);

const PROJECT = join(import.meta.dirname, '../../..');
const PROGRAM = [join(PROJECT, 'node_modules/.bin/node'), join(PROJECT, 'src/logcalld.js')];
/** No unit, whatever the machine has. */
const env = { ...process.env, ...COMPILED, SYSTEMD_UNIT_PATH: '/nowhere' };
process.env.SYSTEMD_UNIT_PATH = '/nowhere';
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** Answers each question when it is asked. Resolves with the exit status and all that was printed. */
async function answering(
  child: ChildProcessWithoutNullStreams,
  dialogue: readonly [question: RegExp, answer: string][],
) {
  let printed = '';
  let from = 0;
  const waiting = [...dialogue];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    for (const [question, answer] of [...waiting]) {
      const found = question.exec(printed.slice(from));
      if (found === null || waiting[0]?.[0] !== question) return;
      from += found.index + found[0].length;
      waiting.shift();
      child.stdin.write(answer);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const [code] = await once(child, 'close');
  return { code, printed, left: waiting.length };
}

t.test('from an empty folder to logged calls', async (t) => {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const root = mkdtempSync(join(tmpdir(), 'logcalld-'));
  const folder = join(root, 'trial');
  const player = new AmiPlayer({
    captures: [join(PROJECT, 'test/fixtures/recordings/asterisk-22/inbound_answered_caller_hangs_up/events.jsonl.gz')],
    ...{ order: 'together', username: 'logcalld', secret: 'typed-secret', speed: 20, settleMs: 20, shiftTimes: true },
  });
  t.teardown(() => Promise.all([player.close(), sandbox.close(), rm(root, { recursive: true })]));
  const port = await player.listen();
  const users = join(root, 'mine.csv');
  writeFileSync(users, 'extension,user\n1001,agent1001@example.com\n');
  const [program = '', ...words] = PROGRAM;
  const child = spawn(program, [...words, 'init', '--directory', folder], { env, stdio: 'pipe' });
  const { code, printed, left } = await answering(child, [
    [/The PBX: .*: $/, 'asterisk\n'],
    [/Its name or address \[127\.0\.0\.1.*\]: $/, '127.0.0.1:99999\n'],
    [/Expected a whole number from 1 to 65535\.[\s\S]*Its name or address .*: $/, 'the pbx\n'],
    [/Expected the name or address of the PBX, [\s\S]*Its name or address .*: $/, `127.0.0.1:${port}\n`],
    [/every call id begins with it \[pbx1\]: $/, 'My PBX\n'],
    [/Expected lower-case letters[\s\S]*\[pbx1\]: $/, '\n'],
    [/AMI user .*\[logcalld\]: $/, '\n'],
    [/Country .*\[IN\]: $/, 'in\n'],
    [/API host .*: $/, `${sandbox.url}\n`],
    [/or omit.*\[wait\]: $/, `${sandbox.url}\n`],
    [/Expected an e-mail address, wait or omit[\s\S]*\[wait\]: $/, 'agent1002@example.com\n'],
    [/Secret of the AMI user logcalld.*Enter: a new random one\]: $/, 'typed-secret\n'],
    [/access key.*Enter: later\]: $/, `${sandbox.accessKey}\n`],
    [/secret key.*Enter: later\]: $/, `${sandbox.secretKey}\n`],
    [/Users file.*: $/, `${folder}/none.csv\n`],
    [/There is no file[\s\S]*Users file.*: $/, `${users}\n`],
    [/Write .*\[Y\/n\]: $/, '\n'],
  ]);
  t.same([code, left], [0, 0], printed);
  t.match(
    printed,
    /^On the PBX:\n\n[\s\S]*secret = what stands in \S+\/credentials\/ami-secret[\s\S]*^Next:\n[\s\S]*doctor --config/m,
  );
  for (const secret of ['typed-secret', sandbox.accessKey, sandbox.secretKey])
    t.notMatch(printed, secret, 'nothing that was kept by somebody shows a secret');
  t.same(
    ['credentials', 'credentials/ami-secret', 'logcalld.toml'].map((name) => mode(join(folder, name))),
    ['700', '600', '640'],
  );
  const config = join(folder, 'logcalld.toml');
  t.match(loadConfig(config), {
    source: [{ type: 'asterisk', name: 'pbx1', port, country: 'IN' }],
    leadsquared: {
      insecure: true,
      user: { default_user: 'agent1002@example.com', unknown: ['lead-owner', 'default-user', 'omit'] },
    },
  });
  const checked = await command('check-config', '--offline', '-c', config);
  t.equal(checked.code, 0, checked.out);
  t.notMatch(checked.out, /^(?:warn|FAIL)/m);

  const daemon = new DaemonProcess(config);
  await daemon.during(accepted(sandbox, 1));
  daemon.kill('SIGTERM');
  t.equal(await daemon.exited(), 0);
  t.equal(sandbox.ledger.calls().length, 1);
});

t.test('on a terminal: what is typed as a secret does not show; a new one is shown to be pasted', async (t) => {
  if (spawnSync('script', ['--version']).status !== 0) return t.pass('there is no program "script" here');
  const folder = shortFolder(t);
  const line = [
    ...PROGRAM,
    'init',
    '--directory',
    folder,
    '--freeswitch',
    '127.0.0.1:18021',
    '--default-user',
    'omit',
  ].join(' ');
  const child = spawn('script', ['-qfec', line, '/dev/null'], { env, stdio: 'pipe' });
  const { code, printed, left } = await answering(child, [
    [/begins with it .*: /, '\r'],
    [/Country .*: /, '\r'],
    [/API host .*: /, '\r'],
    [/Password of the event socket.*\]: /, '\r'],
    [/access key.*\]: /, 'hidden-access\r'],
    [/secret key.*\]: /, '\r'],
    [/Users file.*: /, '\r'],
    [/Write .*: /, 'y\r'],
  ]);
  t.same([code, left], [0, 0], printed);
  t.notMatch(printed, /hidden-access/);
  t.equal(readFileSync(join(folder, 'credentials/lsq-access-key'), 'utf8'), 'hidden-access\n');
  const made = readFileSync(join(folder, 'credentials/esl-password'), 'utf8').trim();
  t.match(made, /^[\w-]{32}$/);
  t.match(printed, `<param name="password" value="${made}"/>`);
  t.match(printed, /umask 077; cat > \S+\/lsq-secret-key/, 'the key that is still missing');
});

t.test('broken off: nothing is written', async (t) => {
  const folder = join(shortFolder(t), 'place');
  const [program = '', ...words] = PROGRAM;
  const { status, stderr } = spawnSync(program, [...words, 'init', '--directory', folder], {
    env,
    input: 'asterisk\n\n',
    encoding: 'utf8',
  });
  t.equal(status, 1);
  t.match(stderr, /broken off: nothing was written/);
  t.notOk(existsSync(folder));
});
