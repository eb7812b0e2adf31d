/** `[source.tls]` of the config reaches the socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createClock } from '../../../adapters/host/clock.ts';
import { createSource } from '../../../adapters/index.ts';
import { parseConfig } from '../../../config/load.ts';
import { checkAuthorities } from '../../../src/commands/check/eyes/authorities.ts';
import { checkSource } from '../../../src/commands/check/reach.ts';
import type { SourceStatus } from '../../../src/ports.ts';
import { Secret } from '../../../src/secret.ts';
import { certificate, tlsServer } from '../../adapters/asterisk/link/tls-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-tls-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const authority = certificate(folder, 'authority.example');
const pbx = certificate(folder, 'pbx.example', 'authority.example');

function sourceOf(port: number, lines: string) {
  const text = `[[source]]
type = 'asterisk'
name = 'pbx1'
port = ${port}
username = 'logcalld'
[source.tls]
enabled = true
${lines}
[leadsquared]
host = 'api-in21.leadsquared.com'
`;
  const [source] = parseConfig(text, 'logcalld.toml').source;
  if (source === undefined) throw new Error('no source');
  return source;
}

t.test('a PBX whose certificate is of its own authority', async (t) => {
  const server = await tlsServer(pbx);
  t.teardown(server.close);
  const right = sourceOf(server.port, `ca_file = '${authority.file}'\nservername = 'pbx.example'`);
  const secret = new Secret('pw');
  t.match(await checkSource(right, secret, []), { level: 'ok', text: /logged in, 0 live channels/ }, 'check-config');

  const source = createSource(right, { clock: createClock(), secret: () => 'pw' });
  const status = await new Promise<SourceStatus>((resolve) => {
    source.start(
      () => {},
      (status) => {
        if (status.state !== 'connecting') resolve(status);
      },
    );
  });
  t.match(status, { state: 'connected', problem: null }, 'run');
  await source.stop();

  const wrong = [
    ["servername = 'pbx.example'", /certificate that is not trusted .* set ca_file in \[source.tls\]/],
    [`ca_file = '${authority.file}'`, /set servername in \[source.tls\] to the name in the certificate/],
    [`ca_file = '${join(folder, 'none.pem')}'`, /\[source.tls\] ca_file: .*none.pem cannot be read \(no such file\)/],
  ] as const;
  for (const [lines, text] of wrong) {
    t.match(await checkSource(sourceOf(server.port, lines), secret, []), { level: 'FAIL', text });
  }
});

t.test('the file is looked at before any PBX is asked', async (t) => {
  t.same(checkAuthorities(sourceOf(5039, '')), []);
  t.match(checkAuthorities(sourceOf(5039, `ca_file = '${pbx.file}'`)), [{ level: 'ok', about: 'TLS of pbx1' }]);
  const key = join(folder, 'pbx.example.key');
  t.match(checkAuthorities(sourceOf(5039, `ca_file = '${key}'`)), [
    { level: 'FAIL', text: /^\[source.tls\] ca_file: .* holds no certificate in PEM form/ },
  ]);
  const records = `[[source.records]]\ntype = 'mysql'\n[source.records.tls]\nenabled = true\nca_file = '${key}'`;
  t.match(checkAuthorities(sourceOf(5039, records)), [
    { level: 'FAIL', text: /^\[source.records.tls\] ca_file: .* holds no certificate in PEM form/ },
  ]);
});
