/** The pages that may be looked at, over TCP on the loopback interface. Nothing can be done there, and nothing is said of a call. */
import type { IncomingMessage } from 'node:http';
import { PAGE_PATHS, type Page, type Pages } from '../../src/metrics/pages.ts';
import { pathOf, refusal, send } from './answer.ts';
import { ControlError } from './refusal.ts';

const { createServer } = process.getBuiltinModule('node:http');

export interface LoopbackServer {
  /** As it was given, with the port that was taken. */
  readonly port: number;
  /** Ends connections at once. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 16;
const REQUEST_TIMEOUT_MS = 10_000;

/** Rejects with one sentence when nobody can listen there. `host`: an address of the loopback interface. */
export async function openLoopback(
  { host, port }: { readonly host: string; readonly port: number },
  pages: Pages,
): Promise<LoopbackServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', (request, response) => {
    void page(request, pages)
      .catch(refusal)
      .then((answer) => send(response, answer));
  });
  await new Promise<void>((resolve, reject) => {
    const remedy = 'end what has it, or set [metrics] listen to another port.';
    server.once('error', (error) =>
      reject(new Error(`Metrics cannot be served at ${host}:${port} (${error.message}): ${remedy}`)),
    );
    server.listen(port, host, resolve);
  });
  // Of a connection that failed after that its request tells.
  server.on('error', () => {});
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function page(request: IncomingMessage, pages: Pages): Promise<Page> {
  // A name of somebody else that leads here is that of a web page, whose script would read this with the rights of its visitor.
  if (!isLoopbackName(request.headers.host ?? ''))
    throw new ControlError(
      403,
      'Only asked for as 127.0.0.1, [::1] or localhost: a proxy has to set the header Host so.',
    );
  const path = pathOf(request, PAGE_PATHS);
  if (path === null) throw new ControlError(404, `There are ${PAGE_PATHS.join(', ')} here.`);
  return pages[path]();
}

/** A value of the header Host (RFC 9110, 7.2) that nobody else can have. */
export function isLoopbackName(host: string): boolean {
  return /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(?::\d+)?$/i.test(host);
}
