/** Records over TLS, with a certificate of an authority of the tests' own, as a user's config has it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRecords } from '../../../adapters/index.ts';
import { parseConfig } from '../../../config/load.ts';
import type { CallRecords } from '../../../src/records/port.ts';
import { certificate } from '../../adapters/asterisk/link/tls-support.ts';
import { messageOf } from '../report.ts';
import { command } from './server.ts';
import { READER, type Tables } from './tables.ts';

interface TlsRow {
  readonly story: string;
  readonly run: () => Promise<readonly string[]>;
}

const NAME = 'database.example';
const AUTHORITY = 'authority.example';

/** The server is started anew for these, with and without a certificate. */
export function tlsRows(tables: Tables): readonly TlsRow[] {
  const { server, type } = tables;
  const mysql = type === 'mysql';
  const file = (name: string): string => join(server.folder, name);
  const authority = `ca_file = "${file(`${AUTHORITY}.pem`)}"`;
  const named = `servername = "${NAME}"`;
  const row = (story: string, run: TlsRow['run']): TlsRow => ({
    story: `${mysql ? 'MariaDB' : 'PostgreSQL'}: ${story}`,
    run,
  });
  const refused = (story: string, wanted: RegExp, lines: readonly string[] | null): TlsRow =>
    row(story, async () => {
      const place = placeOf(tables, lines);
      const { problem } = await place.check();
      const thrown = await readAll(place).then(
        () => 'it was read',
        (error: unknown) => messageOf(error),
      );
      await place.close();
      const said = [problem ?? 'check: nothing', thrown];
      return said.filter((text) => !wanted.test(text)).map((text) => `it said: ${text}`);
    });

  return [
    row('over TLS, to a server that takes nothing else', async () => {
      await startSecure(tables);
      const place = placeOf(tables, [authority, named]);
      const { problem } = await place.check();
      const pages = await readAll(place);
      await place.close();
      return [...(problem === null ? [] : [problem]), ...(pages > 0 ? [] : ['it read no calls'])];
    }),
    refused(
      'without TLS, to a server that takes nothing else',
      /wants TLS(?:: set enabled = true in| says the same:) \[source\.records\.tls\]/,
      null,
    ),
    refused('a certificate of another authority', /not trusted; set ca_file in \[source\.records\.tls\]/, [named]),
    refused('a certificate of another name', /not trusted; set servername in \[source\.records\.tls\]/, [
      authority,
      'servername = "other.example"',
    ]),
    refused('a certificate without the address', /set servername in \[source\.records\.tls\] to the name in it/, [
      authority,
    ]),
    refused(
      'an authority that is not there',
      /\[source\.records\.tls\] ca_file: \S+nowhere\.pem cannot be read \(no such file\)/,
      [`ca_file = "${file('nowhere.pem')}"`, named],
    ),
    row('over TLS, to a server that has none', async () => {
      await server.stop();
      await server.start(mysql ? ['--skip-ssl'] : ['-c', 'ssl=off']);
      const { run } = refused('', /has no TLS: give it a certificate, or set enabled = false/, [authority, named]);
      return run();
    }),
  ];
}

async function startSecure({ server, type }: Tables): Promise<void> {
  const mysql = type === 'mysql';
  const { folder } = server;
  certificate(folder, AUTHORITY);
  certificate(folder, NAME, AUTHORITY);
  const [key, cert] = [join(folder, `${NAME}.key`), join(folder, `${NAME}.pem`)];
  await command(['chown', mysql ? 'mysql' : 'postgres', key, cert]);
  await server.stop();
  if (mysql) {
    await server.start([`--ssl-cert=${cert}`, `--ssl-key=${key}`, '--require-secure-transport=ON']);
    return;
  }
  const access = 'local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n';
  await writeFile(join(folder, 'data', 'pg_hba.conf'), access);
  await server.start(['ssl=on', `ssl_cert_file=${cert}`, `ssl_key_file=${key}`].flatMap((one) => ['-c', one]));
}

/** `lines` of `[source.records.tls]`; `null`: it is not enabled. */
function placeOf({ config }: Tables, lines: readonly string[] | null): CallRecords {
  const text = [
    ...['[[source]]', 'type = "asterisk"', 'name = "records"', 'username = "logcalld"'],
    ...config,
    ...(lines === null ? [] : ['[source.records.tls]', 'enabled = true', ...lines]),
    ...['[leadsquared]', 'host = "api-in21.leadsquared.com"'],
  ].join('\n');
  const [source] = parseConfig(text, '/etc/logcalld/logcalld.toml').source;
  const [place] = source === undefined ? [] : createRecords(source, { secret: () => READER.password });
  if (place === undefined) throw new Error('the config has no place of records');
  return place;
}

async function readAll(place: CallRecords): Promise<number> {
  let pages = 0;
  for await (const { events } of place.read({ from: Date.UTC(2020, 0), to: Date.now() })) {
    pages += events.length > 0 ? 1 : 0;
  }
  return pages;
}
