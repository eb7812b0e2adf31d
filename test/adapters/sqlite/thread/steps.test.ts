/** A database of version 3, with deliveries in every state, becomes one whose deliveries stand at steps. */
import t from 'tap';
import { outboxModule } from '../../../../adapters/sqlite/outbox/outbox.ts';
import { permitsModule } from '../../../../adapters/sqlite/permits.ts';
import { sessionRow } from '../../../../adapters/sqlite/sessions/row.ts';
import { sessionStore } from '../../../../adapters/sqlite/sessions/store.ts';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { loadMigrations, migrate } from '../../../../adapters/sqlite/thread/migrate.ts';
import type { Connection } from '../../../../adapters/sqlite/thread/rpc.ts';
import { call } from '../../../delivery/fakes.ts';
import { ALL, NONE } from '../outbox/support.ts';

const FACTS = '{"recordingUrl":"1.wav","durationSeconds":60}';

/** Columns of a row of version 3 that are not as when it was made. */
type Old = Readonly<Record<string, string | number>>;

const ROWS: readonly Old[] = [
  { state: 'pending' },
  { state: 'pending', intent: 'replay', due_at: 70 },
  { state: 'resolving', attempts: 1, lead_id: 'lead' },
  {
    state: 'sending',
    tries: 1,
    sent_revision: 1,
    sent_facts: FACTS,
    body: '{"CallSessionId":"x"}',
    first_attempt_at: 60,
  },
  { state: 'delivered', activity_id: 'act', posted_facts: FACTS, sent_facts: FACTS, delivered_at: 90, update_tries: 4 },
  { state: 'delivered', activity_id: 'act-2', posted_facts: FACTS, update_due_at: 800, update_tries: 2 },
  { state: 'retrying', attempts: 3, tries: 3, due_at: 900, reason: 'busy' },
  { state: 'uncertain', attempts: 2, tries: 2, due_at: 950, doubtful: 1, reason: 'timeout' },
  { state: 'parked', attempts: 5, tries: 5, reason: 'refused', doubtful: 1 },
  { state: 'skipped', reason: 'internal' },
];

function versionThree(): Connection {
  const db = openConnection(':memory:');
  migrate(db, loadMigrations().slice(0, 3));
  // What the way of storing asks for today, and the schema of then does not have.
  db.exec('CREATE TEMP TABLE erasure_key (key BLOB); CREATE TEMP TABLE gone (call BLOB PRIMARY KEY, ended_at INTEGER)');
  const store = sessionStore(db, []);
  for (const [n, over] of ROWS.entries()) {
    const record = call(n + 1);
    store(sessionRow(record), 50);
    const row: Old = {
      ...{ session_id: record.callSessionId, ended_at: record.endedAt, due_at: 0, created_at: 50, updated_at: 55 },
      ...over,
    };
    const names = Object.keys(row);
    db.prepare(`INSERT INTO delivery (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`).run(
      row,
    );
  }
  db.exec('DROP TABLE temp.erasure_key; DROP TABLE temp.gone');
  const attempt = db.prepare(
    `INSERT INTO attempt (delivery_id, number, trigger_, slot, slot_wait_ms, started_at, finished_at, body, body_hash, outcome,
       http, message, duration_ms) VALUES (?, ?, ?, 7, 3, 100, ?, '{"a":1}', 'hash', ?, 200, ?, 9)`,
  );
  for (const [n, trigger] of ['live', 'retry', 'replay', 'verify', 'update'].entries()) {
    attempt.run(9, n + 1, trigger, 110, 'accepted', 'ok');
  }
  // Of the post under way.
  attempt.run(4, 1, 'live', null, null, null);
  db.prepare("INSERT INTO limiter (id, boot, day, used_today) VALUES (1, 'boot', '2026-01-05', 12)").run();
  db.prepare("INSERT INTO slot (boot, until) VALUES ('boot', 10.5), ('boot', 20)").run();
  return db;
}

t.test('every row stands where it stood, and nothing is posted twice or lost', async (t) => {
  const db = versionThree();
  t.equal(migrate(db)[0], '0004-steps.sql');
  const rows = outboxModule(db).select({ filter: {}, after: 0, limit: 100 });
  const attempts = { 'look-up': 0, post: 0, check: 0, update: 0 };
  const old = { destination: 'leadsquared', leaseOwner: null, attempts, trigger: 'live', createdAt: 50, updatedAt: 55 };
  const lookUp = { ...old, state: 'pending', step: 'look-up', dueAt: 0 } as const;
  const posted = { recordingUrl: '1.wav', durationSeconds: 60 };
  t.match(rows, [
    lookUp,
    { ...lookUp, trigger: 'replay', dueAt: 70 },
    { ...lookUp, attempts: { ...attempts, post: 1 }, leadId: 'lead' },
    {
      ...old,
      state: 'uncertain',
      step: 'check',
      doubtful: true,
      tries: 1,
      firstAttemptAt: 60,
      reason: /stopped before/,
    },
    { ...old, state: 'delivered', step: null, activityId: 'act', posted, deliveredAt: 90 },
    { ...old, state: 'delivered', step: 'update', activityId: 'act-2', posted, dueAt: 800 },
    {
      ...{ ...old, state: 'retrying', step: 'look-up', dueAt: 900, reason: 'busy', tries: 3 },
      attempts: { ...attempts, post: 3 },
    },
    {
      ...{ ...old, state: 'uncertain', step: 'check', dueAt: 950, doubtful: true, reason: 'timeout', tries: 2 },
      attempts: { ...attempts, post: 2 },
    },
    { ...old, state: 'parked', step: null, reason: 'refused', doubtful: true, attempts: { ...attempts, post: 5 } },
    { ...old, state: 'skipped', step: null, reason: 'internal' },
  ]);
  t.same(
    rows.map(({ id }) => id),
    ROWS.map((_, n) => n + 1),
  );
  t.same(rows[3]?.body, { CallSessionId: 'x' });
  const sent = db.prepare('SELECT sent_revision, sent_facts FROM delivery WHERE id = 4').get();
  t.same(sent, { sent_revision: 1, sent_facts: FACTS });
  t.same(db.pragma('foreign_key_check'), []);
  t.equal(db.pragma('integrity_check', { simple: true }), 'ok');
  db.close();
});

t.test('its attempts belong to their steps, and none is open', async (t) => {
  const db = versionThree();
  migrate(db);
  const outbox = outboxModule(db);
  const kept = { permit: 7, permitWaitMs: 3, startedAt: 100, finishedAt: 110, body: { a: 1 }, bodyHash: 'hash' };
  const result = { outcome: 'accepted', http: 200, message: 'ok', durationMs: 9 } as const;
  t.match(outbox.attempts({ sessionId: 'pbx:1:9' }), [
    { ...kept, number: 1, step: 'post', trigger: 'live', result },
    { ...kept, number: 2, step: 'post', trigger: 'retry', result },
    { ...kept, number: 3, step: 'post', trigger: 'replay', result },
    { ...kept, number: 4, step: 'check', result },
    { ...kept, number: 5, step: 'update', result },
  ]);
  t.match(outbox.attempts({ sessionId: 'pbx:1:4' }), [
    { number: 1, step: 'post', finishedAt: 100, result: { outcome: 'interrupted', message: /stopped before/ } },
  ]);
  db.exec('DELETE FROM delivery WHERE id = 9');
  t.same(outbox.attempts({ sessionId: 'pbx:1:9' }), []);
  t.equal(db.prepare('SELECT count(*) FROM attempt').pluck().get(), 1, 'the attempts of a row go with it');
  db.close();
});

t.test('delivery goes on with it', async (t) => {
  const db = versionThree();
  migrate(db);
  const outbox = outboxModule(db);
  outbox.open({ bootId: 'boot', wall: 1000, monotonic: 0, checkMs: 60_000, latestMs: 3_600_000, alone: true });
  const { rows, interrupted } = outbox.claim({ ...ALL, now: 1000, leaseUntil: 2000 });
  t.equal(interrupted, 0);
  t.same(
    rows.map(([id]) => id),
    [3, 1, 2, 6, 7],
  );
  const later = outbox.claim({
    ...ALL,
    owner: 'b',
    now: 61_000,
    leaseUntil: 62_000,
    wanted: { ...NONE, aside: 9, retry: 9 },
  });
  const found = later.rows.map(([id]) => id).sort((a, b) => a - b);
  t.same(found, [4, 6, 7, 8], 'what may have arrived is looked for');
  t.same(permitsModule(db).load({ bootId: 'boot' }), {
    ...{ permits: [10.5, 20], day: '2026-01-05', usedToday: 12 },
    tuning: null,
  });
  // What the way of storing asks for today, and the schema of then does not have.
  db.exec('CREATE TEMP TABLE erasure_key (key BLOB); CREATE TEMP TABLE gone (call BLOB PRIMARY KEY, ended_at INTEGER)');
  const store = sessionStore(db, []);
  t.equal(store(sessionRow(call(5, { recording: 'late.wav' })), 60), 'changed', 'no trigger of before is left');
  db.close();
});
