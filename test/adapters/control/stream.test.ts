/** Answers that go on: what a reader who stands still is spared, and how they end. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Handlers } from '../../../adapters/control/api.ts';
import { follow } from '../../../adapters/control/follow.ts';
import { openControl } from '../../../adapters/control/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-stream-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
let number = 0;

type Send = (line: () => string) => void;

/** A server whose stream is in the test's hands. */
async function serving(t: { teardown(run: () => unknown): void }) {
  const server = await openControl(join(folder, `${++number}.sock`));
  t.teardown(() => server.close());
  const begun: { readonly send: Send; readonly stopped: Promise<void> }[] = [];
  let onBegin = Promise.withResolvers<void>();
  server.serve({} as Handlers, undefined, {
    tail(_query, send) {
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.push({ send, stopped: promise });
      onBegin.resolve();
      return resolve;
    },
  });
  return {
    server,
    async next() {
      while (begun.length === 0) await onBegin.promise;
      onBegin = Promise.withResolvers();
      return begun.shift() ?? Promise.reject(new Error('nobody watches'));
    },
  };
}

t.test('a reader who stands still costs no lines, and is told how many he missed', async (t) => {
  const it = await serving(t);
  const socket = connect(it.server.path);
  const body = '{"raw":false}';
  socket.write(`POST /v1/tail HTTP/1.0\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  const { send, stopped } = await it.next();
  const total = 20_000;
  let made = 0;
  const wide = 'x'.repeat(200);
  for (let n = 0; n < total; n++) {
    send(() => {
      made += 1;
      return JSON.stringify({ n, wide });
    });
  }
  t.ok(made * 200 < 1_000_000, `${made} lines were made, with less than a megabyte`);
  let text = '';
  const told = Promise.withResolvers<number>();
  socket.on('data', (chunk) => {
    text += chunk;
    const dropped = /\{"dropped":(\d+)\}\n/.exec(text)?.[1];
    if (dropped !== undefined) told.resolve(Number(dropped));
  });
  t.equal(made + (await told.promise), total, 'every line was sent or counted');
  send(() => '{"n":"after"}');
  while (!text.includes('after')) await once(socket, 'data');
  socket.destroy();
  await stopped;
});

t.test('lines come whole and in order; either side ends it', async (t) => {
  const it = await serving(t);
  const ending = new AbortController();
  const got: string[] = [];
  const three = Promise.withResolvers<void>();
  const over = follow(
    it.server.path,
    'tail',
    { raw: false },
    (line) => {
      got.push(line);
      if (got.length === 3) three.resolve();
    },
    ending.signal,
  );
  const { send, stopped } = await it.next();
  const long = `"${'ä'.repeat(100_000)}"`;
  for (const line of ['1', long, '3']) send(() => line);
  await three.promise;
  t.same(got, ['1', long, '3']);
  ending.abort();
  await Promise.all([over, stopped]);

  const other = follow(it.server.path, 'tail', { raw: true }, () => {}, new AbortController().signal);
  const { send: sendLate } = await it.next();
  const closed = it.server.close();
  sendLate(() => 'what comes while the end is on its way is no fault');
  await closed;
  await other;
  t.pass('the end of the daemon is the end of the answer');
});

t.test('what was ended before it began has ended', async (t) => {
  const it = await serving(t);
  const ending = new AbortController();
  ending.abort();
  const over = follow(it.server.path, 'tail', { raw: false }, () => {}, ending.signal).then(() => 'over');
  const asked = it.next().then(() => 'asked');
  t.equal(await Promise.race([over, asked]), 'over');
});

t.test('what is wrong, and too many at once, is refused in words', async (t) => {
  const it = await serving(t);
  const { signal } = new AbortController();
  const ask = (query: { raw: boolean }) => follow(it.server.path, 'tail', query, () => {}, signal);
  await t.rejects(ask({ raw: 'yes' } as never), { status: 400, message: /The request tail is wrong at raw/ });
  for (let n = 0; n < 8; n++) {
    ask({ raw: false }).catch(() => {});
    await it.next();
  }
  await t.rejects(ask({ raw: false }), { status: 503, message: /8 commands watch already/ });
});

t.test('a stream that fails as it begins is refused, or broken off where it has said something', async (t) => {
  const server = await openControl(join(folder, `${++number}.sock`));
  t.teardown(() => server.close());
  let says = 0;
  server.serve({} as Handlers, undefined, {
    tail(_query, send) {
      for (let n = 0; n < says; n++) send(() => '{}');
      throw new Error('nothing can be watched');
    },
  });
  const ask = async (): Promise<string> => {
    const socket = connect(server.path);
    const body = '{"raw":false}';
    socket.write(`POST /v1/tail HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await once(socket, 'close');
    return text;
  };
  t.match(await ask(), /^HTTP\/1\.1 500 [\s\S]*nothing can be watched/);
  says = 1;
  t.notMatch(await ask(), /\r\n0\r\n/, 'no end that looks like one');
  says = 0;
  t.match(await ask(), /^HTTP\/1\.1 500 /, 'and it goes on');
});

t.test('a connection that cannot be accepted ends nothing, nor does the next', async (t) => {
  const known: Server[] = [];
  const { listen } = Server.prototype;
  Server.prototype.listen = function listening(this: Server, ...args: never[]) {
    known.push(this);
    return Reflect.apply(listen, this, args) as Server;
  } as typeof listen;
  t.teardown(() => {
    Server.prototype.listen = listen;
  });
  const server = await openControl(join(folder, `${++number}.sock`));
  t.teardown(() => server.close());
  t.equal(known.length, 1);
  for (let n = 0; n < 2; n++) known[0]?.emit('error', new Error('accept EMFILE'));
  const socket = connect(server.path);
  await once(socket, 'connect');
  socket.destroy();
});
