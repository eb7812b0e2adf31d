/** Clients against servers that behave badly; real ones: test/pbx/databases. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { createQuestions } from '../../../adapters/database/idle.ts';
import { createMysql } from '../../../adapters/database/mysql.ts';
import type { Connection, Database, ServerOptions } from '../../../adapters/database/port.ts';
import { createPostgres } from '../../../adapters/database/postgres.ts';
import { RecordsError } from '../../../src/records/port.ts';

/** A server that does the same with each connection; its port. */
async function serverThat(t: { teardown(end: () => void): unknown }, does: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    does(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const kinds: readonly (readonly [string, (options: ServerOptions) => Database])[] = [
  ['MariaDB', createMysql],
  ['PostgreSQL', createPostgres],
];

for (const [product, create] of kinds) {
  const open = (changed: Partial<ServerOptions> & { readonly port?: number }): Database =>
    create({
      address: { host: '127.0.0.1', port: changed.port ?? 1, socket: null },
      database: 'calls',
      username: 'logcalld',
      password: () => 'secret-word',
      connectWithinMs: 200,
      ...changed,
    });
  const refusal = (database: Database): Promise<string> =>
    database.connect().then(
      () => 'connected',
      (error: unknown) => (error instanceof RecordsError ? error.message : `no RecordsError: ${String(error)}`),
    );

  t.test(`${product}: a server that takes the connection and says nothing`, async (t) => {
    const port = await serverThat(t, () => undefined);
    t.match(await refusal(open({ port })), /127\.0\.0\.1:\d+ did not answer/);
  });

  t.test(`${product}: a server that hangs up at once`, async (t) => {
    const port = await serverThat(t, (socket) => socket.destroy());
    t.match(await refusal(open({ port })), /127\.0\.0\.1:\d+ ended the connection/);
  });

  t.test(`${product}: something else that listens there`, async (t) => {
    const port = await serverThat(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    t.match(await refusal(open({ port })), /127\.0\.0\.1:\d+ (?:failed|ended the connection)/);
  });

  t.test(`${product}: nobody, a name that is none, a socket that is none`, async (t) => {
    t.match(await refusal(open({})), new RegExp(`nothing answers at 127\\.0\\.0\\.1:1: is ${product} running`));
    const nowhere = { host: 'nowhere.invalid', port: 1, socket: null };
    t.match(await refusal(open({ address: nowhere, connectWithinMs: 5_000 })), /nowhere\.invalid/);
    const socket = { host: '', port: 1, socket: '/nowhere.sock' };
    t.match(await refusal(open({ address: socket })), /there is no socket .*nowhere\.sock/);
  });

  t.test(`${product}: a password that cannot be had is told as it is, and none is ever told`, async (t) => {
    const password = () => {
      throw new Error('There is no password: set password_file.');
    };
    t.equal(await refusal(open({ password })), 'There is no password: set password_file.');
    const port = await serverThat(t, (socket) => socket.end('secret-word'));
    t.notMatch(await refusal(open({ port })), /secret-word/);
  });
}

t.test('questions share a connection; one that failed is replaced, one without questions is closed', async (t) => {
  const opened: string[] = [];
  const closed = Promise.withResolvers<void>();
  const database: Database = {
    dialect: 'postgres',
    name: 'test',
    async connect(): Promise<Connection> {
      opened.push(`connection ${opened.length + 1}`);
      return {
        select: async (sql) => {
          if (sql === 'bad') throw new RecordsError('it is gone');
          return [{ answer: sql }];
        },
        close: async () => closed.resolve(),
      };
    },
  };
  const { query, close } = createQuestions(database, 5);
  t.same(await Promise.all([query('a', []), query('b', [])]), [[{ answer: 'a' }], [{ answer: 'b' }]]);
  t.equal(opened.length, 1);
  await t.rejects(query('bad', []), { message: 'it is gone' });
  t.same(await query('c', []), [{ answer: 'c' }]);
  t.equal(opened.length, 2);
  const keep = setTimeout(() => undefined, 10_000);
  await closed.promise;
  clearTimeout(keep);
  t.same(await query('d', []), [{ answer: 'd' }]);
  t.equal(opened.length, 3);
  await close();
});
