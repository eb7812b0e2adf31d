/** The daemon as a process of its own, and other clients of a PBX beside it. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlClient, connectControl } from '../../adapters/control/client.ts';
import { VERSION } from '../../src/daemon/version.ts';
import { built } from './built.ts';
import type { FedPbx } from './feeder/pbx.ts';
import { ended, owned, PROJECT } from './process.ts';

export interface DaemonSetup {
  /** Holds config and database. */
  readonly folder: string;
  readonly pbxs: readonly Pick<FedPbx, 'pbx' | 'port'>[];
  /** The CRM; where none is given nobody listens. */
  readonly crm?: { readonly url: string; readonly accessKey: string; readonly secretKey: string };
  /** More of the config; `filters` and `log` are set below. */
  readonly more?: string;
  /** Post calls instead of leaving all of them out. */
  readonly post?: boolean;
  readonly level?: 'notice' | 'info';
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A line of the daemon's log. */
export interface Entry {
  readonly event: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

export interface RunningDaemon {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly database: string;
  readonly config: string;
  /** Every line of its log from now on; `at`: ns of the monotonic clock. */
  onEntry(listener: (entry: Entry, at: bigint) => void): void;
  /** How often something was logged so far. */
  logged(event: string): number;
  /** Resolves when it is logged in everywhere. */
  readonly connected: Promise<void>;
  control(): Promise<ControlClient>;
  stop(): Promise<void>;
  /** Ends it without a chance to finish anything. */
  kill(): Promise<void>;
}

function sourceOf({ pbx, port }: Pick<FedPbx, 'pbx' | 'port'>): string {
  const own = pbx === 'asterisk' ? `username = 'bench'\nsecret = 'bench'\nauth = 'plain'` : `password = 'bench'`;
  return `[[source]]\ntype = '${pbx}'\nname = '${pbx}'\nport = ${port}\n${own}\n`;
}

/** Options of Node for every daemon of a bench, such as `--cpu-prof --cpu-prof-dir=/tmp/profiles`; see README. */
const NODE_OPTIONS = (process.env.LOGCALLD_BENCH_NODE ?? '').split(' ').filter((word) => word !== '');

/** The environment that the unit of systemd gives it, but for what only systemd knows. */
const UNIT_ENV: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...readFileSync(join(PROJECT, 'systemd', 'logcalld.service'), 'utf8').matchAll(/^Environment=(\w+)=([^%\s]+)$/gm),
  ].map(([, name = '', value = '']) => [name, value]),
);

/** Writes the config and answers its path. */
export function configured({ folder, pbxs, crm, more = '', post = false, level = 'notice' }: DaemonSetup): string {
  const config = join(folder, 'logcalld.toml');
  mkdirSync(join(folder, 'run'), { recursive: true });
  const text = `allow_inline_secrets = true
${pbxs.map(sourceOf).join('')}
[leadsquared]
host = '${crm?.url ?? 'http://127.0.0.1:9'}'
insecure = true
access_key = '${crm?.accessKey ?? 'bench'}'
secret_key = '${crm?.secretKey ?? 'bench'}'
[leadsquared.user]
unknown = ['omit']
[filters]
${post ? '' : "skip_numbers = ['*']"}
[storage]
path = '${join(folder, 'logcalld.db')}'
[log]
level = '${level}'
format = 'json'
${more}`;
  writeFileSync(config, text, { mode: 0o600 });
  return config;
}

/** The daemon in its built form, as `logcalld run`. */
export function startDaemon(setup: DaemonSetup): RunningDaemon {
  const { folder, pbxs, execArgv = [], env = {} } = setup;
  const config = configured(setup);
  const socketFolder = join(folder, 'run');
  const child = owned(
    fork(built(), ['run', '--config', config], {
      cwd: PROJECT,
      execArgv: [...NODE_OPTIONS, ...execArgv],
      env: { PATH: process.env.PATH, RUNTIME_DIRECTORY: socketFolder, ...UNIT_ENV, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    }),
  );
  const listeners = new Set<(entry: Entry, at: bigint) => void>();
  const counts = new Map<string, number>();
  let printed = '';
  let rest = '';
  const onText = (text: string): void => {
    const at = process.hrtime.bigint();
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('{')) {
        printed = `${printed}${line}\n`.slice(-2000);
        if (NODE_OPTIONS.length > 0) process.stderr.write(`${line}\n`);
        continue;
      }
      const entry = JSON.parse(line) as Entry;
      counts.set(entry.event, (counts.get(entry.event) ?? 0) + 1);
      for (const listener of listeners) listener(entry, at);
    }
  };
  child.stdout?.setEncoding('utf8').on('data', onText);
  child.stderr?.setEncoding('utf8').on('data', onText);
  const connected = new Promise<void>((resolve, reject) => {
    let missing = pbxs.length;
    listeners.add(({ event }) => {
      if (event !== 'pbx-connected') return;
      missing -= 1;
      if (missing <= 0) resolve();
    });
    child.once('exit', () => reject(new Error(`the daemon ended: ${printed}`)));
  });
  connected.catch(() => {});
  return {
    child,
    pid: child.pid ?? 0,
    database: join(folder, 'logcalld.db'),
    config,
    onEntry: (listener) => void listeners.add(listener),
    logged: (event) => counts.get(event) ?? 0,
    connected,
    async control() {
      const client = await connectControl(join(socketFolder, 'control.sock'), VERSION);
      if (client === null) throw new Error('the daemon does not listen');
      return client;
    },
    stop: () => ended(child),
    kill: () => ended(child, 0),
  };
}

/** A file of `beside/` as a client of the PBX. */
export function startBeside(name: 'asterisk-manager' | 'esl-lite' | 'bare', ...words: readonly string[]): ChildProcess {
  const file = join(import.meta.dirname, 'beside', `${name}.ts`);
  return owned(fork(file, [...words], { cwd: PROJECT, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
}
