/** Real database servers for tests: each below a temporary folder, on a port of 127.0.0.1 and a socket, for this process alone. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { guarded } from '../../support/guard.ts';
import { Unavailable } from '../pbx.ts';
import { freeTcpPort } from '../ports.ts';
import { diesOf, endProcess } from '../process.ts';

const run = promisify(execFile);
const EXIT_UNAVAILABLE = 69;
const START_MS = 30_000;

/** A server that was started, and can be stopped, killed and started again with the same data. */
export interface DatabaseServer {
  /** Its data, and what else is to be gone with it. */
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  /** Path of the socket (MariaDB), or its folder (PostgreSQL): what `socket` in the config means. */
  readonly socket: string;
  readonly pid: () => number;
  /** Runs statements as the server's administrator. */
  admin(sql: string, database?: string): Promise<void>;
  /** `more`: further arguments of its command line, this time. */
  start(more?: readonly string[]): Promise<void>;
  /** In order, as an administrator would; `kill`: as a crash would. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

export interface ServerKind {
  readonly name: string;
  /** Program and arguments of the server in `folder`, listening on `port`. */
  readonly command: (folder: string, port: number) => readonly string[];
  /** Makes the data in `folder`. */
  readonly make: (folder: string) => Promise<void>;
  readonly socket: (folder: string) => string;
  /** Program and arguments that read statements of the administrator from their input. */
  readonly client: (folder: string, port: number, database: string | undefined) => readonly string[];
}

/** Installs the servers from Debian's packages where they are missing. Throws `Unavailable` with the reason. */
export async function installDatabases(): Promise<void> {
  try {
    await run('bash', [join(import.meta.dirname, 'install.sh')]);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const stderr = 'stderr' in error ? String(error.stderr).trim() : error.message;
    if ('code' in error && error.code === EXIT_UNAVAILABLE) throw new Unavailable(stderr.split('\n').at(-1));
    throw new Error(`the databases could not be installed: ${stderr}`);
  }
}

/** Runs a command to its end; rejects with what it printed. */
export async function command([program = '', ...args]: readonly string[], input = ''): Promise<void> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      said += text;
    });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} failed (${code}): ${said.trim().slice(-2000)}`);
}

export async function startServer(kind: ServerKind): Promise<DatabaseServer> {
  const folder = await mkdtemp(join(tmpdir(), `logcalld-${kind.name}-`));
  const port = await freeTcpPort();
  let child: ChildProcess | null = null;

  const admin = (sql: string, database?: string): Promise<void> => command(kind.client(folder, port, database), sql);

  async function start(more: readonly string[] = []): Promise<void> {
    const [program = '', ...args] = [...kind.command(folder, port), ...more];
    const started = guarded(spawn(program, args, { stdio: 'ignore' }));
    child = started;
    const died = diesOf(started);
    died.catch(() => undefined);
    await Promise.race([answers(admin, kind.name), died]);
  }

  async function stop(): Promise<void> {
    if (child !== null) await endProcess(child, kind.name);
  }

  async function kill(): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  const server: DatabaseServer = {
    ...{ folder, host: '127.0.0.1', port, socket: kind.socket(folder), admin, start, stop, kill },
    pid: () => child?.pid ?? 0,
    async remove() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await kind.make(folder);
    await start();
  } catch (error) {
    await server.remove();
    throw error;
  }
  return server;
}

/** A server opens its socket some time after its start, and nothing tells when. */
async function answers(admin: (sql: string) => Promise<void>, name: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    try {
      await admin('SELECT 1;');
      return;
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`${name} did not start`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
