/**
 * One of several processes on one database, for the test that counts what they do together: `process.ts PATH LIMIT COUNT`.
 * Says `ready`, waits for a line, then takes permits as fast as it gets them; prints the monotonic ms of each start.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createClock } from '../../adapters/host/clock.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { openPermits } from '../../src/permits/permits.ts';
import { startedPermit } from '../../src/permits/port.ts';

const [path = '', limit = '{}', count = '0'] = process.argv.slice(2);
const clock = createClock();
const database = await openDatabase(path);
const permits = await openPermits({
  store: database.remote.permits,
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
    using _ = await startedPermit(permits, { priority: 'live' });
    writeSync(1, `${clock.monotonic()}\n`);
  }
}

writeSync(1, 'ready\n');
await once(process.stdin, 'data');
await Promise.all(Array.from({ length: 4 }, takeAll));
permits.close();
await database.close();
process.stdin.destroy();
