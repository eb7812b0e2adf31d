/** What the stories share: the packages, and a PBX and a CRM outside of the box that it reaches on 127.0.0.1. */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { copyFile, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { type Sandbox, startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { AGENTS, CANARY, sandboxUsers } from '../support/daemon.ts';
import type { Box, Ran } from './box.ts';

const PROJECT = join(import.meta.dirname, '../..');
const command = promisify(execFile);

/** Higher than any that there will be. */
export const NEWER = '9999.0.0';

/** Two packages of this tree that differ in their version alone: paths. */
export interface Packages {
  readonly current: string;
  readonly newer: string;
  readonly version: string;
}

let built: Promise<Packages> | null = null;

/** Builds them once for all stories. */
export function packages(): Promise<Packages> {
  built ??= build();
  return built;
}

async function build(): Promise<Packages> {
  const { version }: { version: string } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
  const folder = await mkdtemp(join(tmpdir(), 'logcalld-packages-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const npm = (...words: readonly string[]) => command('npm', ['run', ...words], { cwd: PROJECT });
  await npm('build');
  const made = async (number: string): Promise<string> => {
    const { stdout } = await npm('package', '--', '--fast', '--out', folder, '--version', number);
    const file = /^(\S+\.deb): /m.exec(stdout)?.[1];
    if (file === undefined) throw new Error(`npm run package names no file:\n${stdout}`);
    return file;
  };
  return { version, current: await made(version), newer: await made(NEWER) };
}

/** Hands a package to apt as an administrator does. */
export async function install(box: Box, file: string): Promise<Ran> {
  await copyFile(file, join(box.shared, basename(file)));
  return box.run(`DEBIAN_FRONTEND=noninteractive apt-get install -y --allow-downgrades /mnt/shared/${basename(file)}`);
}

export const recording = (name: string): string =>
  new URL(`../fixtures/recordings/asterisk-22/${name}/events.jsonl.gz`, import.meta.url).pathname;

export interface Outside {
  readonly player: AmiPlayer;
  readonly sandbox: Sandbox;
  readonly config: string;
  close(): Promise<void>;
}

/** A PBX that plays these recordings to whoever logs in, a CRM, and the config that names both. */
export async function outside(captures: readonly string[], speed: number): Promise<Outside> {
  const sandbox = await startSandbox({ users: sandboxUsers });
  const player = new AmiPlayer({
    captures: captures.map(recording),
    ...{ order: 'together', username: 'logcalld', secret: CANARY, speed, shiftTimes: true },
  });
  const config = `[[source]]
type = 'asterisk'
name = 'pbx1'
port = ${await player.listen()}
username = 'logcalld'

[leadsquared]
host = '${sandbox.url}'
insecure = true

[leadsquared.user]
file = 'users.csv'
default_user = 'agent1001@example.com'
`;
  return {
    player,
    sandbox,
    config,
    async close() {
      await player.close();
      await sandbox.close();
    },
  };
}

/** Config, users and secrets, by the recipes of systemd/README.md. */
export async function configure(box: Box, { sandbox, config }: Outside): Promise<void> {
  await box.must(`cat > /etc/logcalld/logcalld.toml`, { input: config });
  const users = ['extension,user', ...AGENTS.map((one) => `${one},agent${one}@example.com`), ''].join('\n');
  await box.must('cp /etc/logcalld/users.example.csv /etc/logcalld/users.csv && cat > /etc/logcalld/users.csv', {
    input: users,
  });
  const secrets = { 'ami-secret': CANARY, 'lsq-access-key': sandbox.accessKey, 'lsq-secret-key': sandbox.secretKey };
  for (const [name, secret] of Object.entries(secrets)) {
    await box.must(`sudo sh -c 'umask 077; cat > /etc/logcalld/credentials/${name}'`, { input: `${secret}\n` });
  }
}

/** Entries of the daemon's log in the journal. */
export async function entries(box: Box): Promise<readonly Record<string, unknown>[]> {
  const out = await box.must('journalctl --no-pager -q -t logcalld -o cat');
  return out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

/** Resolves when the CRM has taken so many call logs. */
export async function posted(sandbox: Sandbox, calls: number): Promise<void> {
  while (sandbox.ledger.calls().length < calls) await sandbox.next(({ request }) => request.path.includes('LogCall'));
}
