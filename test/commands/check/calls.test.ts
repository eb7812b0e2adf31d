/** check-config looks at the calls so far with the config as it is now. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openDatabase } from '../../../adapters/sqlite/thread/database.ts';
import { parseConfig } from '../../../config/load.ts';
import { callFindings } from '../../../src/commands/check/calls.ts';
import { commit } from '../../adapters/sqlite/support.ts';
import { call, FakeClock } from '../../delivery/fakes.ts';

t.test('the prefix that the numbers of a trunk begin with is suggested, until it is set', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-check-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'calls.db');
  const clock = new FakeClock();
  const text = (trunk: string) => `[[source]]
type = 'asterisk'
name = 'pbx'
username = 'u'
${trunk}
[leadsquared]
host = 'api-in21.leadsquared.com'
[storage]
path = '${path}'
`;
  const config = (trunk = '') => parseConfig(text(trunk), '/etc/logcalld/logcalld.toml');
  t.same(await callFindings(config(), clock), [], 'before the first start there is nothing to look at');

  const database = await openDatabase(path);
  const now = Math.floor(clock.now());
  const endedAt = now - 60_000;
  const ended = Array.from({ length: 20 }, (_, n) => {
    const external = `77889845${String(10_000 + n * 37)}${n % 10}`;
    const out = { direction: 'Outbound', external, externalE164: null, trunk: 'PJSIP/carrier' } as const;
    return { ...call(n), ...out, source: 'pbx', callSessionId: `pbx-${n}`, startedAt: endedAt - 30_000, endedAt };
  });
  await commit(database.remote.journal, { ended }, now);
  await database.close();
  const [found, ...others] = await callFindings(config(), clock);
  t.match(found, { level: 'warn', about: 'calls of pbx' });
  t.match(found?.lines?.join('\n'), /match = \['PJSIP\/carrier'\]\ndial_prefix = \['7788'\]/);
  t.same(others, []);

  const settled = config("[[source.trunk]]\nmatch = ['PJSIP/carrier']\ndial_prefix = ['7788']");
  t.match(await callFindings(settled, clock), [{ level: 'ok', about: 'calls so far' }]);

  writeFileSync(path, 'no database');
  t.match(await callFindings(config(), clock), [{ level: 'info', text: /^not looked at: .*calls\.db/ }]);
});
