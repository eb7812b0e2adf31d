/** The whole way with real parts: database thread, permits, HTTP client, and the stand-in server with its faults. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createClock } from '../../adapters/host/clock.ts';
import { createCallLog } from '../../adapters/leadsquared/call-log.ts';
import { createDirectory, DEFAULT_DIRECTORY_POLICY } from '../../adapters/leadsquared/directory.ts';
import { createClient } from '../../adapters/leadsquared/http/client.ts';
import { DEFAULT_POLICY as CALL_LOG_POLICY } from '../../adapters/leadsquared/policy.ts';
import { type Sandbox, startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { sqliteOutbox } from '../../adapters/sqlite/outbox/port.ts';
import { type Database, openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { DEFAULT_POLICY, type DeliveryPolicy } from '../../src/delivery/policy.ts';
import { createDelivery } from '../../src/delivery/service.ts';
import type { OutboxCounts } from '../../src/delivery/store.ts';
import { openPermits } from '../../src/permits/permits.ts';
import { commit } from '../adapters/sqlite/support.ts';
import { call, silent } from './fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-delivery-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const POLICY: DeliveryPolicy = {
  ...DEFAULT_POLICY,
  limit: { ...DEFAULT_POLICY.limit, requests: 20, windowMs: 400, guardMs: 20, strict: true },
  lead: { ...DEFAULT_POLICY.lead, formats: ['NSN'] },
  user: { ...DEFAULT_POLICY.user, unknown: ['omit'] },
  verifyAfterMs: 300,
  retry: { baseMs: 200, capMs: 1000, maxAttempts: 10 },
};

const LIMITS = { limit: POLICY.limit.requests, windowMs: POLICY.limit.windowMs };

async function live(database: Database, sandbox: Sandbox) {
  const clock = createClock();
  const { remote } = database;
  const random = (): number => 0.5;
  const onCondition = (): void => undefined;
  const common = { clock, random, onCondition, owner: randomUUID() };
  const permits = await openPermits({ ...common, store: remote.permits, limit: POLICY.limit, crm: 'LeadSquared' });
  const { accessKey, secretKey, url } = sandbox;
  const timeouts = { connectMs: 2000, headersMs: 500, bodyMs: 500, totalMs: 1000 };
  const client = createClient({ host: url, accessKey, secretKey, permits, clock, timeouts });
  const delivery = createDelivery({
    ...{ ...common, permits, policy: POLICY, log: silent, alone: true },
    store: { outbox: sqliteOutbox(remote.outbox), leads: remote.leadCache, users: remote.users },
    crm: {
      name: 'LeadSquared',
      directory: createDirectory(client, DEFAULT_DIRECTORY_POLICY),
      callLog: createCallLog(client, CALL_LOG_POLICY),
    },
  });
  await delivery.start();
  return { delivery, client };
}

/** Looks at the counts after each request of the server until they are as wanted. */
async function until(database: Database, wanted: (counts: OutboxCounts) => boolean): Promise<OutboxCounts> {
  for (;;) {
    const counts = await database.remote.outbox.counts({ now: 0 });
    if (wanted(counts)) return counts;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

t.test('every call lands once, whatever the server does to its requests', async (t) => {
  const sandbox = await startSandbox({
    ...LIMITS,
    users: [],
    faults: [
      // First, so that no other fault takes its request.
      { match: { path: 'LogCall$', session: 'pbx:1:20' }, fault: { kind: 'mx', status: 500 } },
      { match: { path: 'LogCall$', nth: 2 }, fault: { kind: 'reset', commit: true } },
      { match: { path: 'LogCall$', nth: 4 }, fault: { kind: 'reset' } },
      { match: { path: 'LogCall$', nth: 7 }, fault: { kind: 'cut', commit: true } },
      { match: { path: 'LogCall$', nth: 9 }, fault: { kind: 'status', status: 502, commit: true } },
      { match: { path: 'LogCall$', nth: 12 }, fault: { kind: 'rate', disguise: '200' } },
      { match: { path: 'LogCall$', nth: 14 }, fault: { kind: 'timeout', commit: true } },
    ],
  });
  const database = await openDatabase(join(folder, 'once.sqlite'));
  const { delivery, client } = await live(database, sandbox);
  const now = Date.now();
  const ended = Array.from({ length: 30 }, (_, n) =>
    call(n, { startedAt: now - 90_000 - n * 1000, answeredAt: now - 80_000 - n * 1000, endedAt: now - n * 1000 }),
  );
  await commit(database.remote.journal, { ended }, now);
  delivery.notify();
  const counts = await until(database, ({ states }) => states.delivered + states.parked === 30);
  t.match(counts.states, { delivered: 29, parked: 1 });
  t.same(sandbox.ledger.doubled(), []);
  t.equal(sandbox.ledger.calls().length, 29);
  t.ok(sandbox.worstWindow() <= POLICY.limit.requests, `${sandbox.worstWindow()} in a window`);
  await delivery.drain(1000);
  await client.close();
  await database.close();
  await sandbox.close();
});

t.test('a second life goes on where the first was stopped in the middle of a request', async (t) => {
  const sandbox = await startSandbox({ ...LIMITS, users: [] });
  const path = join(folder, 'lives.sqlite');
  const first = await openDatabase(path);
  const one = await live(first, sandbox);
  const now = Date.now();
  const ended = Array.from({ length: 5 }, (_, n) => call(n, { startedAt: now - 9000, answeredAt: null, endedAt: now }));
  await commit(first.remote.journal, { ended }, now);
  sandbox.addFaults({ match: { path: 'LogCall$' }, times: 3, fault: { kind: 'timeout', commit: true } });
  const hanging = sandbox.next((seen) => seen.fate === 'fault');
  one.delivery.notify();
  await hanging;
  await one.delivery.drain(50);
  t.match((await first.remote.outbox.counts({ now: 0 })).states, { sending: 0 });
  await one.client.close();
  await first.close();
  sandbox.clearFaults();
  const second = await openDatabase(path);
  const two = await live(second, sandbox);
  await until(second, ({ states }) => states.delivered === 5);
  t.same(sandbox.ledger.doubled(), []);
  t.equal(sandbox.ledger.calls().length, 5);
  await two.delivery.drain(1000);
  await two.client.close();
  await second.close();
  await sandbox.close();
});
