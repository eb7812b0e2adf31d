import t from 'tap';
import { parseConfig } from '../../config/load.ts';
import { ConfigError, formatProblem } from '../../config/problem.ts';
import { recordsSecret } from '../../config/schema.ts';

const FILE = '/etc/logcalld/logcalld.toml';

const withRecords = (records: string, type = 'asterisk', top = ''): string =>
  [
    top,
    '[[source]]',
    `type = '${type}'`,
    "name = 'pbx1'",
    type === 'asterisk' ? "username = 'logcalld'" : '',
    ...records.split('\n'),
    '[leadsquared]',
    "host = 'api-in21.leadsquared.com'",
  ].join('\n');

const recordsOf = (records: string, type?: string, top?: string) =>
  parseConfig(withRecords(records, type, top), FILE).source[0]?.records ?? [];

function problem(records: string, type?: string): string {
  try {
    recordsOf(records, type);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem).join('\n');
    throw error;
  }
  return '';
}

t.test('no place by default', async (t) => {
  t.same(recordsOf(''), []);
});

t.test('each kind with its defaults', async (t) => {
  const [mysql, sqlite] = recordsOf(
    "[[source.records]]\ntype = 'mysql'\n[[source.records]]\ntype = 'sqlite'\nfile = 'm.db'",
  );
  t.match(mysql, { type: 'mysql', host: '127.0.0.1', port: 3306, socket: null, database: 'asteriskcdrdb' });
  t.match(mysql, { cdr_table: 'cdr', cel_table: 'cel', auth: 'password' });
  t.match(sqlite, { file: '/etc/logcalld/m.db', cel_file: null });
  t.match(recordsOf("[[source.records]]\ntype = 'postgres'"), [{ port: 5432, database: 'asterisk' }]);
  t.match(recordsOf("[[source.records]]\ntype = 'csv'"), [{ cdr_file: '/var/log/asterisk/cdr-csv/Master.csv' }]);
  t.match(recordsOf("[[source.records]]\ntype = 'json-cdr'\nfolder = 'cdr'", 'freeswitch'), [
    { folder: '/etc/logcalld/cdr', spool_folder: null },
  ]);
  t.match(recordsOf("[[source.records]]\ntype = 'fusionpbx'", 'freeswitch'), [{ database: 'fusionpbx', domain: null }]);
});

t.test('where the password is', async (t) => {
  const text = "[[source.records]]\ntype = 'mysql'\npassword_file = 'p'";
  const [mysql] = recordsOf(text);
  t.match(mysql && recordsSecret('pbx1', mysql), {
    what: 'password of logcalld for database asteriskcdrdb of source "pbx1"',
    credential: 'records-password',
    file: '/etc/logcalld/p',
    fileKey: 'password_file',
  });
  for (const none of ["type = 'sqlite'", "type = 'mysql'\nauth = 'peer'\nsocket = '/run/mysqld/mysqld.sock'"]) {
    const [place] = recordsOf(`[[source.records]]\n${none}`);
    t.equal(place && recordsSecret('pbx1', place), null);
  }
});

t.test('TLS of a place, as of a PBX; not over a socket', async (t) => {
  const secure = "[source.records.tls]\nenabled = true\nca_file = 'ca.pem'";
  for (const [type, pbx] of [
    ['mysql', 'asterisk'],
    ['postgres', 'asterisk'],
    ['fusionpbx', 'freeswitch'],
  ]) {
    const place = `[[source.records]]\ntype = '${type}'`;
    t.match(recordsOf(place, pbx), [{ tls: { enabled: false, ca_file: null, servername: null } }]);
    t.match(recordsOf(`${place}\n${secure}`, pbx), [{ tls: { enabled: true, ca_file: '/etc/logcalld/ca.pem' } }]);
    t.match(
      problem(`${place}\nsocket = '/run/server.sock'\n${secure}`, pbx),
      /records\[0\]\.tls\.enabled: found true, expected false, because the server is reached over its socket\. Take socket out/,
    );
  }
});

t.test('what is wrong is said with the place and the remedy', async (t) => {
  const one = (lines: string, type?: string) => problem(`[[source.records]]\n${lines}`, type);
  t.match(
    one("type = 'oracle'"),
    /source\[0\]\.records\[0\]\.type: .* expected 'mysql', 'postgres', 'sqlite' or 'csv'/,
  );
  t.match(one("type = 'json-cdr'"), /expected 'mysql', 'postgres', 'sqlite' or 'csv'/, 'that is of FreeSWITCH');
  t.match(one("type = 'mysql'", 'freeswitch'), /expected 'json-cdr', 'fusionpbx' or 'csv'/);
  t.match(one("type = 'mysql'\ntable = 'cdr'"), /unknown key table.*one of type, host, socket, port, database/s);
  t.match(one("type = 'mysql'\ncdr_tabel = 'cdr'"), /Did you mean cdr_table/);
  t.match(one("type = 'mysql'\ncdr_table = 'cdr; DROP TABLE cdr'"), /expected the name of a table: letters, digits/);
  t.match(one("type = 'mysql'\ncdr_table = ''\ncel_table = ''"), /Name at least one of the two tables/);
  t.match(one("type = 'csv'\ncdr_file = ''"), /Name at least one of the two files/);
  t.match(one("type = 'mysql'\nauth = 'peer'"), /socket: found nothing.*\/run\/mysqld\/mysqld\.sock/);
  t.match(one("type = 'mysql'\nsocket = 'mysqld.sock'"), /a whole path/);
  const inline = one("type = 'mysql'\npassword = 'secret-word'");
  t.match(inline, /records\[0\]\.password: found \[secret\], expected no secret in this file.*password_file/);
  t.notMatch(inline, /secret-word/);
  const allowed = recordsOf(
    "[[source.records]]\ntype = 'mysql'\npassword = 'x'",
    'asterisk',
    'allow_inline_secrets = true',
  );
  t.equal(allowed.length, 1);
});

t.test('two PBXs that write into one place, and what tells their calls apart', async (t) => {
  const notes = (type: string, first: string, second: string): readonly string[] => {
    const source = (name: string, records: string): string[] => [
      `[[source]]\ntype = '${type}'\nname = '${name}'\nhost = '${name}.example'`,
      type === 'asterisk' ? "username = 'logcalld'" : '',
      `[[source.records]]\n${records}`,
    ];
    const crm = ['[leadsquared]', "host = 'api-in21.leadsquared.com'"];
    return parseConfig([...source('pbx1', first), ...source('pbx2', second), ...crm].join('\n'), FILE).notes;
  };
  const mysql = "type = 'mysql'";
  const named = (name: string): string => `${mysql}\nsystem_name = '${name}'`;
  const [note, ...more] = notes('asterisk', mysql, mysql);
  t.match(
    note,
    /^sources pbx1 and pbx2 read their records from one place \(table cdr of asteriskcdrdb at 127\.0\.0\.1:3306\)/,
  );
  t.match(note, /set system_name in \[\[source\.records\]\] of each\.$/);
  t.same(more, []);
  t.equal(notes('asterisk', named('a'), mysql).length, 1, 'the other one still takes all');
  t.same(notes('asterisk', named('a'), named('b')), []);
  t.same(notes('asterisk', mysql, `${mysql}\nhost = '10.0.0.2'`), []);
  t.same(notes('asterisk', mysql, `${mysql}\ncdr_table = 'cdr2'\ncel_table = 'cel2'`), []);
  const fusion = "type = 'fusionpbx'";
  t.match(notes('freeswitch', fusion, fusion), [/set domain in \[\[source\.records\]\] of each/]);
  t.same(notes('freeswitch', `${fusion}\ndomain = 'a.example'`, `${fusion}\ndomain = 'b.example'`), []);
  t.match(notes('freeswitch', "type = 'json-cdr'", "type = 'json-cdr'"), [/give each PBX a place of its own/]);
  t.match(problem("[[source.records]]\ntype = 'mysql'\nsystem_name = 'a b'"), /systemname of asterisk\.conf: letters/);
});
