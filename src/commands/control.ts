/** Where the daemon and the commands meet: the socket's place, and who answers when the daemon does not run. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Replies, RequestName, RequestOf } from '../../adapters/control/api.ts';
import { type ControlClient, connectControl } from '../../adapters/control/client.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { heldBy } from '../../adapters/sqlite/thread/hold.ts';
import { openReadOnly } from '../../adapters/sqlite/thread/read-only.ts';
import type { Config } from '../../config/schema.ts';
import type { Terminal } from '../cli/cli.ts';
import { type Readers, readers } from '../daemon/lookup.ts';
import { readersOf } from '../daemon/readers.ts';
import { callLogPolicyOf, deliveryPolicyOf } from '../daemon/settings.ts';
import { fileStatus, silent } from '../daemon/status-reply.ts';
import { VERSION } from '../daemon/version.ts';
import { tell } from './output.ts';
import type { Environment } from './shell.ts';

const NAME = 'control.sock';
/** What `RuntimeDirectory=logcalld` of the unit makes; a command on a terminal has no `RUNTIME_DIRECTORY`. */
const RUNTIME_OF_UNIT = '/run/logcalld';

/** Where the daemon listens: in systemd's runtime folder, else beside the database. */
export function controlPath(config: Config, env: Environment): string {
  const runtime = env.RUNTIME_DIRECTORY?.split(':')[0];
  return join(runtime === undefined || runtime === '' ? dirname(config.storage.path) : runtime, NAME);
}

/**
 * The daemon on the database of this config; `null` when none answers. Who holds the database says where it listens; else the
 * usual places are tried.
 */
export async function reach(config: Config, env: Environment = process.env): Promise<ControlClient | null> {
  const { path } = config.storage;
  const held = heldBy(path);
  const named = held.held ? (held.holder?.socket ?? null) : null;
  // The lock is beside this very database, so whoever it names needs no further proof.
  const own = named === null ? null : await connectControl(named, VERSION);
  if (own !== null) return own;
  for (const place of new Set([controlPath(config, env), join(dirname(path), NAME), join(RUNTIME_OF_UNIT, NAME)])) {
    const daemon = place === named ? null : await connectControl(place, VERSION);
    if (daemon === null) continue;
    const { database } = await daemon.call('hello', {});
    if (isSameFile(database, path)) return daemon;
  }
  return null;
}

/** The same for what only the daemon can do. */
export async function reachRunning(config: Config, what: string): Promise<ControlClient> {
  const daemon = await reach(config);
  if (daemon !== null) return daemon;
  const held = heldBy(config.storage.path);
  if (held.held) throw new Error(silent(held.holder));
  throw new Error(`logcalld is not running with this config, and ${what}. Start it: systemctl start logcalld`);
}

/** Answers questions that change nothing. */
export interface Asker {
  call<N extends keyof Readers & RequestName>(name: N, input: RequestOf<N>): Promise<Replies[N]>;
}

/** Hands over the daemon, else the database file, which is looked into without changing it; then says so. */
export async function asking<T>(config: Config, terminal: Terminal, use: (asker: Asker) => Promise<T>): Promise<T> {
  const daemon = await reach(config);
  if (daemon !== null) return use(daemon);
  const { path } = config.storage;
  const file = openReadOnly(path);
  try {
    const held = heldBy(path);
    tell(
      terminal,
      held.held ? `${silent(held.holder)} Read from ${path}.` : `logcalld is not running: read from ${path}.`,
    );
    const clock = createClock();
    const own: Readers = readers({
      store: file.remote,
      policy: deliveryPolicyOf(config),
      callLog: callLogPolicyOf(config),
      readerOf: readersOf(config),
      status: () => fileStatus(file.remote, path, held, clock),
      clock,
    });
    return await use({
      async call<N extends keyof Readers & RequestName>(name: N, input: RequestOf<N>) {
        // The database is in this thread: between two pages signals and what is written have their turn.
        await setImmediate();
        const run: (input: RequestOf<N>) => Promise<Replies[N]> = own[name];
        return run(input);
      },
    });
  } finally {
    file.close();
  }
}

/** The same for one question. */
export function ask<N extends keyof Readers & RequestName>(
  config: Config,
  terminal: Terminal,
  name: N,
  input: RequestOf<N>,
): Promise<Replies[N]> {
  return asking(config, terminal, (asker) => asker.call(name, input));
}

/** By device and inode, so that other names and other mounts of a folder count as the same; by name where one cannot be seen. */
function isSameFile(a: string, b: string): boolean {
  try {
    const [one, other] = [statSync(a), statSync(b)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return a === b;
  }
}
