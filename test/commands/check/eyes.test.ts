/** check-config beside an installed unit: run by root, it sees what the user of the service sees, and says what to type. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { logcalldIn } from '../../cli/world.ts';
import { shortFolder } from '../../support/folder.ts';

// A process for each look.
t.setTimeout(120_000);

const NOBODY = Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout);
const GROUP = Number(spawnSync('id', ['-g', 'nobody'], { encoding: 'utf8' }).stdout);
const DAEMON = 1;
const program = join(import.meta.dirname, '../../../src/main.ts');

function reason(): string | false {
  if (process.getuid?.() !== 0) return 'only root can look as somebody else';
  const seen = spawnSync('test', ['-r', program], { uid: NOBODY, gid: GROUP });
  return seen.status === 0 ? false : 'the project cannot be read by the user nobody';
}

t.test('as the user of the service', { skip: reason() }, async (t) => {
  const folder = shortFolder(t, {
    'logcalld.toml': '',
    'users.csv': 'extension,user\n1001,a@example.com\n',
    'Master.csv': '',
    credentials: { 'ami-secret': 'one\n', 'lsq-access-key': 'two\n', 'lsq-secret-key': 'three\n' },
    data: {},
    units: { 'logcalld.service': '' },
  });
  const at = (...names: string[]) => join(folder, ...names);
  const config = at('logcalld.toml');
  const configure = (more = '') =>
    writeFileSync(
      config,
      `[[source]]\ntype = 'asterisk'\nname = 'pbx1'\nusername = 'logcalld'\n[[source.records]]\ntype = 'csv'\ncdr_file = '${at('Master.csv')}'\n${more}
[leadsquared]\nhost = 'api-in21.leadsquared.com'\n[leadsquared.user]\nfile = 'users.csv'\n[storage]\npath = 'data/logcalld.db'\n`,
    );
  const unit = (...more: string[]) =>
    writeFileSync(
      at('units', 'logcalld.service'),
      ['[Service]', 'User=nobody', `ExecStart=/x run --config ${config}`, ...handed, ...more].join('\n'),
    );
  const handed = ['ami-secret', 'lsq-access-key', 'lsq-secret-key'].map(
    (id) => `LoadCredential=${id}:${at('credentials', id)}`,
  );
  const mode = (name: string, bits: number, uid = 0, gid = 0) => {
    chownSync(at(name), uid, gid);
    chmodSync(at(name), bits);
  };
  const check = async () => {
    const ran = await logcalldIn({ SYSTEMD_UNIT_PATH: at('units') }, 'check-config', '--offline', '-c', config);
    t.notMatch(ran.out + ran.error, /one\n|two\n|three\n/);
    return ran;
  };
  configure();
  unit();
  chmodSync(folder, 0o755);
  mode('logcalld.toml', 0o640, 0, GROUP);
  mode('users.csv', 0o640, 0, GROUP);
  mode('Master.csv', 0o640, 0, GROUP);
  mode('credentials', 0o700);
  for (const id of ['ami-secret', 'lsq-access-key', 'lsq-secret-key']) mode(`credentials/${id}`, 0o600);
  mode('data', 0o700, NOBODY, GROUP);

  await t.test('all is well: credentials are read as systemd would, without being told where', async (t) => {
    const { code, out } = await check();
    t.equal(code, 0, out);
    t.match(out, /^ok +user +looked at as nobody, the user of the service/m);
    t.match(out, /^ok +secret +AMI secret of source "pbx1", from a systemd credential$/m);
    t.match(out, /^ok +database .* \(made at the first start\) can be written by this user$/m);
    t.notMatch(out, /^(?:warn|FAIL)/m);
  });

  await t.test('a config that only root may read', async (t) => {
    mode('logcalld.toml', 0o600);
    t.match(await check(), { code: 78, error: /found a file that may not be read.*chgrp logcalld/ });
    mode('logcalld.toml', 0o640, 0, GROUP);
  });

  await t.test('a users file that only root may read', async (t) => {
    mode('users.csv', 0o600);
    t.match(await check(), {
      code: 78,
      out: /^FAIL +users file +\S+users\.csv: found a file that may not be read\. .*chgrp logcalld/m,
    });
    mode('users.csv', 0o640, 0, GROUP);
  });

  await t.test('records of another group: the unit gets it, and then it can read them', async (t) => {
    mode('Master.csv', 0o640, 0, DAEMON);
    const { code, out } = await check();
    t.equal(code, 1, 'it would start all the same');
    t.match(
      out,
      /^FAIL +records of pbx1 +user nobody may not read .*Master\.csv \(mode 640\)\.\n.*\n +type: sudo systemctl edit logcalld\n +type: sudo systemctl restart logcalld\n +\[Service\]\n +SupplementaryGroups=daemon$/m,
    );
    unit('SupplementaryGroups=daemon');
    t.equal((await check()).code, 0);
    unit();
    mode('Master.csv', 0o640, 0, GROUP);
  });

  await t.test('a folder of the database that is not its own', async (t) => {
    mode('data', 0o755);
    const { code, out } = await check();
    t.equal(code, 78);
    const [, chown = '', chmod = ''] = /type: sudo (chown nobody:\S+ .*)\n +type: sudo (chmod .*)$/m.exec(out) ?? [];
    t.equal(spawnSync('sh', ['-c', `${chown} && ${chmod}`]).status, 0, 'what it says can be typed');
    t.equal((await check()).code, 0, 'and helps');
  });

  await t.test('a folder that others use is not given away', async (t) => {
    const free = 'ProtectSystem=no';
    for (const [path, own] of [
      [at('shared'), at('shared', 'logcalld')],
      ['/srv', '/srv/logcalld'],
    ] as const) {
      mkdirSync(at('shared', 'www'), { recursive: true });
      mode('shared', 0o755);
      unit(free);
      writeFileSync(config, readFileSync(config, 'utf8').replace(/path = '.*'/, `path = '${path}/x.db'`));
      const { code, out } = await check();
      t.equal(code, 78);
      t.match(out, /^FAIL +database +user nobody may not write \S+ \(mode 755\), and others keep things there\.$/m);
      t.notMatch(out, /chown|chmod/);
      t.match(out, `type: sudo install -d -o nobody -g nogroup -m 0700 ${own}\n`);
    }
    configure();
    unit();
  });

  await t.test('credentials: open to others, missing, not handed over', async (t) => {
    mode('credentials/ami-secret', 0o644);
    const open = await check();
    t.equal(open.code, 0);
    t.match(
      open.out,
      /^warn +secret +.*ami-secret: others than root may read .*mode 644.*\n.*\n +type: sudo chown root:root .* && sudo chmod 600 /m,
    );
    rmSync(at('credentials', 'ami-secret'));
    const gone = await check();
    t.equal(gone.code, 78);
    t.match(gone.out, /^FAIL +secret .*\n +type: sudo sh -c 'umask 077; cat > \S+credentials\/ami-secret'/m);
    writeFileSync(at('credentials', 'ami-secret'), 'one\n', { mode: 0o600 });
    configure(
      "[[source]]\ntype = 'asterisk'\nname = 'pbx2'\nhost = '127.0.0.2'\nusername = 'x'\nsecret_credential = 'ami-secret-2'\n",
    );
    const two = await check();
    t.equal(two.code, 78);
    t.match(two.out, /LoadCredential=ami-secret-2:\/etc\/logcalld\/credentials\/ami-secret-2$/m);
    configure();
  });

  await t.test('what the sandbox of the unit hides, or lets nobody write', async (t) => {
    unit(`InaccessiblePaths=${at('users.csv')}`, 'ProtectSystem=strict', 'StateDirectory=logcalld');
    const { code, out } = await check();
    t.equal(code, 78);
    t.match(out, /^FAIL +users file .*the unit does not show the service .*InaccessiblePaths=/m);
    t.match(
      out,
      /^FAIL +database .*lets the service write into \/var\/lib\/logcalld alone.*\n.*\n.*\n +ReadWritePaths=-\/.*\/data$/m,
    );
    unit();
  });

  await t.test('a user or group that is not there', async (t) => {
    unit('SupplementaryGroups=no-such-group-here');
    t.match(await check(), { code: 78, out: /^FAIL +user +there is no group no-such-group-here/m });
    unit('User=no-such-user-here');
    t.match(await check(), { code: 78, out: /^FAIL +user +there is no user no-such-user-here/m });
    unit();
  });

  await t.test("others are not told to take what is the service's", async (t) => {
    const as = (uid: number, gid: number, ...words: string[]) => {
      const env = { PATH: process.env.PATH, SYSTEMD_UNIT_PATH: at('units') };
      const ran = spawnSync(process.execPath, [program, ...words, '-c', config], { uid, gid, env, encoding: 'utf8' });
      t.notMatch(ran.stdout + ran.stderr, /chown|chmod|chgrp/);
      return ran;
    };
    const member = as(DAEMON, GROUP, 'check-config', '--offline');
    t.equal(member.status, 0, member.stdout + member.stderr);
    t.match(member.stdout, /^skip +database +not looked at: user \S+ may not write .*\n +type: sudo logcalld doctor$/m);
    t.match(member.stdout, /^skip +calls so far +not looked at, because the check "database" could not be made$/m);
    t.match(member.stdout, /^skip +secret +not looked at: .*ami-secret is for root alone/m);
    t.notMatch(member.stdout, /^FAIL/m);
    t.match(
      as(DAEMON, GROUP, 'doctor').stdout,
      /^0 FAIL.*skipped\. Nothing that was looked at keeps it from working, but it does not run, so no call is logged\.$\n^ +type: sudo logcalld doctor$/m,
    );
    for (const name of ['check-config', 'doctor']) {
      const stranger = as(DAEMON, DAEMON, name);
      t.equal(stranger.status, 1);
      t.match(stranger.stderr, /^logcalld: This user may not use .*logcalld\.toml: .*sudo/);
    }
  });

  await t.test('another config is a trial: it is looked at as who asks', async (t) => {
    mkdirSync(at('trial'));
    writeFileSync(at('trial', 'other.toml'), readFileSync(config));
    const env = { SYSTEMD_UNIT_PATH: at('units') };
    const { code, out } = await logcalldIn(env, 'check-config', '--offline', '-c', at('trial', 'other.toml'));
    t.equal(code, 78);
    t.notMatch(out, /the user of the service/);
  });
});
