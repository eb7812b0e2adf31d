/** Every request of the adapter takes a permit, for itself alone, and ends it. */
import t, { type Test } from 'tap';
import { createCallLog } from '../../../../adapters/leadsquared/call-log.ts';
import { createDirectory, DEFAULT_DIRECTORY_POLICY } from '../../../../adapters/leadsquared/directory.ts';
import type { ApiRequest } from '../../../../adapters/leadsquared/http/client.ts';
import { DEFAULT_POLICY } from '../../../../adapters/leadsquared/policy.ts';
import type { SandboxOptions } from '../../../../adapters/leadsquared/sandbox/options.ts';
import { type Sandbox, startSandbox } from '../../../../adapters/leadsquared/sandbox/sandbox.ts';
import { PermitLapsed, type Permits, PermitsClosed } from '../../../../src/permits/port.ts';
import {
  BACKGROUND,
  BACKLOG,
  clientOf,
  type KeptPermit,
  keptPermit,
  LIVE,
  openPermits,
  record,
  USER,
} from '../support.ts';

const READ: ApiRequest = { kind: 'read', method: 'GET', path: 'UserManagement.svc/Users.Get' };
const NOBODY = { leadId: null, userId: null };
const json = (value: unknown) => value ?? null;

async function sandboxFor(t: Test, options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ limit: 1000, ...options });
  t.teardown(() => sandbox.close());
  return sandbox;
}

t.test('every request takes a permit with its priority, and ends it', async (t) => {
  const sandbox = await sandboxFor(t, { users: [{ id: USER, firstName: 'Asha', email: 'asha@example.com' }] });
  const permits = openPermits();
  const client = clientOf(sandbox, { permits });
  t.teardown(() => client.close());
  const log = createCallLog(client, DEFAULT_POLICY);
  const directory = createDirectory(client, { ...DEFAULT_DIRECTORY_POLICY, userPhoneFields: ['TelephonyAgentId'] });
  await log.post(log.body(record(), NOBODY), LIVE);
  await directory.findLeads('9876543210', BACKLOG);
  await directory.users(BACKGROUND);
  await log.probe({ priority: 'retry' });
  t.same(permits.priorities, ['live', 'backlog', 'background', 'background', 'retry']);
  t.equal(sandbox.stats().arrivals, 5);
  t.same(
    permits.given.map(({ starts, ended }) => [starts, ended]),
    Array.from({ length: 5 }, () => [1, 1]),
  );
});

t.test('a permit that is given is for the first request only', async (t) => {
  const sandbox = await sandboxFor(t);
  const permits = openPermits();
  const client = clientOf(sandbox, { permits });
  t.teardown(() => client.close());
  // Refused with a field that this account does not take, and sent again without it: two requests.
  const recordingUrl = 'https://r.example/{file}';
  const log = createCallLog(client, { ...DEFAULT_POLICY, recordingUrl });
  const body = log.body(record({ recording: '1.wav', recordings: ['1.wav', '2.wav'] }), NOBODY);
  const given = keptPermit(77, [true, false]);
  t.equal((await log.post(body, { ...LIVE, permit: given })).kind, 'accepted');
  t.equal(sandbox.stats().arrivals, 2);
  t.equal(given.ended, 1);
  t.same(permits.priorities, ['live'], 'the second request got one of its own');
  t.same([permits.given[0]?.starts, permits.given[0]?.ended], [1, 1]);
});

t.test('a permit that ran out is replaced by another one, as often as it takes', async (t) => {
  const sandbox = await sandboxFor(t);
  const made: KeptPermit[] = [];
  const late: Permits = {
    async acquire() {
      const permit = keptPermit(made.length + 1, [made.length === 2]);
      made.push(permit);
      return permit;
    },
    refused: () => undefined,
  };
  const client = clientOf(sandbox, { permits: late });
  t.teardown(() => client.close());
  t.equal((await client.call(READ, LIVE, json)).kind, 'accepted');
  t.equal(sandbox.stats().arrivals, 1, 'nothing is sent on a permit whose time is over');
  t.same(
    made.map(({ starts, ended }) => [starts, ended]),
    [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
  );
});

t.test('on a given permit that ran out unused nothing is sent', async (t) => {
  const sandbox = await sandboxFor(t);
  const client = clientOf(sandbox);
  t.teardown(() => client.close());
  await t.rejects(client.call(READ, { ...LIVE, permit: keptPermit(77, [false]) }, json), PermitLapsed);
  t.equal(sandbox.stats().arrivals, 0);
});

t.test('closed permits are passed on', async (t) => {
  const sandbox = await sandboxFor(t);
  const permits: Permits = { acquire: () => Promise.reject(new PermitsClosed()), refused: () => undefined };
  const client = clientOf(sandbox, { permits });
  t.teardown(() => client.close());
  await t.rejects(client.call(READ, LIVE, json), PermitsClosed);
  t.equal(sandbox.stats().arrivals, 0);
});
