/** What the commands say while a daemon is starting. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { controlPath, reachRunning, reachStarted, startingOn } from '../../src/commands/control.ts';
import { announceStart } from '../../src/commands/here/starting.ts';
import { world } from './world.ts';

t.setTimeout(60_000);

t.test('a daemon that is starting is not called dead', async (t) => {
  const it = await world(['internal_answered']);
  t.teardown(() => it.end());
  await it.start();
  await it.stop();
  const { path } = it.config.storage;
  const mark = join(it.directory, 'control.starting');
  t.match(await it.run('pause'), { code: 1, error: /not running/ });

  const answers = announceStart(controlPath(it.config, {}), path);
  t.match(startingOn(it.config, {}), { pid: process.pid, database: path });
  const says = new RegExp(
    `logcalld is starting \\(pid ${process.pid}, since \\d\\d:\\d\\d:\\d\\d\\): try again in a moment\\.`,
  );
  const [status, calls] = await Promise.all([it.run('status'), it.run('calls')]);
  t.match(status, { code: 1, out: says });
  t.notMatch(status.out, /not running/);
  t.match(calls, { code: 0, error: says });
  await t.rejects(reachRunning(it.config, 'so nothing', 0), { message: says }, 'for as long as it takes, at most');

  const waits = reachStarted(it.config, 50_000);
  const tail = it.run('pause');
  await it.start();
  answers();
  t.match(await waits, { database: path });
  t.match(await tail, { code: 0, out: /paused/ });
  t.notOk(existsSync(mark));
  await it.stop();

  announceStart(controlPath(it.config, {}), path);
  t.equal(startingOn({ storage: { path: join(it.directory, 'other.db') } }, {}), null, 'it has another database');
  const { pid } = spawnSync('true');
  writeFileSync(mark, readFileSync(mark, 'utf8').replace(`"pid":${process.pid}`, `"pid":${pid}`));
  t.equal(startingOn(it.config, {}), null, 'it was killed');
  writeFileSync(mark, '{');
  t.equal(startingOn(it.config, {}), null);
  t.match(await it.run('pause'), { code: 1, error: /not running/ });
});
