import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { sqliteJournal } from '../../../../adapters/sqlite/journal/port.ts';
import { openDatabase, openWith } from '../../../../adapters/sqlite/thread/database.ts';
import type { StorageError } from '../../../../adapters/sqlite/thread/errors.ts';
import type { FrameReader } from '../../../../src/capture/reader.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import {
  answered,
  batch,
  connected,
  frame,
  lost,
  manualClock,
  on,
  record,
  tempFolder,
  walTransactions,
} from '../support.ts';
import type { ProbeModules } from '../thread/probe-modules.ts';

const PROBE = new URL('../thread/probe-modules.ts', import.meta.url);
const clock = manualClock();
const OPTIONS = { clock, readerOf: () => read };

/** Takes as much room compressed. */
const NOISE = randomBytes(50_000);

/** Frames in these tests are the id of a channel. */
function read(raw: Uint8Array, source: string, at: number): readonly CallEvent[] {
  return [answered(Buffer.from(raw).toString(), at, source)];
}

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(...page);
  return found;
}

t.test('what was committed is there after the file is opened again', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openDatabase(path);
  const journal = sqliteJournal(db, OPTIONS);
  const slab = Buffer.from('.......c.......');
  const frames = [frame(connected(1)), frame(answered('c', 2.25), slab.subarray(7, 8))];
  t.same(await journal.commit(batch({ frames, opened: [on('c')], ended: [record('a')] })), {
    ...{ inserted: ['a'], changed: [], refused: [] },
  });
  // Not awaited: closing stores it.
  const late = journal.commit(batch({ frames: [frame(answered('d', 3))], ended: [record('a', { sip: 200 })] }));
  await db.close();
  t.same(await late, { inserted: [], changed: ['a'], refused: [] });

  const again = await openWith<ProbeModules>(path, PROBE);
  const reader = sqliteJournal(again, OPTIONS);
  t.same(await reader.openChannels(), [on('c')]);
  t.same(await all(reader.openEvents()), [connected(1), answered('c', 2.25)]);
  t.equal(await reader.lastFrameAt('pbx', Number.MAX_SAFE_INTEGER), 3);
  t.equal(await reader.lastFrameAt('nobody', Number.MAX_SAFE_INTEGER), null);
  t.match(await again.remote.sessions.get('a'), { session: { revision: 2, createdAt: 1_000, record: { sip: 200 } } });
  t.match(await reader.seal({ before: 10 }), { sealed: 2, more: false });
  t.same(await all(reader.openEvents()), [connected(1), answered('c', 2.25)]);
  t.match(await reader.prune({ before: 10, maxBytes: 1e9, limit: 10 }), { removed: 0 });
  await again.close();
});

t.test('commits of one moment share one transaction', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openDatabase(path);
  const journal = sqliteJournal(db, OPTIONS);
  const commit = (n: number) =>
    journal.commit(batch({ frames: [frame(answered(`c${n}`, n))], ended: [record(`s${n}`)] }));
  // The room that is taken at the first opening ends with a checkpoint, after which the log begins anew.
  await commit(1000);
  const before = walTransactions(path);
  const first = commit(0);
  // Lets the first transaction begin; its answer needs a turn of the event loop.
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  t.equal(db.pending(), 1);
  const later = Array.from({ length: 50 }, (_, index) => commit(index + 1));
  t.equal(journal.status().pending, 51);
  t.same(await first, { inserted: ['s0'], changed: [], refused: [] });
  const results = await Promise.all(later);
  t.equal(walTransactions(path) - before, 2, '51 commits, 2 transactions');
  t.same(
    results.map(({ inserted }) => inserted),
    Array.from({ length: 50 }, (_, index) => [`s${index + 1}`]),
  );
  t.match(journal.status(), { pending: 0, pendingWeight: 0 });
  await db.close();
});

t.test('a call that is wrong in itself is refused alone, and told with its reason', async (t) => {
  const db = await openDatabase(join(tempFolder(t), 'x.db'));
  const journal = sqliteJournal(db, OPTIONS);
  const good = journal.commit(batch({ ended: [record('good')] }));
  const bad = journal.commit(
    batch({ frames: [frame(answered('x', 1))], ended: [record('bad', { startedAt: Number.NaN }), record('fine')] }),
  );
  t.match(await bad, { inserted: ['fine'], changed: [], refused: [{ id: 'bad', why: /NOT NULL/ }] });
  t.match(await good, { inserted: ['good'], refused: [] });
  t.same(await db.remote.sessions.get('bad'), { found: 'none' });
  t.equal(await journal.lastFrameAt('pbx', Number.MAX_SAFE_INTEGER), 1, 'what the PBX said is kept');
  await db.close();
});

t.test('a frame that the present code cannot read, or of a source it does not know, costs itself', async (t) => {
  const db = await openDatabase(join(tempFolder(t), 'x.db'));
  const reading = (readerOf: (source: string) => FrameReader | null) => sqliteJournal(db, { clock, readerOf });
  const picky = reading(() => (raw, source, at) => {
    if (Buffer.from(raw).toString().startsWith('!')) throw new Error('what is this');
    return read(raw, source, at);
  });
  const frames = ['c', '!c', 'c'].map((text, at) => frame(answered('c', at + 1), Buffer.from(text)));
  await picky.commit(batch({ frames: [...frames, frame(lost(5))], opened: [on('c')] }));
  t.same(await all(picky.openEvents()), [answered('c', 1), answered('c', 3), lost(5)]);
  t.same(await all(reading(() => null).openEvents()), [lost(5)]);
  await db.close();
});

t.test('a full disk is shown, loses nothing, and heals', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openWith<ProbeModules>(path, PROBE);
  const pauses = manualClock();
  const told: (StorageError | null)[] = [];
  const begun = Promise.withResolvers<void>();
  const journal = sqliteJournal(db, {
    ...OPTIONS,
    clock: pauses,
    onTrouble: (error) => {
      told.push(error);
      begun.resolve();
    },
  });
  await db.remote.probe.forbidGrowth();
  const big = journal.commit(batch({ frames: [frame(answered('c', 1), NOISE)], ended: [record('a')] }));
  await begun.promise;
  const second = journal.commit(batch({ frames: [frame(answered('c', 2))], ended: [record('b')] }));
  t.match(told, [{ code: 'SQLITE_FULL', trouble: 'full' }]);
  t.match(journal.status(), { pending: 2, trouble: /^No room is left on .*: free some space/, failedAttempts: 1 });
  t.same(await journal.openChannels(), [], 'reading goes on');
  await db.remote.probe.allowGrowth();
  pauses.fire();
  t.same(await Promise.all([big, second]), [
    { inserted: ['a'], changed: [], refused: [] },
    { inserted: ['b'], changed: [], refused: [] },
  ]);
  t.same(told.at(-1), null);
  t.match(journal.status(), { pending: 0, trouble: null });
  t.equal(await journal.lastFrameAt('pbx', Number.MAX_SAFE_INTEGER), 2);
  await db.close();
});

t.test('closing on a full disk ends, and says what was not stored', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openWith<ProbeModules>(path, PROBE);
  const journal = sqliteJournal(db, { ...OPTIONS, clock: manualClock() });
  await db.remote.probe.forbidGrowth();
  const big = journal.commit(batch({ frames: [frame(answered('c', 1), NOISE)] }));
  const closing = db.close();
  await t.rejects(big, { code: 'SQLITE_FULL' });
  await t.rejects(closing, { code: 'SQLITE_FULL' });
  const again = await openDatabase(path);
  t.equal(await sqliteJournal(again, OPTIONS).lastFrameAt('pbx', Number.MAX_SAFE_INTEGER), null);
  await again.close();
});
