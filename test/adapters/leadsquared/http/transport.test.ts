import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type Socket } from 'node:net';
import tls from 'node:tls';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { createCallLog } from '../../../../adapters/leadsquared/call-log.ts';
import { createDirectory, DEFAULT_DIRECTORY_POLICY } from '../../../../adapters/leadsquared/directory.ts';
import { createClient } from '../../../../adapters/leadsquared/http/client.ts';
import { createTransport, type HttpRequest, type Timeouts } from '../../../../adapters/leadsquared/http/transport.ts';
import { DEFAULT_POLICY } from '../../../../adapters/leadsquared/policy.ts';
import { handClock, LEAD, LIVE, openPermits, record, USER } from '../support.ts';
import { certificate, rawServer, reply } from './raw-server.ts';

/** Each of another length, so that a test can let one of them run out. */
const TIMEOUTS: Timeouts = { connectMs: 1, headersMs: 2, bodyMs: 3, totalMs: 4 };
const MAX_BYTES = 100_000;
const SUCCESS = '{"Status":"Success"}';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n';

function transportFor(t: Test, port: number, options: { connections?: number; ca?: string; scheme?: string } = {}) {
  const clock = handClock();
  const transport = createTransport(TIMEOUTS, options.connections ?? 4, MAX_BYTES, clock, options.ca ?? null);
  t.teardown(() => transport.close());
  const http: HttpRequest = {
    method: 'POST',
    url: new URL(`${options.scheme ?? 'http'}://localhost:${port}/v2/Telephony.svc/LogCall`),
    headers: { 'content-type': 'application/json' },
    body: '{"Status":"Answered"}',
  };
  const send = async () => {
    const timed = await transport.send(http, () => true);
    if (timed === null) throw new Error('It was not sent, though it might leave.');
    return timed.exchange;
  };
  return { clock, close: () => transport.close(), send };
}

/** A server that gives the first request these bytes and every further one a success. */
async function answering(t: Test, bytes: string | Buffer, write: (socket: Socket, bytes: Buffer) => void = plainly) {
  const server = await rawServer(t, ({ socket, connection, request }) => {
    if (connection === 1 && request === 1) write(socket, Buffer.from(bytes));
    else socket.write(reply(SUCCESS));
  });
  return { ...server, ...transportFor(t, server.port) };
}

function plainly(socket: Socket, bytes: Buffer): void {
  socket.write(bytes);
}

function byteByByte(socket: Socket, bytes: Buffer): void {
  for (const byte of bytes) socket.write(Buffer.from([byte]));
}

t.test('interim answers are read over, and the connection is used again', async (t) => {
  const one = { kind: 'answer', status: 200, body: SUCCESS, complete: true };
  for (const interim of [CONTINUE, HINTS, CONTINUE + HINTS, CONTINUE + CONTINUE]) {
    for (const write of [plainly, byteByByte]) {
      const { send, seen, clock } = await answering(t, interim + reply(SUCCESS), write);
      t.match(await send(), one, JSON.stringify(interim));
      t.match(await send(), one);
      t.match(seen, { connections: 1, requests: 2 });
      t.equal(clock.pending(), 0);
    }
  }
});

t.test('an interim answer proves nothing', async (t) => {
  const reset = await answering(t, CONTINUE, (socket, bytes) => socket.write(bytes, () => socket.resetAndDestroy()));
  t.match(await reset.send(), {
    kind: 'failure',
    sent: true,
    text: /may or may not have arrived.*ended the connection/,
  });
  t.match(await reset.send(), { kind: 'answer' }, 'the next request works');

  const arrived = Promise.withResolvers<void>();
  const silent = await answering(t, CONTINUE, (socket, bytes) => socket.write(bytes, () => arrived.resolve()));
  const waiting = silent.send();
  await arrived.promise;
  silent.clock.fire(TIMEOUTS.headersMs);
  t.match(await waiting, { kind: 'failure', sent: true, text: /did not answer in time/ });

  const turned = await answering(t, 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
  t.match(await turned.send(), { kind: 'failure', sent: true }, 'nor does a turn to another protocol');
  t.match(await turned.send(), { kind: 'answer' });

  const garbage = await answering(t, `${CONTINUE}SSH-2.0-x\r\n\r\n`);
  t.match(await garbage.send(), { kind: 'failure', sent: true, text: /its reply is no HTTP/ });
});

t.test('a packed reply is unpacked, asked for or not', async (t) => {
  const text = JSON.stringify({ Status: 'Success', Name: 'आशा'.repeat(1000) });
  const bodies: readonly (readonly [string, Buffer])[] = [
    ['gzip', gzipSync(text)],
    ['X-GZip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
    ['identity', Buffer.from(text)],
    ['none', Buffer.from(text)],
  ];
  for (const [coding, body] of bodies) {
    for (const write of [plainly, byteByByte]) {
      const { send, seen } = await answering(t, reply(body, [`Content-Encoding: ${coding}`]), write);
      t.match(await send(), { kind: 'answer', body: text, complete: true }, coding);
      await send();
      t.equal(seen.connections, 1, 'and the connection is used again');
    }
  }
  const empty = await answering(t, reply('', ['Content-Encoding: gzip']));
  t.match(await empty.send(), { kind: 'answer', body: '', complete: true });
});

t.test('a packed reply that ends in the middle, or is damaged, has broken off', async (t) => {
  const text = JSON.stringify({ Status: 'Success' });
  for (const [coding, whole] of [
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
  ] as const) {
    const half = whole.subarray(0, whole.length - 6);
    const cut = await answering(t, reply(half, [`Content-Encoding: ${coding}`]));
    t.match(await cut.send(), { kind: 'answer', status: 200, complete: false }, `${coding}: with a length that fits`);
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${whole.length}\r\nContent-Encoding: ${coding}\r\n\r\n`;
    const bytes = Buffer.concat([Buffer.from(head), half]);
    const closed = await answering(t, bytes, (socket) => socket.end(bytes));
    t.match(await closed.send(), { kind: 'answer', status: 200, complete: false }, `${coding}: by the connection`);
  }
  const plain = await answering(t, reply(text, ['Content-Encoding: gzip']));
  t.match(await plain.send(), { kind: 'answer', complete: false }, 'not packed at all');
});

t.test('a small reply that unpacks to a large one is not unpacked to its end', async (t) => {
  for (const [coding, bomb] of [
    ['gzip', gzipSync(Buffer.alloc(50_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(5_000_000))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50_000_000)))],
  ] as const) {
    t.ok(bomb.length < MAX_BYTES, `${bomb.length} bytes`);
    const { send } = await answering(t, reply(bomb, [`Content-Encoding: ${coding}`]));
    const exchange = await send();
    t.match(exchange, { kind: 'answer', status: 200, complete: false }, coding);
    t.ok(exchange.kind === 'answer' && exchange.body.length <= MAX_BYTES);
  }
});

t.test('each part has a time of its own', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const silent = await rawServer(t, () => arrived.resolve());
  const headers = transportFor(t, silent.port);
  const waiting = headers.send();
  await arrived.promise;
  headers.clock.fire(TIMEOUTS.bodyMs);
  headers.clock.fire(TIMEOUTS.connectMs);
  headers.clock.fire(TIMEOUTS.headersMs);
  t.match(await waiting, { kind: 'failure', sent: true, text: /did not answer in time/ }, 'no head');
  t.equal(headers.clock.pending(), 0);

  const mute = await rawServer(t, () => {});
  const connect = transportFor(t, mute.port, { scheme: 'https' });
  const connecting = connect.send();
  await mute.firstBytes;
  connect.clock.fire(TIMEOUTS.headersMs);
  connect.clock.fire(TIMEOUTS.connectMs);
  t.match(await connecting, { kind: 'failure', sent: false, text: /did not accept the connection in time/ });
  t.equal(connect.clock.pending(), 0);

  const head = onHead(t);
  const stopped = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"Sta');
  const stopping = stopped.send();
  await head;
  stopped.clock.fire(TIMEOUTS.headersMs);
  stopped.clock.fire(TIMEOUTS.bodyMs);
  t.match(await stopping, { kind: 'answer', status: 200, complete: false });
  t.match(await stopped.send(), { kind: 'answer', complete: true });
  t.equal(stopped.clock.pending(), 0);
});

t.test('never more connections than allowed, those that are being made included', async (t) => {
  const held: Socket[] = [];
  const full = Promise.withResolvers<void>();
  const server = await rawServer(t, ({ socket }) => {
    held.push(socket);
    if (held.length === 2) full.resolve();
    if (held.length > 2) socket.write(reply(SUCCESS));
  });
  const { send } = transportFor(t, server.port, { connections: 2 });
  const all = Array.from({ length: 7 }, () => send());
  await full.promise;
  t.match(server.seen, { requests: 2, most: 2 });
  held[0]?.write(reply(SUCCESS));
  held[1]?.destroy();
  const kinds = (await Promise.all(all)).map(({ kind }) => kind);
  t.same(kinds.sort(), ['answer', 'answer', 'answer', 'answer', 'answer', 'answer', 'failure']);
  t.equal(server.seen.most, 2);
  t.ok(server.seen.connections <= 3, `${server.seen.connections} connections: one more for the one that ended`);
});

t.test('a connection that the far side ended, or is about to end, is not used again', async (t) => {
  const closed = Promise.withResolvers<void>();
  const ended = await rawServer(t, ({ socket, connection }) => {
    socket.write(reply(SUCCESS), () => {
      if (connection === 1) socket.end();
    });
    socket.on('close', closed.resolve);
  });
  const one = transportFor(t, ended.port);
  t.match(await one.send(), { kind: 'answer' });
  await closed.promise;
  t.match(await one.send(), { kind: 'answer' });
  t.equal(ended.seen.connections, 2);

  for (const [headers, connections] of [
    [['Keep-Alive: timeout=2'], 2],
    [['Keep-Alive: timeout=60, max=100'], 1],
    [['Connection: close'], 2],
  ] as const) {
    const server = await rawServer(t, ({ socket }) => socket.write(reply(SUCCESS, headers)));
    const { send } = transportFor(t, server.port);
    t.match([await send(), await send()], [{ kind: 'answer' }, { kind: 'answer' }]);
    t.equal(server.seen.connections, connections, headers[0]);
  }
});

t.test('what comes after the reply is not taken for the reply to the next request', async (t) => {
  const { send, seen } = await answering(t, Buffer.concat([reply('{"Status":"Error"}'), reply('{"Status":"Forged"}')]));
  t.match(await send(), { kind: 'answer', body: '{"Status":"Error"}' });
  t.match(await send(), { kind: 'answer', body: SUCCESS });
  t.equal(seen.connections, 2);
});

t.test('a request that is given up is reset, so that the system does not go on to send it', async (t) => {
  const { key, cert } = certificate(t);
  for (const scheme of ['http', 'https']) {
    const [arrived, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
    const server = await rawServer(
      t,
      ({ request }) => void (request === 1 && arrived.resolve()),
      (onSocket) => {
        const take = (socket: Socket): void => {
          socket.on('error', ({ message }) => ended.resolve(message));
          socket.on('end', () => ended.resolve('closed in order: what was not delivered yet is sent again'));
          onSocket(socket);
        };
        // TLS 1.3 writes tickets after the handshake, and a reset that is met by a write looks like an end.
        return scheme === 'http' ? createServer(take) : tls.createServer({ key, cert, maxVersion: 'TLSv1.2' }, take);
      },
    );
    const { send, clock, close } = transportFor(t, server.port, { scheme, ca: cert });
    const waiting = send();
    await arrived.promise;
    clock.fire(TIMEOUTS.headersMs);
    t.match(await waiting, { kind: 'failure', sent: true }, scheme);
    t.match(await ended.promise, /ECONNRESET/, scheme);
    await close();
    t.equal(clock.pending(), 0);
  }
});

t.test(
  'a reply that is still unpacked when its time is over costs the next request on its connection nothing',
  async (t) => {
    const second = Promise.withResolvers<Socket>();
    const packed = reply(gzipSync(Buffer.alloc(64_000_000)), ['Content-Encoding: gzip']);
    const { port, seen } = await rawServer(t, ({ socket, request }) => {
      if (request === 1) socket.write(packed);
      else second.resolve(socket);
    });
    const clock = handClock();
    const transport = createTransport(TIMEOUTS, 1, 100_000_000, clock, null);
    t.teardown(() => transport.close());
    const http: HttpRequest = { method: 'GET', url: new URL(`http://localhost:${port}`), headers: {}, body: null };
    const replies = [transport.send(http, () => true), transport.send(http, () => true)];
    const socket = await second.promise;
    clock.fire(TIMEOUTS.bodyMs);
    socket.write(reply(SUCCESS));
    t.match(await replies[1], { exchange: { kind: 'answer', body: SUCCESS } });
    t.match(await replies[0], { exchange: { kind: 'answer' } });
    t.match(seen, { connections: 1, requests: 2 });
  },
);

t.test('at the end nothing stays under way', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const server = await rawServer(t, () => arrived.resolve());
  const { send, close, clock } = transportFor(t, server.port, { connections: 1 });
  const first = send();
  const second = send();
  await arrived.promise;
  await close();
  t.match(await first, { kind: 'failure', sent: true, text: /logcalld is stopping/ });
  t.match(await second, { kind: 'failure', sent: false });
  t.match(await send(), { kind: 'failure', sent: false });
  t.match([server.seen.requests, clock.pending()], [1, 0]);
});

t.test('TLS: an own certificate authority, and nothing sent to one that is not trusted', async (t) => {
  const { key, cert } = certificate(t);
  const server = await rawServer(
    t,
    ({ socket }) => socket.write(CONTINUE + reply(SUCCESS)),
    (onSocket) => tls.createServer({ key, cert }, onSocket).on('tlsClientError', () => {}),
  );
  const stranger = transportFor(t, server.port, { scheme: 'https' });
  t.match(await stranger.send(), { kind: 'failure', sent: false, text: /its certificate is not accepted/ });
  t.equal(server.seen.requests, 0);
  const known = transportFor(t, server.port, { scheme: 'https', ca: cert });
  t.match([await known.send(), await known.send()], [{ kind: 'answer', body: SUCCESS }, { kind: 'answer' }]);
  t.match(server.seen, { requests: 2 });
});

t.test('posts, leads and users behind a gateway that writes a byte order mark and interim answers', async (t) => {
  const user = { ID: USER, FirstName: 'Asha', EmailAddress: 'asha@example.com', Role: 'Sales', StatusCode: 0 };
  const answers: readonly (readonly [RegExp, unknown])[] = [
    [/LogCall/, { Status: 'Success', Message: { Id: 'a-1' } }],
    [/RetrieveLeadByPhoneNumber/, [{ ProspectID: LEAD, Phone: '9876543210' }]],
    [/Users\.Get/, [user]],
  ];
  const { port } = await rawServer(t, ({ socket, path }) => {
    const value = answers.find(([name]) => name.test(path))?.[1];
    const body = gzipSync(`\ufeff${JSON.stringify(value)}`);
    socket.write(Buffer.concat([Buffer.from(CONTINUE), reply(body, ['Content-Encoding: gzip'])]));
  });
  const keys = { accessKey: 'some-key', secretKey: 'some-secret' };
  const client = createClient({
    host: `http://127.0.0.1:${port}`,
    ...keys,
    permits: openPermits(),
    clock: handClock(),
  });
  t.teardown(() => client.close());
  const log = createCallLog(client, DEFAULT_POLICY);
  const directory = createDirectory(client, DEFAULT_DIRECTORY_POLICY);
  const posted = await log.post(log.body(record(), { leadId: null, userId: null }), LIVE);
  t.match(posted, { kind: 'accepted', value: { activityId: 'a-1' } });
  t.match(await directory.findLeads('9876543210', LIVE), { kind: 'accepted', value: [{ id: LEAD }] });
  t.match(await directory.users(LIVE), { kind: 'accepted', value: [{ id: USER, active: true }] });
});

/** Resolves when the head of the next reply is here. */
function onHead(t: Test): Promise<void> {
  const head = Promise.withResolvers<void>();
  const heard = (): void => head.resolve();
  subscribe('http.client.response.finish', heard);
  t.teardown(() => unsubscribe('http.client.response.finish', heard));
  return head.promise;
}
