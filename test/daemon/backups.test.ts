/** The daily backup: made when it is due, checked, found again, and told when it cannot be made. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { createClock } from '../../adapters/host/clock.ts';
import { backUpWhenDue } from '../../adapters/sqlite/backups/automatic.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { backUp, restore } from '../../adapters/sqlite/upkeep/backup.ts';
import {
  noteCopy,
  notedCopies,
  otherFiles,
  placeOfAutomatic,
  usableCopies,
} from '../../adapters/sqlite/upkeep/kept.ts';
import { keepBackups, lastTime } from '../../src/daemon/upkeep/backups.ts';
import { openStorage } from '../../src/daemon/upkeep/storage.ts';
import { createConditions } from '../../src/health/conditions.ts';
import { commit, record, tempFolder } from '../adapters/sqlite/support.ts';

t.setTimeout(120_000);

const MORNING = new Date(2026, 10, 26, 10, 0, 0).getTime();
const DAY = 86_400_000;
const AT = 3 * 60 + 30;

/** A daemon's database with one call, and a clock that the test moves. */
async function bench(t: Parameters<typeof tempFolder>[0], settings: { keep?: number; folder?: string } = {}) {
  const path = join(tempFolder(t), 'logcalld.db');
  const database = await openDatabase(path);
  t.teardown(() => database.close());
  await commit(database.remote.journal, { ended: [record('a')] });
  let now = MORNING;
  const timers: { ms: number; run: () => void }[] = [];
  const told: string[] = [];
  const log = { write: (level: string, event: string, text: string) => void told.push(`${level} ${event} ${text}`) };
  const conditions = createConditions(log);
  const backups = keepBackups({
    database: path,
    settings: { enabled: true, at: AT, keep: 2, folder: null, ...settings },
    clock: {
      now: () => now,
      after(ms, run) {
        timers.push({ ms, run });
        return () => void timers.splice(0);
      },
    },
    ...{ log, conditions },
  });
  t.teardown(() => backups.stop());
  /** Waits for the next look, `ms` later, and for what it does. */
  const look = async (ms = 0): Promise<number> => {
    now += ms;
    timers.shift()?.run();
    while (timers.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    return timers[0]?.ms ?? 0;
  };
  return {
    ...{ path, database, backups, conditions, told, look },
    set(to: number) {
      now = to;
    },
    begin: () => timers.shift()?.run(),
    files: () => readdirSync(settings.folder ?? join(path, '..')).filter((name) => /auto-/.test(name)),
  };
}

t.test('one soon after the start, then one a day; the last ones are kept', async (t) => {
  const it = await bench(t);
  t.equal(it.backups.last(), null);
  await it.look();
  t.equal(it.files().length, 1);
  t.match(it.backups.last(), { at: MORNING, bytes: statSync(it.backups.last()?.path ?? '').size });
  t.match(it.told, [/^info backup Backed up to .*\.auto-\d{8}T\d{6}Z: 1 calls, \d+ MB, in \d+ s/]);
  await it.look(3_600_000);
  t.equal(it.files().length, 1, 'none is due before the night');
  for (let day = 0; day < 4; day += 1) await it.look(DAY);
  t.equal(it.files().length, 2);
  const copy = new BetterSqlite3(it.backups.last()?.path ?? '', { readonly: true });
  t.equal(copy.pragma('journal_mode', { simple: true }), 'delete', 'one file, without a log beside it');
  t.equal(copy.prepare('SELECT count(*) FROM session').pluck().get(), 1);
  copy.close();
  t.equal(statSync(it.backups.last()?.path ?? '').mode & 0o777, 0o600);
  t.same(otherFiles(it.path).filter((path) => /auto-/.test(path)).length, 2, 'erase names them');
});

t.test('a start knows the last one by its name, without a process that looks', async (t) => {
  const folder = join(tempFolder(t), 'elsewhere');
  mkdirSync(folder);
  for (const ago of [3 * DAY, DAY, -DAY]) writeFileSync(placeOfAutomatic('/logcalld.db', folder, MORNING - ago), 'x');
  const it = await bench(t, { folder });
  while (it.backups.last() === null) await new Promise((resolve) => setImmediate(resolve));
  t.match(it.backups.last(), { at: MORNING - DAY, bytes: 1 });
  await it.look();
  t.equal(it.backups.last()?.at, MORNING, 'those are of another database: one is due');
});

t.test('a damaged database is restored from it, also out of a folder of its own', async (t) => {
  const folder = join(tempFolder(t), 'elsewhere');
  mkdirSync(folder);
  const it = await bench(t, { folder });
  await it.look();
  await it.look(DAY);
  await it.look(DAY);
  t.equal(it.files().length, 2);
  const { copies, refused } = usableCopies(it.path, null, MORNING + 3 * DAY);
  t.same(refused, [], 'one that was removed is asked for no more');
  t.equal(copies[0]?.path, it.backups.last()?.path);
  await it.backups.stop();
  await it.database.close();
  writeFileSync(it.path, 'x'.repeat(50_000));
  const again = await openDatabase(it.path);
  t.match(await again.remote.upkeep.notices({ since: 0 }), [
    { kind: 'damaged', text: /elsewhere\/logcalld\.db\.auto-/ },
  ]);
  t.equal((await again.remote.sessions.byIds({ ids: ['a'] })).length, 1);
  await again.close();
  t.match(restore(it.path, it.backups.last()?.path ?? '', MORNING), { copy: { calls: 1 } });
});

t.test('one that cannot be made is told, tried again, and over when it can', async (t) => {
  const folder = join(tempFolder(t), 'later');
  const it = await bench(t, { folder });
  t.equal(await it.look(), 3_600_000);
  t.match(it.conditions.raised(), [
    { code: 'backup-failed', severity: 'warning', text: /and there is no other: .*later does not exist: make it/ },
  ]);
  mkdirSync(folder);
  const part = join(folder, '.logcalld.db.auto-20261101T000000Z.1.part');
  writeFileSync(part, 'of one that was killed');
  noteCopy(it.path, join(folder, 'logcalld.db.auto-20261101T000000Z'), statSync(it.path));
  const strange = join(folder, '.logcalld.db.auto-20261101T000001Z.1.part');
  writeFileSync(strange, 'another one makes it in the same folder');
  await it.look(3_600_000);
  t.same(it.conditions.raised(), []);
  t.notOk(existsSync(part));
  t.same(notedCopies(it.path), [it.backups.last()?.path], 'and what is gone is noted no more');
  t.ok(existsSync(strange));
  t.equal(it.files().length, 2);
});

t.test('calls are stored while it is made, and stay out of it', async (t) => {
  const it = await bench(t);
  const filler = new BetterSqlite3(it.path);
  filler.pragma('synchronous = OFF');
  filler.exec('CREATE TABLE filler (x BLOB)');
  const insert = filler.prepare('INSERT INTO filler VALUES (zeroblob(1000000))');
  for (let n = 0; n < 40; n += 1) insert.run();
  const looking = it.look().then(() => true);
  let stored = 0;
  const done = () => Promise.race([looking, new Promise<false>((resolve) => setImmediate(resolve, false))]);
  // One that began anew with each of them would not end before them.
  while (!(await done()) && stored < 60_000) {
    filler.exec('INSERT INTO filler VALUES (1)');
    stored += 1;
  }
  filler.close();
  t.ok(stored > 0 && stored < 60_000, `${stored} rows`);
  await commit(it.database.remote.journal, { ended: [record('b')] });
  const copy = new BetterSqlite3(it.backups.last()?.path ?? '', { readonly: true });
  t.equal(copy.pragma('integrity_check', { simple: true }), 'ok');
  copy.close();
  t.equal((await it.database.remote.sessions.byIds({ ids: ['b'] })).length, 1);
});

t.test('a stop breaks it off, and the next one removes what is left of it', async (t) => {
  const it = await bench(t);
  it.begin();
  await it.backups.stop();
  t.same(it.conditions.raised(), []);
  t.same(it.told, []);
  t.equal(it.files().length <= 1, true);
});

t.test('a disk that does not answer keeps nobody from stopping', async (t) => {
  const path = join(tempFolder(t), 'logcalld.db');
  // Whoever opens it waits until somebody writes.
  execFileSync('mkfifo', [path]);
  const stop = new AbortController();
  const request = { path, folder: null, keep: 2, at: MORNING, due: MORNING };
  const answer = backUpWhenDue(request, stop.signal);
  t.equal(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 500, 'waits'))]), 'waits');
  stop.abort();
  t.match(await answer, { made: null, last: null, error: { message: /ended before its time/ } });
});

t.test('copies of a clock that was ahead are older than those made since', async (t) => {
  const it = await bench(t, { keep: 1 });
  it.set(MORNING + 400 * DAY);
  await it.look();
  it.set(MORNING);
  await it.look();
  t.match(it.backups.last(), { at: MORNING });
  t.equal(it.files().length, 1);
  it.set(MORNING - DAY);
  await it.look();
  it.set(MORNING);
  await it.look();
  t.equal(it.files().length, 1);
  await it.look(600_000);
  t.match(it.backups.last(), { at: MORNING }, 'the one of today is enough');
});

t.test('databases that share a folder keep their own copies', async (t) => {
  const folder = tempFolder(t);
  const one = await bench(t, { folder, keep: 1 });
  const other = await bench(t, { folder, keep: 1 });
  await one.look();
  const strange = join(folder, 'logcalld.db.auto-20260101T000000Z');
  writeFileSync(strange, 'put there by somebody');
  await other.look(60_000);
  t.equal(other.files().length, 3);
  t.not(other.backups.last()?.path, one.backups.last()?.path);
  await other.look(DAY);
  t.ok(existsSync(one.backups.last()?.path ?? ''));
  t.ok(existsSync(strange), 'what is none of it is left alone');
  t.equal(other.files().length, 3);
});

t.test('one that fails takes back its own note alone', async (t) => {
  const it = await bench(t);
  const owner = statSync(it.path);
  noteCopy(it.path, '/old', owner);
  const forget = noteCopy(it.path, '/fails', owner);
  noteCopy(it.path, '/made-meanwhile', owner);
  forget();
  t.same(notedCopies(it.path), ['/made-meanwhile', '/old']);
  noteCopy(it.path, '/old', owner)();
  t.same(notedCopies(it.path), ['/old', '/made-meanwhile'], 'what was there before is still there');
});

t.test('the last moment with a time of day', async (t) => {
  t.equal(lastTime(MORNING, AT), new Date(2026, 10, 26, 3, 30).getTime());
  t.equal(lastTime(MORNING, 11 * 60), new Date(2026, 10, 25, 11, 0).getTime());
  t.equal(lastTime(MORNING, 10 * 60), MORNING);
});

t.test('a database that is gone with its disk: its backup elsewhere is told, and can be taken back', async (t) => {
  const elsewhere = tempFolder(t);
  const path = join(tempFolder(t), 'logcalld.db');
  const told: string[] = [];
  const log = { write: (level: string, _event: string, text: string) => void told.push(`${level} ${text}`) };
  const clock = { ...createClock(), now: () => MORNING, after: () => () => {} };
  const opened = async () => {
    const conditions = createConditions(log);
    return { conditions, database: await openStorage({ path, folder: elsewhere, clock, log, conditions }, {}) };
  };
  const first = await opened();
  await commit(first.database.remote.journal, { ended: [record('a')] });
  const copy = placeOfAutomatic(path, elsewhere, MORNING - DAY);
  backUp(path, copy, { at: MORNING - DAY, replace: false });
  t.same(first.conditions.raised(), [], 'a first start on a new machine has nothing to tell');
  await first.database.close();
  const whole = await opened();
  t.same(whole.conditions.raised(), []);
  await whole.database.close();

  for (const name of readdirSync(dirname(path))) rmSync(join(dirname(path), name));
  const { conditions, database } = await opened();
  while (conditions.raised().length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  t.match(conditions.raised(), [
    { code: 'database-lost', severity: 'error', text: `stop logcalld, "logcalld restore ${copy}", and start it again` },
  ]);
  t.ok(told.some((line) => line.startsWith('error There was no database')));
  await commit(database.remote.journal, { ended: [record('b')] });
  await database.close();
  const again = await opened();
  t.match(again.conditions.raised(), [{ code: 'database-lost' }], 'until an operator has taken note of it');
  await again.database.close();
  t.match(restore(path, copy, MORNING), { copy: { calls: 1 }, aside: /replaced/ });
  const restored = await opened();
  t.match(restored.conditions.raised(), [{ code: 'database-restored' }]);
  t.same((await restored.database.remote.sessions.byIds({ ids: ['a'] })).length, 1);
  await restored.database.close();
});
