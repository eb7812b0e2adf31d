/** The counts that are kept are those that counting would give, whatever happens to the rows. */
import fc from 'fast-check';
import t from 'tap';
import { outboxModule } from '../../../../adapters/sqlite/outbox/outbox.ts';
import { callsModule } from '../../../../adapters/sqlite/sessions/calls.ts';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { loadMigrations, migrate } from '../../../../adapters/sqlite/thread/migrate.ts';
import type { Connection } from '../../../../adapters/sqlite/thread/rpc.ts';
import { userModule } from '../../../../adapters/sqlite/users.ts';
import { DELIVERY_STATES, TRANSITIONS } from '../../../../src/delivery/states.ts';
import { call } from '../../../delivery/fakes.ts';
import { openOutbox } from './support.ts';

const DAY = 24 * 3_600_000;

/** `noted`: rows that were parked when an operator took note of them. */
function counted(
  db: Connection,
  since: number,
  noted: ReadonlySet<number> = new Set(),
  acknowledgedAt: number | null = null,
) {
  const n = (where: string) => db.prepare(`SELECT count(*) FROM delivery WHERE ${where}`).pluck().get();
  const reasons = (where: string) =>
    db
      .prepare(
        `SELECT max(code) AS code, coalesce(reason, '') AS reason, count(*) AS count FROM delivery WHERE ${where} GROUP BY 2 ORDER BY 3 DESC, 2`,
      )
      .all();
  const parked = db
    .prepare<[], { id: number; code: string }>(
      "SELECT id, coalesce(code, 'other') AS code FROM delivery WHERE state = 'parked'",
    )
    .all();
  const fresh = (rows: readonly { id: number }[]) => rows.filter(({ id }) => !noted.has(id)).length;
  const byCode = [...Map.groupBy(parked, ({ code }) => code)]
    .map(([code, rows]) => ({ code, count: rows.length, fresh: fresh(rows) }))
    .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
  const latest = db
    .prepare<[number], { id: number; state: string }>(
      "SELECT id, state FROM delivery WHERE state IN ('delivered', 'parked') AND started_at > ? ORDER BY started_at DESC LIMIT 200",
    )
    .all(since);
  return {
    parked: {
      reasons: byCode,
      latest: { calls: latest.length, fresh: fresh(latest.filter(({ state }) => state === 'parked')) },
      acknowledgedAt,
    },
    states: Object.fromEntries(DELIVERY_STATES.map((state) => [state, n(`state = '${state}'`)])),
    oldestWaiting: db
      .prepare("SELECT min(ended_at) FROM delivery WHERE state NOT IN ('delivered', 'parked', 'skipped')")
      .pluck()
      .get(),
    updatesWaiting: n("step = 'update'"),
    parkedReasons: reasons("state = 'parked'"),
    skippedReasons: reasons(`state = 'skipped' AND ended_at > ${since}`),
  };
}

const AGENTS = ['101', '102'];

/** Calls of an extension that are not posted for want of a user. What facts change later changes nothing of it. */
function held(db: Connection) {
  const rows = db
    .prepare<[], { state: string; agent: string | null }>(
      `SELECT state, s.json ->> '$.responsible' AS agent FROM delivery d JOIN session s ON s.call_session_id = d.session_id
       WHERE code = 'no-user'`,
    )
    .all();
  const of = (agent: string, state: string) => rows.filter((row) => row.agent === agent && row.state === state).length;
  const lastAt = 1_000 * DAY;
  return AGENTS.map((extension) => ({
    ...{ extension, domain: null, calls: 1, lastAt },
    held: { parked: of(extension, 'parked'), skipped: of(extension, 'skipped') },
  }));
}

const byReason = (a: { reason: string; count: number }, b: { reason: string; count: number }) =>
  b.count - a.count || (a.reason < b.reason ? -1 : 1);

const change = fc.record({
  id: fc.integer({ min: 1, max: 12 }),
  // "state step", as in the table.
  position: fc.oneof(fc.constantFrom(...Object.keys(TRANSITIONS)), fc.constant('parked -')),
  // A sentence has one code.
  reason: fc.constantFrom('a', 'b', '', null),
  note: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  gone: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

const codeOf = (reason: string | null): string | null =>
  reason === 'a' ? 'rejected' : reason === 'b' ? 'no-user' : null;

t.test('after any changes', async (t) => {
  const now = 1_000 * DAY;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.integer({ min: 0, max: 2 * DAY }), (changes, later) => {
      const { db, end, outbox } = openOutbox();
      const at = (n: number) => ({ startedAt: now - n * 7_000_000 - 60_000, endedAt: now - n * 7_000_000 });
      end(...Array.from({ length: 12 }, (_, n) => call(n + 1, { ...at(n), responsible: AGENTS[n % 3] ?? null })));
      for (const extension of AGENTS) userModule(db).seen({ extension, domain: null, at: now, userId: null });
      const noted = new Set<number>();
      let notedAt: number | null = null;
      const parked = db.prepare<[], { id: number; code: string | null }>(
        "SELECT id, code FROM delivery WHERE state = 'parked'",
      );
      for (const { id, position, reason, gone, note } of changes) {
        if (note) {
          const awaited = parked.all().filter((row) => !noted.has(row.id)).length;
          const notingAt: number = (notedAt ?? 0) + 1;
          if (awaited > 0)
            t.equal(outbox.acknowledge({ at: notingAt, seen: awaited - 1 }), null, 'more than were seen');
          notedAt = notingAt;
          const fresh = outbox.acknowledge({ at: notingAt, seen: awaited })?.reduce((sum, one) => sum + one.fresh, 0);
          t.equal(fresh, awaited);
          for (const row of parked.all()) noted.add(row.id);
        }
        const [state, step] = position.split(' ');
        // A row that is parked stays as it is until it leaves.
        if (state === 'parked' && !gone && parked.all().some((row) => row.id === id)) continue;
        noted.delete(id);
        if (gone) db.prepare('DELETE FROM delivery WHERE id = ?').run(id);
        else
          db.prepare('UPDATE delivery SET state = ?, step = ?, reason = ?, code = ? WHERE id = ?').run(
            state,
            step === '-' ? null : step,
            reason,
            codeOf(reason),
            id,
          );
      }
      const found = outbox.counts({ now: now + later });
      const sorted = { ...found, parkedReasons: [...found.parkedReasons].sort(byReason) };
      t.strictSame(sorted, counted(db, now + later - DAY, noted, notedAt));
      t.equal(db.prepare('SELECT count(*) FROM delivery_reason WHERE n <= 0').pluck().get(), 0);
      t.strictSame(callsModule(db).extensions(), held(db));
      t.equal(db.prepare('SELECT count(*) FROM no_user_count WHERE n <= 0').pluck().get(), 0);
      db.close();
    }),
    { numRuns: 60 },
  );
});

t.test('of a database of an earlier version', async (t) => {
  const db = openConnection(':memory:');
  const before = loadMigrations().filter(({ name }) => name <= '0004-steps.sql');
  migrate(db, before);
  const session = db.prepare(
    `INSERT INTO session (call_session_id, revision, source, direction, status, started_at, ended_at, duration_seconds,
       talk_seconds, json, created_at, updated_at) VALUES (?, 1, 'pbx', 'Inbound', 'Answered', ?, ?, 1, 1, '{}', 1, 1)`,
  );
  const row = db.prepare(
    `INSERT INTO delivery (session_id, state, step, ended_at, due_at, reason, created_at, updated_at)
     VALUES (?, ?, ?, ?, 0, ?, 1, 1)`,
  );
  for (const [n, state] of [...DELIVERY_STATES, ...DELIVERY_STATES].entries()) {
    const at = 1_000 * DAY - n * 9_000_000;
    session.run(`pbx-${n}`, at - 1000 * n, at);
    row.run(
      `pbx-${n}`,
      state,
      n === 4 ? 'update' : state === 'pending' ? 'look-up' : null,
      at,
      n % 2 === 0 ? 'why' : null,
    );
  }
  migrate(db);
  const found = outboxModule(db).counts({ now: 1_000 * DAY });
  t.same({ ...found, parkedReasons: [...found.parkedReasons].sort(byReason) }, counted(db, 999 * DAY));
  t.equal(db.prepare('SELECT count(*) FROM delivery JOIN session s USING (started_at)').pluck().get(), 14);
  t.equal(db.prepare('SELECT ms FROM longest_session').pluck().get(), 13_000);
  db.close();
});

/** Sentences of version 0.1 and later, and the code each has now. */
const KEPT: readonly (readonly [state: 'parked' | 'skipped', code: string | null, reason: string | null])[] = [
  ['parked', 'no-user', 'No user: extension 105 is not in the users file; correct the users file, then replay.'],
  ['parked', 'no-agent', 'No user: no agent took or was offered the call; correct the users file, then replay.'],
  [
    'parked',
    'outside-phone',
    'No user: the agent was rung outside; add it there and derive the call again (sessions rederive --apply), then replay.',
  ],
  ['parked', 'no-lead', 'No lead has this number; create it in LeadSquared, then replay.'],
  ['parked', 'several-leads', '2 leads have this number; policy several = "park".'],
  ['parked', 'no-number', 'The caller showed no number; policy anonymous = "park".'],
  ['parked', 'lookup-refused', 'LeadSquared refused the lead lookup: LeadSquared rejects this request (HTTP 400): x.'],
  [
    'parked',
    'users-unknown',
    'The users of LeadSquared are not known yet. They could not be had for a day; see x, then replay.',
  ],
  [
    'parked',
    'lookup-failed',
    'Given up after 10 lookups: The lead could not be looked up: x Remove the cause, then replay.',
  ],
  ['parked', 'post-failed', 'Given up after 10 attempts: It did not answer in time.'],
  [
    'parked',
    'check-held',
    'It is not known whether this call was logged (x); look in LeadSquared, then replay if it is not there.',
  ],
  [
    'parked',
    'check-impossible',
    'It is not known whether this call was logged, and LeadSquared cannot be asked (x); look in LeadSquared.',
  ],
  [
    'parked',
    'check-failed',
    'It is not known whether this call was logged, and LeadSquared could not be asked in 10 attempts (x); look.',
  ],
  ['parked', 'defect', 'The post of this call failed in logcalld itself (x); this is a defect, please report it.'],
  ['parked', 'rejected', 'LeadSquared rejects this request (MXInvalidInputException): x.'],
  ['parked', 'other', 'Something else.'],
  ['parked', 'other', null],
  ['skipped', 'skip-internal', 'Internal call between two extensions; set "internal" to "post" to send such calls.'],
  ['skipped', 'skip-filter', 'Filter: trunk PJSIP/fax.'],
];

t.test('sentences that were kept without a code have one', async (t) => {
  const db = openConnection(':memory:');
  migrate(
    db,
    loadMigrations().filter(({ name }) => name < '0009'),
  );
  const row = db.prepare(
    `INSERT INTO delivery (session_id, state, step, ended_at, due_at, reason, created_at, updated_at)
     VALUES (?, ?, NULL, ?, 0, ?, 1, 1)`,
  );
  db.pragma('foreign_keys = OFF');
  for (const [n, [state, , reason]] of KEPT.entries()) row.run(`pbx-${n}`, state, 1_000 * DAY, reason);
  migrate(db);
  const { parked, parkedReasons, skippedReasons } = outboxModule(db).counts({ now: 1_000 * DAY });
  const told = [...parkedReasons, ...skippedReasons].map(({ code, reason }) => `${code}: ${reason}`);
  t.strictSame(told.sort(), KEPT.map(([, code, reason]) => `${code}: ${reason ?? ''}`).sort());
  const codes = db.prepare("SELECT code FROM delivery WHERE state = 'parked' ORDER BY id").pluck().all();
  t.strictSame(
    codes,
    KEPT.flatMap(([state, code]) => (state === 'parked' ? [code] : [])),
  );
  t.equal(
    parked.reasons.reduce((sum, { fresh }) => sum + fresh, 0),
    codes.length,
    'nobody has taken note of them',
  );
  db.close();
});

t.test('calls that were parked for want of a user before they were counted', async (t) => {
  const db = openConnection(':memory:');
  migrate(
    db,
    loadMigrations().filter(({ name }) => name < '0013'),
  );
  const session = db.prepare(
    `INSERT INTO session (call_session_id, revision, source, direction, status, started_at, ended_at, duration_seconds,
       talk_seconds, json, created_at, updated_at) VALUES (?, 1, 'pbx', 'Inbound', 'Answered', 1, 2, 1, 1, ?, 1, 1)`,
  );
  const row = db.prepare(
    `INSERT INTO delivery (session_id, state, step, ended_at, due_at, code, created_at, updated_at)
     VALUES (?, ?, NULL, 2, 0, ?, 1, 1)`,
  );
  const rows = [
    ['parked', 'no-user', { responsible: '101', agentDomain: 'a.example' }],
    ['parked', 'no-user', { responsible: '101', agentDomain: 'a.example' }],
    ['skipped', 'skip-no-user', { responsible: '101', agentDomain: 'a.example' }],
    ['parked', 'rejected', { responsible: '101', agentDomain: 'a.example' }],
    ['parked', 'no-user', { responsible: '102', agentDomain: null }],
    ['parked', 'no-user', {}],
  ] as const;
  for (const [n, [state, code, facts]] of rows.entries()) {
    session.run(`pbx-${n}`, JSON.stringify(facts));
    row.run(`pbx-${n}`, state, code);
  }
  const users = userModule(db);
  users.seen({ extension: '101', domain: 'a.example', at: 1, userId: null });
  users.seen({ extension: '101', domain: null, at: 1, userId: null });
  users.seen({ extension: '102', domain: null, at: 1, userId: null });
  migrate(db);
  t.match(callsModule(db).extensions(), [
    { extension: '101', domain: null, held: { parked: 0, skipped: 0 } },
    { extension: '101', domain: 'a.example', held: { parked: 2, skipped: 1 } },
    { extension: '102', domain: null, held: { parked: 1, skipped: 0 } },
  ]);
  db.exec("UPDATE session SET json = json_set(json, '$.responsible', '103')");
  db.exec("UPDATE delivery SET state = 'pending', step = 'look-up', code = NULL");
  t.equal(db.prepare('SELECT count(*) FROM no_user_count').pluck().get(), 0, 'of the extension that it was held for');
  db.close();
});

t.test('many sentences of one reason hide none of another', async (t) => {
  const { db, end, outbox } = openOutbox();
  const calls = Array.from({ length: 40 }, (_, n) => n + 1);
  end(...calls.map((n) => call(n)));
  const park = db.prepare("UPDATE delivery SET state = 'parked', step = NULL, code = ?, reason = ? WHERE id = ?");
  for (const n of calls) {
    if (n < 40) park.run('no-user', `No user: ${n % 20}.`, n);
    else park.run('rejected', 'No such field.', n);
  }
  const { parkedReasons } = outbox.counts({ now: 0 });
  t.equal(parkedReasons.length, 6, 'five of the one');
  t.match(parkedReasons.at(-1), { code: 'rejected', reason: 'No such field.', count: 1 });
  t.ok(parkedReasons.slice(0, 5).every(({ code, count }) => code === 'no-user' && count === 2));
  db.close();
});
