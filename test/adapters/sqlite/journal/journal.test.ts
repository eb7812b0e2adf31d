import t from 'tap';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import { sessionsModule } from '../../../../adapters/sqlite/sessions/sessions.ts';
import type { Connection } from '../../../../adapters/sqlite/thread/rpc.ts';
import type { JournalBatch } from '../../../../src/ports.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { answered, batch, connected, frame, lost, memoryDatabase, on, record } from '../support.ts';

const EVER = Number.MAX_SAFE_INTEGER;

function journal(db: Connection = memoryDatabase()) {
  const own = journalModule([])(db);
  const parsed = (rows: readonly { readonly json: string }[]): CallEvent[] => rows.map(({ json }) => JSON.parse(json));
  return {
    ...{ db, own },
    store: (part: Partial<JournalBatch>) => own.commit([batch(part)], 1_000)[0],
    openEvents: () => parsed(own.openEvents()),
    between: (from: number, to: number, after = 0, limit = 1_000) => own.eventsBetween(from, to, after, limit),
    parsed,
  };
}

t.test('open events are those of the open channels and of their source since it was connected', async (t) => {
  const { store, openEvents } = journal();
  const old = [connected(1), answered('done', 2), lost(3)];
  const calls = [connected(4), answered('x', 5), answered('y', 6), lost(7), connected(8)];
  const elsewhere = [connected(1, 'other'), answered('x', 5, 'other'), lost(9, 'other')];
  for (const event of old) store({ frames: [frame(event)] });
  // The channel is opened in the same batch, after some of its events, and another batch stored one before.
  store({ frames: calls.slice(0, 2).map((event) => frame(event)) });
  store({ frames: calls.slice(2).map((event) => frame(event)), opened: [on('x'), on('y')] });
  store({ frames: elsewhere.map((event) => frame(event)) });
  t.same(openEvents(), [...calls, ...elsewhere.filter(({ kind }) => kind !== 'answered')]);

  store({ released: [on('x')] });
  t.same(
    openEvents()[1],
    answered('y', 6),
    'a released channel is gone, and the same id of another source never counted',
  );
  store({ released: [on('y')] });
  t.same(openEvents(), [connected(8), connected(1, 'other'), lost(9, 'other')], 'the last connection stays known');
});

t.test('open events of a source that was never seen connecting', async (t) => {
  const { store, openEvents } = journal();
  store({ frames: [frame(lost(1)), frame(answered('x', 2)), frame(lost(3))], opened: [on('x'), on('unheard')] });
  t.same(openEvents(), [answered('x', 2), lost(3)]);
});

t.test('a channel opened and released in one batch is released', async (t) => {
  const { store, openEvents } = journal();
  store({ frames: [frame(answered('x', 2))], opened: [on('x')], released: [on('x')] });
  t.same(openEvents(), []);
});

t.test('events come back exactly, by pages, in the order they were stored', async (t) => {
  const { store, between, parsed } = journal();
  // The clock steps back by 5 in the middle.
  const times = [10, 11.5, 12, 7, 8, 13, 14];
  store({ frames: times.map((time) => frame(answered('x', time))) });
  const all = between(8, 14);
  t.same(
    parsed(all),
    [10, 11.5, 12, 8, 13].map((time) => answered('x', time)),
  );
  const pages = [];
  for (let after = 0; ; ) {
    const page = between(8, 14, after, 2);
    if (page.length === 0) break;
    pages.push(page);
    after = page.at(-1)?.seq ?? 0;
  }
  t.same(
    pages.map((page) => page.length),
    [2, 2, 1],
  );
  t.same(pages.flat(), all);
  t.same(between(100, 200), []);
  t.equal(between(10, 11).length, 1);
  t.same(between(8, 14, all[2]?.seq), all.slice(3), 'also from the middle, after another interval');
  store({ frames: [frame(answered('x', 9))] });
  t.equal(between(8, 14).length, all.length + 1, 'what was stored since is seen from the beginning');
});

t.test('the last frame of a source is known, with or without events', async (t) => {
  const { store, own } = journal();
  t.equal(own.lastFrameAt('pbx'), null);
  store({ frames: [frame(answered('x', 5)), { source: 'pbx', receivedAt: 9, events: [], raw: Buffer.from('?') }] });
  store({ frames: [frame(answered('x', 20, 'other'))] });
  t.equal(own.lastFrameAt('pbx'), 9);
});

t.test('a call is stored once, and its newer facts replace the older ones', async (t) => {
  const db = memoryDatabase();
  const posted: [string, number][] = [];
  const own = journalModule([(_, { callSessionId }, now) => posted.push([callSessionId, now])])(db);
  const end = (now: number, ...ended: ReturnType<typeof record>[]) => own.commit([batch({ ended })], now)[0];
  const row = db.prepare('SELECT revision, recording, created_at, updated_at, json FROM session');

  t.same(end(100, record('a')), { ok: true, result: { inserted: ['a'], changed: [] } });
  const { legs, ...rest } = record('a');
  t.same(
    end(200, { legs, ...rest }),
    { ok: true, result: { inserted: [], changed: [] } },
    'the same facts, otherwise written',
  );
  t.match(row.all(), [{ revision: 1, created_at: 100, updated_at: 100 }]);

  const late = record('a', { recording: 'a.wav', durationSeconds: 6 });
  t.same(end(300, late, record('b')), { ok: true, result: { inserted: ['b'], changed: ['a'] } });
  const first = { revision: 2, recording: 'a.wav', created_at: 100, updated_at: 300, json: JSON.stringify(late) };
  t.match(row.all(), [first, { revision: 1 }]);
  t.same(
    posted,
    [
      ['a', 100],
      ['b', 300],
    ],
    'one outbox row for each call',
  );
});

t.test('a record of an earlier version of the program is read whole, and is the same call', async (t) => {
  const db = memoryDatabase();
  const own = journalModule([])(db);
  const end = (now: number, ended: ReturnType<typeof record>) => own.commit([batch({ ended: [ended] })], now)[0];
  end(100, record('a', { recording: 'a.wav' }));
  db.prepare("UPDATE session SET json = json_remove(json, '$.ringGroup', '$.agentDomain', '$.recordings')").run();
  const sessions = sessionsModule(db);
  t.match(sessions.get('a'), { found: 'one', session: { record: record('a', { recording: 'a.wav' }) } });
  t.same(end(200, record('a', { recording: 'a.wav' })), { ok: true, result: { inserted: [], changed: [] } });
  const second = record('a', { recording: 'a.wav', recordings: ['a.wav', 'b.wav'] });
  t.same(end(300, second), { ok: true, result: { inserted: [], changed: ['a'] } });
  t.match(sessions.list({ limit: 1, offset: 0 }), [{ record: second }]);
});

t.test('a wrong batch is left out whole, and stops no other', async (t) => {
  const db = memoryDatabase();
  const refuse = (_: Connection, { callSessionId }: { callSessionId: string }): void => {
    if (callSessionId === 'bad') throw new Error('no outbox row for this one');
  };
  const own = journalModule([refuse])(db);
  const fates = own.commit(
    [
      batch({ frames: [frame(answered('x', 1))], ended: [record('good')] }),
      batch({ frames: [frame(answered('y', 2), Buffer.from('raw'))], opened: [on('y')], ended: [record('bad')] }),
      batch({ frames: [frame(answered('z', Number.NaN))] }),
      batch({ frames: [frame(answered('w', 3))], ended: [record('fine')] }),
    ],
    1,
  );
  t.match(fates, [{ ok: true }, { ok: false, error: { message: /no outbox row/ } }, { ok: false }, { ok: true }]);
  t.same(db.prepare('SELECT channel FROM event ORDER BY seq').pluck().all(), ['x', 'w']);
  t.same(db.prepare('SELECT call_session_id FROM session ORDER BY 1').pluck().all(), ['fine', 'good']);
  t.equal(db.prepare('SELECT count(*) FROM open_channel').pluck().get(), 0);
  t.equal(db.prepare('SELECT bytes FROM raw_total').pluck().get(), 0);
});

t.test('trouble of the file stores nothing and throws', async (t) => {
  const { db, own } = journal();
  db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`);
  const big = batch({ frames: [frame(answered('y', 2), Buffer.alloc(100_000))] });
  t.throws(() => own.commit([batch({ frames: [frame(answered('x', 1))] }), big], 1), { code: 'SQLITE_FULL' });
  t.equal(db.inTransaction, false);
  t.equal(db.prepare('SELECT count(*) FROM event').pluck().get(), 0);
});

t.test('reading finds its rows by an index', async (t) => {
  const db = memoryDatabase();
  const plans: string[] = [];
  const prepare = db.prepare.bind(db);
  const spy = new Proxy(db, {
    get(target, key) {
      if (key !== 'prepare') return Reflect.get(target, key, target);
      return (sql: string) => {
        const plan = /^\s*(SELECT|DELETE|UPDATE)/.test(sql) ? prepare(`EXPLAIN QUERY PLAN ${sql}`) : null;
        const blanks = (sql.match(/\?/g) ?? []).map(() => 1);
        if (plan !== null && !sql.includes('@')) plans.push(...plan.all(...blanks).map((row) => JSON.stringify(row)));
        return prepare(sql);
      };
    },
  });
  journalModule([])(spy);
  t.ok(plans.length > 20);
  const scans = plans.filter((plan) => /SCAN (event|frame|old|e|session)\b/.test(plan));
  t.same(
    scans.filter((plan) => !/USING (COVERING )?INDEX (event_of_source|frame_with_raw)/.test(plan)),
    [],
  );
});

t.test('pruning keeps what is open, the newest frame, and numbers that were used', async (t) => {
  const { db, own, store, openEvents } = journal();
  const raw = (n: number) => Buffer.alloc(n, 1);
  store({ frames: [frame(connected(1), raw(10)), frame(answered('x', 2), raw(20))], opened: [on('x')] });
  store({
    frames: [frame(answered('gone', 3), raw(40)), frame(answered('gone', 4), raw(80)), frame(lost(5), raw(160))],
  });
  const request = { rawBefore: 0, eventsBefore: 0, rawMaxBytes: EVER, limit: 10 };
  const open = openEvents();
  const nothing = { rawCleared: 0, eventsDeleted: 0, framesDeleted: 0, rawBytes: 310, more: false };
  t.same(own.prune(request), nothing);
  t.same(own.prune({ ...request, rawMaxBytes: 310 }), nothing);
  t.match(own.prune({ ...request, rawMaxBytes: 270 }), { rawCleared: 2, rawBytes: 260 }, 'oldest first, x is open');
  t.match(own.prune({ ...request, rawBefore: 5, limit: 1 }), { rawCleared: 1, rawBytes: 180, more: true });
  t.match(own.prune({ ...request, rawBefore: EVER }), { rawCleared: 1, rawBytes: 20, more: false });
  const all = { ...request, rawBefore: EVER, eventsBefore: EVER };
  t.match(own.prune({ ...all, limit: 1 }), { eventsDeleted: 1, more: true });
  t.match(own.prune(all), { eventsDeleted: 1, framesDeleted: 1 });
  t.match(own.prune(all), { eventsDeleted: 0, framesDeleted: 0, more: false });
  t.same(openEvents(), open);

  store({ released: [on('x')] });
  t.match(own.prune(all), { rawCleared: 1, rawBytes: 0, eventsDeleted: 1 });
  t.same(openEvents(), [connected(1), lost(5)]);
  t.equal(own.lastFrameAt('pbx'), 5);
  const before = db.prepare('SELECT max(seq) FROM event').pluck().get();
  t.equal(before, 5);
  db.prepare('DELETE FROM event').run();
  store({ frames: [frame(answered('new', 6))] });
  t.equal(db.prepare('SELECT seq FROM event').pluck().get(), 6);
});
