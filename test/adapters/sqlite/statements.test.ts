/** Every statement about calls and their delivery finds what it wants by an index, in its order, however many rows there are. */
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { leadCacheModule } from '../../../adapters/sqlite/caches.ts';
import { outboxModule, outboxOf } from '../../../adapters/sqlite/outbox/outbox.ts';
import { permitsModule } from '../../../adapters/sqlite/permits.ts';
import { callsModule } from '../../../adapters/sqlite/sessions/calls.ts';
import type { CallQuery } from '../../../adapters/sqlite/sessions/list.ts';
import { sessionRow } from '../../../adapters/sqlite/sessions/row.ts';
import { sessionsModule } from '../../../adapters/sqlite/sessions/sessions.ts';
import { sessionStore } from '../../../adapters/sqlite/sessions/store.ts';
import { migrate } from '../../../adapters/sqlite/thread/migrate.ts';
import type { Connection } from '../../../adapters/sqlite/thread/rpc.ts';
import { userModule } from '../../../adapters/sqlite/users.ts';
import { call } from '../../delivery/fakes.ts';

const SCAN = 100;

/** A connection that notes the text of each statement. */
function noting(db: Connection): { readonly spy: Connection; readonly statements: Set<string> } {
  const statements = new Set<string>();
  const spy = new Proxy(db, {
    get: (target, name) => {
      if (name !== 'prepare') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return (sql: string) => {
        statements.add(sql);
        return target.prepare(sql);
      };
    },
  });
  return { spy, statements };
}

function filled(): Connection {
  const db = new BetterSqlite3(':memory:');
  migrate(db);
  sessionStore(db, [outboxOf])(sessionRow(call(1)), 5000);
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO session SELECT 'pbx:1:' || i, revision, source, direction, status, external, external_e164,
      i || external_reversed, did, did_e164, trunk, queue, agent, started_at + i, answered_at, ended_at + i, duration_seconds,
      talk_seconds, recording, json, created_at, updated_at FROM session, n`);
  db.exec(`INSERT INTO delivery (session_id, state, step, started_at, ended_at, due_at, created_at, updated_at)
    SELECT call_session_id, iif(rowid % 2, 'delivered', 'pending'), iif(rowid % 2, NULL, 'look-up'), started_at, ended_at, 0, 1, 1
    FROM session WHERE call_session_id <> 'pbx:1:1'`);
  return db;
}

/** Makes every module, and asks what makes its statement only then. */
function asked(db: Connection): void {
  sessionStore(db, [outboxOf]);
  leadCacheModule(db);
  permitsModule(db);
  userModule(db);
  const outbox = outboxModule(db);
  const sessions = sessionsModule(db);
  const calls = callsModule(db);
  const page = { limit: 10, scan: SCAN };
  const filters = [
    {},
    { number: '9811000001' },
    { number: '1' },
    { states: ['pending' as const, 'parked' as const] },
    { since: 5000, until: 70_000 },
    { source: 'pbx', direction: 'Inbound' as const },
    { during: { from: 5000, to: 70_000 }, statuses: ['Busy' as const], queue: 'sales' },
    { agents: [{ extension: '1001', domain: 'a.example', source: 'pbx' }], users: ['u-1'] },
  ];
  for (const filter of filters) {
    const { next } = calls.list({ ...filter, ...page });
    if (next !== null) calls.list({ ...filter, ...page, after: next });
    calls.arrived({ ...filter, ...page });
    const { since, until, states, source, number }: Partial<CallQuery> = filter;
    const selection = { since, until, states, source, number };
    calls.selected({ filter: selection, after: 0, ...page });
    outbox.select({ filter: selection, after: 0, limit: 10 });
  }
  calls.selected({ filter: { ids: ['pbx:1:7'] }, after: 0, ...page });
  outbox.select({ filter: { ids: ['pbx:1:7'] }, after: 0, limit: 10 });
  // What the daemon asks for at its start.
  sessions.list({ source: 'pbx', since: 5000, limit: 10, offset: 0 });
}

/** Small tables, and what is asked for once at a start of the machine or reads no more rows than the page it makes. */
const BOUNDED: readonly RegExp[] = [
  // Permits of the last seconds; extensions, of which a PBX has some; counts.
  /FROM (permit|permit_short|extension_seen|delivery_count)\b/,
  // Reasons of a day, put in order by their counts.
  /FROM delivery_reason WHERE state = 'skipped'/,
  // Calls of a number of which there are few.
  /INDEXED BY session_by_number/,
  // The latest calls, as many as are looked at.
  /FROM \(SELECT call_session_id FROM session ORDER BY started_at DESC, call_session_id DESC LIMIT 20000\)/,
  // The attempts of one call; calls that are named.
  /FROM attempt a JOIN delivery d .* WHERE d.session_id = @sessionId/,
  /d\.session_id IN \(SELECT value FROM json_each\(\?\)\) ORDER BY d\.id/,
  // All checks, at a start of the machine.
  /due_at = @checkAt WHERE step = 'check'/,
  // Of the moments that rows wait for, in the order of their index.
  /due_at > @latest/,
  // The journal's.
  /\b(frame|event)\b/,
];

for (const analyzed of [true, false]) {
  t.test(`every statement uses its indexes (${analyzed ? '' : 'not '}analyzed)`, async (t) => {
    const db = filled();
    if (analyzed) db.exec('ANALYZE');
    const { spy, statements } = noting(db);
    asked(spy);
    t.ok(statements.size >= 60, `${statements.size} statements`);
    for (const sql of statements) {
      if (BOUNDED.some((one) => one.test(sql))) continue;
      const names = [...sql.matchAll(/@(\w+)/g)].map(([, name]) => name ?? '');
      const lists = ['except', 'ids', 'activityIds'];
      const values = Object.fromEntries(names.map((name) => [name, lists.includes(name) ? '[]' : 1]));
      const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
      const places = [...sql.matchAll(/\?/g)].map(() => '[1]');
      const steps = names.length > 0 ? plan.all(values) : plan.all(...places);
      const text = steps.map((step) => step.detail).join('; ');
      // A walk in the order of an index, or of the rows, ends at its limit.
      const walk =
        /SCAN \w+( USING (COVERING )?INDEX \w+)?(;|$)/.test(text) && /LIMIT/.test(sql) && !/B-TREE/.test(text);
      if (walk && !/WHERE/.test(sql)) continue;
      t.notMatch(text, /SCAN (delivery|d|session|s|attempt|a|lead_cache)\b|TEMP B-TREE/, `${sql}\n${text}`);
    }
    db.close();
  });
}
