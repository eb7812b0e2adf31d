import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { createCallLog } from '../../../../adapters/leadsquared/call-log.ts';
import { createDirectory, DEFAULT_DIRECTORY_POLICY } from '../../../../adapters/leadsquared/directory.ts';
import type { ApiRequest } from '../../../../adapters/leadsquared/http/client.ts';
import { DEFAULT_POLICY } from '../../../../adapters/leadsquared/policy.ts';
import type { Fault } from '../../../../adapters/leadsquared/sandbox/faults.ts';
import { type Sandbox, startSandbox } from '../../../../adapters/leadsquared/sandbox/sandbox.ts';
import type { OutcomeKind } from '../../../../src/delivery/crm.ts';
import { clientOf, handClock, openGate, record } from '../support.ts';

const READ: ApiRequest = { kind: 'read', method: 'GET', path: 'UserManagement.svc/Users.Get' };
const NOBODY = { leadId: null, userId: null };
/** Where Node tells of the head of a reply. */
const HEADERS = 'http.client.response.finish';

async function sandboxFor(t: Test, options: Parameters<typeof startSandbox>[0] = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ limit: 1000, ...options });
  t.teardown(() => sandbox.close());
  return sandbox;
}

const FAULTS: readonly [Fault, write: OutcomeKind, read: OutcomeKind][] = [
  [{ kind: 'status', status: 400, body: 'bad' }, 'rejected', 'rejected'],
  [{ kind: 'status', status: 401 }, 'denied', 'denied'],
  [{ kind: 'status', status: 503 }, 'uncertain', 'unavailable'],
  [{ kind: 'mx', status: 200 }, 'rejected', 'rejected'],
  [{ kind: 'mx', status: 500 }, 'rejected', 'rejected'],
  [{ kind: 'rate', disguise: '429' }, 'rate-limited', 'rate-limited'],
  [{ kind: 'rate', disguise: '403' }, 'rate-limited', 'rate-limited'],
  [{ kind: 'rate', disguise: '200' }, 'rate-limited', 'rate-limited'],
  [{ kind: 'delay', ms: 1 }, 'accepted', 'accepted'],
  [{ kind: 'reset', commit: false }, 'uncertain', 'unavailable'],
  [{ kind: 'reset', commit: true }, 'uncertain', 'unavailable'],
  [{ kind: 'garbage', commit: true }, 'uncertain', 'unavailable'],
  [{ kind: 'html', status: 200, commit: true }, 'uncertain', 'unavailable'],
  [{ kind: 'html', status: 502 }, 'uncertain', 'unavailable'],
  [{ kind: 'cut', commit: true }, 'uncertain', 'unavailable'],
  [{ kind: 'empty', commit: true }, 'uncertain', 'unavailable'],
  [{ kind: 'content-type' }, 'accepted', 'accepted'],
  [{ kind: 'redirect', to: 'https://login.example/' }, 'denied', 'denied'],
];

t.test('every fault, on a fresh connection and on a used one', async (t) => {
  const sandbox = await sandboxFor(t);
  for (const [fault, write, read] of FAULTS) {
    for (const used of [false, true]) {
      const gate = openGate();
      const client = clientOf(sandbox, { gate });
      const log = createCallLog(client, DEFAULT_POLICY);
      if (used) await client.call(READ, 'live', (json) => json ?? null);
      const callSessionId = `${fault.kind}-${used}-${write}-${JSON.stringify(fault)}`;
      sandbox.addFaults({ match: { path: 'LogCall' }, fault }, { match: { path: 'Users.Get' }, fault });
      const posted = await log.post(log.body(record({ callSessionId }), NOBODY), 'live');
      t.equal(posted.kind, write, `write: ${callSessionId}: ${posted.message}`);
      t.equal(posted.value === null, write !== 'accepted', 'a value only when accepted');
      const got = await client.call(READ, 'live', (json) => json ?? null);
      t.equal(got.kind, read, `read: ${callSessionId}: ${got.message}`);
      t.equal(gate.refusals.length, write === 'rate-limited' ? 2 : 0, 'the gate hears of each refusal for the rate');
      const done = sandbox.ledger.bySession(callSessionId).length;
      t.equal(
        done,
        fault.kind === 'delay' || fault.kind === 'content-type' || ('commit' in fault && fault.commit) ? 1 : 0,
      );
      const after = await log.post(log.body(record({ callSessionId: `${callSessionId}-after` }), NOBODY), 'live');
      t.equal(after.kind, 'accepted', 'and the client still works');
      await client.close();
    }
  }
});

for (const commit of [false, true]) {
  t.test(`no answer, ${commit ? 'after' : 'before'} it was done: the deadline makes a write uncertain`, async (t) => {
    const sandbox = await sandboxFor(t, { faults: [{ times: 0, fault: { kind: 'timeout', commit } }] });
    const clock = handClock();
    const client = clientOf(sandbox, { clock });
    t.teardown(() => client.close());
    const log = createCallLog(client, DEFAULT_POLICY);
    for (const kind of ['write', 'read'] as const) {
      const arrived = sandbox.next();
      const reply =
        kind === 'write'
          ? log.post(log.body(record(), NOBODY), 'live')
          : client.call(READ, 'live', (json) => json ?? null);
      await arrived;
      clock.fireAll();
      const { kind: became, message } = await reply;
      t.equal(became, kind === 'write' ? 'uncertain' : 'unavailable');
      t.match(message, /may or may not have arrived.*did not answer in time/);
    }
    t.equal(sandbox.ledger.calls().length, commit ? 1 : 0);
    t.equal(clock.pending(), 0, 'no timer is left behind');
  });
}

t.test('a reply that stops in the middle has broken off when the deadline comes', async (t) => {
  const sandbox = await sandboxFor(t, { faults: [{ fault: { kind: 'stall', commit: true } }] });
  const clock = handClock();
  const client = clientOf(sandbox, { clock });
  t.teardown(() => client.close());
  const log = createCallLog(client, DEFAULT_POLICY);
  const head = new Promise<void>((resolve) => {
    const heard = (): void => {
      unsubscribe(HEADERS, heard);
      resolve();
    };
    subscribe(HEADERS, heard);
  });
  const posted = log.post(log.body(record(), NOBODY), 'live');
  await head;
  clock.fireAll();
  t.match(await posted, { kind: 'uncertain', http: 200, message: /broke off/ });
  t.equal((await log.post(log.body(record(), NOBODY), 'live')).kind, 'accepted', 'and the client still works');
});

t.test('what never left is unavailable, for a write as well', async (t) => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const sandbox = await sandboxFor(t);

  const tls = clientOf(sandbox, { host: `https://127.0.0.1:${port}` });
  const spoken = clientOf(sandbox, { host: sandbox.url.replace('http:', 'https:') });
  const held = new Set<Socket>();
  const hung = createServer((socket) => void held.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => hung.listen(0, '127.0.0.1', resolve));
  const hungAddress = hung.address();
  const hungPort = typeof hungAddress === 'object' && hungAddress !== null ? hungAddress.port : 0;
  const clock = handClock();
  const host = `https://127.0.0.1:${hungPort}`;
  const handshake = clientOf(sandbox, { host, clock, timeouts: { connectMs: 100_000 } });
  const connected = new Promise<void>((resolve) =>
    hung.once('connection', (socket) => socket.once('data', () => resolve())),
  );
  t.teardown(async () => {
    await Promise.all([tls.close(), spoken.close(), handshake.close()]);
    for (const socket of held) socket.destroy();
    hung.close();
  });

  const body = createCallLog(tls, DEFAULT_POLICY).body(record(), NOBODY);
  const cut = await createCallLog(tls, DEFAULT_POLICY).post(body, 'live');
  t.equal(cut.kind, 'unavailable', `connection cut in the TLS handshake: ${cut.message}`);
  const plain = await createCallLog(spoken, DEFAULT_POLICY).post(body, 'live');
  t.equal(plain.kind, 'unavailable', `no TLS there: ${plain.message}`);
  const waiting = createCallLog(handshake, DEFAULT_POLICY).post(body, 'live');
  await connected;
  clock.fireAll();
  t.equal((await waiting).kind, 'unavailable', 'deadline in the TLS handshake');

  await new Promise((resolve) => server.close(resolve));
  const refused = await createCallLog(tls, DEFAULT_POLICY).post(body, 'live');
  t.equal(refused.kind, 'unavailable');
  t.match(refused.message, /refuses the connection/);
});

t.test('requests that wait for a connection have not left', async (t) => {
  const sandbox = await sandboxFor(t, { faults: [{ fault: { kind: 'timeout' } }] });
  const clock = handClock();
  const client = clientOf(sandbox, { clock, connections: 1 });
  t.teardown(() => client.close());
  const log = createCallLog(client, DEFAULT_POLICY);
  const arrived = sandbox.next();
  const first = log.post(log.body(record(), NOBODY), 'live');
  const second = log.post(log.body(record(), NOBODY), 'live');
  await arrived;
  clock.fireAll();
  t.same([(await first).kind, (await second).kind], ['uncertain', 'unavailable']);
  t.equal(sandbox.stats().arrivals, 1);
});

t.test('the keys are in no text, whatever the server answers', async (t) => {
  const accessKey = 'u$rCANARY+access/key';
  const secretKey = 'CANARY"secret\\key';
  for (const auth of ['headers', 'query'] as const) {
    const sandbox = await sandboxFor(t, { accessKey, secretKey });
    const client = clientOf(sandbox, { auth });
    t.teardown(() => client.close());
    const spellings = [accessKey, secretKey, encodeURIComponent(accessKey), encodeURIComponent(secretKey)];
    const echo = `${spellings.join(' ')} ${JSON.stringify({ secretKey })} https://h/?accessKey=other-CANARY&secretKey=CANARY2`;
    const bodies = [
      echo,
      JSON.stringify({ Status: 'Error', ExceptionType: `MX ${accessKey}`, ExceptionMessage: echo }),
    ];
    const replies = [await client.call(READ, 'live', (json) => json ?? null)];
    t.equal(replies[0]?.kind, 'accepted', `${auth}: the keys arrive whole`);
    for (const status of [200, 302, 400, 401, 403, 404, 429, 500, 502]) {
      for (const body of bodies) {
        sandbox.addFaults({ fault: { kind: 'status', status, body } });
        replies.push(await client.call(READ, 'live', (json) => json ?? null));
      }
    }
    sandbox.addFaults({ fault: { kind: 'redirect', to: `https://h/?accessKey=${accessKey}` } });
    replies.push(await client.call(READ, 'live', (json) => json ?? null));
    await sandbox.close();
    replies.push(await client.call(READ, 'live', (json) => json ?? null));
    for (const reply of replies) {
      t.notMatch(JSON.stringify({ ...reply, value: null }), /CANARY/, `${auth}: ${reply.message}`);
    }
  }
});

t.test('redirects are not followed', async (t) => {
  const target = await sandboxFor(t);
  const sandbox = await sandboxFor(t, { faults: [{ fault: { kind: 'redirect', to: `${target.url}/v2/x` } }] });
  const client = clientOf(sandbox);
  t.teardown(() => client.close());
  const reply = await client.call(READ, 'live', (json) => json ?? null);
  t.equal(reply.kind, 'denied');
  t.equal(target.stats().arrivals, 0);
});

t.test('a reply larger than allowed is not read to its end', async (t) => {
  const sandbox = await sandboxFor(t, {
    faults: [{ fault: { kind: 'status', status: 200, body: `"${'x'.repeat(200_000)}"` } }],
  });
  const client = clientOf(sandbox, { maxBodyBytes: 100_000 });
  t.teardown(() => client.close());
  const reply = await client.call(READ, 'live', (json) => json ?? null);
  t.equal(reply.kind, 'unavailable');
  t.equal(reply.body?.length, 4000, 'the kept body is cut');
  t.equal((await client.call(READ, 'live', (json) => json ?? null)).kind, 'accepted', 'the next request works');
});

t.test('every request goes through the gate with its priority', async (t) => {
  const sandbox = await sandboxFor(t);
  const gate = openGate();
  const client = clientOf(sandbox, { gate });
  t.teardown(() => client.close());
  const log = createCallLog(client, DEFAULT_POLICY);
  const directory = createDirectory(client, DEFAULT_DIRECTORY_POLICY);
  await log.post(log.body(record(), NOBODY), 'live');
  await directory.findLeads('9876543210', 'backlog');
  await directory.users();
  await log.probe();
  t.same(gate.priorities, ['live', 'backlog', 'background', 'background']);
  t.equal(sandbox.stats().arrivals, 4);
});

t.test('a closed gate is passed on', async (t) => {
  const sandbox = await sandboxFor(t);
  const closed = new Error('closed');
  const client = clientOf(sandbox, { gate: { run: () => Promise.reject(closed), refused: () => {} } });
  t.teardown(() => client.close());
  await t.rejects(
    client.call(READ, 'live', (json) => json ?? null),
    closed,
  );
  t.equal(sandbox.stats().arrivals, 0);
});
