/** Where the daemon and the commands meet: the socket's place, and who answers when the daemon does not run. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Replies, RequestName, RequestOf } from '../../adapters/control/api.ts';
import { type ControlClient, connectControl } from '../../adapters/control/client.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { openReadOnly } from '../../adapters/sqlite/thread/read-only.ts';
import type { Config } from '../../config/schema.ts';
import type { Terminal } from '../cli/cli.ts';
import { type Readers, readers } from '../daemon/lookup.ts';
import { callLogPolicyOf, deliveryPolicyOf } from '../daemon/settings.ts';
import { fileStatus } from '../daemon/status-reply.ts';
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

/** The daemon on the database of this config; `null` when it does not run. */
export async function reach(config: Config, env: Environment = process.env): Promise<ControlClient | null> {
  const places = [controlPath(config, env), join(dirname(config.storage.path), NAME), join(RUNTIME_OF_UNIT, NAME)];
  for (const path of new Set(places)) {
    const daemon = await connectControl(path, VERSION);
    if (daemon === null) continue;
    const { database } = await daemon.call('hello', {});
    if (real(database) === real(config.storage.path)) return daemon;
  }
  return null;
}

/** The same for what only the daemon can do. */
export async function reachRunning(config: Config, what: string): Promise<ControlClient> {
  const daemon = await reach(config);
  if (daemon !== null) return daemon;
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
  const file = openReadOnly(config.storage.path);
  try {
    tell(terminal, `logcalld is not running: read from ${config.storage.path}.`);
    const own: Readers = readers({
      store: file.remote,
      policy: deliveryPolicyOf(config),
      callLog: callLogPolicyOf(config),
      status: () => fileStatus(file.remote, config.storage.path, createClock()),
    });
    const run: (input: RequestOf<N>) => Promise<Replies[N]> = own[name];
    return await run(input);
  } finally {
    file.close();
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
