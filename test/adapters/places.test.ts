/** The places of records that a config names. */
import t from 'tap';
import { createRecords } from '../../adapters/index.ts';
import { parseConfig } from '../../config/load.ts';

/** Names of the places of one source. */
function namesOf(type: string, ...places: readonly string[]): readonly string[] {
  const source = [
    '[[source]]',
    `type = '${type}'`,
    "name = 'pbx1'",
    ...(type === 'asterisk' ? ["username = 'logcalld'"] : []),
    ...places.flatMap((place) => ['[[source.records]]', place]),
    '[leadsquared]',
    "host = 'api-in21.leadsquared.com'",
  ];
  const [config] = parseConfig(source.join('\n'), '/etc/logcalld/logcalld.toml').source;
  return config === undefined ? [] : createRecords(config, { secret: () => '' }).map(({ name }) => name);
}

t.test('each place of a PBX has a name of its own', async (t) => {
  t.strictSame(namesOf('asterisk', "type = 'mysql'"), ['MariaDB asteriskcdrdb (cdr, cel)']);
  t.strictSame(namesOf('asterisk', "type = 'mysql'\nhost = '10.0.0.1'", "type = 'mysql'\nhost = '10.0.0.2'"), [
    'MariaDB asteriskcdrdb (cdr, cel) at 10.0.0.1:3306',
    'MariaDB asteriskcdrdb (cdr, cel) at 10.0.0.2:3306',
  ]);
  const domain = (name: string): string => `type = 'fusionpbx'\ndomain = '${name}'`;
  t.strictSame(namesOf('freeswitch', domain('first.example'), domain('second.example')), [
    'PostgreSQL fusionpbx (v_xml_cdr, first.example)',
    'PostgreSQL fusionpbx (v_xml_cdr, second.example)',
  ]);
});
