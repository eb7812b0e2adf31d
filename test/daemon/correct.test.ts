/** Calls that an operator has judged anew: newer facts are never replaced by older ones. */
import { join } from 'node:path';
import t from 'tap';
import { sqliteJournal } from '../../adapters/sqlite/journal/port.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { FIRST_PLACE } from '../../adapters/sqlite/upkeep/erase.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { correct } from '../../src/daemon/answers/handlers.ts';
import type { Why } from '../../src/delivery/parked/reasons.ts';
import type { JournalBatch } from '../../src/ports.ts';
import { batch, manualClock, record, tempFolder } from '../adapters/sqlite/support.ts';

t.test('what changed since it was seen is left alone, at whatever moment', async (t) => {
  const database = await openDatabase(join(tempFolder(t), 'x.db'));
  t.teardown(() => database.close());
  const journal = sqliteJournal(database, { clock: manualClock(), readerOf: () => null });
  await journal.commit(batch({ ended: [record('a'), record('b')] }));
  const corrected: string[] = [];
  const parts = {
    ...{ store: database.remote, clock: manualClock(), callsKeptMs: 1e9 },
    // Newer facts of one of them are stored after the operator's have been taken, and before they are.
    journal: {
      async commit(late: JournalBatch) {
        await journal.commit(batch({ ended: [record('a', { sip: 200 })] }));
        return journal.commit(late);
      },
    },
    delivery: { notify: () => {} },
    onCorrected: (records: readonly CallRecord[]) => void corrected.push(...records.map((one) => one.callSessionId)),
  };
  const anew = (id: string, revision: number) => ({ record: record(id, { sip: 480 }), revision });
  const done = correct(parts, { items: [anew('a', 1), anew('b', 1), anew('c', 0), anew('d', 3)] });
  t.same(await done, { inserted: ['c'], changed: ['b'], moved: ['a', 'd'], gone: [] });
  t.same(corrected, ['b', 'c']);
  t.match(await database.remote.sessions.get('a'), { session: { revision: 2, record: { sip: 200 } } });
  t.same(await database.remote.sessions.get('d'), { found: 'none' });
  t.same(await correct(parts, { items: [anew('b', 1)] }), { inserted: [], changed: [], moved: ['b'], gone: [] });
});

t.test(
  'a call that was removed or erased is not stored again, and what was never stored is looked for first',
  async (t) => {
    const database = await openDatabase(join(tempFolder(t), 'x.db'));
    t.teardown(() => database.close());
    const { remote } = database;
    const journal = sqliteJournal(database, { clock: manualClock(), readerOf: () => null });
    const theirs = { external: '09845012345', externalE164: '+919845012345' };
    const skipped: Why = { code: 'skip-internal', reason: 'Internal call.' };
    const unposted = sqliteJournal(database, { clock: manualClock(), readerOf: () => null, unposted: () => skipped });
    const [startedAt, endedAt] = [900_000, 960_000];
    const old = record('old', { startedAt: 1000, endedAt: 2000 });
    const pruned = record('pruned', { startedAt, endedAt: 950_000 });
    await unposted.commit(batch({ ended: [pruned, record('erased', { ...theirs, startedAt, endedAt })] }));
    t.equal(await remote.sessions.forget({ endedBefore: 955_000, limit: 10, toldSince: 900_000 }), 1);
    const erasure = { digits: '9845012345', e164: '+919845012345', dryRun: false, place: FIRST_PLACE };
    t.same((await remote.upkeep.erase(erasure)).erased, ['erased']);

    const parts = {
      ...{ journal, store: remote, clock: { now: () => 1_000_000 }, callsKeptMs: 100_000 },
      ...{ delivery: { notify: () => {} }, onCorrected: () => {} },
    };
    const zeros = record('erased', { external: '00000000000', externalE164: null, startedAt, endedAt });
    const never = record('never', { startedAt, endedAt });
    const items = [old, pruned, zeros, never].map((one) => ({ record: one, revision: 0 }));
    const done = await correct(parts, { items });
    t.same(done, { inserted: ['never'], changed: [], moved: [], gone: ['old', 'pruned', 'erased'] });
    const rows = await remote.outbox.select({ filter: {}, after: 0, limit: 9 });
    t.match(
      rows.map(({ sessionId, state, step }) => [sessionId, state, step]),
      [['never', 'uncertain', 'check']],
    );
    // What comes late of it does not bring it back either.
    const late = record('erased', { ...theirs, recording: 'late.wav', startedAt, endedAt });
    t.same(await journal.commit(batch({ ended: [late] })), {
      inserted: [],
      changed: [],
      refused: [],
      gone: ['erased'],
    });
    t.same(await remote.erasures.gone({ ids: ['erased', 'never', 'pruned'] }), ['erased', 'pruned']);
    await remote.erasures.forgetGone({ endedBefore: 955_000 });
    t.same(await remote.erasures.gone({ ids: ['erased', 'pruned'] }), ['erased']);
  },
);
