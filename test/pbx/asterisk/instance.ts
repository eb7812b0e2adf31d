/** One Asterisk process in a chroot, with a configuration and folders of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { guarded } from '../../support/guard.ts';
import { freeTcpPort } from '../ports.ts';
import { diesOf, endProcess } from '../process.ts';
import { messageOf } from '../report.ts';
import { within } from '../sip/moment.ts';
import { AmiSession } from './ami.ts';
import { configFiles, writeHome } from './config.ts';

const RTP_PORTS = 400;
const LAST_LINES = 20;
const CLI_MS = 20_000;

export interface Instance {
  /** Its folder, seen from outside the chroot. */
  readonly disk: string;
  /** TCP port of AMI, and the password of its users. */
  readonly ami: number;
  readonly secret: string;
  /** What an administrator gets from `asterisk -rx`. */
  cli(command: string): Promise<string>;
  /** Gives a section of manager.conf these lines beside its secret, as it had them before with `null`, and reads it anew. */
  setManagerUser(name: string, lines: readonly string[] | null): Promise<void>;
  /** The end of its log, for a failure. */
  log(): Promise<string>;
  /** SIGKILL; resolves when it is gone, with that moment, ms since the epoch. */
  kill(): Promise<number>;
  /** Starts it again in the same folder; as `startInstance`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts it and resolves when it takes calls. `settings` fill the templates in `layers`, beside what every instance gets.
 * Rejects with the end of its log.
 */
export async function startInstance(
  chroot: string,
  layers: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<Instance> {
  const disk = await mkdtemp(join(chroot, `run-${process.pid}-`));
  const home = disk.slice(chroot.length);
  const secret = randomBytes(9).toString('hex');
  const ami = await freeTcpPort();
  const firstRtp = 2 * randomInt(10_000, 15_000);
  const config = await configFiles(layers, {
    HOME: home,
    AMI: String(ami),
    AMI_SECRET: secret,
    RTP_FIRST: String(firstRtp),
    RTP_LAST: String(firstRtp + RTP_PORTS - 1),
    ...settings,
  });
  await writeHome(chroot, disk, config);
  let daemon = spawnAsterisk(chroot, home);

  const instance: Instance = {
    disk,
    ami,
    secret,
    cli: (command) => cli(chroot, home, command),
    setManagerUser: async (name, lines) => {
      const before = config.get('manager.conf') ?? '';
      const section = [`[${name}]`, `secret = ${secret}`, ...(lines ?? []), ''].join('\n');
      const text = lines === null ? before : before.replace(new RegExp(`^\\[${name}\\][^[]*`, 'm'), section);
      await writeFile(join(disk, 'etc', 'manager.conf'), text);
      await cli(chroot, home, 'manager reload');
    },
    log: async () => {
      const text = await readFile(join(disk, 'log', 'full'), 'utf8').catch(() => '(it wrote no log)');
      return text.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
    },
    kill: async () => {
      const ended = once(daemon, 'exit');
      daemon.kill('SIGKILL');
      await within(ended, 'the end of Asterisk after SIGKILL');
      return Date.now();
    },
    start: async () => {
      daemon = spawnAsterisk(chroot, home);
      await fullyBooted(daemon, ami, secret);
    },
    stop: async () => {
      await endProcess(daemon, 'Asterisk');
      await rm(disk, { recursive: true, force: true });
    },
  };
  try {
    await fullyBooted(daemon, ami, secret);
  } catch (error) {
    const log = await instance.log();
    await instance.stop();
    throw new Error(`asterisk did not start: ${messageOf(error)}\n${log}`);
  }
  return instance;
}

async function cli(chroot: string, home: string, command: string): Promise<string> {
  const words = [chroot, '/usr/sbin/asterisk', '-C', `${home}/etc/asterisk.conf`, '-rx', command];
  const { stdout } = await promisify(execFile)('chroot', words, { timeout: CLI_MS });
  return stdout;
}

/** `chroot` becomes Asterisk, so that a signal to it is one to Asterisk. */
function spawnAsterisk(chroot: string, home: string): ChildProcess {
  const asterisk = spawn('chroot', [chroot, '/usr/sbin/asterisk', '-f', '-C', `${home}/etc/asterisk.conf`], {
    env: {
      ...{ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: '/root' },
      // Data sources of its own; the drivers are those of the chroot.
      ODBCINI: `${home}/etc/odbc.ini`,
    },
    stdio: 'ignore',
  });
  return guarded(asterisk);
}

/** Asterisk opens AMI before its modules are loaded; `FullyBooted` tells when calls can be placed. */
async function fullyBooted(daemon: ChildProcess, port: number, secret: string): Promise<void> {
  const died = diesOf(daemon);
  died.catch(() => undefined);
  const login = async (): Promise<void> => {
    while (daemon.exitCode === null) {
      const session = await AmiSession.login(port, 'logcalld', secret).catch(() => null);
      if (session) {
        await session.event('FullyBooted');
        await session[Symbol.asyncDispose]();
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await within(Promise.race([login(), died]), 'FullyBooted');
}
