import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Handlers } from '../../../adapters/control/api.ts';
import { connectControl } from '../../../adapters/control/client.ts';
import { ControlError } from '../../../adapters/control/refusal.ts';
import { openControl } from '../../../adapters/control/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-control-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
let number = 0;
const fresh = () => join(folder, `${++number}.sock`);

/** Only what the tests ask for is answered. */
function handlers(given: Partial<Handlers>): Handlers {
  const none = () => Promise.reject(new Error('not in this test'));
  return {
    hello: async () => ({ version: '1', pid: 7, database: '/db' }),
    ...{ status: none, calls: none, call: none, users: none, replay: none, pause: none, resume: none },
    ...{ retry: none, permit: none, acknowledge: none, erase: none, tidy: none, correct: none, find: none },
    ...{ gaps: none, backfill: none, salvage: none, why: none, frames: none, hours: none },
    ...given,
  };
}

async function raw(path: string, method: string, url: string, body = '') {
  const sent = request({ socketPath: path, path: url, method, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, body: JSON.parse(text) };
}

t.test('a request arrives checked, its answer comes back, refusals keep their words', async (t) => {
  const server = await openControl(fresh());
  t.teardown(() => server.close());
  const asked: unknown[] = [];
  server.serve(
    handlers({
      async calls(query) {
        asked.push(query);
        return { rows: [], cursor: null, more: false, meant: [] };
      },
      call: ({ id }) => Promise.reject(new ControlError(404, `No call has the id ${id}.`)),
    }),
  );
  const client = await connectControl(server.path, '1');
  if (client === null) throw new Error('nobody answered');
  t.same(await client.call('calls', { limit: 3, states: ['parked'] }), {
    rows: [],
    cursor: null,
    more: false,
    meant: [],
  });
  t.same(asked, [{ limit: 3, states: ['parked'] }]);
  await t.rejects(client.call('call', { id: 'x' }), { name: 'ControlError', status: 404, message: /id x/ });
  await t.rejects(client.call('users', {}), { status: 500, message: 'not in this test' });
  t.equal((await raw(server.path, 'GET', '/v1/hello')).body.pid, 7, 'a question without input may be a GET');
});

t.test('what is not understood costs one clear error and nothing else', async (t) => {
  const server = await openControl(fresh());
  t.teardown(() => server.close());
  server.serve(handlers({ calls: async () => t.fail('a wrong request was served') as never }));
  const cases: readonly (readonly [string, string, string, number, RegExp])[] = [
    ['POST', '/v1/nothing', '{}', 404, /has no \/v1\/nothing/],
    ['POST', '/v1/constructor', '{}', 404, /has no/],
    ['DELETE', '/v1/status', '', 405, /POST/],
    ['POST', '/v1/calls', '{"limit":', 400, /not JSON/],
    ['POST', '/v1/calls', '[]', 400, /request calls is wrong/],
    ['POST', '/v1/calls', '{"limit":0}', 400, /calls is wrong at limit/],
    ['POST', '/v1/calls', '{"limit":1,"states":["prked"]}', 400, /wrong at states\.0/],
    ['POST', '/v1/calls', '{"limit":1,"number":"1\' OR 1"}', 400, /wrong at number: digits only/],
    ['POST', '/v1/calls', '{"limit":1,"more":1}', 400, /Unrecognized key.*more/],
    ['POST', '/v1/correct', '{"items":[{"revision":1,"record":{"callSessionId":"a"}}]}', 400, /items\.0\.record/],
    ['POST', '/v1/calls', ' '.repeat(4_000_001), 413, /more than 4000000 bytes/],
  ];
  for (const [method, url, body, status, message] of cases) {
    const answer = await raw(server.path, method, url, body);
    t.equal(answer.status, status, `${method} ${url} ${body.slice(0, 60)}`);
    t.match(answer.body.error, message);
  }
});

t.test('until the daemon is ready it says so', async (t) => {
  const server = await openControl(fresh());
  t.teardown(() => server.close());
  t.match(await raw(server.path, 'GET', '/v1/hello'), { status: 503, body: { error: /still starting/ } });
});

t.test('owner and group may use the socket, others may not, and it is removed at the end', async (t) => {
  const before = process.umask();
  const server = await openControl(fresh());
  t.equal(statSync(server.path).mode & 0o777, 0o660);
  t.equal(process.umask(), before);
  await server.close();
  t.throws(() => statSync(server.path), { code: 'ENOENT' });
});

t.test('a living daemon is not pushed aside; the socket of a dead one is replaced', async (t) => {
  const path = fresh();
  const first = await openControl(path);
  await t.rejects(openControl(path), {
    name: 'PlaceError',
    message: /Another logcalld, with another database, .*stop it first/,
  });
  first.serve(handlers({}));
  t.equal((await connectControl(path, '1'))?.path, path, 'the refused one did no harm');
  await first.close();
  // A process that was killed leaves its socket behind.
  const { spawnSync } = await import('node:child_process');
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', code]);
  t.ok(statSync(path).isSocket(), 'a dead socket is there');
  t.equal(await connectControl(path, '1'), null, 'nobody answers there');
  const second = await openControl(path);
  await second.close();
});

t.test('what is not a socket is left alone', async (t) => {
  const path = fresh();
  writeFileSync(path, 'precious');
  await t.rejects(openControl(path), { message: /something else has that name/ });
  const link = fresh();
  symlinkSync(path, link);
  await t.rejects(openControl(link), { message: /something else has that name/ });
  t.equal(statSync(path).size, 8);
  t.equal(await connectControl(path, '1'), null);
});

t.test('names that cannot be used', async (t) => {
  await t.rejects(openControl(join(folder, 'x'.repeat(100))), { message: /more than 107 bytes.*RUNTIME_DIRECTORY/ });
  await t.rejects(openControl(join(folder, 'no', 'such')), { message: /cannot be made .*folder must exist/ });
  t.equal(await connectControl(join(folder, 'nobody.sock'), '1'), null);
});

t.test('another version, and a socket of somebody else', async (t) => {
  const server = await openControl(fresh());
  t.teardown(() => server.close());
  server.serve(handlers({}));
  await t.rejects(connectControl(server.path, '2'), { message: /is logcalld 1 and this is 2: restart it/ });
  const path = fresh();
  const other = createServer((socket) => socket.end('SSH-2.0\r\n'));
  await new Promise<void>((resolve) => other.listen(path, resolve));
  t.teardown(() => other.close());
  await t.rejects(connectControl(path, '1'), Error);
});

t.test('an answer counts only when it is whole', async (t) => {
  const path = fresh();
  const body = JSON.stringify({ version: '1', pid: 7, database: '/db' });
  let answer = '';
  const other = createServer((socket) => socket.once('data', () => socket.end(answer)));
  await new Promise<void>((resolve) => other.listen(path, resolve));
  t.teardown(() => other.close());
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  answer = head + body;
  t.equal((await connectControl(path, '1'))?.database, '/db');
  for (answer of ['', head, `${head}${body.slice(0, -1)}`, `${head}${body}x`, `HTTP/1.1 200 OK\r\n\r\n${body}`, body])
    await t.rejects(connectControl(path, '1'), { message: /is not logcalld, or it ended meanwhile/ }, answer);
});

t.test('a client that hangs does not keep the daemon from ending', async (t) => {
  const server = await openControl(fresh());
  const idle = connect(server.path);
  await once(idle, 'connect');
  idle.write('POST /v1/hello HTTP/1.1\r\n');
  const closed = server.close();
  idle.on('error', () => {});
  await closed;
  t.pass('closed');
  idle.destroy();
});
