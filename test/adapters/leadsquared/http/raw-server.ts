/** A server that answers with exactly the bytes it is told, to see what a client makes of them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

export interface RawRequest {
  readonly socket: Socket;
  readonly path: string;
  /** Number of the connection, and of the request on it, from 1. */
  readonly connection: number;
  readonly request: number;
}

/** The bytes of a reply with a right Content-Length. */
export function reply(body: string | Buffer, headers: readonly string[] = [], status = '200 OK'): Buffer {
  const bytes = Buffer.from(body);
  const head = [`HTTP/1.1 ${status}`, `Content-Length: ${bytes.length}`, ...headers];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes]);
}

/** Calls `onRequest` for each whole request. `make` makes the server, plain TCP unless given. */
export async function rawServer(
  t: Test,
  onRequest: (request: RawRequest) => void,
  make: (onSocket: (socket: Socket) => void) => Server = (onSocket) => createServer(onSocket),
) {
  const open = new Set<Socket>();
  const touched = Promise.withResolvers<void>();
  const seen = { connections: 0, requests: 0, most: 0 };
  const server = make((socket) => {
    seen.connections += 1;
    const connection = seen.connections;
    open.add(socket);
    seen.most = Math.max(seen.most, open.size);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    socket.setNoDelay(true);
    let text = '';
    let request = 0;
    socket.on('data', (chunk) => {
      touched.resolve();
      text += chunk.toString('latin1');
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        const path = text.split(' ')[1] ?? '';
        text = text.slice(end + 4 + length);
        request += 1;
        seen.requests += 1;
        onRequest({ socket, path, connection, request });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, seen, firstBytes: touched.promise };
}

/** A key and a self-signed certificate for localhost, made for this run only. */
export function certificate(t: Test): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-tls-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}
