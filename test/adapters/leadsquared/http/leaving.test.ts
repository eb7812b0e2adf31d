/** A permit is started when its request leaves, which may be long after it was made: a connection has to be up first. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type Socket } from 'node:net';
import tls from 'node:tls';
import t, { type Test } from 'tap';
import { type ApiRequest, createClient } from '../../../../adapters/leadsquared/http/client.ts';
import { createTransport, type HttpRequest } from '../../../../adapters/leadsquared/http/transport.ts';
import { PermitLapsed, type Permits } from '../../../../src/permits/port.ts';
import { handClock, keptPermit, LIVE, openPermits } from '../support.ts';
import { certificate, rawServer, reply } from './raw-server.ts';

const READ: ApiRequest = { kind: 'read', method: 'GET', path: 'UserManagement.svc/Users.Get' };
const TIMEOUTS = { connectMs: 1, headersMs: 2, bodyMs: 3, totalMs: 4 };
const SUCCESS = '{"Status":"Success"}';

/** A server that answers everything with a success. The first handshake over TLS is made when the test says so: `accepted`. */
async function slowToConnect(t: Test, scheme: 'http' | 'https' = 'https') {
  const { key, cert } = certificate(t);
  const accepted = Promise.withResolvers<() => void>();
  const server = await rawServer(
    t,
    ({ socket }) => socket.write(reply(SUCCESS)),
    (onSocket) => {
      if (scheme === 'http') return createServer(onSocket);
      const over = tls.createServer({ key, cert }, onSocket);
      return createServer({ pauseOnConnect: true }, (socket) =>
        accepted.resolve(() => over.emit('connection', socket)),
      );
    },
  );
  return { ...server, host: `${scheme}://localhost:${server.port}`, ca: cert, accepted: accepted.promise };
}

async function clientFor(t: Test, permits: Permits) {
  const server = await slowToConnect(t);
  const keys = { accessKey: 'some-key', secretKey: 'some-secret' };
  const client = createClient({ ...keys, ...server, permits, clock: handClock() });
  t.teardown(() => client.close());
  return { ...server, call: (asking = LIVE) => client.call(READ, asking, (json) => json ?? null) };
}

for (const scheme of ['http', 'https'] as const) {
  t.test(`${scheme}: what may not leave costs no connection, be it new or one that was kept`, async (t) => {
    const { host, ca, seen, accepted } = await slowToConnect(t, scheme);
    const clock = handClock();
    const transport = createTransport(TIMEOUTS, 4, 100_000, clock, ca);
    t.teardown(() => transport.close());
    const http: HttpRequest = { method: 'GET', url: new URL(host), headers: {}, body: null };
    let asked = 0;
    const send = (leaves: boolean) =>
      transport.send(http, () => {
        asked += 1;
        return leaves;
      });
    const waiting = send(false);
    if (scheme === 'https') {
      const shake = await accepted;
      t.equal(asked, 0);
      shake();
    }
    t.equal(await waiting, null, 'new');
    t.match(await send(true), { exchange: { kind: 'answer' } });
    t.equal(await send(false), null, 'kept');
    t.match(await send(true), { exchange: { kind: 'answer' } });
    t.match([asked, seen, clock.pending()], [4, { connections: 1, requests: 2 }, 0]);
  });
}

t.test('nothing runs between the question and the writing, be the connection new or one that was kept', async (t) => {
  const { host, ca, seen } = await slowToConnect(t, 'http');
  const transport = createTransport(TIMEOUTS, 4, 100_000, handClock(), ca);
  t.teardown(() => transport.close());
  const sockets: Socket[] = [];
  const onSocket = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
  subscribe('net.client.socket', onSocket);
  t.teardown(() => unsubscribe('net.client.socket', onSocket));
  const http: HttpRequest = { method: 'GET', url: new URL(host), headers: {}, body: null };
  const written: boolean[] = [];
  const send = () =>
    transport.send(http, () => {
      const before = sockets[0]?.bytesWritten ?? 0;
      // Whatever else waits for its turn.
      queueMicrotask(() => written.push((sockets[0]?.bytesWritten ?? 0) > before));
      return true;
    });
  await send();
  await send();
  t.match([written, sockets.length, seen], [[true, true], 1, { connections: 1, requests: 2 }]);
});

t.test('the permit starts when the connection is up', async (t) => {
  const permits = openPermits();
  const { call, accepted, seen } = await clientFor(t, permits);
  const waiting = call();
  const shake = await accepted;
  t.same([permits.given.map(({ starts }) => starts), seen.requests], [[0], 0]);
  shake();
  t.equal((await waiting).kind, 'accepted');
  t.same([permits.given.map(({ starts, ended }) => [starts, ended]), seen.requests], [[[1, 1]], 1]);
});

t.test('a permit that ran out until the connection was up is replaced by another one', async (t) => {
  const given = [keptPermit(1, [false]), keptPermit(2)];
  let next = 0;
  const permits: Permits = {
    acquire: async () => given[next++] ?? keptPermit(3, [false]),
    refused: () => undefined,
  };
  const { call, accepted, seen } = await clientFor(t, permits);
  const waiting = call();
  (await accepted)();
  t.equal((await waiting).kind, 'accepted');
  t.match([given.map(({ ended }) => ended), seen], [[1, 1], { connections: 1, requests: 1 }]);
});

t.test('what a permit was given for does not leave when it ran out until the connection was up', async (t) => {
  const { call, accepted, seen } = await clientFor(t, openPermits());
  const permit = keptPermit(77, [false]);
  const waiting = call({ ...LIVE, permit });
  (await accepted)();
  await t.rejects(waiting, PermitLapsed);
  t.equal((await call()).kind, 'accepted');
  t.match([permit.ended, seen], [1, { connections: 1, requests: 1 }], 'the second was the first to arrive');
});

t.test('what never gets a connection starts no permit', async (t) => {
  const permits = openPermits();
  const client = createClient({
    ...{ host: 'http://127.0.0.1:1', accessKey: 'some-key', secretKey: 'some-secret' },
    ...{ permits, clock: handClock() },
  });
  t.teardown(() => client.close());
  t.match(await client.call(READ, LIVE, (json) => json), { kind: 'unavailable', reached: false });
  t.same(
    permits.given.map(({ starts, ended }) => [starts, ended]),
    [[0, 1]],
  );
});
