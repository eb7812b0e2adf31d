/** A server that takes no goodbye keeps nobody waiting. */
import t from 'tap';
import { createServer, type Driver } from '../../../adapters/database/server.ts';

const never = new Promise<never>(() => {});

function driver(end: () => Promise<void>) {
  const done: string[] = [];
  const driver: Driver = {
    dialect: 'postgres',
    product: 'PostgreSQL',
    open: async () => ({
      query: async () => [],
      end: () => {
        done.push('end');
        return end();
      },
      destroy: () => void done.push('destroy'),
    }),
    refusal: () => null,
  };
  const address = { host: '127.0.0.1', port: 1, socket: null };
  return { done, server: createServer(driver, { address, database: 'd', username: 'u', password: null }) };
}

t.test('one that does not answer the goodbye is left without a word', async (t) => {
  const { done, server } = driver(() => never);
  await (await server.connect()).close();
  t.same(done, ['end', 'destroy']);
});

t.test('one that does is not cut off', async (t) => {
  const { done, server } = driver(async () => {});
  await (await server.connect()).close();
  t.same(done, ['end']);
});
