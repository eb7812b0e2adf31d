/** The log beside a database: one that is its own is used, whoever began it anew. */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { connect } from '../../../../adapters/sqlite/thread/connection.ts';
import { type Database, openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { loadMigrations } from '../../../../adapters/sqlite/thread/migrate.ts';
import { isLater, walName } from '../../../../adapters/sqlite/upkeep/wal.ts';
import { commit, record, tempFolder } from '../support.ts';

t.setTimeout(120_000);

type Teardown = Parameters<typeof tempFolder>[0];

const notices = (db: Database) => db.remote.upkeep.notices({ since: 0 });
const aside = (path: string): string[] => readdirSync(dirname(path)).filter((name) => name.includes('.damaged-'));

/** The files as a kill leaves them at this moment. */
function killedNow(t: Teardown, from: string): string {
  const path = join(tempFolder(t), 'logcalld.db');
  for (const suffix of ['', '-wal', '.mark'])
    if (readdirSync(dirname(from)).includes(`logcalld.db${suffix}`))
      copyFileSync(`${from}${suffix}`, `${path}${suffix}`);
  return path;
}

async function killed(t: Teardown): Promise<string> {
  const whole = join(tempFolder(t), 'logcalld.db');
  const db = await openDatabase(whole);
  await commit(db.remote.journal, { ended: [record('a')] }, Date.now());
  const path = killedNow(t, whole);
  await db.close();
  return path;
}

t.test('begun anew beside a reader that had opened the database after the kill', async (t) => {
  const path = await killed(t);
  const before = walName(path) ?? 0;
  // It brings the index of the log back; the writer takes it over, and counts the checkpoints from zero.
  const reader = new BetterSqlite3(path, { readonly: true });
  reader.prepare('SELECT count(*) FROM session').get();
  const writer = connect(path, 5_000);
  for (let n = 0; n < 3; n++) {
    writer.pragma('wal_checkpoint(RESTART)');
    writer.prepare("INSERT INTO delivery_memory (key, value, at) VALUES (?, 'x', 0)").run(`mine-${n}`);
  }
  t.ok(isLater(before, walName(path) ?? 0));
  const left = killedNow(t, path);
  reader.close();
  writer.close();
  const db = await openDatabase(left);
  t.same(await notices(db), []);
  t.same([aside(left), db.remarks], [[], []]);
  await db.close();
  const end = new BetterSqlite3(left, { readonly: true });
  t.equal(end.prepare("SELECT count(*) FROM delivery_memory WHERE key LIKE 'mine-%'").pluck().get(), 3);
  end.close();
});

t.test('a log of another name that fits the file is used', async (t) => {
  const path = await killed(t);
  const mark = JSON.parse(readFileSync(`${path}.mark`, 'utf8'));
  writeFileSync(`${path}.mark`, JSON.stringify({ ...mark, wal: mark.wal ^ 0x5555_5555 }));
  const db = await openDatabase(path);
  t.same(await notices(db), []);
  t.same(aside(path), []);
  t.equal((await db.remote.sessions.list({ limit: 9, offset: 0 })).found.length, 1);
  await db.close();
});

t.test('that of an older version, which was put back and killed', async (t) => {
  const path = join(tempFolder(t), 'logcalld.db');
  const old = new URL('../../../fixtures/databases/0.1-open-calls.db.gz', import.meta.url);
  writeFileSync(path, gunzipSync(readFileSync(old)));
  await (await openDatabase(path)).close();
  const [kept = ''] = readdirSync(dirname(path)).filter((name) => name.includes('.backup-'));
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  copyFileSync(join(dirname(path), kept), path);
  const older = new BetterSqlite3(path);
  older.pragma('journal_mode = WAL');
  older.exec("INSERT INTO delivery_memory (key, value, at) VALUES ('mine', 'x', 0)");
  const left = killedNow(t, path);
  older.close();
  const db = await openDatabase(left);
  t.same(aside(left), []);
  t.match(await notices(db), [{ kind: 'restored' }], 'it is an earlier moment all the same');
  await db.close();
  const end = new BetterSqlite3(left, { readonly: true });
  t.equal(end.prepare("SELECT value FROM delivery_memory WHERE key = 'mine'").pluck().get(), 'x');
  end.close();
});

t.test('a start that is refused moves the log into the file, and the next one knows', async (t) => {
  const path = await killed(t);
  const newer = connect(path, 5_000);
  newer.pragma('user_version = 999');
  const left = killedNow(t, path);
  newer.close();
  await t.rejects(openDatabase(left), { code: 'SCHEMA_NEWER' });
  const back = new BetterSqlite3(left);
  back.pragma(`user_version = ${loadMigrations().length}`);
  back.close();
  const db = await openDatabase(left);
  t.same([await notices(db), db.remarks], [[], []]);
  await db.close();
});
