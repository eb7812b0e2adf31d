/** The thread of the page: it makes and sends the pages, so that the reader of the PBX and the posts never wait for that. */
import { createServer } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { getRequestListener } from '@hono/node-server';
import { createApp } from './app.ts';
import { daemonAt } from './ask.ts';
import type { FromPage, PageStart } from './start.ts';

const REQUEST_TIMEOUT_MS = 10_000;
/** An open page has one, and loads with some more. */
const MAX_CONNECTIONS = 400;

const start = workerData as PageStart;
const tell = (message: FromPage): void => parentPort?.postMessage(message);

const app = createApp({
  daemon: daemonAt(start.socket),
  config: start.config,
  tokenDigest: start.tokenDigest,
  hosts: start.hosts,
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  onAction: (action) => tell({ action }),
});
const server = createServer(
  { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
  getRequestListener(app.fetch),
);
server.maxConnections = MAX_CONNECTIONS;
const failed = (error: Error): void => tell({ failed: error.message });
server.once('error', failed);
server.listen(start.listen.port, start.listen.host, () => {
  // Of a connection that cannot be accepted whoever made it knows.
  server.off('error', failed).on('error', () => {});
  const address = server.address();
  tell({ port: typeof address === 'object' && address !== null ? address.port : start.listen.port });
});
parentPort?.once('message', () => {
  // Whoever looks at a page does not keep the daemon from ending.
  server.closeAllConnections();
  server.close(() => process.exit());
});
