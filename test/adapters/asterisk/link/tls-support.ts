/** What the tests of TLS share: certificates made for one run, and a PBX that shows one. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';

export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
  /** Where the certificate is. */
  readonly file: string;
}

/**
 * A key and a certificate for one name, signed by itself or by another certificate made here, in files of this folder. `bare`:
 * with a common name and nothing else, as `ast_tls_cert` makes them.
 */
export function certificate(folder: string, name: string, signedBy?: string, bare = false): Certificate {
  const key = join(folder, `${name}.key`);
  const cert = join(folder, `${name}.pem`);
  const more = bare ? [] : ['-addext', `subjectAltName=DNS:${name}`];
  const subject = ['-subj', `/CN=${name}`, ...more];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const by =
    signedBy === undefined ? [] : ['-CA', join(folder, `${signedBy}.pem`), '-CAkey', join(folder, `${signedBy}.key`)];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject, ...by], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert), file: cert };
}

/** A PBX without calls that speaks AMI over TLS, lets everybody in and tells how many bytes clients sent. */
export async function tlsServer(shown: Certificate) {
  let received = 0;
  const sockets = new Set<tls.TLSSocket>();
  const server = tls.createServer(shown, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text.length;
      for (const [, action, id] of text.matchAll(/^Action: (\w+)\r\nActionID: (.*)\r$/gm)) {
        socket.write(`Response: Success\r\nActionID: ${id}\r\nChallenge: 5\r\n\r\n`);
        if (action === 'Login') socket.write('Event: FullyBooted\r\nUptime: 60\r\n\r\n');
        if (action === 'Status') socket.write(`Event: StatusComplete\r\nActionID: ${id}\r\nListItems: 0\r\n\r\n`);
      }
    });
    socket.write('Asterisk Call Manager/11.0.0\r\n');
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, close, received: () => received };
}
