import { join } from 'node:path';
import t from 'tap';
import { sqliteJournal } from '../../../../adapters/sqlite/journal/port.ts';
import { openDatabase, openWith } from '../../../../adapters/sqlite/thread/database.ts';
import type { StorageError } from '../../../../adapters/sqlite/thread/errors.ts';
import { answered, batch, connected, frame, manualClock, on, record, tempFolder, walTransactions } from '../support.ts';
import type { ProbeModules } from '../thread/probe-modules.ts';

const PROBE = new URL('../thread/probe-modules.ts', import.meta.url);
const clock = manualClock();

t.test('what was committed is there after the file is opened again', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openDatabase(path);
  const journal = sqliteJournal(db, { clock });
  const events = [connected(1), answered('c', 2.25)];
  const slab = Buffer.from('.......the bytes of the frame.......');
  const frames = events.map((event) => frame(event, slab.subarray(7, 29)));
  t.same(await journal.commit(batch({ frames, opened: [on('c')], ended: [record('a')] })), {
    inserted: ['a'],
    changed: [],
  });
  // Not awaited: closing stores it.
  const late = journal.commit(batch({ frames: [frame(answered('d', 3))], ended: [record('a', { sip: 200 })] }));
  await db.close();
  t.same(await late, { inserted: [], changed: ['a'] });

  const again = await openWith<ProbeModules>(path, PROBE);
  const reader = sqliteJournal(again, { clock });
  t.same(await reader.openEvents(), [
    { seq: 1, event: events[0] },
    { seq: 2, event: events[1] },
  ]);
  t.same(await reader.eventsBetween(0, 10, 2, 10), [{ seq: 3, event: answered('d', 3) }]);
  t.equal(await reader.lastFrameAt('pbx'), 3);
  t.equal(await reader.lastFrameAt('nobody'), null);
  t.match(await again.remote.sessions.get('a'), { session: { revision: 2, createdAt: 1_000, record: { sip: 200 } } });
  t.match(await reader.prune({ rawBefore: 0, eventsBefore: 0, rawMaxBytes: 1e9, limit: 10 }), { rawBytes: 44 });
  await again.close();
});

t.test('commits of one moment share one transaction', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openDatabase(path);
  const journal = sqliteJournal(db, { clock });
  const commit = (n: number) =>
    journal.commit(batch({ frames: [frame(answered(`c${n}`, n))], ended: [record(`s${n}`)] }));
  const before = walTransactions(path);
  const first = commit(0);
  // Lets the first transaction begin; its answer needs a turn of the event loop.
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  t.equal(db.pending(), 1);
  const later = Array.from({ length: 50 }, (_, index) => commit(index + 1));
  t.equal(journal.status().pending, 51);
  t.same(await first, { inserted: ['s0'], changed: [] });
  t.equal(walTransactions(path) - before, 1);
  const results = await Promise.all(later);
  t.equal(walTransactions(path) - before, 2, '51 commits, 2 transactions');
  t.same(
    results.map(({ inserted }) => inserted),
    Array.from({ length: 50 }, (_, index) => [`s${index + 1}`]),
  );
  t.match(journal.status(), { pending: 0, pendingWeight: 0 });
  await db.close();
});

t.test('a wrong batch is rejected alone', async (t) => {
  const db = await openDatabase(join(tempFolder(t), 'x.db'));
  const journal = sqliteJournal(db, { clock });
  const good = journal.commit(batch({ ended: [record('good')] }));
  const bad = journal.commit(batch({ frames: [frame(answered('x', Number.NaN))], ended: [record('bad')] }));
  await t.rejects(bad, { name: 'StorageError', code: /^SQLITE_CONSTRAINT/, trouble: 'program' });
  t.same(await good, { inserted: ['good'], changed: [] });
  t.same(await db.remote.sessions.get('bad'), { found: 'none' });
  await db.close();
});

t.test('a full disk is shown, loses nothing, and heals', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openWith<ProbeModules>(path, PROBE);
  const pauses = manualClock();
  const told: (StorageError | null)[] = [];
  const begun = Promise.withResolvers<void>();
  const journal = sqliteJournal(db, {
    clock: pauses,
    onTrouble: (error) => {
      told.push(error);
      begun.resolve();
    },
  });
  await db.remote.probe.forbidGrowth();
  const big = journal.commit(batch({ frames: [frame(answered('c', 1), Buffer.alloc(50_000))], ended: [record('a')] }));
  await begun.promise;
  const second = journal.commit(batch({ frames: [frame(answered('c', 2))], ended: [record('b')] }));
  t.match(told, [{ code: 'SQLITE_FULL', trouble: 'full' }]);
  t.match(journal.status(), { pending: 2, trouble: 'database or disk is full', failedAttempts: 1 });
  t.same(await journal.openEvents(), [], 'reading goes on');
  await db.remote.probe.allowGrowth();
  pauses.fire();
  t.same(await Promise.all([big, second]), [
    { inserted: ['a'], changed: [] },
    { inserted: ['b'], changed: [] },
  ]);
  t.same(told.at(-1), null);
  t.match(journal.status(), { pending: 0, trouble: null });
  t.same(
    (await journal.eventsBetween(0, 10, 0, 10)).map(({ event }) => event.at),
    [1, 2],
  );
  await db.close();
});

t.test('closing on a full disk ends, and says what was not stored', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openWith<ProbeModules>(path, PROBE);
  const journal = sqliteJournal(db, { clock: manualClock() });
  await db.remote.probe.forbidGrowth();
  const big = journal.commit(batch({ frames: [frame(answered('c', 1), Buffer.alloc(50_000))] }));
  const closing = db.close();
  await t.rejects(big, { code: 'SQLITE_FULL' });
  await t.rejects(closing, { code: 'SQLITE_FULL' });
  const again = await openDatabase(path);
  t.same(await sqliteJournal(again, { clock }).eventsBetween(0, 10, 0, 10), []);
  await again.close();
});
