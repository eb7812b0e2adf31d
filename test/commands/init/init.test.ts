/** `logcalld init` without a dialogue, and what it writes and says. */
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig, parseConfig } from '../../../config/load.ts';
import { eventSocketLines, managerLines, placesOf, recordsSetup } from '../../../src/commands/init/pasted.ts';
import { targetOf, writeFiles } from '../../../src/commands/init/place.ts';
import { type Answers, configText } from '../../../src/commands/init/text.ts';
import { command } from '../../cli/world.ts';
import { shortFolder } from '../../support/folder.ts';

const PROJECT = join(import.meta.dirname, '../../..');
/** No unit, whatever the machine has. */
process.env.SYSTEMD_UNIT_PATH = '/nowhere';
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

t.test('unattended', async (t) => {
  const folder = shortFolder(t, { keys: { a: 'key-a\n', b: 'key-b\n' } });
  const place = join(folder, 'place');
  const config = join(place, 'logcalld.toml');
  const init = (...words: string[]) => command('init', '--directory', place, ...words);
  const all = ['--yes', '--asterisk', '127.0.0.1:15038', '--leadsquared-host', 'api.leadsquared.com'];
  t.match(await init('--yes', '--asterisk', 'x', '--freeswitch', 'y'), { code: 2, error: /one of them/ });
  t.match(await init('--yes', '--asterisk', '127.0.0.1:15038'), { code: 2, error: /--leadsquared-host is missing/ });
  for (const [option, address, expected] of [
    ['--asterisk', '127.0.0.1:99999', /--asterisk: expected a whole number from 1 to 65535/],
    ['--asterisk', 'http://pbx', /--asterisk: expected the name or address of the PBX/],
    ['--freeswitch', '127.0.0.1:123456', /--freeswitch: expected the name or address of the PBX/],
  ] as const)
    t.match(await init('--yes', option, address), { code: 2, error: expected }, address);
  t.match(await init(...all, '--country', 'XX'), { code: 2, error: /--country: expected a country code/ });
  t.match(await init(...all, '--access-key-file', join(folder, 'none')), { code: 2, error: /none: does not exist/ });
  t.notOk(existsSync(place), 'a mistake writes nothing');
  const keys = ['--access-key-file', join(folder, 'keys/a'), '--secret-key-file', join(folder, 'keys/b')];
  const done = await init(...all, ...keys, '--tls');
  t.equal(done.code, 0);
  t.notMatch(done.out, /\?$/m, 'who asks nothing prints no question');
  t.match(done.out, /^ +nano .*users\.csv.*\n.* doctor --config .*\n.* run --config .*\n.* status --config /m);
  t.match(loadConfig(config), {
    source: [{ port: 15038, tls: { enabled: true } }],
    leadsquared: { user: { unknown: ['lead-owner', 'default-user', 'park'], default_user: null } },
  });
  t.equal((await command('check-config', '--offline', '-c', config)).code, 0);
  const before = readFileSync(config, 'utf8');
  const secret = readFileSync(join(place, 'credentials/ami-secret'), 'utf8');
  t.match(await init(...all, '--name', 'pbx2'), { code: 2, error: /is there already.*--force/ });
  t.equal(readFileSync(config, 'utf8'), before);
  t.match(await init(...all, '--name', 'pbx2', '--force'), {
    code: 0,
    out: /the one before is \S+logcalld\.toml\.before-/,
  });
  const copy = readdirSync(place).find((name) => name.startsWith('logcalld.toml.before-'));
  t.equal(readFileSync(join(place, copy ?? ''), 'utf8'), before);
  t.equal(readFileSync(join(place, 'credentials/ami-secret'), 'utf8'), secret, 'a secret that is there stays');
});

t.test(
  'the service: its group reads the config, root alone the secrets',
  { skip: process.getuid?.() !== 0 && 'root only' },
  async (t) => {
    const folder = shortFolder(t, { etc: {}, units: {} });
    const directory = join(folder, 'etc');
    const lines = ['[Service]', 'User=nobody', `ExecStart=/x --config ${directory}/logcalld.toml`];
    writeFileSync(
      join(folder, 'units/logcalld.service'),
      [...lines, `LoadCredential=ami-secret:${folder}/elsewhere/ami`].join('\n'),
    );
    const target = targetOf(directory, { SYSTEMD_UNIT_PATH: join(folder, 'units') });
    t.equal(target.installed, true);
    t.equal(target.secretFile('ami-secret'), join(folder, 'elsewhere/ami'), 'where the unit takes it from');
    writeFiles(
      [
        { path: target.secretFile('ami-secret'), text: 'x', secret: true },
        { path: target.config, text: 'y', secret: false },
      ],
      target,
      'now',
    );
    const { uid, gid } = statSync(target.config);
    t.same([uid, gid, mode(target.config)], [0, target.account?.gid, '640']);
    const hidden = statSync(join(folder, 'elsewhere/ami'));
    t.same(
      [hidden.uid, hidden.gid, mode(join(folder, 'elsewhere')), mode(join(folder, 'elsewhere/ami'))],
      [0, 0, '700', '600'],
    );
    const answers = {
      type: 'asterisk',
      name: 'pbx1',
      host: 'h',
      port: null,
      tls: false,
      username: 'u',
      country: 'IN',
    } as const;
    const text = configText(
      { ...answers, records: { kind: 'freepbx', socket: '/s' }, crm: 'h', defaultUser: null, omit: false },
      target,
    );
    t.match(text, /auth = 'peer'/);
    t.notMatch(text, /_file/, 'secrets come as credentials');
  },
);

t.test('a link that somebody put where it writes is not followed', async (t) => {
  const folder = shortFolder(t, { victim: 'precious', place: {} });
  const target = targetOf(join(folder, 'place'), { SYSTEMD_UNIT_PATH: '/nowhere' });
  symlinkSync(join(folder, 'victim'), `${target.config}.new`);
  writeFiles([{ path: target.config, text: 'mine', secret: false }], target, 'now');
  t.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'precious');
  t.equal(readFileSync(target.config, 'utf8'), 'mine');
  symlinkSync(join(folder, 'victim'), `${target.config}.before-later`);
  t.throws(() => writeFiles([{ path: target.config, text: 'new', secret: false }], target, 'later'), {
    code: 'EEXIST',
  });
  t.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'precious');
});

const ANSWERS: Answers = {
  ...{ type: 'asterisk', name: 'pbx1', host: '127.0.0.1', port: null, tls: false, username: 'u', country: 'IN' },
  ...{ records: null, crm: 'api.example.com', defaultUser: null, omit: false },
};

t.test(
  'no answer lets a missed call wait for want of a user, and an answered one waits unless it was said',
  async (t) => {
    for (const [answers, last] of [
      [{}, 'park'],
      [{ omit: true }, 'omit'],
      [{ defaultUser: 'a@example.com' }, 'omit'],
    ] as const) {
      const { user } = parseConfig(configText({ ...ANSWERS, ...answers }, { installed: true }), '/x.toml').leadsquared;
      t.equal(user.unknown.at(-1), last);
      t.equal(user.no_agent.at(-1), 'omit');
    }
  },
);

t.test('what is to be done on the PBX exists there', async (t) => {
  t.match(
    placesOf({ ...ANSWERS, type: 'freeswitch' }, 'FusionPBX', null).join('\n'),
    /switch\.event_socket\.password in \/etc\/fusionpbx\/config\.conf/,
  );
  const variables = /section \[general\].* channelvars = MIXMONITOR_FILENAME,CALLERID\(pres\)/;
  t.match(placesOf(ANSWERS, 'Asterisk', null).join('\n'), variables);
  t.match(placesOf(ANSWERS, null, null).join('\n'), variables);
  t.notMatch(placesOf(ANSWERS, 'FreePBX', null).join('\n'), variables, 'there recordings have a line of their own');
  const csv = recordsSetup({ kind: 'csv', file: '/m.csv' }, { installed: true }, '').join('\n');
  t.match(csv, "asterisk -rx 'module reload cdr' and asterisk -rx 'module reload cdr_csv.so'");
  t.notMatch(csv, 'cdr reload');
});

t.test('README tells the same lines', async (t) => {
  const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
  for (const line of [
    ...managerLines('logcalld', 'a long random one', '127.0.0.1'),
    ...eventSocketLines('a long random one'),
  ])
    t.ok(readme.includes(`\n    ${line}\n`), line);
});
