import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type TlsOptions, tlsSettings } from '../../../../adapters/tls/settings.ts';
import { scriptedServer, watchedClient } from '../support.ts';
import { certificate, tlsServer } from './tls-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-tls-'));
t.teardown(() => rmSync(folder, { recursive: true }));

const secure = (options: Omit<TlsOptions, 'table'>) => () => tlsSettings({ table: '[source.tls]', ...options });

const pbx = certificate(folder, 'pbx.example');
const other = certificate(folder, 'other.example');

t.test('TLS with a certificate of the configured authority', async (t) => {
  const server = await tlsServer(pbx);
  const { client, log } = watchedClient({
    port: server.port,
    tls: secure({ caFile: pbx.file, servername: 'pbx.example' }),
  });
  const connected = await log.find((item) => item.kind === 'connected');
  t.match(connected, { greeting: 'Asterisk Call Manager/11.0.0' });
  const closed = client.close();
  await server.close();
  await closed;
});

t.test('certificates as ast_tls_cert makes them: a common name, of a host or an address', async (t) => {
  for (const name of ['bare.example', '192.0.2.5']) {
    const bare = certificate(folder, name, undefined, true);
    const server = await tlsServer(bare);
    const right = watchedClient({ port: server.port, tls: secure({ caFile: bare.file, servername: name }) });
    await right.log.find((item) => item.kind === 'connected');
    await right.client.close();
    const wrong = watchedClient({ port: server.port, tls: secure({ caFile: bare.file, servername: '192.0.2.6' }) });
    t.match(await wrong.state('refused'), /ALTNAME_INVALID/);
    await wrong.client.close();
    await server.close();
  }
});

t.test('certificates that are not trusted, or not for this host, are refused before anything is sent', async (t) => {
  const server = await tlsServer(pbx);
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
    [
      { caFile: join(folder, 'none.pem') },
      /\[source.tls\] ca_file: .*none.pem cannot be read \(no such file\): name a PEM/,
    ],
    [{ caFile: folder }, /\[source.tls\] ca_file: .* cannot be read \(not a file\)/],
    [{ caFile: key }, /\[source.tls\] ca_file: .*pbx.example.key holds no certificate in PEM form/],
    [{ caFile: damaged }, /\[source.tls\] ca_file: .*certificate 2 of 2 is damaged/],
  ] as const;
  for (const [options, wanted] of cases) {
    const { client, log, state } = watchedClient({ port: server.port, tls: secure(options) });
    t.match(await state('refused'), wanted);
    t.notOk(log.items.some((item) => item.kind === 'connected'));
    await client.close();
  }
  t.equal(server.received(), 0);
  const lax = watchedClient({ port: server.port, tls: secure({ rejectUnauthorized: false }) });
  await lax.log.find((item) => item.kind === 'connected');
  const closed = lax.client.close();
  await server.close();
  await closed;
});

t.test('TLS to a port that speaks plain AMI', async (t) => {
  const server = await scriptedServer();
  const { client, state } = watchedClient({ port: server.port, tls: secure({}) });
  t.match(await state('refused'), /does not speak TLS; use the port of tlsbindaddr.*enabled = false in \[source.tls\]/);
  await client.close();
  await server.close();
});
