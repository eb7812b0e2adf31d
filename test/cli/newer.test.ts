/** A database that a later version wrote: nobody but that version, or a backup, helps, and every command says so. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openConnection } from '../../adapters/sqlite/thread/connection.ts';
import { loadMigrations, migrate } from '../../adapters/sqlite/thread/migrate.ts';
import { installation } from '../support/daemon.ts';
import { command, logcalld } from './world.ts';

t.setTimeout(60_000);

t.test('all that need it tell the same sentence and end with 78, as nothing heals it', async (t) => {
  const place = await installation({ asterisk: 9 }, { url: 'http://127.0.0.1:9', accessKey: 'a', secretKey: 'b' });
  t.teardown(() => place.remove());
  const path = join(place.directory, 'logcalld.db');
  const db = openConnection(path);
  migrate(db);
  db.pragma('user_version = 99');
  db.close();
  const before = readFileSync(path);
  const wanted =
    `The database ${path} has schema version 99, but this logcalld knows versions up to ${loadMigrations().length}: ` +
    'install the newer logcalld again, or restore a backup made before the upgrade.';

  const target = join(place.directory, 'copy.db');
  for (const words of ['status', 'calls', 'calls show 1', 'gaps', 'users', 'sessions rederive --since 1d']) {
    const { code, out, error } = await command(...words.split(' '), '--config', place.config);
    t.same({ code, out, error }, { code: 78, out: '', error: `logcalld: ${wanted}\n` }, words);
  }
  const check = await command('check-config', '--offline', '--config', place.config);
  t.equal(check.code, 78);
  t.ok(check.out.includes(`FAIL  database                ${wanted}\n`));
  const copied = await command('backup', target, '--config', place.config);
  t.same(copied, { code: 1, out: '', error: `logcalld: ${wanted}\n` });
  t.notOk(existsSync(target), 'no copy that this version could not put back');
  const run = await logcalld('run', '--config', place.config);
  t.equal(run.code, 78);
  t.match(run.error, `logcalld: ${wanted}\n`);
  t.same(readFileSync(path), before, 'nothing was changed');
});
