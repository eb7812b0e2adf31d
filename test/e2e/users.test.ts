/**
 * Who may use the commands: root, a member of the group and a stranger, each with its own user, on a machine as the installer and
 * the unit leave it, with the daemon and without it. Needs root, for the users and for a `/run` of its own.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { accepted, CANARY, COMPILED, sandboxUsers } from '../support/daemon.ts';

t.setTimeout(300_000);

const PROJECT = join(import.meta.dirname, '..', '..');
const NODE = join(PROJECT, 'node_modules', '.bin', 'node');
const PROGRAM = join(PROJECT, 'src', 'logcalld.js');
/** Ids that no machine gives to its own users: systemd keeps them free (uid 60514 to 61183, see UIDS-GIDS.md). */
const ID = { service: 61_101, member: 61_102, stranger: 61_103 } as const;
type Who = 'root' | 'member' | 'stranger';

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** The unit, as far as it says where things are and who may see them. */
const unit = (key: string): string =>
  new RegExp(`^${key}=(.*)$`, 'm').exec(readFileSync(join(PROJECT, 'systemd/logcalld.service'), 'utf8'))?.[1] ?? '';

function machine(sandbox: Awaited<ReturnType<typeof startSandbox>>, port: number) {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-users-'));
  chmodSync(folder, 0o755);
  const [etc, state, credentials] = [join(folder, 'etc'), join(folder, 'state'), join(folder, 'credentials')];
  // Folders as systemd makes them: the state is the service's, /etc and the secrets are root's.
  mkdirSync(etc, { mode: 0o755 });
  mkdirSync(join(etc, 'credentials'), { mode: 0o700 });
  mkdirSync(state, { mode: Number.parseInt(unit('StateDirectoryMode'), 8) });
  chownSync(state, ID.service, ID.service);
  // Handed to the daemon alone, as LoadCredential= does.
  mkdirSync(credentials, { mode: 0o500 });
  const secrets = { 'ami-secret': CANARY, 'lsq-access-key': sandbox.accessKey, 'lsq-secret-key': sandbox.secretKey };
  for (const [name, value] of Object.entries(secrets)) {
    writeFileSync(join(etc, 'credentials', name), value, { mode: 0o600 });
    writeFileSync(join(credentials, name), value, { mode: 0o400 });
    chownSync(join(credentials, name), ID.service, ID.service);
  }
  chownSync(credentials, ID.service, ID.service);
  const config = join(etc, 'logcalld.toml');
  writeFileSync(
    config,
    `[[source]]\ntype = 'asterisk'\nname = 'asterisk'\nport = ${port}\nusername = 'test'
[calls]\nclose_grace = '50ms'\n[leadsquared]\nhost = '${sandbox.url}'\ninsecure = true
[leadsquared.user]\ndefault_user = 'agent1001@example.com'\n[leadsquared.limit]\nwindow = '1s'
[storage]\npath = '${join(state, 'logcalld.db')}'\n`,
  );
  // As install.sh: install -m 640, chgrp logcalld.
  const [, mode = ''] =
    /install -m (\d+) \S+ "\$etc\/logcalld\.toml"/.exec(readFileSync(join(PROJECT, 'systemd/install.sh'), 'utf8')) ??
    [];
  chmodSync(config, Number.parseInt(mode, 8));
  chownSync(config, 0, ID.service);
  // Of the service: what is told to type is for it.
  writeFileSync(
    join(folder, 'logcalld.service'),
    `[Service]\nExecStart=/usr/bin/logcalld run --config ${config}\nUser=logcalld\n`,
  );
  const passwd = join(folder, 'passwd');
  const group = join(folder, 'group');
  cpSync('/etc/passwd', passwd);
  cpSync('/etc/group', group);
  for (const [name, id] of [
    ['logcalld', ID.service],
    ['asha', ID.member],
    ['ravi', ID.stranger],
  ] as const) {
    appendFileSync(passwd, `${name}:x:${id}:${id}::/nonexistent:/bin/sh\n`);
    appendFileSync(group, `${name}:x:${id}:${name === 'logcalld' ? 'asha' : ''}\n`);
  }
  return { folder, state, credentials, config, passwd, group };
}

/** A name space with these users and a `/run` of its own, which lasts as long as its first process. */
async function nameSpace(passwd: string, group: string): Promise<ChildProcess> {
  const script = `mount --bind ${passwd} /etc/passwd && mount --bind ${group} /etc/group && mount -t tmpfs -o mode=755 none /run && echo up && exec cat`;
  const first = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [said] = await Promise.race([once(first.stdout, 'data'), once(first, 'exit').then(() => [''])]);
  if (String(said).trim() !== 'up') throw new Error('no name space could be made');
  return first;
}

t.test('root, a member of the group, a stranger', { skip: process.getuid?.() !== 0 && 'needs root' }, async (t) => {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const player = new AmiPlayer({
    captures: [
      new URL('../fixtures/recordings/asterisk-22/inbound_answered_caller_hangs_up/events.jsonl.gz', import.meta.url)
        .pathname,
    ],
    ...{ order: 'together', username: 'test', secret: CANARY, speed: 20, shiftTimes: true, settleMs: 20 },
  });
  const place = machine(sandbox, await player.listen());
  const space = await nameSpace(place.passwd, place.group);
  const inside = ['--mount', '--target', String(space.pid), '--'];
  let daemon: ChildProcess | null = null;
  t.teardown(async () => {
    daemon?.kill('SIGKILL');
    space.stdin?.end();
    await player.close();
    await sandbox.close();
    rmSync(place.folder, { recursive: true });
  });

  const as = (user: string) => ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups'];
  const users: Record<Who, readonly string[]> = { root: [], member: as('asha'), stranger: as('ravi') };
  const run = (who: Who, ...words: readonly string[]): Promise<Ran> =>
    new Promise((resolve) => {
      const line = [...users[who], NODE, PROGRAM, ...words, '--config', place.config];
      execFile(
        'nsenter',
        [...inside, ...line],
        { env: { PATH: process.env.PATH ?? '', SYSTEMD_UNIT_PATH: place.folder, ...COMPILED }, cwd: '/' },
        (failure, out, error) =>
          resolve({ code: failure === null ? 0 : typeof failure.code === 'number' ? failure.code : null, out, error }),
      );
    });
  const all = (...words: readonly string[]) =>
    Promise.all([run('root', ...words), run('member', ...words), run('stranger', ...words)]);
  const shell = (script: string) =>
    new Promise<void>((resolve, reject) => {
      execFile('nsenter', [...inside, 'sh', '-ec', script], (failure) =>
        failure === null ? resolve() : reject(failure),
      );
    });

  const start = async (): Promise<void> => {
    await shell(`install -d -o logcalld -g logcalld -m ${unit('RuntimeDirectoryMode')} /run/logcalld`);
    const line = [
      'sh',
      '-c',
      `umask ${unit('UMask')}; exec "$@"`,
      'sh',
      ...as('logcalld'),
      NODE,
      PROGRAM,
      'run',
      '--config',
      place.config,
    ];
    const started = spawn('nsenter', [...inside, ...line], {
      ...{ cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] },
      env: {
        PATH: process.env.PATH ?? '',
        ...COMPILED,
        CREDENTIALS_DIRECTORY: place.credentials,
        RUNTIME_DIRECTORY: '/run/logcalld',
        STATE_DIRECTORY: place.state,
      },
    });
    daemon = started;
    await accepted(sandbox, 1);
  };
  const stop = async (): Promise<void> => {
    daemon?.kill('SIGTERM');
    if (daemon !== null) await once(daemon, 'exit');
    daemon = null;
    // As systemd does with a RuntimeDirectory=.
    await shell('rm -r /run/logcalld');
  };

  const ASKED: readonly (readonly string[])[] = [
    ['status'],
    ['calls'],
    ['calls', '--json'],
    ['gaps'],
    ['users'],
    ['pause'],
    ['resume'],
    ['reload'],
  ];
  const GET_IN =
    /^logcalld: This user may not use \S+: "sudo usermod -aG logcalld ravi" and a new login allow it, or use sudo\.\n$/;

  await start();
  const [call = {}] = sandbox.ledger.calls().map(({ body }) => body);
  const id = String('CallSessionId' in call ? call.CallSessionId : '');
  for (const words of [...ASKED, ['calls', 'show', id], ['replay', id, '--dry-run', '--force']]) {
    const [root, member, stranger] = await all(...words);
    for (const { code, out, error } of [root, member]) {
      t.equal(code, 0, `${words.join(' ')}\n${error}`);
      t.ok(out !== '' || words[0] === 'gaps', 'it answers');
      t.notMatch(out + error, CANARY);
    }
    t.same([stranger.code, stranger.out], [1, ''], `a stranger: ${words.join(' ')}`);
    t.match(stranger.error, GET_IN);
  }

  await stop();
  for (const words of ASKED.slice(0, 5)) {
    const [root, member, stranger] = await all(...words);
    t.equal(root.code, words[0] === 'status' ? 1 : 0, `root, without the daemon: ${words.join(' ')}`);
    t.match(root.error, /^logcalld is not running: read from /, 'root may look into the file');
    t.same([member.code, member.out], [1, '']);
    t.match(
      member.error,
      /^logcalld: logcalld is not running, and this user may not look into \S+: "sudo systemctl start logcalld" starts it, with sudo this command reads the database\.\n$/,
    );
    t.same([stranger.code, stranger.out], [1, '']);
    t.match(stranger.error, GET_IN);
  }
  const { code, error } = await run('member', 'pause');
  t.equal(code, 1);
  t.match(error, /logcalld is not running, and this user may not/);
});
