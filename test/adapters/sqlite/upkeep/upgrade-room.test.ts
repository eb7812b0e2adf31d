/** A change of the schema where there is room for the copy of what was, or for the change, but not for both. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { migrate } from '../../../../adapters/sqlite/thread/migrate.ts';
import { tempFolder } from '../support.ts';

t.setTimeout(120_000);

type Teardown = { teardown(run: () => void): unknown };

const OLD = new URL('../../../fixtures/databases/schema-3.db.gz', import.meta.url);
const copies = (folder: string) => readdirSync(folder).filter((name) => name.includes('.backup-'));

/** An old database of some megabytes, nearly all of it deliveries, which a change of the schema writes anew. */
function old(path: string): number {
  writeFileSync(path, gunzipSync(readFileSync(OLD)));
  const db = new BetterSqlite3(path);
  db.pragma('journal_mode = DELETE');
  db.exec(`CREATE TEMP TABLE one AS SELECT * FROM session LIMIT 1;
    CREATE TEMP TABLE many AS WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000) SELECT n FROM n;
    CREATE TEMP TABLE all_of_them AS SELECT one.*, n FROM one, many;
    UPDATE all_of_them SET call_session_id = 'many-' || n, json = '{}';
    ALTER TABLE all_of_them DROP COLUMN n;
    INSERT INTO session SELECT * FROM all_of_them;
    INSERT INTO delivery (session_id, state, ended_at, due_at, body, created_at, updated_at)
    SELECT call_session_id, 'delivered', ended_at, 0, '"' || hex(zeroblob(500)) || '"', 1, 1 FROM all_of_them;`);
  db.close();
  return statSync(path).size;
}

const bytesOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** An old database on a disk with so much room beside it: `left` of the sizes in bytes of the database, and of what its change takes. */
function onSmallDisk(t: Teardown, left: (bytes: number, change: number) => number): string | null {
  const whole = join(tempFolder(t), 'logcalld.db');
  const bytes = old(whole);
  const tried = join(tempFolder(t), 'tried.db');
  copyFileSync(whole, tried);
  const db = openConnection(tried);
  migrate(db);
  const change = bytesOf(tried) + bytesOf(`${tried}-wal`) - bytes;
  db.close();
  const disk = tempFolder(t);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'logcalld-test', disk]).status !== 0) return null;
  t.teardown(() => spawnSync('umount', ['-l', disk]));
  copyFileSync(whole, join(disk, 'logcalld.db'));
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize - left(bytes, change)));
  return disk;
}

const SMALL = 'this user may not mount a small disk';

t.test('the room of the copy is left to the change, where there is not enough for both', async (t) => {
  const disk = onSmallDisk(t, (_, change) => change + 800_000);
  if (disk === null) return t.pass(SMALL);
  const db = await openDatabase(join(disk, 'logcalld.db'));
  t.match(db.remarks, [
    { level: 'warn', text: /from schema 3 to \d+ without a copy of what it was: there is no room for both/ },
  ]);
  t.same(copies(disk), []);
  t.ok((await db.remote.outbox.counts({ now: 1 })).states.delivered >= 5000);
  await db.close();
});

t.test('after a part of the change the copy stays, and who frees room is told of it', async (t) => {
  const disk = onSmallDisk(t, (bytes, change) => bytes + Math.floor(change * 0.7));
  if (disk === null) return t.pass(SMALL);
  const path = join(disk, 'logcalld.db');
  const text = /no room is left.* The copy of what it was, .*logcalld\.db\.backup-20\d+T\d+Z, may go to another disk\./;
  await t.rejects(openDatabase(path), { code: 'SQLITE_FULL', message: text });
  t.equal(copies(disk).length, 1);
  rmSync(join(disk, 'filler'));
  const db = await openDatabase(path);
  t.ok((await db.remote.outbox.counts({ now: 1 })).states.delivered >= 5000);
  await db.close();
});

t.test('a change that fails leaves no copy of what has not changed, and takes none of those before', async (t) => {
  const folder = tempFolder(t);
  const path = join(folder, 'logcalld.db');
  old(path);
  const db = new BetterSqlite3(path);
  db.exec('CREATE TABLE segment (x)');
  db.close();
  const before = ['20260101', '20260102', '20260103'].map((day) => `logcalld.db.backup-${day}T000000Z`);
  for (const name of before) writeFileSync(join(folder, name), '');
  const fails = { code: 'SCHEMA_MIGRATION', message: /0005-segments.sql .*segment already exists/ };
  await t.rejects(openDatabase(path), fails);
  // 0004 was done, 0005 was not: what was before is kept.
  t.equal(copies(folder).length, 4);
  for (let n = 0; n < 3; n += 1) await t.rejects(openDatabase(path), fails);
  t.equal(copies(folder).length, 4);
  t.ok(before.every((name) => existsSync(join(folder, name))));
});
