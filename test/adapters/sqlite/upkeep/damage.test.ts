/** Databases that are damaged, missing, or not what they were: what the next opening makes of each. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { sqliteOutbox } from '../../../../adapters/sqlite/outbox/port.ts';
import { type Database, openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import type { StorageError } from '../../../../adapters/sqlite/thread/errors.ts';
import { backUp } from '../../../../adapters/sqlite/upkeep/backup.ts';
import { readMark } from '../../../../adapters/sqlite/upkeep/mark.ts';
import { commit, record, tempFolder } from '../support.ts';

t.setTimeout(120_000);

type Teardown = Parameters<typeof tempFolder>[0];

const notices = (db: Database) => db.remote.upkeep.notices({ since: 0 });
const aside = (path: string): string[] => readdirSync(dirname(path)).filter((name) => name.includes('.damaged-'));
const states = async (db: Database) =>
  (await sqliteOutbox(db.remote.outbox).select({ filter: {}, after: 0, limit: 99 })).map(
    ({ sessionId, state, step, doubtful }) => [sessionId, state, step, doubtful].join(' '),
  );

/** The files of a database with the call `a` in it, as a kill leaves them. */
async function killed(t: Teardown): Promise<string> {
  const whole = join(tempFolder(t), 'logcalld.db');
  const path = join(tempFolder(t), 'logcalld.db');
  const db = await openDatabase(whole);
  await commit(db.remote.journal, { ended: [record('a')] }, Date.now());
  for (const suffix of ['', '-wal', '.mark']) copyFileSync(`${whole}${suffix}`, `${path}${suffix}`);
  await db.close();
  return path;
}

function killedAgain(t: Teardown, from: string): string {
  const path = join(tempFolder(t), 'logcalld.db');
  for (const suffix of ['', '.mark']) copyFileSync(`${from}${suffix}`, `${path}${suffix}`);
  return path;
}

/** The same after an end in order. */
async function closed(t: Teardown, ...calls: readonly string[]): Promise<string> {
  const path = join(tempFolder(t), 'logcalld.db');
  const db = await openDatabase(path);
  await commit(db.remote.journal, { ended: ['a', ...calls].map((id) => record(id)) }, Date.now());
  await db.close();
  return path;
}

t.test('nothing is said of a database that ended in order, was killed, or is new', async (t) => {
  for (const path of [await closed(t), await killed(t), join(tempFolder(t), 'logcalld.db')]) {
    const db = await openDatabase(path);
    t.same(await notices(db), []);
    t.same(db.remarks, []);
    t.same(aside(path), []);
    await db.close();
    t.match(readMark(path), { state: 'closed', wal: null, suspect: null });
  }
});

t.test(
  'what a database says of itself and cannot be read keeps it from nothing, and makes no call be posted twice',
  async (t) => {
    const broken = ['{"id', '7', 'null', '[{}]', Buffer.from([0xff, 0xfe])];
    for (const key of ['database', 'database-copy', 'database-doubt', 'database-notices']) {
      for (const value of broken) {
        const path = await closed(t);
        const raw = new BetterSqlite3(path);
        const write = raw.prepare(
          'INSERT OR REPLACE INTO delivery_memory (key, value, at) VALUES (?, CAST(? AS TEXT), ?)',
        );
        write.run(key, value, Date.now());
        raw.close();
        const db = await openDatabase(path);
        const doubted = key === 'database' || key === 'database-copy';
        t.match(await states(db), [doubted ? /^a \w+ check true$/ : 'a pending look-up false'], `${key} ${value}`);
        t.equal((await notices(db)).length, doubted ? 1 : 0, `${key} ${value}`);
        await commit(db.remote.journal, { ended: [record('b')] }, Date.now());
        t.equal((await states(db)).length, 2);
        await db.close();
      }
    }
  },
);

const GONE: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ['zero length', (path) => writeFileSync(path, ''), /its file .*logcalld\.db was missing or empty/],
  ['deleted', (path) => rmSync(path), /its file .*logcalld\.db was missing or empty/],
  ['overwritten by a text', (path) => writeFileSync(path, 'notes '.repeat(1000)), /overwritten from the beginning/],
  ['a broken header', (path) => writeAt(path, 0, Buffer.alloc(100, 0xa5)), /overwritten from the beginning/],
  ['a broken schema', (path) => writeAt(path, 100, Buffer.alloc(3996, 0xa5)), /malformed|not a database/],
  ['cut off', (path) => truncateSync(path, 8 * 4096), /cut off|malformed/],
];

function writeAt(path: string, at: number, bytes: Buffer): void {
  const whole = readFileSync(path);
  bytes.copy(whole, at);
  writeFileSync(path, whole);
}

for (const [name, harm, why] of GONE) {
  t.test(`${name}: put aside, begun anew, told, and what may have been posted is looked for first`, async (t) => {
    const path = await closed(t);
    harm(path);
    const left = statSync(path, { throwIfNoEntry: false })?.size;
    const db = await openDatabase(path);
    const [notice] = await notices(db);
    t.match(notice, { kind: 'damaged', text: /There is no backup that can be used, so a new database was begun/ });
    t.match(notice?.text, why);
    t.match(notice?.text, /in use until 20\d\d-/);
    const kept = aside(path).map((one) => statSync(join(dirname(path), one)).size);
    t.same(kept, left === undefined || left === 0 ? [] : [left], 'it is kept as it was, where it held anything');
    t.match(notice?.text, /logcalld backfill --source NAME --since TIME/);
    await commit(db.remote.journal, { ended: [record('before'), record('after', { startedAt: Date.now() + 1e6 })] });
    t.same(await states(db), ['before uncertain check true', 'after pending look-up false']);
    await db.close();
    const again = await openDatabase(path);
    t.match(await notices(again), [{ kind: 'damaged' }], 'told until somebody has read it');
    t.equal(await again.remote.upkeep.acknowledge({ at: 1 }), 1);
    t.same(await notices(again), []);
    await again.close();
  });
}

t.test(
  'the last backup takes the place of what is damaged, wherever it is; one that is damaged itself is passed over',
  async (t) => {
    const path = await closed(t, 'b');
    const elsewhere = join(tempFolder(t), 'monday.backup');
    backUp(path, elsewhere, { at: Date.now(), replace: false });
    const newer = join(tempFolder(t), 'tuesday.backup');
    backUp(path, newer, { at: Date.now() + 1000, replace: false });
    writeAt(newer, 5 * 4096, Buffer.alloc(4096, 0xa5));
    writeFileSync(path, '');
    const db = await openDatabase(path);
    t.match(await notices(db), [
      { kind: 'damaged', text: new RegExp(`In its place is the backup ${elsewhere} of 20`) },
    ]);
    t.match(db.remarks, [{ level: 'warn', text: /tuesday\.backup is damaged/ }]);
    t.same(await states(db), ['a uncertain check true', 'b uncertain check true']);
    await db.close();
    t.ok(existsSync(elsewhere), 'the backup stays');
  },
);

t.test('a log that is missing or was exchanged: what is left is used with care, and told', async (t) => {
  const gone = await killed(t);
  // What was moved into the main file before is there.
  const full = new BetterSqlite3(gone);
  full.pragma('wal_checkpoint(TRUNCATE)');
  full.close();
  const seen = killedAgain(t, gone);
  const mild = await openDatabase(seen);
  t.match(await notices(mild), [
    { kind: 'log', text: /was missing or empty: another program, such as sqlite3, moved it/ },
  ]);
  t.same(await states(mild), ['a pending look-up false'], 'all of it is there');
  await mild.close();
  // More was stored than there is.
  const mark = JSON.parse(readFileSync(`${gone}.mark`, 'utf8'));
  writeFileSync(`${gone}.mark`, JSON.stringify({ ...mark, counter: mark.counter + 9 }));
  const one = await openDatabase(gone);
  t.match(await notices(one), [
    { kind: 'lost', text: /its log .*-wal was missing or empty\. What is stored ends at 20/ },
  ]);
  t.same(await states(one), ['a uncertain check true']);
  await one.close();

  const foreign = await killed(t);
  const main = new BetterSqlite3(foreign);
  main.pragma('wal_checkpoint(TRUNCATE)');
  main.close();
  const other = await killed(t);
  copyFileSync(`${other}-wal`, `${foreign}-wal`);
  const two = await openDatabase(foreign);
  t.match(await notices(two), [{ kind: 'lost', text: /was that of another database/ }]);
  t.same(await states(two), ['a uncertain check true']);
  t.ok(aside(foreign).some((name) => name.endsWith('-wal')));
  await two.close();
});

t.test('a log that nobody can have left does no harm', async (t) => {
  const path = await closed(t, 'b');
  const other = await killed(t);
  copyFileSync(`${other}-wal`, `${path}-wal`);
  const db = await openDatabase(path);
  const ids = (await states(db)).map((line) => line.split(' ')[0]);
  t.same(ids, ['a', 'b']);
  t.same((await notices(db)).length, 0);
  t.match(db.remarks.at(-1)?.text, /log .*-wal that it had not left/);
  await db.close();
});

t.test('an older file in its place', async (t) => {
  const path = await closed(t);
  copyFileSync(path, `${path}.copy`);
  const db = await openDatabase(path);
  await commit(db.remote.journal, { ended: [record('b')] });
  await db.close();
  copyFileSync(`${path}.copy`, path);
  const again = await openDatabase(path);
  t.match(await notices(again), [
    { kind: 'older', text: /an older one, or another one, than the one that was in use here until 20/ },
  ]);
  t.same(await states(again), ['a uncertain check true']);
  await again.close();

  const third = await closed(t);
  copyFileSync(third, path);
  const other = await openDatabase(path);
  t.match(await notices(other), [{ kind: 'older' }], 'of another installation');
  await other.close();
});

t.test('damage that is met while it is used ends it once, and the next opening looks at all of it', async (t) => {
  const path = await closed(t, ...Array.from({ length: 400 }, (_, n) => `call-${n}`));
  backUp(path, `${path}.mine`, { at: Date.now(), replace: false });
  const page = new BetterSqlite3(path, { readonly: true });
  const at = page
    .prepare("SELECT pageno FROM dbstat WHERE name = 'session' AND pagetype = 'leaf' LIMIT 1 OFFSET 20")
    .pluck();
  const number = Number(at.get());
  page.close();
  writeAt(path, (number - 1) * 4096, Buffer.alloc(4096, 0xa5));
  const failures: StorageError[] = [];
  const db = await openDatabase(path, { onFailure: (error) => failures.push(error) });
  t.same(await notices(db), [], 'a start does not look at every page');
  for (let n = 0; n < 2; n++)
    await t.rejects(db.remote.sessions.list({ limit: 999, offset: 0 }), { code: /^SQLITE_CORRUPT/ });
  t.match(failures, [{ trouble: 'corrupt', message: /is damaged .*; the next start looks at all of it/ }]);
  t.equal(failures.length, 1, 'at most once');
  t.match(readMark(path), { suspect: { reason: /malformed/ } });
  await db.close().catch(() => undefined);
  const next = await openDatabase(path);
  t.match(await notices(next), [{ kind: 'damaged', text: /malformed.*In its place is the backup .*\.mine/ }]);
  t.equal((await states(next)).length, 99);
  await next.close();
});

t.test('a suspicion that nothing confirms is told; the second one is believed', async (t) => {
  const path = await closed(t);
  const suspect = () => {
    const mark = readMark(path);
    writeFileSync(`${path}.mark`, JSON.stringify({ ...mark, suspect: { reason: 'malformed', at: Date.now() } }));
  };
  suspect();
  const db = await openDatabase(path);
  t.match(db.remarks, [{ level: 'warn', text: /Every page of the database was looked at, as malformed; all is well/ }]);
  t.same(await notices(db), []);
  await db.close();
  suspect();
  const again = await openDatabase(path);
  t.match(await notices(again), [{ kind: 'damaged' }]);
  await again.close();
});

t.test("another program's database is left as it is", async (t) => {
  const path = await closed(t);
  rmSync(path);
  const theirs = new BetterSqlite3(path);
  theirs.exec('CREATE TABLE theirs (x TEXT)');
  theirs.close();
  const before = readFileSync(path);
  await t.rejects(openDatabase(path), { code: 'SCHEMA_FOREIGN', trouble: 'unusable' });
  t.ok(before.equals(readFileSync(path)));
});
