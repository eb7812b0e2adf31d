import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { openDatabase, openWith } from '../../../../adapters/sqlite/thread/database.ts';
import type { StorageError } from '../../../../adapters/sqlite/thread/errors.ts';
import { tempFolder } from '../support.ts';
import type { ProbeModules } from './probe-modules.ts';

const PROBE = new URL('./probe-modules.ts', import.meta.url);
const mode = (path: string): number => statSync(path).mode & 0o777;

t.test('the file is durable by its settings and private to its owner', async (t) => {
  const path = join(tempFolder(t), 'logcalld.db');
  const db = await openWith<ProbeModules>(path, PROBE);
  t.equal(await db.remote.probe.pragma('journal_mode'), 'wal');
  t.equal(await db.remote.probe.pragma('synchronous'), 2, 'FULL');
  t.equal(await db.remote.probe.pragma('foreign_keys'), 1);
  t.equal(await db.remote.probe.pragma('busy_timeout'), 5_000);
  await db.remote.probe.run('CREATE TABLE x (y TEXT) STRICT');
  t.same([path, `${path}-wal`, `${path}-shm`].map(mode), [0o600, 0o600, 0o600]);
  await db.close();
  t.throws(() => statSync(`${path}-wal`), { code: 'ENOENT' }, 'closing moves the log into the file');
  chmodSync(path, 0o644);
  await (await openDatabase(path)).close();
  t.equal(mode(path), 0o600, 'and an existing file becomes private again');
});

t.test('requests are served strictly in order, and close waits for them', async (t) => {
  const db = await openWith<ProbeModules>(join(tempFolder(t), 'x.db'), PROBE);
  const finished: number[] = [];
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  const calls = numbers.map((number) => db.remote.probe.note(number).then(() => finished.push(number)));
  t.equal(db.pending(), 200);
  const noted = db.remote.probe.noted();
  const closing = db.close();
  t.same(await noted, numbers);
  await closing;
  await Promise.all(calls);
  t.same(finished, numbers);
  t.equal(db.pending(), 0);
  await t.rejects(db.remote.probe.note(1), { code: 'WORKER_CLOSED' });
  t.equal(db.close(), closing, 'closing again is the same closing');
});

t.test('errors keep their message, code and kind', async (t) => {
  const db = await openWith<ProbeModules>(join(tempFolder(t), 'x.db'), PROBE);
  const failure = db.remote.probe.run('SELECT x FROM nowhere');
  await t.rejects(failure, { name: 'StorageError', code: 'SQLITE_ERROR', trouble: 'program', message: /nowhere/ });
  await db.remote.probe.forbidGrowth();
  const grow = 'CREATE TABLE big AS SELECT zeroblob(1000000) AS b';
  await t.rejects(db.remote.probe.run(grow), { code: 'SQLITE_FULL', trouble: 'full' });
  await db.remote.probe.allowGrowth();
  await db.remote.probe.run(grow);
  await db.close();
});

t.test('work added with beforeClose runs while requests are still served', async (t) => {
  const db = await openWith<ProbeModules>(join(tempFolder(t), 'x.db'), PROBE);
  db.beforeClose(async () => {
    await db.remote.probe.note(1);
    t.same(await db.remote.probe.noted(), [1]);
  });
  await db.close();
});

t.test('the end of the thread is told, and rejects what waits', async (t) => {
  const failures: StorageError[] = [];
  const onFailure = (error: StorageError): unknown => failures.push(error);
  const db = await openWith<ProbeModules>(join(tempFolder(t), 'x.db'), PROBE, { onFailure });
  const death = db.remote.probe.die();
  const after = db.remote.probe.note(1);
  await t.rejects(death, { code: 'WORKER_ENDED' });
  await t.rejects(after, { code: 'WORKER_ENDED' });
  await t.rejects(db.remote.probe.note(2), { code: 'WORKER_ENDED' });
  t.match(failures, [{ code: 'WORKER_ENDED', message: /exit code 7.*started again/ }]);
  await t.rejects(db.close(), { code: 'WORKER_ENDED' });
});

t.test('a file that cannot be used is named, with the remedy', async (t) => {
  const folder = tempFolder(t);
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o644 });
    return path;
  };

  const text = file('notes.txt', 'this is no database, it only looks like a file of some length\n'.repeat(20));
  await t.rejects(openDatabase(text), { code: 'SQLITE_NOTADB', message: /notes\.txt.*not an SQLite database/ });
  t.equal(mode(text), 0o644, 'and left as it was');

  const healthy = join(folder, 'healthy.db');
  await (await openDatabase(healthy)).close();
  const bytes = readFileSync(healthy);
  bytes.fill(0xa5, 100, 4_096);
  const damaged = file('damaged.db', bytes);
  const anew = await openDatabase(damaged);
  t.match(await anew.remote.upkeep.notices({ since: 0 }), [
    { kind: 'damaged', text: /put aside as .*damaged\.db\.damaged-/ },
  ]);
  await anew.close();

  const foreign = join(folder, 'foreign.db');
  const other = openConnection(foreign);
  other.exec('CREATE TABLE theirs (x TEXT)');
  other.close();
  await t.rejects(openDatabase(foreign), { code: 'SCHEMA_FOREIGN', message: /foreign\.db.*another program/ });

  await t.rejects(openDatabase(folder), { code: 'EISDIR', message: /is a directory/ });
  await t.rejects(openDatabase(join(folder, 'no', 'x.db')), {
    code: 'ENOENT',
    message: /no does not exist; create it/,
  });
});

t.test('a folder that cannot be written is named', async (t) => {
  // Permissions do not bind root; the kernel's own folder refuses everybody.
  let folder = '/sys/kernel';
  if (process.getuid?.() !== 0) {
    folder = join(tempFolder(t), 'read-only');
    mkdirSync(folder, { mode: 0o500 });
  }
  const message = `create files in ${folder}; give both to the user that runs`;
  await t.rejects(openDatabase(join(folder, 'x.db')), { trouble: 'unusable', message });
});

t.test('a file that another program holds locked is named', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const other = openConnection(path);
  other.exec('BEGIN EXCLUSIVE');
  const opening = openDatabase(path, { busyTimeoutMs: 1 });
  await t.rejects(opening, { code: 'SQLITE_BUSY', trouble: 'busy', message: /x\.db.*another program holds it/ });
  other.close();
});
