/** Questions answered from the database file, where no daemon does. */
import { setImmediate } from 'node:timers/promises';
import type { Replies, RequestName, RequestOf } from '../../adapters/control/api.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { StorageError } from '../../adapters/sqlite/thread/errors.ts';
import { heldBy } from '../../adapters/sqlite/thread/hold.ts';
import { openReadOnly, type ReadOnlyDatabase } from '../../adapters/sqlite/thread/read-only.ts';
import type { Terminal } from '../cli/cli.ts';
import type { Invocation } from '../cli/command.ts';
import { type Readers, readers } from '../daemon/answers/lookup.ts';
import { silent } from '../daemon/answers/silent.ts';
import { fileStatus, isStarting, notRunning } from '../daemon/answers/status-reply.ts';
import { readersOf } from '../daemon/readers.ts';
import { callLogPolicyOf, deliveryPolicyOf } from '../daemon/settings.ts';
import type { Asker } from './control.ts';
import { hereOf } from './here/here.ts';
import { startingOn } from './here/sockets.ts';
import { startingText } from './here/starting.ts';
import { tell } from './output.ts';
import { configOf } from './shell.ts';
import { SetupError } from './terminal.ts';

/**
 * The database file, to read. Throws `SetupError` for one of a later version or of another program, as the daemon ends on it, and else
 * `StorageError`.
 */
export function openStored(path: string): ReadOnlyDatabase {
  try {
    return openReadOnly(path);
  } catch (error) {
    const other = error instanceof StorageError && error.code.startsWith('SCHEMA_');
    throw other ? new SetupError(error.message, { cause: error }) : error;
  }
}

/** Hands over the database file of this config, and says that it does. Throws `ConfigError`, and what `openStored` throws. */
export async function beside<T>(
  invocation: Invocation,
  terminal: Terminal,
  use: (asker: Asker) => Promise<T>,
): Promise<T> {
  const config = configOf(invocation);
  const here = hereOf(config.file);
  const { path } = config.storage;
  const file = openStored(path);
  try {
    const held = heldBy(path);
    const starting = startingOn(config);
    const remedy = `Start it with "${here.start}", or ${here.why}.`;
    tell(
      terminal,
      starting !== null
        ? `${startingText(starting)} Read from ${path}.`
        : held.held
          ? `${silent(held.holder)} Read from ${path}.`
          : `logcalld is not running: read from ${path}.`,
    );
    const clock = createClock();
    const own: Readers = readers({
      store: file.remote,
      policy: deliveryPolicyOf(config),
      callLog: callLogPolicyOf(config),
      readerOf: readersOf(config),
      status: () =>
        fileStatus(
          file.remote,
          path,
          clock,
          starting === null ? notRunning(held, remedy) : isStarting(startingText(starting)),
        ),
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
