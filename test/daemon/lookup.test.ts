/** What the commands are told about extensions and calls. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { DEFAULT_POLICY as CALL_LOG_POLICY } from '../../adapters/leadsquared/policy.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { readers } from '../../src/daemon/answers/lookup.ts';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';

t.test('the extensions of each tenant, with their own calls', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-lookup-'));
  const database = await openDatabase(join(folder, 'calls.db'));
  t.teardown(async () => {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const store = database.remote;
  const seen = [
    ['101', 'a.example', 1],
    ['101', 'b.example', 2],
    ['101', 'c.example', 3],
    ['102', 'a.example', 4],
    ['102', null, 5],
  ] as const;
  for (const [extension, domain, times] of seen) {
    for (let n = 0; n < times; n++) await store.users.seen({ extension, domain, at: 1000 + times, userId: null });
  }
  await store.users.seen({ extension: '104', domain: null, at: 1, userId: null });
  const db = new BetterSqlite3(join(folder, 'calls.db'));
  db.exec(`INSERT INTO no_user_count (extension, domain, state, n)
    VALUES ('104', '', 'parked', 1), ('104', '', 'skipped', 1), ('102', '', 'parked', 1), ('102', 'a.example', 'parked', 3)`);
  db.close();
  const row = (extension: string, domain: string | null, user: string) => ({ extension, user, source: null, domain });
  const rows = [row('101', 'a.example', 'u-a'), row('101', 'b.example', 'u-b'), row('102', null, 'u-102')];
  const policy = { ...DEFAULT_POLICY, user: { ...DEFAULT_POLICY.user, rows, discover: false } };
  const status = () => Promise.reject(new Error('not asked'));
  const { lines } = await readers({
    store,
    policy,
    callLog: CALL_LOG_POLICY,
    status,
    readerOf: () => null,
    clock: { monotonic: () => 0, now: () => 0 },
  }).users({});
  const short = lines.map(({ extension, domain, match, userId, calls, held: { parked, skipped } }) => [
    ...[extension, domain, match, userId, calls],
    `${parked} ${skipped}`,
  ]);
  t.same(
    short.slice(0, 2),
    [
      ['104', null, 'none', null, 1, '1 1'],
      ['101', 'c.example', 'none', null, 3, '0 0'],
    ],
    'who is missing comes first, and of these who has lost calls by it',
  );
  t.same(
    short.slice(2).sort(),
    [
      ['101', 'a.example', 'known', 'u-a', 1, '0 0'],
      ['101', 'b.example', 'known', 'u-b', 2, '0 0'],
      ['102', null, 'known', 'u-102', 9, '4 0'],
    ],
    'a line without a domain has the calls of all',
  );
});

t.test('a long users file is not gone through for each extension', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-lookup-'));
  const database = await openDatabase(join(folder, 'calls.db'));
  t.teardown(async () => {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const store = database.remote;
  const MANY = 200;
  const names = Array.from({ length: MANY }, (_, n) => String(1_000 + n));
  await Promise.all(names.map((extension) => store.users.seen({ extension, domain: null, at: 1, userId: null })));
  let reads = 0;
  const rows = names.map((extension) => ({
    get extension() {
      reads += 1;
      return extension;
    },
    user: `u-${extension}`,
    source: null,
    domain: null,
  }));
  const policy = { ...DEFAULT_POLICY, user: { ...DEFAULT_POLICY.user, rows, discover: false } };
  const status = () => Promise.reject(new Error('not asked'));
  const clock = { monotonic: () => 0, now: () => 0 };
  const { lines } = await readers({
    store,
    policy,
    callLog: CALL_LOG_POLICY,
    readerOf: () => null,
    status,
    clock,
  }).users({});
  t.equal(lines.length, MANY);
  t.ok(lines.every(({ match, calls }) => match === 'known' && calls === 1));
  t.ok(reads < 10 * MANY, `${reads} looks at the extension of a line`);
});
