/** What check-config says of the PBX's own records. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseConfig } from '../../../config/load.ts';
import { recordsFindings } from '../../../src/commands/check/records.ts';
import { shortFolder } from '../../support/folder.ts';

function sourceWith(records: string, type = 'asterisk') {
  const user = type === 'asterisk' ? "username = 'logcalld'" : '';
  const text = `[[source]]\ntype = '${type}'\nname = 'pbx1'\n${user}\n${records}\n[leadsquared]\nhost = 'api-in21.leadsquared.com'`;
  const [source] = parseConfig(text, '/etc/logcalld/logcalld.toml').source;
  if (source === undefined) throw new Error('there is a source');
  return source;
}

t.test('no place: calls that nobody heard cannot be filled in, with the lines to add', async (t) => {
  const folder = shortFolder(t, { 'freepbx.conf': '' });
  const [stock] = await recordsFindings(sourceWith(''), join(folder, 'none'));
  t.match(stock, { level: 'warn', about: 'records of pbx1', text: /^none: calls made while nobody listens/ });
  t.match(stock?.lines?.join('\n'), /type = 'csv'/);
  const [freepbx] = await recordsFindings(sourceWith(''), join(folder, 'freepbx.conf'));
  t.match(freepbx?.lines?.join('\n'), /type = 'mysql'.*GRANT SELECT ON asteriskcdrdb\.\* TO 'logcalld'@'localhost'/s);
  const [freeswitch] = await recordsFindings(sourceWith('', 'freeswitch'), join(folder, 'freepbx.conf'));
  t.match(freeswitch?.lines?.join('\n'), /type = 'json-cdr'/);
  for (const { lines = [] } of [stock, freepbx].flatMap((one) => one ?? []))
    t.doesNotThrow(() => sourceWith(lines.join('\n')), 'these lines are valid');
  t.doesNotThrow(() => sourceWith(freeswitch?.lines?.join('\n') ?? '', 'freeswitch'));
});

t.test('a place that cannot be read, one without a password, and one that lacks something', async (t) => {
  const folder = shortFolder(t);
  const missing = await recordsFindings(
    sourceWith(`[[source.records]]\ntype = 'csv'\ncdr_file = '${folder}/Master.csv'`),
  );
  t.match(missing, [{ level: 'FAIL', about: 'records of pbx1', text: /Master\.csv: does not exist/ }]);
  const secret = await recordsFindings(sourceWith("[[source.records]]\ntype = 'mysql'\nport = 1"));
  t.match(secret, [{ level: 'FAIL', text: /There is no password of logcalld for database asteriskcdrdb/ }]);
  writeFileSync(`${folder}/Master.csv`, '');
  const empty = await recordsFindings(
    sourceWith(`[[source.records]]\ntype = 'csv'\ncdr_file = '${folder}/Master.csv'`),
  );
  t.match(empty, [
    { level: 'ok', text: /Master\.csv: can be read/ },
    { level: 'info', text: /CEL is not read: .*cel_custom\.conf/ },
  ]);
});
