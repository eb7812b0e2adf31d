/** Several files that are missing: all of them are told at once, by check-config and by run. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command, logcalld } from '../../cli/world.ts';
import { installation } from '../../support/daemon.ts';

t.setTimeout(60_000);

t.test('users file and secrets', async (t) => {
  const place = await installation({ asterisk: 9 }, { url: 'http://127.0.0.1:9', accessKey: 'a', secretKey: 'b' });
  t.teardown(() => place.remove());
  const file = (name: string) => join(place.directory, name);
  for (const name of ['users.csv', 'pbx-secret', 'access']) rmSync(file(name));
  const [checked, ran] = await Promise.all([
    command('check-config', '--offline', '--config', place.config),
    logcalld('run', '--config', place.config),
  ]);
  for (const { code, out, error } of [checked, ran]) {
    t.equal(code, 78);
    t.match(out + error, new RegExp(`${file('users.csv')}:.* found no such file`));
    t.match(out + error, new RegExp(`AMI secret .*${file('pbx-secret')}, which does not exist`));
    t.match(out + error, new RegExp(`access key .*${file('access')}, which does not exist`));
    t.notMatch(out + error, /ENOENT/);
  }
  t.match(checked.out, /^FAIL +users file[\s\S]*^FAIL +secret[\s\S]*^FAIL +secret/m);
});

t.test('a template that cannot be filled keeps the daemon from starting, as check-config says', async (t) => {
  const crm = { url: 'http://127.0.0.1:9', accessKey: 'a', secretKey: 'b' };
  const place = await installation(
    { asterisk: 9 },
    crm,
    "[leadsquared.body]\nresource_url = 'https://x.example/{fil}'\n",
  );
  t.teardown(() => place.remove());
  const checked = await command('check-config', '--offline', '--config', place.config);
  const ran = await logcalld('run', '--config', place.config);
  for (const { code, out, error } of [checked, ran]) {
    t.equal(code, 78);
    t.match(out + error, /The recording URL uses \{fil\}, which does not exist here: use /);
  }
  t.match(ran.error + ran.out, /\[leadsquared\.body\]/);
});

t.test('nothing is placed on the PBX offline', async (t) => {
  const { code, error } = await command('check-config', '--offline', '--probe', '--config', '/nowhere');
  t.equal(code, 2);
  t.match(error, /--probe asks the PBX: leave --offline out/);
});
