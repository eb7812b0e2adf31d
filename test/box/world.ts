/** What the stories share: the packages, and a PBX and a CRM outside of the box that it reaches on 127.0.0.1. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
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

/** A recording in which each packet is changed so, as a capture file: its path. */
export async function altered(name: string, change: (packet: string) => string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'logcalld-altered-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const lines = gunzipSync(readFileSync(recording(name)))
    .toString()
    .split('\n');
  const changed = lines.map((line) => {
    const frame: { raw?: string } = line === '' ? {} : JSON.parse(line);
    return frame.raw === undefined ? line : JSON.stringify({ ...frame, raw: change(frame.raw) });
  });
  writeFileSync(join(folder, 'capture.jsonl'), changed.join('\n'));
  return join(folder, 'capture.jsonl');
}

/** What a config is about: the CRM, and the PBX with its secret. */
export interface Named {
  readonly sandbox: Sandbox;
  readonly config: string;
  readonly secret: string;
}

export interface Outside extends Named {
  readonly player: AmiPlayer;
  close(): Promise<void>;
}

export interface OutsideOptions {
  /** It is listened there when the story says so (`player.listen`): the PBX is away until then. */
  readonly port?: number;
}

/** A PBX that plays these recordings (names, or paths of captures) to whoever logs in, a CRM, and the config that names both. */
export async function outside(
  captures: readonly string[],
  speed: number,
  { port }: OutsideOptions = {},
): Promise<Outside> {
  const sandbox = await startSandbox({ users: sandboxUsers });
  const player = new AmiPlayer({
    captures: captures.map((one) => (isAbsolute(one) ? one : recording(one))),
    ...{ order: 'together', username: 'logcalld', secret: CANARY, speed, shiftTimes: true },
  });
  return {
    player,
    sandbox,
    config: configOf(port ?? (await player.listen()), sandbox),
    secret: CANARY,
    async close() {
      await player.close();
      await sandbox.close();
    },
  };
}

/** Of an Asterisk at this port of 127.0.0.1. */
export function configOf(port: number, sandbox: Sandbox): string {
  return `[[source]]
type = 'asterisk'
name = 'pbx1'
port = ${port}
username = 'logcalld'

[leadsquared]
host = '${sandbox.url}'
insecure = true

[leadsquared.user]
file = 'users.csv'
default_user = 'agent1001@example.com'
`;
}

/** Config, users and secrets, by the recipes of systemd/README.md. */
export async function configure(box: Box, { sandbox, config, secret: pbx }: Named): Promise<void> {
  await box.must(`cat > /etc/logcalld/logcalld.toml`, { input: config });
  const users = ['extension,user', ...AGENTS.map((one) => `${one},agent${one}@example.com`), ''].join('\n');
  await box.must('cp /etc/logcalld/users.example.csv /etc/logcalld/users.csv && cat > /etc/logcalld/users.csv', {
    input: users,
  });
  const secrets = { 'ami-secret': pbx, 'lsq-access-key': sandbox.accessKey, 'lsq-secret-key': sandbox.secretKey };
  for (const [name, secret] of Object.entries(secrets)) {
    await box.must(`sudo sh -c 'umask 077; cat > /etc/logcalld/credentials/${name}'`, { input: `${secret}\n` });
  }
}

/** The package and its config: nothing runs yet. */
export async function prepare(box: Box, named: Named): Promise<void> {
  const { code, out, error } = await install(box, (await packages()).current);
  if (code !== 0) throw new Error(`the package could not be installed:\n${out}${error}`);
  await configure(box, named);
}

/** From nothing to the running service. */
export async function serve(box: Box, named: Named): Promise<void> {
  await prepare(box, named);
  await box.must('systemctl enable --now logcalld');
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
