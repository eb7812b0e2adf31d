/** The statements of the loop find what they want by an index, in its order, however many rows wait. */
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { outboxModule, outboxOf } from '../../../../adapters/sqlite/outbox/outbox.ts';
import { sessionStore } from '../../../../adapters/sqlite/sessions/store.ts';
import { migrate } from '../../../../adapters/sqlite/thread/migrate.ts';
import { call } from '../../../delivery/fakes.ts';

for (const analyzed of [true, false]) {
  t.test(`the statements of the loop use their indexes (${analyzed ? '' : 'not '}analyzed)`, async (t) => {
    const db = new BetterSqlite3(':memory:');
    migrate(db);
    sessionStore(db, [outboxOf])(call(1), 5000);
    db.exec(`WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO session SELECT 'pbx:1:' || i, revision, source, direction, status, external, external_e164,
        external_reversed, did, did_e164, trunk, queue, agent, started_at, answered_at, ended_at, duration_seconds,
        talk_seconds, recording, json, created_at, updated_at FROM session, n`);
    db.exec(`INSERT INTO delivery (session_id, state, step, ended_at, due_at, created_at, updated_at)
      SELECT call_session_id, iif(rowid % 2, 'delivered', 'pending'), iif(rowid % 2, NULL, 'look-up'), 1, 0, 1, 1
      FROM session WHERE call_session_id <> 'pbx:1:1'`);
    if (analyzed) db.exec('ANALYZE');
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
    const loop = statements.filter((sql) => /lease|due_at > @now|activity_id IN|WHERE d?\.?id = /.test(sql));
    t.ok(loop.length >= 20, `${loop.length} statements`);
    t.equal(
      loop.filter((sql) => /ORDER BY d\.(ended_at|due_at|failures)/.test(sql)).length,
      12,
      'a class and a step each',
    );
    for (const sql of loop) {
      // Once at the start of the machine.
      if (/lease_until = 0|due_at = 0 WHERE step/.test(sql)) continue;
      const names = [...sql.matchAll(/@(\w+)/g)].map(([, name]) => name ?? '');
      const lists = ['except', 'ids', 'activityIds'];
      const values = Object.fromEntries(names.map((name) => [name, lists.includes(name) ? '[]' : 1]));
      const plan = prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
      const steps = sql.includes('?') ? plan.all(1) : plan.all(values);
      const text = steps.map((step) => step.detail).join('; ');
      t.notMatch(text, /SCAN (delivery|d|session|s|attempt|a)\b|TEMP B-TREE/, `${sql}\n${text}`);
    }
    db.close();
  });
}
