/** Questions answered from the database file, where no daemon does. */
import { setImmediate } from 'node:timers/promises';
import type { Replies, RequestName, RequestOf } from '../../adapters/control/api.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { heldBy } from '../../adapters/sqlite/thread/hold.ts';
import { openReadOnly } from '../../adapters/sqlite/thread/read-only.ts';
import type { Terminal } from '../cli/cli.ts';
import type { Invocation } from '../cli/command.ts';
import { type Readers, readers } from '../daemon/lookup.ts';
import { readersOf } from '../daemon/readers.ts';
import { callLogPolicyOf, deliveryPolicyOf } from '../daemon/settings.ts';
import { fileStatus, silent } from '../daemon/status-reply.ts';
import type { Asker } from './control.ts';
import { tell } from './output.ts';
import { configOf } from './shell.ts';

/** Hands over the database file of this config, and says that it does. Throws `ConfigError` and `StorageError`. */
export async function beside<T>(
  invocation: Invocation,
  terminal: Terminal,
  use: (asker: Asker) => Promise<T>,
): Promise<T> {
  const config = configOf(invocation);
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
