import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import t from 'tap';
import { loadConfig, parseConfig } from '../../config/load.ts';
import { ConfigError, formatProblem, type Problem } from '../../config/problem.ts';
import { databaseOf } from '../../config/read.ts';
import { leadsquaredSecrets, sourceSecret } from '../../config/schema.ts';

const minimal = `
[[source]]
type = 'asterisk'
name = 'pbx1'
username = 'logcalld'

[leadsquared]
host = 'api-in21.leadsquared.com'
`;

function problemsOf(text: string): readonly Problem[] {
  try {
    parseConfig(text, '/etc/logcalld/logcalld.toml');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

t.test('prefixes of a trunk: digits, "*" and "#" in quotes', async (t) => {
  const withPrefix = (value: string) =>
    minimal.replace('[leadsquared]', `[[source.trunk]]\nmatch = ['PJSIP/t']\ndial_prefix = ${value}\n\n[leadsquared]`);
  const config = parseConfig(withPrefix("['1234#', '9', '+99']"), '/etc/logcalld/logcalld.toml');
  t.same(config.source[0]?.trunk[0]?.dial_prefix, ['1234#', '9', '+99']);
  for (const [value, message] of [
    ["'9'", /a list of beginnings in quotes/],
    ['[9]', /in quotes/],
    ["['9w']", /digits, "\*" and "#"/],
    ["['']", /digits, "\*" and "#"/],
  ] as const) {
    t.match(problemsOf(withPrefix(value)).map(formatProblem).join('\n'), message, value);
  }
});

t.test('a minimal file gets every default, with durations in ms', async (t) => {
  const config = parseConfig(minimal, '/etc/logcalld/logcalld.toml');
  t.equal(config.calls.close_grace, 2_000);
  t.equal(config.leadsquared.limit.requests, 25);
  t.equal(config.leadsquared.limit.window, 5_000);
  t.equal(config.leadsquared.host, 'https://api-in21.leadsquared.com');
  t.equal(config.leadsquared.body.status.outbound.Failed, 'CallFailure');
  t.equal(config.source[0]?.port, 5038);
  t.equal(config.storage.path, '/var/lib/logcalld/logcalld.db');
});

t.test('the config cannot be changed afterwards', async (t) => {
  const config = parseConfig(minimal, '/x.toml');
  t.ok(Object.isFrozen(config) && Object.isFrozen(config.leadsquared.limit) && Object.isFrozen(config.source[0]));
});

t.test('systemd names the folder of the database, unless the file does', async (t) => {
  const env = { STATE_DIRECTORY: '/srv/state:/other' };
  t.equal(parseConfig(minimal, '/x.toml', { env }).storage.path, '/srv/state/logcalld.db');
  t.equal(parseConfig(`${minimal}[storage]\npath = '/data/l.db'`, '/x.toml', { env }).storage.path, '/data/l.db');
});

t.test('the database is found without the rest of the config, and is the same one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'x.toml');
  const found = (text: string, env = {}) => {
    writeFileSync(file, text);
    return databaseOf(file, { env });
  };
  for (const storage of ['', "[storage]\npath = 'calls.db'", "[storage]\npath = ' /data/l.db '", '[storage]\n'])
    for (const env of [{}, { STATE_DIRECTORY: '/srv/state:/other' }])
      t.equal(found(minimal + storage, env), loadConfig(file, { env }).storage.path, storage);
  t.equal(found("[storage]\npath = '/data/l.db'\n[lead]\nx = 1"), '/data/l.db', 'the rest does not matter');
  for (const wrong of ['[storage]\npath = 1', "[storage]\npath = ' '", "storage = 'x'"])
    t.equal(found(wrong), null, wrong);
  t.throws(() => found('[storage'), { name: 'ConfigError' });
  t.throws(() => databaseOf(join(folder, 'none.toml')), { message: /no such file/ });
});

t.test('file names count from the folder of the config', async (t) => {
  const text = `${minimal}access_key_file = 'keys/access'\n[leadsquared.user]\nfile = 'users.csv'`;
  const config = parseConfig(text, '/etc/logcalld/logcalld.toml');
  t.equal(config.leadsquared.user.file, '/etc/logcalld/users.csv');
  t.equal(leadsquaredSecrets(config.leadsquared).accessKey.file, '/etc/logcalld/keys/access');
});

t.test('the lab of the recordings needs no secret', async (t) => {
  const config = loadConfig(join(import.meta.dirname, '../fixtures/lab.toml'));
  t.same(
    config.source.map((source) => [source.name, sourceSecret(source).file]),
    [
      ['asterisk', null],
      ['freeswitch', null],
    ],
  );
});

t.test('all problems are told at once, with line, key and remedy', async (t) => {
  const text = [
    '[[source]]', // 1
    "type = 'asterisk'",
    "name = 'pbx1'",
    "usrname = 'x'", // 4
    "port = '5038'", // 5
    'extensions = [', // 6
    "  'PJSIP/{who}',",
    ']',
    '[source.tls]',
    'enable = true', // 10
    '[[source]]', // 11
    "type = 'mitel'", // 12
    '[[source]]',
    "type = 'freeswitch'",
    "name = 'pbx1'", // 15
    '[leadsquared.limit]', // 16
    'requests = 0', // 17
    "window = '5 sec'", // 18
    '[leadsquared.user]',
    "unknown = ['default-user']",
    '[call]', // 21
  ].join('\n');
  const told = problemsOf(text).map(({ line, key }) => `${line} ${key}`);
  t.same(
    told.sort(),
    [
      '1 source[0].username',
      '10 source[0].tls.enable',
      '12 source[1].type',
      '15 source[2].name',
      'null leadsquared.host',
      '17 leadsquared.limit.requests',
      '18 leadsquared.limit.window',
      '19 leadsquared.user.default_user',
      '21 call',
      '4 source[0].usrname',
      '5 source[0].port',
      '6 source[0].extensions[0]',
    ].sort(),
  );
});

t.test('a misspelt key is answered with the right one', async (t) => {
  const remedy = (text: string): string | undefined => problemsOf(text)[0]?.remedy;
  t.equal(remedy(`${minimal}acess_key_file = 'x'`), 'Did you mean access_key_file?');
  t.equal(remedy(`${minimal}[calls]\nclose-grace = '1s'`), 'Did you mean close_grace?');
  t.equal(remedy(minimal.replace('username', 'user_name')), 'Add username below [[source]].');
  t.match(remedy(`${minimal}zzzzzzzz = 1`), /Take it out/);
});

t.test('a key of the other PBX is not offered', async (t) => {
  const text = minimal.replace("type = 'asterisk'", "type = 'freeswitch'");
  const [problem] = problemsOf(text);
  t.equal(problem?.key, 'source[0].username');
  t.notMatch(problem?.expected, /secret_file/);
  t.match(problem?.expected, /password_file/);
});

t.test('secrets in the file are refused, and never shown', async (t) => {
  const text = `${minimal}secret_key = 'hunter2'`.replace('[leadsquared]', "secret = 'hunter3'\n[leadsquared]");
  const problems = problemsOf(text);
  t.same(
    problems.map(({ key }) => key),
    ['source[0].secret', 'leadsquared.secret_key'],
  );
  const page = problemsOf(`${minimal}[page]\ntoken = 'hunter4'\n`);
  t.same(
    page.map(({ key }) => key),
    ['page.token'],
  );
  t.notMatch(page.map(formatProblem).join('\n'), /hunter/);
  t.notMatch(problems.map(formatProblem).join('\n'), /hunter/);
  const config = parseConfig(`allow_inline_secrets = true\n${text}`, '/x.toml');
  t.notMatch(inspect(config, { depth: 9 }) + JSON.stringify(config), /hunter/);
  t.equal(leadsquaredSecrets(config.leadsquared).secretKey.inline?.reveal(), 'hunter2');
  const [source] = config.source;
  t.equal(source === undefined ? null : sourceSecret(source).inline?.reveal(), 'hunter3');
});

t.test('secrets of the wrong kind or under a wrong name are not shown either', async (t) => {
  t.notMatch(problemsOf(`allow_inline_secrets = true\n${minimal}secret_key = 4711`).map(formatProblem).join(), /4711/);
  t.notMatch(
    problemsOf(`allow_inline_secrets = true\n${minimal}[page]\ntoken = 4711`).map(formatProblem).join(),
    /4711/,
  );
  t.notMatch(problemsOf(`${minimal}secretkey = 'hunter2'`).map(formatProblem).join(), /hunter/);
  const broken = problemsOf(`${minimal}secret_key = 'hunter2`);
  t.equal(broken[0]?.line, 9);
  t.notMatch(broken.map(formatProblem).join(), /hunter/);
});

t.test('secrets in the place of a host are not shown either', async (t) => {
  const told = (text: string): string => problemsOf(text).map(formatProblem).join('\n');
  const crm = (host: string): string => told(minimal.replace('api-in21.leadsquared.com', host));
  for (const host of [
    'https://me:hunter2@api.leadsquared.com',
    'https://me:hunter2@api.leadsquared.com/v2/?accessKey=hunter3',
    `https://me:${'hunter'.repeat(20)}@api.leadsquared.com`,
    'http://me:hunter2@api.leadsquared.com',
    'me:hunter2@api.leadsquared.com',
    'api.leadsquared.com/v2/?accessKey=hunter3&secretKey=hunter4',
    'accessKey=hunter3&secretKey=hunter4',
  ]) {
    t.match(crm(host), /leadsquared\.host: found /, host);
    t.notMatch(crm(host), /hunt/, host);
  }
  t.match(
    crm('https://api.leadsquared.com/v2'),
    /found 'https:\/\/api\.leadsquared\.com\/v2'/,
    'what stands there is told',
  );
  const pbx = told(minimal.replace("type = 'asterisk'", "type = 'asterisk'\nhost = 'ami://me:hunter2@pbx'"));
  t.match(pbx, /source\[0\]\.host: found 'ami:\/\/\[login\]@pbx', expected .*without a scheme, a login or a path/);
  const place = "[[source.records]]\ntype = 'mysql'\nhost = 'mysql://me:hunter2@db'\n\n[leadsquared]";
  t.match(told(minimal.replace('[leadsquared]', place)), /records\[0\]\.host: found 'mysql:\/\/\[login\]@db'/);
  for (const host of ['pbx.example', '127.0.0.1', '::1', 'fe80::1%eth0', 'p\u00e4x_1'])
    t.same(told(minimal.replace("type = 'asterisk'", `type = 'asterisk'\nhost = '${host}'`)), '', host);
});

t.test('numbers are not shown whole', async (t) => {
  const wrong =
    "[[source.trunk]]\nmatch = 'PJSIP/9845012345'\n[source.direct_lines]\n'+918041110001' = 1001\n[leadsquared]";
  const told = problemsOf(minimal.replace('[leadsquared]', wrong)).map(formatProblem).join('\n');
  t.match(told, /:\d+: source\[0\]\.trunk\[0\]\.match: found 'PJSIP\/\*\*\*2345'/);
  t.match(told, /:\d+: source\[0\]\.direct_lines\.\*\*\*0001: found 1001/);
});

t.test('http only to this machine and only when asked for', async (t) => {
  const at = (host: string, more = '') => problemsOf(minimal.replace('api-in21.leadsquared.com', host) + more).length;
  t.equal(at('http://127.0.0.1:8080'), 1);
  t.equal(at('http://127.0.0.1:8080', 'insecure = true'), 0);
  t.equal(at('http://api.leadsquared.com', 'insecure = true'), 1);
  t.equal(at('HTTP://api.leadsquared.com', 'insecure = true'), 1);
  t.equal(at('https://api.leadsquared.com'), 0);
  t.equal(at('https://api.leadsquared.com/v2'), 1);
});

t.test('direct lines are numbers and extensions', async (t) => {
  const lines = (text: string) => minimal.replace('\n[leadsquared]', `\n[source.direct_lines]\n${text}\n[leadsquared]`);
  t.same(parseConfig(lines("'+918041110001' = '1001'"), '/x.toml').source[0]?.direct_lines, {
    '+918041110001': '1001',
  });
  t.match(problemsOf(lines("'08041110001' = '1001'"))[0], { line: 8, expected: /international number/ });
  t.match(problemsOf(lines("'+918041110001' = 1001"))[0], { line: 8, found: '1001', expected: /extension/ });
});

t.test('durations outside of their bounds are refused', async (t) => {
  t.equal(problemsOf(`${minimal}[calls]\nclose_grace = '6m'`).length, 1);
  t.equal(problemsOf(`${minimal}[calls]\nclose_grace = '0s'`).length, 0);
  t.equal(problemsOf(`${minimal}[calls]\nclose_grace = 2`).length, 1);
});

t.test('a file without a PBX, and no file at all', async (t) => {
  t.match(problemsOf("[leadsquared]\nhost = 'x.example'")[0], { key: 'source', remedy: /Add source/ });
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  t.throws(() => loadConfig(join(folder, 'none.toml')), {
    name: 'ConfigError',
    message: /no such file.*logcalld init/,
  });
  writeFileSync(join(folder, 'a.toml'), minimal);
  t.equal(loadConfig(join(folder, 'a.toml')).log.level, 'info');
});

t.test('metrics are served on the loopback interface alone', async (t) => {
  const listening = (value: string) => `${minimal}\n[metrics]\nlisten = ${value}\n`;
  const listenOf = (value: string) => parseConfig(listening(value), '/etc/logcalld/logcalld.toml').metrics.listen;
  t.same(parseConfig(minimal, '/etc/logcalld/logcalld.toml').metrics.listen, null, 'not at all unless it is said');
  t.same(listenOf("'127.0.0.1:9469'"), { host: '127.0.0.1', port: 9469 });
  t.same(listenOf("'[::1]:9469'"), { host: '::1', port: 9469 });
  t.same(listenOf("'localhost:80'"), { host: 'localhost', port: 80 });
  for (const value of [
    "'0.0.0.0:9469'",
    "':9469'",
    "'10.0.0.1:9469'",
    "'[::]:9469'",
    "'127.0.0.1'",
    "'127.0.0.1:0'",
    "'127.0.0.1:65536'",
    "'127.0.0.999:1'",
    "'127.0.0.1.example:1'",
    '9469',
  ]) {
    t.match(
      problemsOf(listening(value)).map(formatProblem).join(),
      /metrics\.listen[\s\S]*loopback interface with a port, e\.g\. '127\.0\.0\.1:9469'[\s\S]*proxy/,
      value,
    );
  }
});

t.test('a quote that is not closed is called that', async (t) => {
  for (const [text, line] of [
    ["a = 1\nb = 'x\nc = 1\n", 2],
    ['b = "x\nc = 1\n', 1],
    ["b = '''x\n", 1],
  ] as const) {
    const found = new RegExp(`x\\.toml:${line}: found a quote that is not closed, or a line break`);
    t.throws(() => parseConfig(text, '/x.toml'), { message: found });
  }
});
