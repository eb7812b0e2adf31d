/** What `init` finds of a PBX on the machine. */
import t from 'tap';
import type { Invocation } from '../../../src/cli/command.ts';
import type { Asker } from '../../../src/commands/init/ask.ts';
import { findPbxs } from '../../../src/commands/init/found.ts';
import { targetOf } from '../../../src/commands/init/place.ts';
import { secretsFor } from '../../../src/commands/init/secrets.ts';
import type { Answers } from '../../../src/commands/init/text.ts';
import { shortFolder } from '../../support/folder.ts';

const ANSWERS: Answers = {
  ...{ type: 'asterisk', name: 'pbx1', host: '127.0.0.1', port: null, tls: false, username: 'logcalld', country: 'IN' },
  ...{ records: null, crm: 'api.example.com', defaultUser: null, omit: false },
};

const silent = async () => false;

t.test('FreePBX: its records in MariaDB, a login that is there already', async (t) => {
  const root = shortFolder(t, {
    etc: {
      'freepbx.conf': '<?php',
      asterisk: {
        'manager.conf':
          '; [logcalld]\n; secret = no\n[general]\nport = 5040 ; not 5038\n#include manager_custom.conf\n',
        'manager_custom.conf': '[other]\nsecret = wrong\n[logcalld](+)\nsecret=abc;def\n',
      },
    },
    run: { mysqld: { 'mysqld.sock': '' } },
  });
  const found = await findPbxs({ root, listens: silent });
  t.match(found, [
    {
      ...{ type: 'asterisk', product: 'FreePBX', by: '/etc/freepbx.conf', port: 5040 },
      records: { kind: 'freepbx', socket: '/run/mysqld/mysqld.sock' },
    },
  ]);
  const file = '/etc/asterisk/manager_custom.conf';
  t.same(found[0]?.loginOf('logcalld'), { secret: 'abc', file });
  t.same(found[0]?.loginOf('other'), { secret: 'wrong', file }, 'each user has his own');
  t.equal(found[0]?.loginOf('crm'), null);
});

t.test('an Asterisk alone', async (t) => {
  const root = shortFolder(t, {
    etc: { asterisk: { 'manager.conf': '[general]\nport=5038\n' } },
    var: { log: { asterisk: { 'cdr-csv': { 'Master.csv': '' } } } },
  });
  t.match(await findPbxs({ root, listens: silent }), [
    {
      product: 'Asterisk',
      port: null,
      records: { kind: 'csv', file: '/var/log/asterisk/cdr-csv/Master.csv' },
    },
  ]);
});

t.test('FreeSWITCH and FusionPBX: the password that everybody knows is none', async (t) => {
  const socket = (password: string) =>
    `<configuration><!-- <param name="password" value="old"/> --><param name="listen-port" value="8022"/><param name="password" value="${password}"/>`;
  const etc = (password: string) => ({
    freeswitch: { autoload_configs: { 'event_socket.conf.xml': socket(password) } },
  });
  const shipped = shortFolder(t, { etc: etc('ClueCon') });
  t.match(await findPbxs({ root: shipped, listens: silent }), [
    { type: 'freeswitch', product: 'FreeSWITCH', port: 8022, records: null },
  ]);
  t.equal((await findPbxs({ root: shipped, listens: silent }))[0]?.loginOf(''), null);
  const own = shortFolder(t, {
    etc: { ...etc('long-one'), fusionpbx: { 'config.conf': '' } },
    run: { postgresql: {} },
  });
  const found = await findPbxs({ root: own, listens: silent });
  t.match(found[0]?.loginOf(''), { secret: 'long-one', file: /event_socket\.conf\.xml$/ });
  t.match(found, [{ product: 'FusionPBX', records: { kind: 'fusionpbx', socket: '/run/postgresql' } }]);
});

t.test('no files: who listens', async (t) => {
  const root = shortFolder(t);
  t.same(await findPbxs({ root, listens: silent }), []);
  t.match(await findPbxs({ root, listens: async (port) => port === 8021 }), [{ type: 'freeswitch', by: 'port 8021' }]);
});

t.test('the secret of one user of the PBX is never that of another', async (t) => {
  const folder = shortFolder(t, {
    etc: { asterisk: { 'manager.conf': '[logcalld]\nsecret = of-logcalld\n[own]\nsecret=of-own\n' } },
  });
  const [pbx = null] = await findPbxs({ root: folder, listens: silent });
  const invocation = { value: () => null, flag: () => false } as unknown as Invocation;
  const target = targetOf(folder);
  const of = (username: string, asker: Asker | null) =>
    secretsFor({ invocation, asker, next: async () => '', target }, { ...ANSWERS, username }, pbx);
  const own = await of('own', null);
  t.match([own.written.get('ami-secret'), own.forPbx], ['of-own', null]);
  const fresh = await of('crm', null);
  t.match(fresh.written.get('ami-secret'), /^[\w-]{32}$/, 'a new one');
  t.equal(fresh.forPbx, fresh.written.get('ami-secret'), 'which the PBX has to be told');
  const asked: string[] = [];
  const asker = {
    yes: async (question: string) => asked.push(question) > 0,
    hidden: async () => '',
  } as unknown as Asker;
  await of('crm', asker);
  t.same(asked, [], 'nobody is told that this user is there');
  await of('own', asker);
  t.match(asked, [/manager\.conf has a user own already/]);
});
