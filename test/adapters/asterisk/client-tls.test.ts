import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import t from 'tap';
import { scriptedServer, watchedClient } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-tls-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** A key and a self-signed certificate for one name, made for this run only. */
function certificate(name: string): { key: Buffer; cert: Buffer; file: string } {
  const key = join(folder, `${name}.key`);
  const cert = join(folder, `${name}.pem`);
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert), file: cert };
}

const pbx = certificate('pbx.example');
const other = certificate('other.example');

/** Greets over TLS and tells how many bytes clients sent. */
async function tlsServer() {
  let received = 0;
  const sockets = new Set<tls.TLSSocket>();
  const server = tls.createServer(pbx, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (chunk.toString().startsWith('Action: Challenge'))
        socket.write('Response: Success\r\nActionID: logcalld-1-1\r\nChallenge: 5\r\n\r\n');
      else socket.write('Response: Success\r\nActionID: logcalld-1-2\r\n\r\nEvent: FullyBooted\r\n\r\n');
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

t.test('TLS with a certificate of the configured authority', async (t) => {
  const server = await tlsServer();
  const { client, log } = watchedClient({ port: server.port, tls: { caFile: pbx.file, servername: 'pbx.example' } });
  const connected = await log.find((item) => item.kind === 'connected');
  t.match(connected, { greeting: 'Asterisk Call Manager/11.0.0' });
  const closed = client.close();
  await server.close();
  await closed;
});

t.test('certificates that are not trusted, or not for this host, are refused before anything is sent', async (t) => {
  const server = await tlsServer();
  const key = join(folder, 'pbx.example.key');
  const damaged = join(folder, 'damaged.pem');
  writeFileSync(damaged, `${pbx.cert}-----BEGIN CERTIFICATE-----\nTm9uZQ==\n-----END CERTIFICATE-----\n`);
  const cases = [
    [
      { servername: 'pbx.example' },
      /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\); set ca_file in \[source.tls\] .*servername/,
    ],
    [{ caFile: other.file, servername: 'pbx.example' }, /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)/],
    [{ caFile: pbx.file }, /not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\); set servername in \[source.tls\]/],
    [{ caFile: join(folder, 'none.pem') }, /\[source.tls\] ca_file: .*none.pem cannot be read \(ENOENT\): name a PEM/],
    [{ caFile: folder }, /\[source.tls\] ca_file: .* cannot be read \(not a file\)/],
    [{ caFile: key }, /\[source.tls\] ca_file: .*pbx.example.key holds no certificate in PEM form/],
    [{ caFile: damaged }, /\[source.tls\] ca_file: .*certificate 2 of 2 is damaged/],
  ] as const;
  for (const [options, wanted] of cases) {
    const { client, log, state } = watchedClient({ port: server.port, tls: options });
    t.match(await state('refused'), wanted);
    t.notOk(log.items.some((item) => item.kind === 'connected'));
    await client.close();
  }
  t.equal(server.received(), 0);
  const lax = watchedClient({ port: server.port, tls: { rejectUnauthorized: false } });
  await lax.log.find((item) => item.kind === 'connected');
  const closed = lax.client.close();
  await server.close();
  await closed;
});

t.test('TLS to a port that speaks plain AMI', async (t) => {
  const server = await scriptedServer();
  const { client, state } = watchedClient({ port: server.port, tls: {} });
  t.match(await state('refused'), /does not speak TLS; use the port of tlsbindaddr.*enabled = false in \[source.tls\]/);
  await client.close();
  await server.close();
});
