/** One daemon for a database, however it is named and wherever the daemons listen: real processes, one of them killed. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { heldBy } from '../../adapters/sqlite/thread/hold.ts';
import { reachStarted, startingOn } from '../../src/commands/control.ts';
import { logcalld, logcalldIn, until } from '../cli/world.ts';
import { CANARY, DaemonProcess, installation, sandboxUsers } from '../support/daemon.ts';

t.setTimeout(120_000);

t.test('a service and a daemon by hand on one database', async (t) => {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const player = new AmiPlayer({ captures: [], order: 'together', username: 'test', secret: CANARY });
  const place = await installation({ asterisk: await player.listen() }, sandbox);
  t.teardown(async () => {
    await player.close();
    await sandbox.close();
    await place.remove();
  });
  const folder = (name: string): string => {
    mkdirSync(join(place.directory, name));
    return join(place.directory, name);
  };
  const service = { RUNTIME_DIRECTORY: folder('run') };
  /** The same database by another name, with nothing else in common. */
  const config = join(folder('etc'), 'other.toml');
  symlinkSync(join(place.directory, 'logcalld.db'), join(place.directory, 'etc', 'calls.db'));
  const text = readFileSync(place.config, 'utf8').replace(
    /^path = .*$/m,
    `path = '${join(place.directory, 'etc', 'calls.db')}'`,
  );
  writeFileSync(config, text, { mode: 0o600 });
  const up = ({ event }: { event: string }): boolean => event === 'pbx-connected';

  const first = new DaemonProcess(place.config, 'run', service);
  await first.logged(up);
  const database = join(place.directory, 'logcalld.db');
  const held = heldBy(database);
  if (!held.held || held.holder === null) throw new Error('nobody holds the database');
  const { pid } = held.holder;
  t.equal(held.holder.socket, join(service.RUNTIME_DIRECTORY, 'control.sock'));
  /** As by hand beside a service that has its secrets from systemd. */
  const keyless = join(place.directory, 'etc', 'keyless.toml');
  writeFileSync(keyless, text.replace(/^access_key_file = .*$/m, ''), { mode: 0o600 });
  const seconds = await Promise.all([
    logcalld('run', '--config', config),
    logcalldIn(service, 'run', '--config', place.config),
    logcalld('run', '--config', keyless),
  ]);
  for (const second of seconds) {
    t.equal(second.code, 78, 'systemd does not try again');
    const [sentence, ...more] = second.error.split('\n').filter((line) => line !== '');
    t.match(
      sentence,
      new RegExp(
        `^logcalld: The database .* is in use by logcalld .*, pid ${pid} on .*, since 20.* \\(control socket .*/run/control\\.sock\\): end it \\(Ctrl-C in its terminal, or "kill ${pid}"\\), or set another \\[storage\\] path`,
      ),
    );
    t.same(more, [], 'and nothing else');
  }
  t.same(heldBy(database), held, 'the first one goes on as it was');

  await t.test('commands find it wherever it listens', async (t) => {
    const [status, calls, users, check] = await Promise.all([
      logcalld('status', '--json', '--config', config),
      logcalld('calls', '--config', config),
      logcalld('users', '--config', config),
      logcalld('check-config', '--offline', '--config', config),
    ]);
    t.match(JSON.parse(status.out), { running: true, pid });
    t.same([calls.code, calls.error], [0, 'No calls.\n']);
    t.same([users.code, users.error], [0, '']);
    t.match(check, { code: 0, out: new RegExp(`^info +database +in use by logcalld .*, pid ${pid} on `, 'm') });
  });

  first.kill('SIGKILL');
  await first.exited();
  t.ok(existsSync(`${database}.holder`), 'it could not take its name away');
  t.same(heldBy(database), { held: false }, 'but the lock is gone');
  const gone = await logcalld('status', '--config', config);
  t.match(gone, { code: 1, error: /^logcalld is not running: read from / });

  const next = new DaemonProcess(config, 'run', {});
  await next.logged(({ event }) => event === 'starting');
  const other = { file: config, storage: { path: join(place.directory, 'etc', 'calls.db') } };
  const starting = startingOn(other, {});
  t.ok(starting !== null && starting.pid !== pid, 'that it starts is known before it has the database');
  t.match(await reachStarted(other, 100_000), { database: other.storage.path }, 'and it is waited for');
  await until(
    () => startingOn(other, {}),
    (one) => one === null,
  );
  await next.logged(up);
  const now = heldBy(database);
  t.ok(now.held && now.holder !== null && now.holder.pid !== pid);
  next.kill('SIGTERM');
  t.equal(await next.exited(), 0);
  t.same(heldBy(database), { held: false });
  t.notOk(existsSync(`${database}.holder`));
});

t.test('a daemon that cannot be reached is not called dead', async (t) => {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const place = await installation({ asterisk: 9 }, sandbox);
  t.teardown(async () => {
    await sandbox.close();
    await place.remove();
  });
  const run = join(place.directory, 'run');
  mkdirSync(run);
  const daemon = new DaemonProcess(place.config, 'run', { RUNTIME_DIRECTORY: run });
  await daemon.logged(({ event }) => event.startsWith('pbx-'));
  const held = heldBy(join(place.directory, 'logcalld.db'));
  if (!held.held || held.holder?.socket == null) throw new Error('nobody holds the database');
  // As in another container: the folder is there, the socket is not.
  writeFileSync(
    join(place.directory, 'logcalld.db.holder'),
    JSON.stringify({ ...held.holder, socket: '/nowhere/control.sock' }),
  );
  const [calls, status, replay] = await Promise.all(
    [['calls'], ['status'], ['replay', '--state', 'parked']].map((words) =>
      logcalld(...words, '--config', place.config),
    ),
  );
  t.match(calls, { code: 0, error: /in use by logcalld .* does not answer here: .* Read from .*logcalld\.db\./ });
  t.match(status, { code: 1, out: /^FAIL {2}The database is in use by logcalld .* does not answer here/m });
  t.notMatch(status?.out, /not running/);
  t.match(replay, { code: 1, error: /in use by logcalld .* does not answer here/ });
  daemon.kill('SIGTERM');
  t.equal(await daemon.exited(), 0);
});

t.test('what only a change of the set-up mends ends with 78, as a wrong config does', async (t) => {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const place = await installation({ asterisk: 9 }, sandbox);
  t.teardown(async () => {
    await sandbox.close();
    await place.remove();
  });
  const good = readFileSync(place.config, 'utf8');
  const withPath = (name: string): string => {
    const config = join(place.directory, `${name.replaceAll('/', '-')}.toml`);
    writeFileSync(config, good.replace(/^path = .*$/m, `path = '${join(place.directory, name)}'`), { mode: 0o600 });
    return config;
  };
  writeFileSync(join(place.directory, 'notes.txt'), 'no database, and longer than a header of one\n'.repeat(20));
  const [missing, text, long] = await Promise.all([
    logcalld('run', '--config', withPath('gone/x.db')),
    logcalld('run', '--config', withPath('notes.txt')),
    logcalldIn({ RUNTIME_DIRECTORY: `/tmp/${'x'.repeat(120)}` }, 'run', '--config', place.config),
  ]);
  t.match(missing, { code: 78, error: /^logcalld: The database cannot be opened: the folder .* does not exist/ });
  t.match(text, { code: 78, error: /^logcalld: Cannot use the database .*notes\.txt: it is not an SQLite database/ });
  t.match(long, { code: 78, error: /^logcalld: The control socket .* more than 107 bytes/ });
});
