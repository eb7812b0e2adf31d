/** What the daemon copes with is no wrong config: an upgrade is not refused for it, and 78 is not said. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readUnit } from '../../../adapters/host/service/unit.ts';
import { neededFindings } from '../../../src/commands/check/eyes/access.ts';
import { openEyes } from '../../../src/commands/check/eyes/service.ts';
import { logcalldIn } from '../../cli/world.ts';
import { shortFolder } from '../../support/folder.ts';

t.test('no backup folder, no certificate', async (t) => {
  const folder = shortFolder(t, { a: 'one\n', b: 'two\n', c: 'three\n' });
  const config = join(folder, 'logcalld.toml');
  const tls = `[source.tls]\nenabled = true\nca_file = '${join(folder, 'none.pem')}'\n`;
  const backup = `[storage.backup]\nfolder = '${join(folder, 'none')}'\n`;
  writeFileSync(
    config,
    `[[source]]\ntype = 'asterisk'\nname = 'pbx1'\nusername = 'x'\nsecret_file = 'a'\n${tls}
[leadsquared]\nhost = 'api-in21.leadsquared.com'\naccess_key_file = 'b'\nsecret_key_file = 'c'
[storage]\npath = 'x.db'\n${backup}`,
  );
  const { code, out } = await logcalldIn({ SYSTEMD_UNIT_PATH: folder }, 'check-config', '--offline', '-c', config);
  t.match(out, /^FAIL +daily backup/m);
  t.match(out, /^FAIL +TLS of pbx1/m);
  t.equal(code, 1, out);
});

t.test('a folder without which systemd does not start the service', async (t) => {
  const config = '/etc/x/l.toml';
  const folder = shortFolder(t, {
    'logcalld.service': `[Service]\nUser=nobody\nExecStart=/x run --config ${config}\nReadWritePaths=/srv/a +/srv/b -/srv/c\n`,
  });
  const eyes = {
    ...openEyes(config, { SYSTEMD_UNIT_PATH: '/nowhere' }),
    unit: readUnit({ SYSTEMD_UNIT_PATH: folder }),
  };
  const [found] = neededFindings('daily backup', '/srv/a/logcalld', eyes);
  t.match(found, { level: 'warn', text: /^\/srv\/a: .*does not start/, expected: /ReadWritePaths=-\/srv\/a/ });
  t.equal(neededFindings('daily backup', '/srv/b', eyes).length, 1);
  t.same(neededFindings('daily backup', '/srv/c/logcalld', eyes), []);
});
