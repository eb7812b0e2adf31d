/** Where the daemon and the commands meet: the socket's place, and who answers when the daemon does not run. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Replies, RequestName, RequestOf } from '../../adapters/control/api.ts';
import { type ControlClient, connectControl } from '../../adapters/control/client.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { heldBy } from '../../adapters/sqlite/hold.ts';
import { openReadOnly } from '../../adapters/sqlite/read-only.ts';
import type { Config } from '../../config/schema.ts';
import type { Terminal } from '../cli/cli.ts';
import { type Readers, readers } from './lookup.ts';
import { callLogPolicyOf, deliveryPolicyOf } from './settings.ts';
import type { Environment } from './shell.ts';
import { fileStatus, silent } from './status-reply.ts';
import { tell } from './text.ts';
import { VERSION } from './version.ts';

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

/** Asks the daemon, else looks into the database file without changing it and says so. */
export async function ask<N extends keyof Readers & RequestName>(
  config: Config,
  terminal: Terminal,
  name: N,
  input: RequestOf<N>,
): Promise<Replies[N]> {
  const daemon = await reach(config);
  if (daemon !== null) return daemon.call(name, input);
  const { path } = config.storage;
  const file = openReadOnly(path);
  try {
    const held = heldBy(path);
    tell(
      terminal,
      held.held ? `${silent(held.holder)} Read from ${path}.` : `logcalld is not running: read from ${path}.`,
    );
    const own: Readers = readers({
      store: file.remote,
      policy: deliveryPolicyOf(config),
      callLog: callLogPolicyOf(config),
      status: () => fileStatus(file.remote, path, held, createClock()),
    });
    const run: (input: RequestOf<N>) => Promise<Replies[N]> = own[name];
    return await run(input);
  } finally {
    file.close();
  }
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
