/** A box: a Debian of its own, booted with systemd on this machine, that shares nothing with it but the network. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where root folders are kept between runs. */
const CACHE = process.env.LOGCALLD_BOX_ROOT ?? '/var/tmp/logcalld-box';
/** Exit status of install.sh when the machine lacks something. */
const EXIT_UNAVAILABLE = 69;
const BOOT_LIMIT_MS = 60_000;
const here = (name: string): string => join(import.meta.dirname, name);

/** Debian 12 and 13. */
export const SUITES = ['bookworm', 'trixie'] as const;
export type Suite = (typeof SUITES)[number];

/** This machine cannot have a box, and why. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export interface RunOptions {
  /** A user of the box, with the groups that it has; root unless given. */
  readonly as?: string;
  /** What the command reads from its standard input. */
  readonly input?: string;
}

export interface Box {
  readonly suite: Suite;
  /** A folder of this machine that is `/mnt/shared` in the box. */
  readonly shared: string;
  /** Runs a command line of sh as root; never rejects for its exit status. */
  run(command: string, options?: RunOptions): Promise<Ran>;
  /** The same, for what has to work: answers what it printed, and rejects with all of it when its status is not 0. */
  must(command: string, options?: RunOptions): Promise<string>;
  /** Writes a file of the box. `mode`: such as 0o600. */
  write(path: string, content: string, mode?: number): Promise<void>;
  /** Resolves with the output of the command when `wanted` accepts it; it is asked again and again until then, `limitMs` at most. */
  until(command: string, wanted: (ran: Ran) => boolean, limitMs?: number): Promise<Ran>;
  /** Ends it at once, with all that runs in it. */
  stop(): Promise<void>;
}

/** Makes the root folder of a Debian unless it is there. Throws `Unavailable` with the reason. */
async function installSuite(suite: Suite): Promise<void> {
  try {
    await promisify(execFile)('bash', [here('install.sh'), CACHE, suite]);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const stderr = 'stderr' in error ? String(error.stderr).trim() : '';
    if ('code' in error && error.code === EXIT_UNAVAILABLE) throw new Unavailable(stderr.split('\n').at(-1));
    throw new Error(`${suite}: install.sh failed: ${stderr || error.message}`);
  }
}

/** Boots a fresh box and resolves when its login prompt is there. Throws `Unavailable` where this machine cannot. */
export async function boot(suite: Suite): Promise<Box> {
  await installSuite(suite);
  const folder = await mkdtemp(join(tmpdir(), `logcalld-box-${suite}-`));
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  const arguments_ = ['--mount', 'bash', here('boot.sh'), join(CACHE, suite), folder, name];
  const child = spawn('unshare', arguments_, { stdio: ['ignore', 'pipe', 'pipe'] });
  const leader = await booted(child).catch(async (error: unknown) => {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const kill = (): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(leader, 'SIGKILL');
  };
  process.once('exit', kill);
  const run = (command: string, options: RunOptions = {}): Promise<Ran> => enter(leader, command, options);
  const must = async (command: string, options: RunOptions = {}): Promise<string> => {
    const { code, out, error } = await run(command, options);
    if (code !== 0) throw new Error(`"${command}" ended with ${code}:\n${out}${error}`);
    return out;
  };
  return {
    suite,
    shared: join(folder, 'shared'),
    run,
    must,
    async write(path, content, mode = 0o644) {
      const passing = join(folder, 'shared', 'passing');
      await writeFile(passing, content);
      await chmod(passing, mode);
      await must(`mkdir -p "$(dirname '${path}')" && cp -p /mnt/shared/passing '${path}' && rm /mnt/shared/passing`);
    },
    async until(command, wanted, limitMs = 120_000) {
      const end = performance.now() + limitMs;
      for (;;) {
        const ran = await run(command);
        if (wanted(ran)) return ran;
        if (performance.now() > end) {
          throw new Error(`"${command}" did not answer as wanted within ${limitMs} ms:\n${ran.out}${ran.error}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    async stop() {
      process.off('exit', kill);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null) {
        kill();
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves with process 1 of the box, by its id out here, when it has asked for a login. */
function booted(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = '';
    let asked = false;
    const limit = setTimeout(() => reject(new Error(`the box did not boot within 60 s:\n${printed}`)), BOOT_LIMIT_MS);
    const look = (text: string): void => {
      printed += text;
      if (asked || !/^\S+ login: /m.test(printed)) return;
      asked = true;
      clearTimeout(limit);
      const leader = leaderOf(child.pid);
      if (leader === null) reject(new Error(`systemd-nspawn has no child:\n${printed}`));
      else resolve(leader);
    };
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', look);
    child.once('error', (error) => {
      clearTimeout(limit);
      reject(new Unavailable(`unshare could not be started: ${error.message}`));
    });
    child.once('exit', () => {
      clearTimeout(limit);
      reject(new Unavailable(`systemd-nspawn cannot boot a box on this machine: ${printed.trim().split('\n').at(-1)}`));
    });
  });
}

/** The child of systemd-nspawn that has process ids of its own. */
function leaderOf(nspawn: number | undefined): number | null {
  const own = readlinkSync('/proc/self/ns/pid');
  const children = readFileSync(`/proc/${nspawn}/task/${nspawn}/children`, 'utf8').trim().split(' ').map(Number);
  return children.find((pid) => readlinkSync(`/proc/${pid}/ns/pid`) !== own) ?? null;
}

function enter(leader: number, command: string, { as, input }: RunOptions): Promise<Ran> {
  const into = ['--target', String(leader), '--mount', '--uts', '--ipc', '--pid', '--cgroup', '--root', '--wd'];
  const clean = [
    'env',
    '-i',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME=/root',
    'LC_ALL=C.UTF-8',
  ];
  const user = as === undefined ? [] : ['setpriv', `--reuid=${as}`, `--regid=${as}`, '--init-groups'];
  return new Promise((resolve) => {
    const child = execFile(
      'nsenter',
      [...into, '--', ...clean, ...user, 'sh', '-c', command],
      { maxBuffer: 64 * 1024 * 1024 },
      (failure, out, error) => {
        const code = failure === null ? 0 : typeof failure.code === 'number' ? failure.code : -1;
        resolve({ code, out, error });
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}
