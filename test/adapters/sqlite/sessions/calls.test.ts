import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import { outboxOf } from '../../../../adapters/sqlite/outbox/outbox.ts';
import { callsModule } from '../../../../adapters/sqlite/sessions/calls.ts';
import { openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { openReadOnly } from '../../../../adapters/sqlite/thread/read-only.ts';
import { commit, memoryDatabase, record, tempFolder } from '../support.ts';

function filled() {
  const db = memoryDatabase();
  const journal = journalModule([outboxOf])(db);
  const ended = [
    record('pbx-1.10', { startedAt: 1_000, endedAt: 9_000 }),
    record('pbx-1.11', { startedAt: 2_000, endedAt: 3_000, direction: 'Outbound', externalE164: '+14155550100' }),
    record('pbx-2.11', { startedAt: 3_000, endedAt: 4_000, direction: 'Internal', external: null, externalE164: null }),
    record('other-1.12', { startedAt: 4_000, endedAt: 5_000, source: 'other' }),
  ];
  commit(journal, { ended }, 20_000);
  db.exec(
    "UPDATE delivery SET state = 'parked', reason = 'No user.' WHERE session_id = 'pbx-1.11'; DELETE FROM delivery WHERE session_id = 'pbx-2.11'",
  );
  return { db, calls: callsModule(db) };
}

t.test('the list is newest first and every filter restricts it', async (t) => {
  const { calls } = filled();
  const ids = (query: Partial<Parameters<typeof calls.list>[0]>) =>
    calls.list({ limit: 10, scan: 100, ...query }).rows.map((row) => row.record.callSessionId);
  t.same(ids({}), ['other-1.12', 'pbx-2.11', 'pbx-1.11', 'pbx-1.10']);
  t.same(ids({ limit: 1 }), ['other-1.12']);
  t.same(ids({ since: 5_000 }), ['other-1.12', 'pbx-1.10'], 'since looks at the end of the call');
  t.same(ids({ until: 5_000 }), ['pbx-2.11', 'pbx-1.11']);
  t.same(ids({ states: ['parked', 'delivered'] }), ['pbx-1.11']);
  t.same(ids({ source: 'other' }), ['other-1.12']);
  t.same(ids({ direction: 'Internal' }), ['pbx-2.11']);
  t.same(ids({ number: '0100' }), ['pbx-1.11']);
  t.same(ids({ number: '100' }), ['pbx-1.11']);
  t.same(ids({ number: '010' }), []);
  t.same(ids({ number: "' OR 1" }), []);
  t.match(calls.list({ limit: 1, scan: 100, states: ['parked'] }).rows[0], {
    state: 'parked',
    reason: 'No user.',
    tries: 0,
  });
  t.match(calls.list({ limit: 1, scan: 100, direction: 'Internal' }).rows[0], { state: null, reason: null });
});

t.test('a call is found by its id, else by a beginning, else by an end', async (t) => {
  const { db, calls } = filled();
  t.same(calls.find({ id: 'pbx-1.10' }), { found: 'one', id: 'pbx-1.10' });
  t.same(calls.find({ id: 'oth' }), { found: 'one', id: 'other-1.12' });
  t.same(calls.find({ id: '.10' }), { found: 'one', id: 'pbx-1.10' });
  t.same(calls.find({ id: 'x-1.10' }), { found: 'one', id: 'pbx-1.10' }, 'by the six characters of the index');
  t.same(calls.find({ id: 'bx-1.10' }), { found: 'one', id: 'pbx-1.10' }, 'and those before them');
  t.same(calls.find({ id: 'no-1.10' }), { found: 'none' });
  t.match(calls.find({ id: '.11' }), { found: 'several', ids: ['pbx-1.11', 'pbx-2.11'] });
  t.match(calls.find({ id: 'pbx-1' }), { found: 'several' });
  db.exec(
    "INSERT INTO heard (source, at, ahead_ms, own_times) VALUES ('pbx', 0, 0, 0), ('pbx-2', 0, 0, 0), ('other', 0, 0, 0)",
  );
  t.same(calls.find({ id: '1.10' }), { found: 'one', id: 'pbx-1.10' }, 'as the PBX names it');
  t.same(calls.find({ id: '1.12' }), { found: 'one', id: 'other-1.12' });
  t.same(calls.find({ id: '2' }), { found: 'one', id: 'pbx-2.11' }, 'the beginning of that');
  t.match(calls.find({ id: '1.' }), { found: 'several', ids: ['other-1.12', 'pbx-1.10', 'pbx-1.11'] });
  t.same(calls.find({ id: '2.1' }), { found: 'none' }, 'the id of a leg is no beginning');
  for (const id of ['', 'x', '%', '_', "'"]) t.same(calls.find({ id }), { found: 'none' }, id);
});

t.test('the file can be read beside a writer, and is never written', async (t) => {
  const path = join(tempFolder(t), 'a.db');
  const database = await openDatabase(path);
  const { remote } = database;
  await commit(remote.journal, { ended: [record('pbx-1.1')] }, 5);
  const look = openReadOnly(path);
  t.equal((await look.remote.calls.list({ limit: 5, scan: 9 })).rows.length, 1);
  await commit(remote.journal, { ended: [record('pbx-1.2')] }, 6);
  t.equal((await look.remote.calls.list({ limit: 5, scan: 9 })).rows.length, 2, 'what is committed meanwhile is seen');
  await t.rejects(look.remote.leadCache.rememberFormat({ format: 'x' }), { code: 'SQLITE_READONLY' });
  look.close();
  await database.close();
  const alone = openReadOnly(path);
  t.equal((await alone.remote.calls.list({ limit: 5, scan: 9 })).rows.length, 2, 'and without a writer');
  alone.close();
});

t.test('a file that cannot be read costs one sentence with the remedy', async (t) => {
  const folder = tempFolder(t);
  const path = join(folder, 'none.db');
  t.throws(() => openReadOnly(path), {
    message: `Cannot read the database ${path}: it does not exist: logcalld has not run with this config yet.`,
  });
  const text = join(folder, 'text.db');
  writeFileSync(text, 'this is not a database, this is not a database');
  t.throws(() => openReadOnly(text), { message: /Cannot read the database .*not a database/ });
  t.throws(() => openReadOnly(folder), { name: 'StorageError', message: /Cannot read the database/ });
  const BetterSqlite3 = (await import('better-sqlite3')).default;
  const foreign = join(folder, 'foreign.db');
  new BetterSqlite3(foreign).exec('CREATE TABLE a (b)').close();
  t.throws(() => openReadOnly(foreign), { message: /not a database of logcalld/ });
});
