/** What takes the place of a damaged database, and a kill, a full disk or a foreign backup on the way there. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { sqliteOutbox } from '../../../../adapters/sqlite/outbox/port.ts';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { type Database, openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { backUp } from '../../../../adapters/sqlite/upkeep/backup.ts';
import { readMark, writeMark } from '../../../../adapters/sqlite/upkeep/mark.ts';
import { commit, record, tempFolder } from '../support.ts';

t.setTimeout(120_000);

type Teardown = Parameters<typeof tempFolder>[0];

const notices = (db: Database) => db.remote.upkeep.notices({ since: 0 });
const aside = (path: string): string[] => readdirSync(dirname(path)).filter((name) => name.includes('.damaged-'));
const BEFORE = { startedAt: 1_000 };

async function closed(t: Teardown): Promise<string> {
  const path = join(tempFolder(t), 'logcalld.db');
  const db = await openDatabase(path);
  await commit(db.remote.journal, { ended: [record('a')] }, Date.now());
  await db.close();
  return path;
}

/** Whether a call that began earlier is looked for before it is posted. */
async function isDoubted(db: Database): Promise<boolean> {
  await commit(db.remote.journal, { ended: [record('before', BEFORE)] });
  const { states } = await db.remote.outbox.counts({ now: 1 });
  return states.uncertain > 0 && states.pending === 0;
}

/** In a process of its own. */
function node(t: Teardown, script: string, ...limit: readonly string[]) {
  const file = join(tempFolder(t), 'script.mjs');
  writeFileSync(file, script);
  const [command = '', ...words] = [...limit, process.execPath, file];
  return spawnSync(command, words, { encoding: 'utf8' });
}

const module = (name: string): string => new URL(`../../../../adapters/sqlite/${name}.ts`, import.meta.url).href;

t.test('a backup that can be used waits for room: no new database is begun in its place', async (t) => {
  const path = await closed(t);
  const big = new BetterSqlite3(path);
  big.exec("INSERT INTO delivery_memory (key, value, at) VALUES ('ballast', hex(randomblob(2000000)), 0)");
  big.close();
  const backup = join(tempFolder(t), 'a.backup');
  backUp(path, backup, { at: Date.now(), replace: false });
  writeFileSync(path, 'notes '.repeat(1000));
  const script = `const { openDatabase } = await import('${module('thread/database')}');
    try { await openDatabase('${path}'); } catch (error) { console.log(error.trouble, error.message); }`;
  const first = node(t, script, 'sh', '-c', `trap '' XFSZ; ulimit -f 1000; exec "$@"`, 'sh');
  t.match(
    first.stdout,
    /^full The database .* was damaged .*put aside as .*Its backup .*a\.backup is whole, but cannot/,
  );
  t.notOk(existsSync(path));
  const name = new RegExp(
    `overwritten.*put aside as .*${aside(path)[0]}\\. In its place is the backup .*a\\.backup of 20`,
  );
  const db = await openDatabase(path);
  t.match(await notices(db), [{ kind: 'damaged', text: name }]);
  t.equal(aside(path).length, 1);
  t.ok(await isDoubted(db));
  await db.close();
  t.equal(readMark(path)?.replaced, null);
});

t.test('killed after the old one was put aside', async (t) => {
  const begun: readonly (readonly [string, (path: string) => void])[] = [
    ['before anything was there', () => {}],
    ['an empty file', (path) => writeFileSync(path, '')],
    ['no table yet', (path) => openConnection(path).close()],
  ];
  for (const [name, harm] of begun) {
    const path = await closed(t);
    const put = `${path}.damaged-20260101T000000Z`;
    const mark = readMark(path);
    if (mark === null) return t.fail('no mark');
    const replaced = { why: 'the first cause', at: 5_000, until: 4_000, aside: put, copy: null, refused: [] };
    writeMark(path, { ...mark, replaced }, true);
    renameSync(path, put);
    harm(path);
    const db = await openDatabase(path);
    t.match(
      await notices(db),
      [
        {
          kind: 'damaged',
          at: 5_000,
          text: /the first cause\) and was put aside as .*\.damaged-20260101T000000Z\. There is no/,
        },
      ],
      name,
    );
    t.equal(aside(path).length, 1);
    t.ok(await isDoubted(db));
    await db.close();
    const again = await openDatabase(path);
    t.equal((await notices(again)).length, 1, 'once');
    await again.close();
  }
});

t.test('killed after a new file was made where one was missing: it is not taken for new', async (t) => {
  const path = await closed(t);
  rmSync(path);
  openConnection(path).close();
  const db = await openDatabase(path);
  t.match(await notices(db), [{ kind: 'older', text: /Nothing is stored in it/ }]);
  t.ok(await isDoubted(db));
  await db.close();
});

t.test('what is passed over is named: a backup of another installation, a list that cannot be read', async (t) => {
  const path = await closed(t);
  const theirs = await closed(t);
  backUp(theirs, join(dirname(theirs), 'theirs.backup'), { at: 1, replace: false });
  writeFileSync(`${path}.backups`, JSON.stringify([join(dirname(theirs), 'theirs.backup')]));
  writeFileSync(path, '');
  const db = await openDatabase(path);
  t.match(await notices(db), [{ text: /a new database was begun.*theirs\.backup is of another database of logcalld/ }]);
  t.match(db.remarks, [{ level: 'warn', text: /theirs\.backup is of another database/ }]);
  await db.close();
  writeFileSync(`${path}.backups`, '[');
  writeFileSync(path, '');
  const again = await openDatabase(path);
  t.match((await notices(again)).at(-1), { text: /list of backups .*\.backups cannot be read/ });
  await again.close();
});

t.test('restore, killed at the last step: nothing begins in silence', async (t) => {
  const path = await closed(t);
  const backup = join(dirname(path), 'a.backup');
  backUp(path, backup, { at: Date.now(), replace: false });
  const killed = node(
    t,
    `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    const rename = fs.renameSync;
    fs.renameSync = (a, b) => { if (a.endsWith('.restoring')) process.kill(process.pid, 'SIGKILL'); rename(a, b); };
    syncBuiltinESMExports();
    const { restore } = await import('${module('upkeep/backup')}');
    restore('${path}', '${backup}', Date.now());`,
  );
  t.equal(killed.signal, 'SIGKILL', killed.stderr);
  t.notOk(existsSync(path));
  const db = await openDatabase(path);
  t.match(await notices(db), [{ kind: 'damaged', text: /missing or empty.*In its place is the backup .*a\.backup/ }]);
  await db.close();
  copyFileSync(backup, path);
  const again = await openDatabase(path);
  t.match((await notices(again)).at(-1), { kind: 'restored' });
  await again.close();
});

t.test('the doubt does not rest on the clock of the machine alone', async (t) => {
  const [now, DAY] = [Date.now(), 86_400_000];
  for (const at of [now, now + 30 * DAY]) {
    const path = await closed(t);
    const mark = readMark(path);
    if (mark === null) return t.fail('no mark');
    // Of a clock that was ahead then, or that is behind now.
    writeMark(path, { ...mark, at }, true);
    writeFileSync(path, '');
    const db = await openDatabase(path);
    await commit(db.remote.journal, { ended: [record('a', { startedAt: at - 1_000 })] }, now);
    const [row] = await sqliteOutbox(db.remote.outbox).select({ filter: {}, after: 0, limit: 9 });
    t.match(row, { state: 'uncertain' }, 'it began before the last moment that is known');
    t.ok((row?.dueAt ?? 0) <= Date.now() + 60_000, 'and is looked for soon');
    await db.close();
  }
});
