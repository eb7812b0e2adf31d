/** What the commands say while a daemon is starting. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parseCommandLine } from '../../src/cli/parse.ts';
import { asking, controlPath, reachRunning, reachStarted, startingOn } from '../../src/commands/control.ts';
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
  // When it takes longer than they wait.
  const said: string[] = [];
  const terminal = { out: (text: string) => said.push(text), error: (text: string) => said.push(text) };
  const parsed = parseCommandLine(['status', '--config', it.config.file], COMMANDS, 'demo');
  if (parsed.kind !== 'run') throw new Error('not understood');
  const late = await asking(parsed.invocation, terminal, (asker) => asker.call('status', {}), 0);
  t.match(late, { running: false, conditions: [{ code: 'starting', text: says }] });
  t.match(said.join(''), says);
  t.notMatch(said.join(''), /not running/);
  await t.rejects(reachRunning(it.config, 'so nothing', 0), { message: says }, 'for as long as it takes, at most');

  const waits = reachStarted(it.config, 50_000);
  const questions = [['status'], ['calls'], ['calls', 'show', 'none'], ['users'], ['gaps'], ['explain', 'none']];
  const asked = Promise.all(questions.map((words) => it.run(...words)));
  const paused = it.run('pause');
  await it.start();
  answers();
  t.match(await waits, { database: path });
  t.match(await paused, { code: 0, out: /paused/ });
  for (const { error, out } of await asked) t.notMatch(out + error, /starting|not running|Read from/);
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
