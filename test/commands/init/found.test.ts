/** What `init` finds of a PBX on the machine. */
import t from 'tap';
import { findPbxs } from '../../../src/commands/init/found.ts';

const silent = async () => false;

t.test('FreePBX: its records in MariaDB, a login that is there already', async (t) => {
  const root = t.testdir({
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
  t.match(await findPbxs({ root, listens: silent }), [
    {
      ...{ type: 'asterisk', product: 'FreePBX', by: '/etc/freepbx.conf', port: 5040 },
      ...{ secret: 'abc', secretIn: '/etc/asterisk/manager_custom.conf' },
      records: { kind: 'freepbx', socket: '/run/mysqld/mysqld.sock' },
    },
  ]);
});

t.test('an Asterisk alone', async (t) => {
  const root = t.testdir({
    etc: { asterisk: { 'manager.conf': '[general]\nport=5038\n' } },
    var: { log: { asterisk: { 'cdr-csv': { 'Master.csv': '' } } } },
  });
  t.match(await findPbxs({ root, listens: silent }), [
    {
      product: 'Asterisk',
      port: null,
      secret: null,
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
  const shipped = t.testdir({ etc: etc('ClueCon') });
  t.match(await findPbxs({ root: shipped, listens: silent }), [
    { type: 'freeswitch', product: 'FreeSWITCH', port: 8022, secret: null, records: null },
  ]);
  const own = t.testdir({ etc: { ...etc('long-one'), fusionpbx: { 'config.conf': '' } }, run: { postgresql: {} } });
  t.match(await findPbxs({ root: own, listens: silent }), [
    { product: 'FusionPBX', secret: 'long-one', records: { kind: 'fusionpbx', socket: '/run/postgresql' } },
  ]);
});

t.test('no files: who listens', async (t) => {
  const root = t.testdir({});
  t.same(await findPbxs({ root, listens: silent }), []);
  t.match(await findPbxs({ root, listens: async (port) => port === 8021 }), [{ type: 'freeswitch', by: 'port 8021' }]);
});
