/** One installation: the daemon as a process, PBXs on sockets, the strict stand-in of the CRM, a database on a disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Sandbox, startSandbox } from '../../../adapters/leadsquared/sandbox/sandbox.ts';
import { built } from '../../../bench/support/built.ts';
import { owned, PROJECT, scratch } from '../../../bench/support/process.ts';
import type { Template } from '../calls/template.ts';
import { ScriptedAsterisk, ScriptedFreeswitch, type ScriptedPbx } from './pbx.ts';

/** A line of the daemon's log. */
export interface Entry {
  readonly event: string;
  readonly level: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

export interface LifeOptions {
  /** A program that starts the daemon, with its words: `strace`, `faketime`... */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node. */
  readonly node?: readonly string[];
}

/** One life of the daemon. */
export class Life {
  readonly child: ChildProcess;
  readonly entries: Entry[] = [];
  /** Calls that the daemon told to have stored. */
  readonly stored = new Set<string>();
  /** What it printed that is no line of the log. */
  words = '';
  readonly #listeners = new Set<() => void>();
  readonly exited: Promise<number | null>;

  constructor(config: string, folder: string, { under = [], env = {}, node = [] }: LifeOptions) {
    const command = [...under, process.execPath, ...node, built(), 'run', '--config', config];
    const cache = process.env.LOGCALLD_COMPILE_CACHE;
    this.child = owned(
      spawn(command[0] ?? '', command.slice(1), {
        cwd: PROJECT,
        detached: true,
        env: {
          PATH: process.env.PATH,
          RUNTIME_DIRECTORY: join(folder, 'run'),
          ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    let rest = '';
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#line(line);
      for (const listener of this.#listeners) listener();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.words = (this.words + text).slice(-4000);
    });
    this.exited = once(this.child, 'close').then(() => {
      for (const listener of this.#listeners) listener();
      return this.child.exitCode;
    });
    this.exited.catch(() => {});
  }

  #line(line: string): void {
    if (!line.startsWith('{') || !line.endsWith('}')) {
      this.words = `${this.words}${line}\n`.slice(-4000);
      return;
    }
    const entry = JSON.parse(line) as Entry;
    this.entries.push(entry);
    if (entry.event === 'call-ended') this.stored.add(String(entry.call));
  }

  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves with true when `ready` holds, with false when the daemon ends before. */
  until(ready: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const look = (): void => {
        const done = ready();
        if (!done && !this.over) return;
        this.#listeners.delete(look);
        resolve(done);
      };
      this.#listeners.add(look);
      look();
    });
  }

  logged(event: string, times = 1): Promise<boolean> {
    return this.until(() => this.entries.filter((entry) => entry.event === event).length >= times);
  }

  /** To the daemon and whatever started it. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (pid === undefined || this.over) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It ended just now.
    }
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** The exit status; `null`: it did not end in time and was killed. */
  async stop(withinMs = 20_000): Promise<number | null> {
    const timer = setTimeout(() => this.signal('SIGKILL'), withinMs);
    this.signal('SIGTERM');
    const status = await this.exited;
    clearTimeout(timer);
    return status;
  }
}

export interface SiteOptions {
  /** Requests that the CRM takes in a window of a second. */
  readonly requests?: number;
  /** Where the database lies, when not in the folder of the config. */
  readonly storage?: string;
  /** More of the config. */
  readonly more?: string;
  /** In place of the limit and the pauses that make many lives possible. */
  readonly crm?: string;
  readonly windowMs?: number;
  /** The loopback address on which the PBXs listen, when not that of the CRM. */
  readonly pbxHost?: string;
  /** Ports by which the daemon reaches the others, when not their own. */
  readonly through?: { readonly asterisk: number; readonly freeswitch: number; readonly crm: number };
}

/**
 * With pauses as short as the config allows, so that much happens in a second. The guard is for this process, which
 * may be late; so is the wait of a second before an uncertain post is looked for (a sixtieth of the default): what a
 * killed life had sent lies in the kernel until this process comes to read it, and no look can see it before.
 */
const quick = (requests: number): string => `reply_timeout = '1s'
total_timeout = '2s'
connect_timeout = '1s'
[leadsquared.limit]
requests = ${requests}
window = '1s'
guard = '300ms'
[leadsquared.retry]
base = '100ms'
cap = '1s'
max_attempts = 1000
[leadsquared.uncertain]
wait = '1s'
`;

export const SECRET = 'faults';
/** So many customers call again and again. */
export const CUSTOMERS = 300;
export const customerOf = (number: number): string => String(1000 + (number % CUSTOMERS));

export class Site {
  readonly folder: string;
  /** Of the limit of the CRM, ms. */
  readonly windowMs: number;
  readonly config: string;
  readonly database: string;
  readonly crm: Sandbox;
  readonly asterisk: ScriptedAsterisk;
  readonly freeswitch: ScriptedFreeswitch;
  readonly lives: Life[] = [];

  private constructor(
    folder: string,
    database: string,
    { crm, windowMs }: { readonly crm: Sandbox; readonly windowMs: number },
    pbxs: [ScriptedAsterisk, ScriptedFreeswitch],
  ) {
    this.folder = folder;
    this.windowMs = windowMs;
    this.database = database;
    this.crm = crm;
    [this.asterisk, this.freeswitch] = pbxs;
    this.config = join(folder, 'logcalld.toml');
  }

  static async open(options: SiteOptions = {}): Promise<Site> {
    const { requests = 100, windowMs = 1000, pbxHost } = options;
    const folder = scratch();
    mkdirSync(join(folder, 'run'));
    const leads = Array.from({ length: CUSTOMERS }, (_, n) => ({
      id: `00000000-0000-4000-8000-00000000${customerOf(n)}`,
      phone: `984501${customerOf(n)}`,
    }));
    const crm = await startSandbox({ limit: requests, windowMs, leads });
    const asterisk = await new ScriptedAsterisk(SECRET).listen(pbxHost);
    const freeswitch = await new ScriptedFreeswitch(SECRET).listen(pbxHost);
    const database = options.storage ?? join(folder, 'logcalld.db');
    const site = new Site(folder, database, { crm, windowMs }, [asterisk, freeswitch]);
    site.configure(options);
    return site;
  }

  configure({ requests = 100, more = '', crm = quick(requests), through, pbxHost = '127.0.0.1' }: SiteOptions): void {
    const host = through === undefined ? this.crm.url : `http://127.0.0.1:${through.crm}`;
    const text = `allow_inline_secrets = true
[[source]]
type = 'asterisk'
name = 'asterisk'
host = '${pbxHost}'
port = ${through?.asterisk ?? this.asterisk.port}
username = 'test'
secret = '${SECRET}'
[[source]]
type = 'freeswitch'
name = 'freeswitch'
host = '${pbxHost}'
port = ${through?.freeswitch ?? this.freeswitch.port}
password = '${SECRET}'
[calls]
close_grace = '50ms'
external_gone_timeout = '1s'
[leadsquared]
host = '${host}'
insecure = true
access_key = '${this.crm.accessKey}'
secret_key = '${this.crm.secretKey}'
${crm}
[leadsquared.lead]
lookup_formats = ['NSN']
[leadsquared.user]
unknown = ['omit']
[storage]
path = '${this.database}'
[log]
format = 'json'
${more}`;
    writeFileSync(this.config, text, { mode: 0o600 });
  }

  get pbxs(): readonly ScriptedPbx[] {
    return [this.asterisk, this.freeswitch];
  }

  start(options: LifeOptions = {}): Life {
    const life = new Life(this.config, this.folder, options);
    this.lives.push(life);
    return life;
  }

  get present(): Life | null {
    return this.lives.at(-1) ?? null;
  }

  /**
   * A life up to its first post: of a boot of which it knows nothing the daemon waits for a window, so that a short life would post
   * nothing, and neither would the next.
   */
  async warmUp(template: Template, options: LifeOptions = {}): Promise<void> {
    const life = this.start(options);
    await life.logged('pbx-connected', 2);
    this.asterisk.place(template, { speed: 60, customer: customerOf(0) });
    await Promise.race([this.crm.next(({ request }) => request.path.endsWith('LogCall')), life.exited]);
    await life.kill();
  }

  /** Resolves when all calls of the PBXs are over. */
  async quiet(): Promise<void> {
    for (const pbx of this.pbxs) await pbx.quiet();
  }

  async close(): Promise<void> {
    await this.present?.kill();
    for (const pbx of this.pbxs) await pbx.close();
    await this.crm.close();
  }

  get hasDatabase(): boolean {
    return existsSync(this.database);
  }
}
