/** The counts that are kept are those that counting would give, whatever happens to the rows. */
import fc from 'fast-check';
import t from 'tap';
import { outboxModule } from '../../../../adapters/sqlite/outbox/outbox.ts';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { loadMigrations, migrate } from '../../../../adapters/sqlite/thread/migrate.ts';
import type { Connection } from '../../../../adapters/sqlite/thread/rpc.ts';
import { DELIVERY_STATES, TRANSITIONS } from '../../../../src/delivery/states.ts';
import { call } from '../../../delivery/fakes.ts';
import { openOutbox } from './support.ts';

const DAY = 24 * 3_600_000;

function counted(db: Connection, since: number) {
  const n = (where: string) => db.prepare(`SELECT count(*) FROM delivery WHERE ${where}`).pluck().get();
  const reasons = (where: string) =>
    db
      .prepare(
        `SELECT coalesce(reason, '') AS reason, count(*) AS count FROM delivery WHERE ${where} GROUP BY 1 ORDER BY 2 DESC, 1`,
      )
      .all();
  return {
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

const byReason = (a: { reason: string; count: number }, b: { reason: string; count: number }) =>
  b.count - a.count || (a.reason < b.reason ? -1 : 1);

const change = fc.record({
  id: fc.integer({ min: 1, max: 12 }),
  // "state step", as in the table.
  position: fc.constantFrom(...Object.keys(TRANSITIONS)),
  reason: fc.constantFrom('a', 'b', '', null),
  gone: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

t.test('after any changes', async (t) => {
  const now = 1_000 * DAY;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.integer({ min: 0, max: 2 * DAY }), (changes, later) => {
      const { db, end, outbox } = openOutbox();
      end(...Array.from({ length: 12 }, (_, n) => call(n + 1, { endedAt: now - n * 7_000_000 })));
      for (const { id, position, reason, gone } of changes) {
        const [state, step] = position.split(' ');
        if (gone) db.prepare('DELETE FROM delivery WHERE id = ?').run(id);
        else
          db.prepare('UPDATE delivery SET state = ?, step = ?, reason = ? WHERE id = ?').run(
            state,
            step === '-' ? null : step,
            reason,
            id,
          );
      }
      const found = outbox.counts({ now: now + later });
      const sorted = { ...found, parkedReasons: [...found.parkedReasons].sort(byReason) };
      t.strictSame(sorted, counted(db, now + later - DAY));
      t.equal(db.prepare('SELECT count(*) FROM delivery_reason WHERE n <= 0').pluck().get(), 0);
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
