import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { guarded } from '../support/guard.ts';
import { userOf } from './crm.ts';
import { within } from './sip/moment.ts';
import type { DaemonControl } from './story.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const NODE = join(PROJECT, 'node_modules', '.bin', 'node');
const PROGRAM = join(PROJECT, 'src', 'logcalld.js');

/** For a daemon to start and to watch its PBX: on a busy machine the start of the process alone takes many seconds, ms. */
export const START_PATIENCE_MS = 60_000;

/** What the daemon is to watch. */
export interface Watched {
  /** The `[[source]]` tables; `secretFile` holds the password of the event interface. */
  readonly sources: (secretFile: string) => string;
  readonly secret: string;
  /** Where its page listens, and what opens it; absent: it has none. */
  readonly page?: { readonly port: number; readonly token: string };
  /** Extensions that LeadSquared has a user for. */
  readonly agents: readonly string[];
}

/** Writes the config a user would write for this PBX and CRM; returns its path. Statuses are sent as logcalld names them. */
export async function writeConfig(folder: string, watched: Watched, sandbox: Sandbox): Promise<string> {
  const users = join(folder, 'users.csv');
  const rows = watched.agents.map((extension) => `${extension},${userOf(extension)}`);
  await writeFile(users, ['extension,user', ...rows, ''].join('\n'));
  const { page } = watched;
  const secrets = {
    page: page?.token ?? '',
    pbx: watched.secret,
    'access-key': sandbox.accessKey,
    'secret-key': sandbox.secretKey,
  };
  for (const [name, secret] of Object.entries(secrets)) await writeFile(join(folder, name), secret, { mode: 0o600 });
  const config = join(folder, 'logcalld.toml');
  const text = `
${watched.sources(join(folder, 'pbx'))}

[leadsquared]
host = "${sandbox.url}"
access_key_file = "${join(folder, 'access-key')}"
secret_key_file = "${join(folder, 'secret-key')}"
insecure = true

[leadsquared.user]
file = "${users}"

[leadsquared.body.status.inbound]
Abandoned = "Abandoned"
Missed = "Missed"
Busy = "Busy"
Voicemail = "Voicemail"

[leadsquared.body.status.outbound]
NoAnswer = "NoAnswer"
Busy = "Busy"
Cancelled = "Cancelled"
Failed = "Failed"

[storage]
path = "${join(folder, 'logcalld.db')}"

[log]
format = "json"
${page === undefined ? '' : `[page]\nlisten = "127.0.0.1:${page.port}"\ntoken_file = "${join(folder, 'page')}"`}
`;
  await writeFile(config, text);
  return config;
}

/** `logcalld run` in a process of its own, started the way a user starts it. */
export class Daemon implements DaemonControl {
  readonly #config: string;
  readonly #watching: () => Promise<unknown>;
  readonly #output: string[] = [];
  readonly #listening = new Set<() => void>();
  #process: ChildProcess | null = null;

  /** `watching` resolves when a daemon that starts now watches its PBX. */
  constructor(config: string, watching: () => Promise<unknown>) {
    this.#config = config;
    this.#watching = watching;
  }

  /** Everything it printed so far, over all its lives. */
  get output(): string {
    return this.#output.join('');
  }

  get isRunning(): boolean {
    const child = this.#process;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  async start(): Promise<void> {
    const watching = this.#watching();
    const child = spawn(NODE, [PROGRAM, 'run', '--config', this.#config], {
      cwd: PROJECT,
      // A process group of its own, so that a kill also reaches what it may have started.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = guarded(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#output.push(String(text));
        for (const look of this.#listening) look();
      });
    }
    const died = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the daemon ended by itself (${signal ?? code})`);
    });
    died.catch(() => undefined);
    await Promise.race([watching, died]);
  }

  async says(text: RegExp, ms: number): Promise<void> {
    const from = this.output.length;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (text.test(this.output.slice(from))) resolve();
    };
    this.#listening.add(look);
    await within(promise, `a line of the daemon with ${text}`, ms).finally(() => this.#listening.delete(look));
  }

  async command(words: readonly string[], onOutput: (text: string) => void = () => {}) {
    const child = spawn(NODE, [PROGRAM, ...words, '--config', this.#config], {
      cwd: PROJECT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        out += String(text);
        onOutput(out);
      });
    }
    await within(once(child, 'close'), `the end of logcalld ${words.join(' ')}`, START_PATIENCE_MS);
    return { code: child.exitCode ?? -1, out };
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM, as systemd does; rejects when the daemon does not end by itself with status 0. */
  async stop(): Promise<void> {
    const code = await this.#end('SIGTERM');
    if (code !== 0) throw new Error(`the daemon ended with status ${code} after SIGTERM`);
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    if (!child || !this.isRunning) throw new Error('the daemon is not running');
    const ended = once(child, 'exit');
    this.#signal(signal);
    await within(ended, `the end of the daemon after ${signal}`);
    return child.exitCode;
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#process?.pid;
    if (pid !== undefined && this.isRunning) process.kill(-pid, signal);
  }
}
