/** What the outbox stores, and that its statements find it without reading everything. */
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { leadCacheModule } from '../../../../adapters/sqlite/caches.ts';
import { limiterModule } from '../../../../adapters/sqlite/limiter.ts';
import { insertDelivery, outboxModule } from '../../../../adapters/sqlite/outbox/outbox.ts';
import { sessionStore } from '../../../../adapters/sqlite/sessions/store.ts';
import { migrate } from '../../../../adapters/sqlite/thread/migrate.ts';
import { userModule } from '../../../../adapters/sqlite/users.ts';
import type { CallRecord } from '../../../../src/call/record.ts';
import type { AttemptResult, Delivery, Intent } from '../../../../src/delivery/store.ts';
import { call } from '../../../delivery/fakes.ts';

function open() {
  const db = new BetterSqlite3(':memory:');
  db.pragma('foreign_keys = ON');
  migrate(db);
  const store = sessionStore(db, [insertDelivery]);
  const end = (...records: readonly CallRecord[]) => records.map((record) => store(record, 5000));
  return { db, end, outbox: outboxModule(db) };
}

function intent(row: Delivery, over: Partial<Intent> = {}): Intent {
  return {
    id: row.id,
    revision: row.revision,
    trigger: 'live',
    slot: 7,
    slotWaitMs: 1.5,
    startedAt: 10_000,
    body: { CallSessionId: row.sessionId },
    resolution: { leadId: 'lead', userId: null },
    facts: { recordingUrl: null, durationSeconds: 60 },
    ...over,
  };
}

const ALL = { now: 100_000, liveSince: -1, live: 10, backlog: 10 };

t.test('a call gets one row, however often it is stored', async (t) => {
  const { db, end, outbox } = open();
  end(call(1), call(1), { ...call(1), legs: 3 });
  t.match(outbox.counts({ now: 0 }), { states: { pending: 1 }, oldestWaiting: call(1).endedAt });
  db.close();
});

t.test(
  'the claim: live first, then the backlog, then replays; each by the end of the call; only what is due',
  async (t) => {
    const { db, end, outbox } = open();
    end(call(5), call(3), call(4), call(1), call(2));
    db.prepare("UPDATE delivery SET intent = 'replay' WHERE session_id = 'pbx:1:1'").run();
    db.prepare("UPDATE delivery SET state = 'retrying', due_at = 200000 WHERE session_id = 'pbx:1:2'").run();
    const liveSince = call(4).endedAt - 1;
    const rows = outbox.claim({ now: 100_000, liveSince, live: 10, backlog: 10 });
    t.same(
      rows.map((row) => row.sessionId),
      ['pbx:1:4', 'pbx:1:5', 'pbx:1:3', 'pbx:1:1'],
    );
    t.ok(rows.every((row) => row.state === 'resolving'));
    t.same(rows[0]?.record, call(4));
    t.same(outbox.claim(ALL), [], 'nothing is claimed twice');
    t.equal(outbox.nextDue({ now: 100_000 }), 200_000);
    t.equal(outbox.claim({ ...ALL, now: 200_000 }).length, 1);
    db.close();
  },
);

t.test('an intent is refused when the call changed or the row moved', async (t) => {
  const { db, end, outbox } = open();
  end(call(1));
  const [row] = outbox.claim(ALL);
  if (row === undefined) return t.fail('one row');
  end({ ...call(1), talkSeconds: 61 });
  t.equal(outbox.begin(intent(row)), false);
  t.equal(outbox.attempts({ sessionId: row.sessionId }).length, 0, 'nothing was written');
  t.equal(outbox.begin(intent(row, { revision: 2 })), true);
  t.equal(outbox.begin(intent(row, { revision: 2 })), false, 'it is under way');
  t.match(outbox.attempts({ sessionId: row.sessionId }), [
    { number: 1, trigger: 'live', slot: 7, slotWaitMs: 2, startedAt: 10_000, result: null, bodyHash: /^[0-9a-f]{64}$/ },
  ]);
  db.close();
});

t.test('a row moves only from the state it is thought to be in', async (t) => {
  const { db, end, outbox } = open();
  end(call(1));
  const [row] = outbox.claim(ALL);
  if (row === undefined) return t.fail('one row');
  const move = { id: row.id, now: 20_000, dueAt: 0, reason: 'x' };
  t.same(outbox.settle({ items: [{ ...move, from: 'sending', to: 'delivered' }] }), [false]);
  t.same(outbox.settle({ items: [{ ...move, from: 'resolving', to: 'skipped' }] }), [true]);
  t.match(outbox.counts({ now: 0 }), { states: { skipped: 1, delivered: 0 } });
  db.close();
});

t.test('after a crash', async (t) => {
  const { db, end, outbox } = open();
  end(call(1), call(2), call(3), call(4));
  const rows = outbox.claim(ALL);
  const [first, second] = rows;
  if (first === undefined || second === undefined) return t.fail('rows');
  outbox.begin(intent(first));
  db.prepare("UPDATE delivery SET state = 'retrying', due_at = 9999999999999 WHERE id = 3").run();
  db.prepare("UPDATE delivery SET state = 'uncertain', due_at = 1 WHERE id = 4").run();
  t.same(outbox.recover({ now: 50_000, checkAt: 110_000, latestDue: 2_000_000 }), { uncertain: 1, released: 1 });
  const states = outbox.select({ filter: {}, after: 0, limit: 10 });
  t.match(states, [
    { state: 'uncertain', doubtful: true, dueAt: 110_000 },
    { state: 'pending', dueAt: 0 },
    { state: 'retrying', dueAt: 0 },
    { state: 'uncertain', dueAt: 110_000 },
  ]);
  t.match(outbox.attempts({ sessionId: first.sessionId }), [
    { result: { outcome: 'interrupted' }, finishedAt: 50_000 },
  ]);
  t.same(outbox.uncertain({ now: 109_999, limit: 10 }), []);
  t.equal(outbox.uncertain({ now: 110_000, limit: 10 }).length, 2);
  db.close();
});

t.test('late facts are noticed in the transaction that stores them', async (t) => {
  const { db, end, outbox } = open();
  end(call(1));
  const [row] = outbox.claim(ALL);
  if (row === undefined) return t.fail('one row');
  outbox.begin(intent(row));
  end({ ...call(1), recording: 'during.wav' });
  const result: AttemptResult = {
    ...{ outcome: 'accepted', http: 200, exception: null, message: 'ok', answer: '{}' },
    durationMs: 12.7,
  };
  const from = { id: row.id, from: 'sending', to: 'delivered', now: 1, dueAt: 0, reason: null } as const;
  outbox.settle({ items: [{ ...from, activityId: 'a-1', attempt: result }] });
  t.match(outbox.changed({ now: 0, limit: 5 }), [
    { revision: 2, activityId: 'a-1', posted: { recordingUrl: null, durationSeconds: 60 } },
  ]);
  const facts = { recordingUrl: 'during.wav', durationSeconds: 60 };
  const close = { id: row.id, now: 2, retryAt: null, facts, activityId: 'a-1', reason: null, attempt: null };
  end({ ...call(1), recording: 'again.wav' });
  outbox.updated({ ...close, revision: 2 });
  t.equal(outbox.changed({ now: 0, limit: 5 }).length, 1, 'a newer revision waits');
  outbox.updated({ ...close, revision: 3, attempt: { startedAt: 1, result } });
  t.equal(outbox.changed({ now: 1e15, limit: 5 }).length, 0);
  end({ ...call(1), recording: 'last.wav' });
  t.equal(outbox.changed({ now: 0, limit: 5 }).length, 1);
  t.match(outbox.attempts({ sessionId: row.sessionId }), [
    { trigger: 'live', result: { outcome: 'accepted', durationMs: 13 } },
    { trigger: 'update' },
  ]);
  db.close();
});

t.test('selection', async (t) => {
  const { db, end, outbox } = open();
  end(call(1), call(2, { source: 'other' }), call(3));
  db.prepare("UPDATE delivery SET state = 'parked', reason = 'bad' WHERE id IN (2, 3)").run();
  const ids = (filter: Parameters<typeof outbox.select>[0]['filter']) =>
    outbox.select({ filter, after: 0, limit: 10 }).map((row) => row.id);
  t.same(ids({}), [1, 2, 3]);
  t.same(ids({ ids: ['pbx:1:3', 'nothing'] }), [3]);
  t.same(ids({ states: ['parked'] }), [2, 3]);
  t.same(ids({ states: ['parked'], source: 'pbx' }), [3]);
  t.same(ids({ since: call(2).endedAt, until: call(3).endedAt }), [2]);
  t.same(ids({ number: '9811000002' }), [2]);
  t.same(ids({ number: '+91 98110-00003' }), [3]);
  t.same(
    outbox.select({ filter: {}, after: 1, limit: 1 }).map((row) => row.id),
    [2],
    'pages',
  );
  t.same(outbox.counts({ now: 0 }).parkedReasons, [{ reason: 'bad', count: 2 }]);
  t.equal(outbox.requeue({ ids: [1, 2, 3], force: false, now: 1, checkAt: 9 }), 2);
  db.close();
});

t.test('calls of the last day that were not posted are counted by reason', async (t) => {
  const { db, end, outbox } = open();
  const now = Date.UTC(2026, 10, 25);
  const day = 24 * 3_600_000;
  const ended = [now - day - 1, now - day + 1, now - 5000, now, now].map((endedAt, n) => call(n + 1, { endedAt }));
  end(...ended);
  db.prepare("UPDATE delivery SET state = 'skipped', reason = 'internal' WHERE id < 4").run();
  db.prepare("UPDATE delivery SET state = 'skipped' WHERE id = 4").run();
  t.strictSame(outbox.counts({ now: now + 0.5 }).skippedReasons, [
    { reason: 'internal', count: 2 },
    { reason: '', count: 1 },
  ]);
  t.strictSame(outbox.counts({ now: now + 2 * day }).skippedReasons, []);
  db.close();
});

t.test('the statements of the loop use their indexes', async (t) => {
  const { db, end } = open();
  end(call(1));
  db.exec("UPDATE delivery SET state = 'delivered'");
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO session SELECT 'pbx:1:' || i, revision, source, direction, status, external, external_e164, external_reversed,
      did, did_e164, trunk, queue, agent, started_at, answered_at, ended_at, duration_seconds, talk_seconds, recording, json,
      created_at, updated_at FROM session, n`);
  db.exec(`INSERT INTO delivery (session_id, state, ended_at, due_at, created_at, updated_at)
    SELECT call_session_id, 'delivered', 1, 0, 1, 1 FROM session WHERE call_session_id <> 'pbx:1:1'`);
  db.exec('ANALYZE');
  const statements: string[] = [];
  const prepare = db.prepare.bind(db);
  const spy = new Proxy(db, {
    get: (target, name) => {
      if (name !== 'prepare') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return (sql: string) => {
        statements.push(sql);
        return prepare(sql);
      };
    },
  });
  outboxModule(spy);
  const values = { now: 1, liveSince: 1, live: 1, backlog: 1, rest: 1, limit: 1 };
  const reads = statements.filter((sql) => /^SELECT/.test(sql.trim()) && /due_at|NOT IN/.test(sql));
  t.equal(reads.length, 8, reads.join('\n'));
  for (const sql of reads) {
    const names = Object.entries(values).filter(([name]) => sql.includes(`@${name}`));
    const plan = prepare<[object], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(Object.fromEntries(names));
    const text = plan.map((step) => step.detail).join('; ');
    t.notMatch(text, /SCAN (delivery|d|session|s)\b(?!.*USING)|TEMP B-TREE/, text);
  }
  db.close();
});

t.test('the limiter: slots of this boot, the count of the day, what was learned', async (t) => {
  const { db } = open();
  const limiter = limiterModule(db);
  t.equal(limiter.load({}), null);
  const use = { bootId: 'a', until: 10.5, count: 2, day: '2026-01-05', usedToday: 2, forgetBefore: 0 };
  t.same(limiter.reserve(use), [1, 2]);
  t.same(limiter.reserve({ ...use, until: 20, count: 1, usedToday: 3, forgetBefore: 15 }), [3]);
  t.match(limiter.load({}), { bootId: 'a', slots: [20], day: '2026-01-05', usedToday: 3, tuning: null });
  limiter.reserve({ ...use, bootId: 'b', until: 1, count: 1 });
  t.match(limiter.load({}), { bootId: 'b', slots: [1] });
  const tuning = { requests: 10, windowMs: 5000, guardMs: 50, strict: true, ceiling: 10 };
  limiter.tune({ tuning });
  t.same(limiter.load({})?.tuning, tuning);
  limiter.tune({ tuning: null });
  t.equal(limiter.load({})?.tuning, null);
  db.close();
});

t.test('the caches', async (t) => {
  const { db } = open();
  const leads = leadCacheModule(db);
  const lead = { id: 'l', name: 'Asha', ownerId: null, phone: '1', mobile: null };
  t.equal(leads.get({ number: '1' }), null);
  leads.put({ number: '1', lead, at: 10, forgetBefore: 0 });
  leads.put({ number: '2', lead: null, at: 20, forgetBefore: 0 });
  t.same(
    [leads.get({ number: '1' }), leads.get({ number: '2' })],
    [
      { lead, at: 10 },
      { lead: null, at: 20 },
    ],
  );
  leads.put({ number: '3', lead, at: 30, forgetBefore: 15 });
  t.equal(leads.get({ number: '1' }), null, 'too old to be kept');
  leads.forget({ number: '2' });
  t.equal(leads.get({ number: '2' }), null);
  leads.rememberFormat({ format: 'NSN' });
  leads.rememberFormat({ format: '+CCNSN' });
  t.equal(leads.format({}), '+CCNSN');
  const users = userModule(db);
  t.equal(users.load({}), null);
  users.save({ users: [{ id: 'u', name: 'A', email: 'a@b', active: true, phones: [] }], at: 5 });
  t.match(users.load({}), { users: [{ id: 'u' }], at: 5 });
  users.seen({ extension: '1001', domain: null, at: 5, userId: null });
  users.seen({ extension: '1001', domain: null, at: 4, userId: null });
  users.seen({ extension: '1002', domain: null, at: 9, userId: 'u' });
  t.same(users.missing({}), [{ extension: '1001', domain: null, calls: 2, lastAt: 5 }]);
  users.seen({ extension: '1001', domain: null, at: 6, userId: 'u' });
  t.same(users.missing({}), []);
  for (const domain of ['a.example', 'b.example']) users.seen({ extension: '1001', domain, at: 7, userId: null });
  const [one, two] = users.missing({});
  t.match(
    [one, two],
    [
      { domain: 'a.example', calls: 1 },
      { domain: 'b.example', calls: 1 },
    ],
    'each tenant for itself',
  );
  db.close();
});
