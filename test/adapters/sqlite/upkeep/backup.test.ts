/** Backups and their return: whole or not at all, and one sentence where it cannot be. */
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { backUp, restore } from '../../../../adapters/sqlite/upkeep/backup.ts';
import { noteCopy, notedCopies, otherFiles } from '../../../../adapters/sqlite/upkeep/kept.ts';
import { commit, record, tempFolder } from '../support.ts';

t.setTimeout(120_000);

const NOW = { at: 1_000, replace: false };

async function database(t: Parameters<typeof tempFolder>[0]): Promise<string> {
  const path = join(tempFolder(t), 'logcalld.db');
  const db = await openDatabase(path);
  await commit(db.remote.journal, { ended: [record('a')] });
  await db.close();
  return path;
}

t.test('restored by root where there was none, database and lock are those of the owner of the folder', async (t) => {
  if (process.getuid?.() !== 0) return t.pass('not root');
  const path = await database(t);
  backUp(path, `${path}.monday`, NOW);
  const folder = tempFolder(t);
  chownSync(folder, 65534, 65534);
  const target = join(folder, 'logcalld.db');
  restore(target, `${path}.monday`, 1);
  for (const one of [target, `${target}.lock`]) t.match(statSync(one), { uid: 65534, gid: 65534 }, one);
  const other = join(folder, 'other.db');
  writeFileSync(`${folder}/text`, 'text');
  t.throws(() => restore(other, `${folder}/text`, 1));
  t.notOk(existsSync(other), 'nothing has changed');
  return t.end();
});

t.test('what cannot be a backup, and where none can be written, is told in a sentence; nothing changes', async (t) => {
  const path = await database(t);
  const folder = dirname(path);
  const before = readFileSync(path);
  const copy = join(folder, 'copy');
  t.match(backUp(path, copy, NOW), { at: 1_000, calls: 1, bytes: statSync(copy).size });
  const newer = join(folder, 'newer');
  copyFileSync(copy, newer);
  const db = new BetterSqlite3(newer);
  db.pragma('user_version = 999');
  db.close();
  const damaged = join(folder, 'damaged');
  writeFileSync(damaged, readFileSync(copy).fill(0xa5, 3 * 4096, 5 * 4096));
  writeFileSync(join(folder, 'text'), 'not a database '.repeat(500));
  writeFileSync(join(folder, 'empty'), '');
  const theirs = new BetterSqlite3(join(folder, 'theirs'));
  theirs.exec('CREATE TABLE x (y)');
  theirs.close();
  const files = readdirSync(folder);
  for (const [target, message] of [
    [folder, /is a folder: name a file in it/],
    [copy, /copy exists already: name another file, or replace it with --force/],
    [join(folder, 'none', 'x'), /Cannot write .*\/none\/x: the folder .*none does not exist/i],
    [join(copy, 'x'), /is not a folder/],
    ['/sys/kernel/x', /may not create files in \/sys\/kernel|needs \d+ MB/],
  ] as const)
    t.throws(() => backUp(path, target, NOW), { message }, target);
  for (const own of ['', '.backups'])
    t.throws(() => backUp(path, `${path}${own}`, { at: 1, replace: true }), {
      message: /belongs to the database itself/,
    });
  t.throws(() => backUp(join(folder, 'gone.db'), join(folder, 'y'), NOW), {
    message: /there is nothing to back up yet/,
  });
  for (const [name, message] of [
    ['newer', /was written by a later version of logcalld: install that one/],
    ['damaged', /The backup .* is damaged: take an older one/],
    ['text', /is not a backup of logcalld \(it is not an SQLite database\)/],
    ['empty', /is not a backup of logcalld \(it is empty\)/],
    ['theirs', /is not a backup of logcalld \(it is of another program\)/],
    ['.', /is a folder: name the file of a backup/],
    ['gone', /it does not exist/],
  ] as const)
    t.throws(() => restore(path, join(folder, name), 1), { message }, name);
  t.ok(before.equals(readFileSync(path)));
  t.same(
    readdirSync(folder).filter((name) => !/\.(lock|backups)$/.test(name)),
    files.filter((name) => !/\.(lock|backups)$/.test(name)),
  );
  t.same(notedCopies(path), [copy], 'where nothing was put is not remembered');
});

t.test('a backup that is copied into the place by hand is treated as one that was restored', async (t) => {
  const path = await database(t);
  backUp(path, `${path}.monday`, NOW);
  const db = await openDatabase(path);
  t.throws(() => restore(path, `${path}.monday`, 1), { code: 'DATABASE_HELD', message: /end it\.$/ });
  await db.close();
  copyFileSync(`${path}.monday`, path);
  const again = await openDatabase(path);
  t.match(await again.remote.upkeep.notices({ since: 0 }), [{ kind: 'restored', text: /a backup of 1970-01-01/ }]);
  t.match(await again.remote.outbox.counts({ now: 1 }), { states: { pending: 0, uncertain: 1 } });
  await again.close();
  const third = await openDatabase(path);
  t.equal((await third.remote.upkeep.notices({ since: 0 })).length, 1, 'once');
  await third.close();
});

t.test('where there is no database yet, a backup becomes it', async (t) => {
  const path = await database(t);
  const target = join(tempFolder(t), 'new.db');
  backUp(path, `${path}.monday`, NOW);
  t.match(restore(target, `${path}.monday`, 1), { aside: null, waiting: 1, copy: { calls: 1 } });
  const db = await openDatabase(target);
  t.match(await db.remote.upkeep.notices({ since: 0 }), [{ kind: 'restored' }]);
  await db.close();
});

t.test('before a change of the schema the database is copied, and the last three copies are kept', async (t) => {
  const path = join(tempFolder(t), 'logcalld.db');
  const old = new URL('../../../fixtures/databases/0.1-open-calls.db.gz', import.meta.url);
  writeFileSync(path, gunzipSync(readFileSync(old)));
  for (const day of ['20260101', '20260102', '20260103']) writeFileSync(`${path}.backup-${day}T000000Z`, '');
  const db = await openDatabase(path);
  const [remark] = db.remarks;
  t.match(remark, {
    level: 'notice',
    text: /from schema \d to \d+; as it was, it is kept in .*\.backup-20\d{6}T\d{6}Z/,
  });
  t.same(await db.remote.upkeep.notices({ since: 0 }), []);
  await db.close();
  const kept = readdirSync(dirname(path))
    .filter((name) => name.includes('.backup-'))
    .sort();
  t.equal(kept.length, 3);
  t.notOk(existsSync(`${path}.backup-20260101T000000Z`));
  const copy = new BetterSqlite3(join(dirname(path), kept.at(-1) ?? ''), { readonly: true });
  t.ok(Number(copy.pragma('user_version', { simple: true })) < 5);
  copy.close();
});

t.test('what root makes belongs to the user of the database', async (t) => {
  if (process.getuid?.() !== 0) return t.pass('not root');
  const path = await database(t);
  chownSync(path, 65_534, 65_533);
  backUp(path, `${path}.monday`, NOW);
  for (const one of [`${path}.monday`, `${path}.backups`])
    t.match(statSync(one), { uid: 65_534, gid: 65_533, mode: 0o100600 });
});

t.test('what a killed backup left is named, and removed by the next one', async (t) => {
  const path = await database(t);
  const target = `${path}.monday`;
  backUp(path, target, NOW);
  // Of a process that has ended.
  const { pid } = spawnSync('true');
  const part = join(dirname(path), `.logcalld.db.monday.${pid}.part`);
  const alive = join(dirname(path), `.logcalld.db.monday.${process.ppid}.part`);
  for (const one of [part, alive, `${path}.restoring`]) writeFileSync(one, 'x');
  t.same(otherFiles(path), [`${path}.restoring`, target, ...[part, alive].sort()]);
  backUp(path, target, { at: 2_000, replace: true });
  t.same([part, alive].map(existsSync), [false, true]);
});

t.test(
  'of a backup each night none that is there is forgotten; of those that are gone the last are known',
  async (t) => {
    const path = await database(t);
    const folder = tempFolder(t);
    const owner = statSync(path);
    const nights = Array.from({ length: 45 }, (_, n) => join(folder, `logcalld-${n}.db`));
    for (const [n, night] of nights.entries()) {
      if (n < 40) writeFileSync(night, 'x');
      noteCopy(path, night, owner);
    }
    t.same(otherFiles(path).toSorted(), nights.slice(0, 40).toSorted());
    for (const night of nights) rmSync(night, { force: true });
    noteCopy(path, join(folder, 'last.db'), owner);
    t.equal(notedCopies(path).length, 20);
  },
);

t.test('a restore does not move the database of another program, which [storage] path names by mistake', async (t) => {
  const path = await database(t);
  backUp(path, `${path}.monday`, NOW);
  const theirs = join(tempFolder(t), 'theirs.db');
  const db = new BetterSqlite3(theirs);
  db.exec('CREATE TABLE x (y)');
  db.close();
  const before = readFileSync(theirs);
  t.throws(() => restore(theirs, `${path}.monday`, 1), {
    code: 'SCHEMA_FOREIGN',
    message: /theirs\.db is the database of another program/,
  });
  t.same(readdirSync(dirname(theirs)), ['theirs.db']);
  t.ok(before.equals(readFileSync(theirs)));
  // What is left of a database does not say whose it was.
  for (const left of [Buffer.alloc(9000, 0xa5), readFileSync(path).fill(0xa5, 100, 5000)]) {
    writeFileSync(path, left);
    t.match(restore(path, `${path}.monday`, 1), { aside: /replaced/ });
  }
});

t.test('a folder in the place of the database is told as one', async (t) => {
  const path = tempFolder(t);
  t.throws(() => backUp(path, join(path, 'x'), NOW), { code: 'EISDIR', message: /is a folder, not a database/ });
});
