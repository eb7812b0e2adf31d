import t from 'tap';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import { outboxOf } from '../../../../adapters/sqlite/outbox/outbox.ts';
import { sessionsModule } from '../../../../adapters/sqlite/sessions/sessions.ts';
import type { CallRecord } from '../../../../src/call/record.ts';
import { commit, memoryDatabase, record } from '../support.ts';

function sessions(...ended: CallRecord[]) {
  const db = memoryDatabase();
  commit(journalModule([])(db), { ended }, 50);
  const own = sessionsModule(db);
  const ids = (filter: Omit<Parameters<typeof own.list>[0], 'limit' | 'offset'>, limit = 100, offset = 0) =>
    own.list({ ...filter, limit, offset }).found.map((session) => session.record.callSessionId);
  return { ...own, ids };
}

t.test('one call by its id or by a beginning that fits no other', async (t) => {
  const own = sessions(record('pbx-1'), record('pbx-12'), record('pbx-2_%'));
  t.same(own.get('pbx-1'), {
    found: 'one',
    session: { record: record('pbx-1'), revision: 1, createdAt: 50, updatedAt: 50 },
  });
  t.match(own.get('pbx-2'), { found: 'one', session: { record: { callSessionId: 'pbx-2_%' } } });
  t.same(own.get('pbx-'), { found: 'several', ids: ['pbx-1', 'pbx-12', 'pbx-2_%'] });
  for (const id of ['', 'pbx-3', 'bx-1', '%', 'PBX-1', 'pbx-1\u{10ffff}']) t.same(own.get(id), { found: 'none' }, id);
});

t.test('a list, latest first, by pages and by every filter', async (t) => {
  const own = sessions(
    record('a', { startedAt: 100, status: 'Missed', agent: '1002' }),
    record('b', { startedAt: 300, direction: 'Outbound', status: 'NoAnswer', external: '5551234', externalE164: null }),
    record('c', { startedAt: 200, source: 'other', external: 'anonymous', externalE164: null, withheld: true }),
    record('d', { startedAt: 300 }),
  );
  t.same(own.ids({}), ['d', 'b', 'c', 'a']);
  t.same(own.ids({}, 2), ['d', 'b']);
  t.same(own.ids({}, 2, 2), ['c', 'a']);
  t.same(own.ids({ since: 200, until: 300 }), ['c']);
  t.same(own.ids({ direction: 'Outbound' }), ['b']);
  t.same(own.ids({ status: 'Missed' }), ['a']);
  t.same(own.ids({ source: 'other' }), ['c']);
  t.same(own.ids({ agent: '1002' }), ['a']);
  t.same(own.ids({ direction: 'Inbound', until: 250, status: 'Answered' }), ['c']);
});

t.test('a number is found by its last digits, however it is written', async (t) => {
  const own = sessions(
    record('a', { external: '09876543210', externalE164: '+919876543210' }),
    record('b', { external: '5551234', externalE164: null }),
    record('c', { external: null, externalE164: null }),
  );
  for (const number of ['3210', '9876543210', '09876543210', '+91 98765 43210', '0091-9876543210', '10']) {
    t.same(own.ids({ number }), ['a'], number);
  }
  t.same(own.ids({ number: '1234' }), ['b']);
  for (const number of ['', 'anonymous', '%', '7654', '29876543210']) t.same(own.ids({ number }), [], number);
});

t.test('counts by source, direction and status', async (t) => {
  const own = sessions(
    record('a'),
    record('b', { startedAt: 5_000 }),
    record('c', { status: 'Missed' }),
    record('d', { source: 'other', direction: 'Internal' }),
  );
  const answered = { source: 'pbx', direction: 'Inbound', status: 'Answered' };
  t.same(own.counts({}), [
    { source: 'other', direction: 'Internal', status: 'Answered', count: 1 },
    { ...answered, count: 2 },
    { ...answered, status: 'Missed', count: 1 },
  ]);
  t.same(own.counts({ since: 5_000 }), [{ ...answered, count: 1 }]);
});

t.test(
  'old calls are forgotten when they are done with, and kept while somebody may still want them sent',
  async (t) => {
    const db = memoryDatabase();
    const journal = journalModule([outboxOf])(db);
    const sessions = sessionsModule(db);
    const ended = ['done', 'parked', 'new'].map((id) => record(id, { endedAt: id === 'new' ? 5000 : 1000 }));
    commit(journal, { ended }, 6000);
    db.prepare("UPDATE delivery SET state = 'delivered' WHERE session_id IN ('done', 'new')").run();
    db.prepare("UPDATE delivery SET state = 'parked' WHERE session_id = 'parked'").run();
    t.equal(sessions.forget({ endedBefore: 2000, limit: 10 }), 1);
    t.strictSame(db.prepare('SELECT call_session_id FROM session ORDER BY 1').pluck().all(), ['new', 'parked']);
    t.equal(sessions.forget({ endedBefore: 2000, limit: 10 }), 0);
  },
);
