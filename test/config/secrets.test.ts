/** Every key of the schema that takes a secret: refused in the file, and never shown, whatever is wrong with it. */
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import t from 'tap';
import { schemaKeys } from '../../config/keys.ts';
import { parseConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { configSchema, SECRET_KEYS } from '../../config/schema.ts';
import { readSecrets } from '../../src/commands/check/eyes/secrets.ts';
import { openEyes } from '../../src/commands/check/eyes/service.ts';
import { bundleText } from '../../src/commands/doctor/support.ts';
import { shortFolder } from '../support/folder.ts';

/** A config in which nothing stands but what is at the path of a key, in the notation of `schemaKeys`. */
function configWith(path: string, value: unknown): string {
  const build = ([first = '', ...rest]: readonly string[]): unknown => {
    const [, name = '', type] = /^(\w+)(?:\(([\w-]+)\))?$/.exec(first) ?? [];
    const inner = rest.length === 0 ? value : build(rest);
    const own = typeof inner === 'object' && inner !== null && type !== undefined ? [{ type, ...inner }] : inner;
    return { [name]: own };
  };
  return stringify(build(path.split('.')));
}

function refusal(text: string): string {
  try {
    parseConfig(text, '/x.toml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

function reportOf(folder: string): string {
  const machine = { unit: null, clockKept: null, exposure: null };
  const parts = { ...{ at: 0, system: '', user: '', machine, findings: [], unitFiles: [], status: null }, log: null };
  return bundleText({ ...parts, secrets: [], config: join(folder, 'l.toml') });
}

t.test('no key of a secret is forgotten', async (t) => {
  t.same([...SECRET_KEYS].sort(), ['access_key', 'password', 'secret', 'secret_key', 'token']);
  const paths = schemaKeys(configSchema).flatMap(({ path, secret }) => (secret ? [path] : []));
  t.ok(paths.includes('page.token'));
  for (const path of paths) {
    const text = configWith(path, 'hunter-one');
    const line = refusal(text)
      .split('\n')
      .find((one) => /no secret in this file/.test(one));
    t.match(line, new RegExp(`${path.split('.').at(-1)}: found \\[secret\\]`), path);
    t.notMatch(refusal(text), 'hunter', path);
    t.notMatch(refusal(`allow_inline_secrets = true\n${configWith(path, ['hunter-one'])}`), 'hunter', path);
    const report = reportOf(shortFolder(t, { 'l.toml': text }));
    t.match(report, '[secret]', path);
    t.notMatch(report, 'hunter', path);
  }
});

t.test('the token of a page that is not served is kept out of a report as well', async (t) => {
  const text =
    "allow_inline_secrets = true\n[[source]]\ntype = 'asterisk'\nname = 'p'\nusername = 'u'\nsecret = 'one-secret'\n";
  const crm = "[leadsquared]\nhost = 'x.example'\naccess_key = 'two-secret'\nsecret_key = 'three-secret'\n";
  const config = parseConfig(`${text}${crm}[page]\ntoken = 'four-secret'\n`, '/x.toml');
  const eyes = openEyes('/x.toml', { SYSTEMD_UNIT_PATH: '/nowhere' });
  const { found, findings } = readSecrets(config, eyes);
  t.ok(found.some((secret) => secret.reveal() === 'four-secret'));
  t.equal(findings.length, 3, 'and nothing is said of it');
});

t.test('a table that was written as a list of tables shows nothing of what is in it', async (t) => {
  for (const table of ['leadsquared', 'page', 'source.tls'])
    t.notMatch(refusal(`[[source]]\ntype = 'asterisk'\n[[${table}]]\nsecret_key = 'hunter-one'\n`), 'hunter', table);
});
