/** `logcalld run` as a process of its own, with a player as its PBX and the sandbox as its CRM. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { guarded } from './guard.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const NODE = join(PROJECT, 'node_modules', '.bin', 'node');

/** Where processes of logcalld keep compiled code: each of them would strip the types of the whole program again. */
export const COMPILED = { NODE_COMPILE_CACHE: join(PROJECT, 'node_modules', '.cache', 'logcalld') };

/** Passwords that must never appear in any output. */
export const CANARY = 'canary-Zx81-ami-secret';

export const AGENTS = ['1001', '1002', '1003', '1004', '1005', '1006', '1007', '1008'];
export const userOf = (extension: string) => `00000000-0000-4000-8000-00000000${extension}`;
export const sandboxUsers = AGENTS.map((extension) => ({
  id: userOf(extension),
  email: `agent${extension}@example.com`,
  firstName: 'Agent',
  lastName: extension,
  active: true,
}));

export interface PbxPorts {
  readonly asterisk?: number;
  readonly freeswitch?: number;
}

/** A folder with a config for these ports; removed by `remove`. */
export async function installation(
  ports: PbxPorts,
  sandbox: Pick<Sandbox, 'url' | 'accessKey' | 'secretKey'>,
  more = '',
) {
  const directory = await mkdtemp(join(tmpdir(), 'logcalld-test-'));
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory, name), content, { mode: 0o600 });
    return join(directory, name);
  };
  const secret = await file('pbx-secret', CANARY);
  const users = await file(
    'users.csv',
    ['extension,user', ...AGENTS.map((one) => `${one},agent${one}@example.com`), ''].join('\n'),
  );
  const access = await file('access', sandbox.accessKey);
  const keys = await file('secret', sandbox.secretKey);
  const asterisk =
    ports.asterisk === undefined
      ? ''
      : `[[source]]\ntype = 'asterisk'\nname = 'asterisk'\nport = ${ports.asterisk}\nusername = 'test'\nsecret_file = '${secret}'\n`;
  const freeswitch =
    ports.freeswitch === undefined
      ? ''
      : `[[source]]\ntype = 'freeswitch'\nname = 'freeswitch'\nport = ${ports.freeswitch}\npassword_file = '${secret}'\n`;
  const config = await file(
    'logcalld.toml',
    `${asterisk}${freeswitch}
[calls]
close_grace = '50ms'
[leadsquared]
host = '${sandbox.url}'
insecure = true
access_key_file = '${access}'
secret_key_file = '${keys}'
[leadsquared.user]
file = '${users}'
default_user = 'agent1001@example.com'
[leadsquared.limit]
window = '1s'
[leadsquared.uncertain]
wait = '0s'
[storage]
path = '${join(directory, 'logcalld.db')}'
${more}`,
  );
  return { directory, config, remove: () => rm(directory, { recursive: true, force: true }) };
}

interface Entry {
  readonly event: string;
  readonly level: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

/** One life of the daemon. */
export class DaemonProcess {
  readonly child: ChildProcess;
  private printed = '';
  private readonly listeners = new Set<() => void>();

  /** `env`: in place of the environment of the test, `PATH` and what makes the start faster aside. */
  constructor(config: string, command = 'run', env: NodeJS.ProcessEnv = process.env) {
    const child = spawn(NODE, [join(PROJECT, 'src', 'logcalld.js'), command, '--config', config], {
      cwd: PROJECT,
      detached: true,
      env: { ...env, ...COMPILED, PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = guarded(child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.printed += text;
        for (const listener of this.listeners) listener();
      });
    }
  }

  get output(): string {
    return this.printed;
  }

  entries(): Entry[] {
    return this.printed
      .split('\n')
      .flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line) as Entry] : []));
  }

  /** Resolves with the first log entry that is wanted; rejects when the daemon ends before. */
  logged(wanted: (entry: Entry) => boolean): Promise<Entry> {
    return this.#until(() => this.entries().find(wanted));
  }

  /** Resolves when what was printed matches; rejects when the daemon ends before. */
  async printing(pattern: RegExp): Promise<void> {
    await this.#until(() => (pattern.test(this.printed) ? true : undefined));
  }

  #until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const again = () => {
        const found = look();
        if (found === undefined) return;
        this.listeners.delete(again);
        resolve(found);
      };
      this.listeners.add(again);
      this.child.once('exit', () => reject(new Error(`the daemon ended:\n${this.printed}`)));
      again();
    });
  }

  /** The same promise, but rejected when the daemon ends before. */
  during<T>(promise: Promise<T>): Promise<T> {
    const ended = once(this.child, 'exit').then(() => {
      throw new Error(`the daemon ended:\n${this.printed}`);
    });
    ended.catch(() => {});
    return Promise.race([promise, ended]);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    const { pid, exitCode, signalCode } = this.child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal);
  }

  /** Resolves with the exit status, `null` when a signal ended it. */
  async exited(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

/** Resolves when the sandbox has accepted so many call logs. */
export async function accepted(sandbox: Sandbox, calls: number): Promise<void> {
  while (sandbox.ledger.calls().length < calls) await sandbox.next(({ request }) => request.path.includes('LogCall'));
}

/**
 * A port at which nobody listens now: of a PBX that comes up later. Not one of those that connections are given by the kernel
 * (32768 and above), which would be taken by the very daemon that tries it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_240, 32_768);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    await new Promise<void>((resolve) => server.close(() => resolve()));
    if (free) return port;
  }
}
