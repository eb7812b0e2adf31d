/**
 * One of several processes on one database, for the test that counts what they do together: `process.ts PATH LIMIT COUNT`.
 * Says `ready`, waits for a line, then takes permits as fast as it gets them; prints the monotonic ms of each start.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createClock } from '../../adapters/host/clock.ts';
import { permitsModule } from '../../adapters/sqlite/permits.ts';
import { openConnection } from '../../adapters/sqlite/thread/connection.ts';
import { openPermits } from '../../src/permits/permits.ts';
import { onPermit, type PermitStore } from '../../src/permits/port.ts';

const [path = '', limit = '{}', count = '0'] = process.argv.slice(2);
const clock = createClock();
// Without the thread, which lets only one process have the database: the limit does not rest on that.
const database = openConnection(path);
const { load, reserve, tune } = permitsModule(database);
const store: PermitStore = {
  load: async (args) => load(args),
  reserve: async (args) => reserve(args),
  tune: async (args) => tune(args),
};
const permits = await openPermits({
  store,
  clock,
  random: Math.random,
  limit: JSON.parse(limit),
  owner: String(process.pid),
  crm: 'the CRM',
  onCondition: () => undefined,
});
let left = Number(count);

async function takeAll(): Promise<void> {
  while (left-- > 0) {
    await onPermit(permits, { priority: 'live' }, async (leaves) => {
      if (!leaves()) return null;
      writeSync(1, `${clock.monotonic()}\n`);
      return {};
    });
  }
}

writeSync(1, 'ready\n');
await once(process.stdin, 'data');
await Promise.all(Array.from({ length: 4 }, takeAll));
permits.close();
database.close();
process.stdin.destroy();
