/** What the files of a unit say of what its daemon may see. */
import { join } from 'node:path';
import t from 'tap';
import { accountOf, groupName, userName } from '../../../adapters/host/service/account.ts';
import { readUnit } from '../../../adapters/host/service/unit.ts';
import { shortFolder } from '../../support/folder.ts';

t.test('the unit that is shipped', async (t) => {
  const unit = readUnit({ SYSTEMD_UNIT_PATH: join(import.meta.dirname, '../../../systemd') });
  t.match(unit, { user: 'logcalld', config: '/etc/logcalld/logcalld.toml', groups: [] });
  t.same(unit?.credentials.get('ami-secret'), { path: '/etc/logcalld/credentials/ami-secret', encrypted: false });
  t.equal(unit?.hidden.get('/root'), 'ProtectHome=yes');
  t.equal(unit?.hidden.get('/tmp'), 'PrivateTmp=yes');
  t.same(unit?.writable, ['/var/lib/logcalld', '/run/logcalld']);
});

t.test('what "systemctl edit" adds; the administrator\'s file stands before the package\'s', async (t) => {
  const folder = shortFolder(t, {
    etc: {
      'logcalld.service.d': {
        '20-more.conf':
          '[Service]\nSupplementaryGroups=asterisk mysql\nLoadCredential=\nLoadCredential=ami-secret-2:/x/two\\\n\nReadWritePaths=/srv/b -/srv/c\n',
        '10-first.conf': '[Unit]\nUser=nobody\n[Service]\nLoadCredentialEncrypted=esl-password:/x/esl.cred\n',
        'override.conf.bak': '[Service]\nUser=wrong\n',
      },
    },
    lib: {
      'logcalld.service':
        '[Service]\nUser=phone\nExecStart=/x run -c /srv/l.toml\nLoadCredential=ami-secret:/x/one\nProtectSystem=strict\nProtectHome=no\n',
      'logcalld.service.d': { '20-more.conf': '[Service]\nUser=wrong\n' },
    },
  });
  const unit = readUnit({ SYSTEMD_UNIT_PATH: `${folder}/etc:${folder}/lib` });
  t.match(unit, { user: 'phone', config: '/srv/l.toml', groups: ['asterisk', 'mysql'] });
  t.same(
    unit?.files.map((file) => file.slice(folder.length)),
    ['/lib/logcalld.service', '/etc/logcalld.service.d/10-first.conf', '/etc/logcalld.service.d/20-more.conf'],
  );
  t.same(
    [...(unit?.credentials ?? [])],
    [
      ['ami-secret-2', { path: '/x/two', encrypted: false }],
      ['esl-password', { path: '/x/esl.cred', encrypted: true }],
    ],
  );
  t.same(unit?.writable, ['/srv/b', '/srv/c']);
  t.same(unit?.needed, ['/srv/b'], 'without these it does not start');
  t.equal(unit?.hidden.size, 0);
});

t.test('no unit, or a masked one', async (t) => {
  t.equal(readUnit({ SYSTEMD_UNIT_PATH: shortFolder(t) }), null);
  t.equal(readUnit({ SYSTEMD_UNIT_PATH: shortFolder(t, { 'logcalld.service': '' }) }), null);
});

t.test('users and groups of the machine', async (t) => {
  const root = accountOf('root', ['daemon', 'no-such-group-here']);
  t.match(root, { uid: 0, gid: 0, missing: ['no-such-group-here'] });
  t.ok(root?.groups.some(({ name }) => name === 'daemon'));
  t.equal(accountOf('no-such-user-here'), null);
  t.same([userName(0), groupName(0), userName(4_000_000)], ['root', 'root', '4000000']);
});
