/** The thread of the page and what happens to its socket. */
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { FromPage, PageStart } from '../../src/page/start.ts';

/** Runs the thread in a world where accept(2) fails twice once it listens, as with too many open files. */
const FAILING = `
const { Server } = require('node:net');
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  this.once('listening', () => setTimeout(() => {
    for (let n = 0; n < 2; n++) this.emit('error', new Error('accept EMFILE'));
    require('node:worker_threads').parentPort.postMessage('failed twice');
  }, 50));
  return Reflect.apply(listen, this, args);
};
import(${JSON.stringify(new URL('../../src/page/thread.ts', import.meta.url).href)});
`;

t.test('a connection that cannot be accepted ends neither the page nor its sessions', async (t) => {
  const start = {
    ...{ listen: { host: '127.0.0.1', port: 0 }, hosts: [], socket: '/nowhere/control.sock' },
    ...{ tokenDigest: new Uint8Array(32), config: { source: [] } },
  } as unknown as PageStart;
  const worker = new Worker(FAILING, { eval: true, workerData: start });
  t.teardown(() => worker.terminate());
  const told: (FromPage | string)[] = [];
  await new Promise<void>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message: FromPage | string) => {
      told.push(message);
      if (message === 'failed twice') resolve();
    });
  });
  const [first] = told;
  const port = typeof first === 'object' && 'port' in first ? first.port : 0;
  t.match(told, [{ port: Number }, 'failed twice'], 'nothing else was told');
  t.equal((await fetch(`http://127.0.0.1:${port}/login`)).status, 200);
});
