/** Pages of many calls: together they are the whole, and no page is more than it may be. */
import t from 'tap';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import type { SelectedQuery } from '../../../../adapters/sqlite/outbox/filter.ts';
import { outboxOf } from '../../../../adapters/sqlite/outbox/outbox.ts';
import type { Arrival } from '../../../../adapters/sqlite/sessions/arrivals.ts';
import { callsModule } from '../../../../adapters/sqlite/sessions/calls.ts';
import type { CallPlace, CallQuery } from '../../../../adapters/sqlite/sessions/list.ts';
import { commit, memoryDatabase, record } from '../support.ts';

const CALLS = 40;

/** Three calls begin in each ms; every seventh is parked, number 5 is skipped; two sources; a third of them calls out. */
function filled() {
  const db = memoryDatabase();
  const journal = journalModule([outboxOf])(db);
  const call = (n: number) =>
    record(`pbx-${String(n).padStart(3, '0')}`, {
      startedAt: 1_000 + Math.floor(n / 3),
      // Some go on for long: the order of the ends is another one.
      endedAt: 2_000 + (n % 5) * 100 + n,
      source: n % 2 === 0 ? 'pbx' : 'other',
      direction: n % 3 === 0 ? 'Outbound' : 'Inbound',
      externalE164: `+9198450${String(n % 4)}2345`,
      flags: n % 10 === 0 ? ['from-cdr'] : [],
      status: n % 6 === 0 ? 'Busy' : 'Answered',
      queue: n % 5 === 0 ? 'Sales' : null,
      agent: n % 2 === 0 ? '1001' : null,
      responsible: n % 2 === 0 ? '1001' : '1002',
      agentDomain: n % 4 === 0 ? 'a.example' : null,
      agentsTalked: n % 8 === 0 ? [{ ext: '1003', from: 1, to: 2 }] : [],
    });
  commit(journal, { ended: Array.from({ length: CALLS }, (_, n) => call(n)) }, 20_000);
  db.exec(
    "UPDATE delivery SET state = 'parked' WHERE id % 7 = 0; UPDATE delivery SET state = 'skipped', doubtful = 1 WHERE id = 5; UPDATE delivery SET user_id = 'u-1' WHERE id % 3 = 0",
  );
  return { db, journal, call, calls: callsModule(db) };
}

function agent(extension: string, domain: string | null = null, source: string | null = null) {
  return { extension, domain, source };
}

const FILTERS: readonly Partial<CallQuery>[] = [
  {},
  { states: ['parked'] },
  { states: ['parked', 'skipped'] },
  { states: ['pending'] },
  { states: ['delivered'] },
  { number: '2345' },
  { number: '32345' },
  { number: '32345', states: ['pending'] },
  { source: 'other' },
  { since: 2_200, until: 2_330 },
  { until: 2_100 },
  { direction: 'Outbound', source: 'pbx' },
  { number: '777' },
  { statuses: ['Busy', 'Missed'] },
  { queue: 'sales', states: ['pending'] },
  { agents: [agent('1002')], number: '32345' },
  { agents: [agent('1003'), agent('1002', null, 'other')] },
  { during: { from: 1_002, to: 1_004 } },
  { during: { from: 2_300, to: 2_301 }, users: ['u-1'] },
];

t.test('the list, in pages of any size, is the whole list', async (t) => {
  const { calls, db } = filled();
  const ids = (query: CallQuery) => {
    const pages: string[][] = [];
    let after: CallPlace | undefined;
    do {
      const page = calls.list({ ...query, after });
      pages.push(page.rows.map((row) => row.record.callSessionId));
      after = page.next ?? undefined;
    } while (after !== undefined && pages.length < 1_000);
    return pages;
  };
  const all = db
    .prepare<[], string>('SELECT call_session_id FROM session ORDER BY started_at DESC, call_session_id DESC')
    .pluck()
    .all();
  t.same(ids({ limit: 3, scan: 4 }).flat(), all);
  for (const filter of FILTERS) {
    const whole = ids({ ...filter, limit: 1_000, scan: 1_000 });
    t.equal(whole.length, 1, 'at once, that is one page');
    for (const limit of [1, 2, 7])
      for (const scan of [1, 2, 5, 13, 100]) {
        const pages = ids({ ...filter, limit, scan });
        const about = `${JSON.stringify(filter)}, ${limit} of ${scan}`;
        t.same(pages.flat(), whole[0], about);
        t.ok(pages.every((page) => page.length <= limit));
      }
  }
  t.ok(ids({ limit: 9, scan: 2, source: 'nobody' }).length >= CALLS / 2, 'a page looks at no more calls than it may');
});

t.test('whose calls, how they ended, and when they went on', async (t) => {
  const { calls } = filled();
  const found = (query: Partial<CallQuery>) =>
    calls
      .list({ ...query, limit: 100, scan: 100 })
      .rows.map(({ record: { callSessionId } }) => Number(callSessionId.slice(4)))
      .sort((a, b) => a - b);
  const those = (wanted: (n: number) => boolean) => Array.from({ length: CALLS }, (_, n) => n).filter(wanted);
  t.same(
    found({ statuses: ['Busy'] }),
    those((n) => n % 6 === 0),
  );
  t.same(
    found({ queue: 'SALES' }),
    those((n) => n % 5 === 0),
    'whatever the case',
  );
  t.same(
    found({ users: ['u-1', 'u-2'] }),
    those((n) => (n + 1) % 3 === 0),
  );
  t.same(found({ users: [] }), []);
  t.same(
    found({ agents: [agent('1001')] }),
    those((n) => n % 2 === 0),
  );
  t.same(
    found({ agents: [agent('1002')] }),
    those((n) => n % 2 === 1),
    'nobody talked, but it was theirs',
  );
  t.same(
    found({ agents: [agent('1003')] }),
    those((n) => n % 8 === 0),
    'one of those who talked',
  );
  t.same(
    found({ agents: [agent('1001', 'A.example')] }),
    those((n) => n % 4 === 0),
    'of a tenant',
  );
  t.same(found({ agents: [agent('1001', null, 'other')] }), [], 'on one PBX');
  t.same(found({ agents: [agent('100'), agent("1001' OR '1")] }), []);
  t.same(found({ agents: [] }), []);
  t.same(found({ during: { from: 1_000, to: 1_001 } }), [0, 1, 2], 'those that had begun');
  const ended = (n: number) => 2_000 + (n % 5) * 100 + n;
  t.same(
    found({ during: { from: 2_410, to: 2_411 } }),
    those((n) => ended(n) >= 2_410),
    'those that had not ended',
  );
  t.same(
    found({ during: { from: 2_410, to: 2_411 }, since: 2_420 }),
    those((n) => ended(n) >= 2_420),
  );
});

t.test('the order of arrival: in pages of any size the whole, oldest first, and later what came since', async (t) => {
  const { calls, journal, call } = filled();
  const walk = (query: Partial<CallQuery>, limit: number, scan: number, after?: Arrival) => {
    const ids: string[] = [];
    for (let at = after; ; ) {
      const page = calls.arrived({ ...query, limit, scan, after: at });
      t.ok(page.rows.length <= limit);
      ids.push(...page.rows.map(({ record }) => record.callSessionId));
      at = page.next;
      if (!page.more) return { ids, at };
    }
  };
  for (const filter of FILTERS) {
    const whole = walk(filter, 1_000, 1_000).ids;
    const newest = calls.list({ ...filter, limit: 1_000, scan: 1_000 }).rows.map(({ record }) => record.callSessionId);
    t.same([...whole].sort(), newest.sort(), JSON.stringify(filter));
    for (const [limit, scan] of [
      [1, 1],
      [2, 5],
      [7, 100],
    ] as const)
      t.same(walk(filter, limit, scan).ids, whole, `${JSON.stringify(filter)}, ${limit} of ${scan}`);
  }
  const { at } = walk({ states: ['delivered'] }, 3, 4);
  t.same(walk({}, 3, 4, at).ids, [], 'behind all that were looked at, also where none was meant');
  const late = { ...call(1), callSessionId: 'pbx-late', startedAt: 1 };
  commit(journal, { ended: [late, call(3)] }, 30_000);
  t.same(walk({}, 3, 4, at).ids, ['pbx-late'], 'whenever it began; what was there does not come again');
  t.same(
    calls.arrived({ last: 2, limit: 9, scan: 9 }).rows.map(({ place }) => place.arrival),
    [CALLS, CALLS + 1],
  );
  t.same(
    calls.arrived({ last: 500, limit: 1, scan: 9 }).rows.map(({ place }) => place.arrival),
    [1],
  );
});

t.test('calls that began too long ago to have ended since are not looked at', async (t) => {
  const db = memoryDatabase();
  const journal = journalModule([outboxOf])(db);
  const at = (n: number, ms: number) => record(`pbx-${n}`, { startedAt: n * 1_000, endedAt: n * 1_000 + ms });
  const end = (...ended: ReturnType<typeof record>[]) =>
    commit(journal, { ended }, 1).every((fate) => fate === 'inserted' || fate === 'changed');
  t.ok(end(...Array.from({ length: 100 }, (_, n) => at(n, n === 20 ? 3_000 : 500))));
  const { list } = callsModule(db);
  const found = (since: number, states?: CallQuery['states']) => {
    const ids: string[] = [];
    let pages = 0;
    for (let after: CallPlace | null | undefined; after !== null; pages++) {
      const page = list({ since, states, limit: 5, scan: 5, after });
      ids.push(...page.rows.map((row) => row.record.callSessionId));
      after = page.next;
    }
    return { ids, pages };
  };
  t.match(found(98_400), { ids: ['pbx-99', 'pbx-98'], pages: 1 });
  t.match(found(98_400, ['pending', 'parked']), { ids: ['pbx-99', 'pbx-98'], pages: 1 });
  t.ok(end(at(50, 48_500)), 'a correction');
  t.match(found(98_400), { ids: ['pbx-99', 'pbx-98', 'pbx-50'], pages: 11 });
  db.close();
});

t.test('a selection, in pages of any size, is the whole selection, in the order of the outbox', async (t) => {
  const { calls } = filled();
  const pagesOf = (query: Omit<SelectedQuery, 'after'>) => {
    const pages: number[][] = [];
    for (let after: number | null = 0; after !== null && pages.length < 1_000; ) {
      const page = calls.selected({ ...query, after });
      pages.push(page.rows.map(({ id }) => id));
      after = page.next;
    }
    return pages;
  };
  const { direction: _, ...rest } = FILTERS[11] ?? {};
  const others = ['direction', 'statuses', 'queue', 'agents', 'users', 'during'];
  const shared = FILTERS.filter((one) => Object.keys(one).every((key) => !others.includes(key)));
  for (const filter of [...shared, rest]) {
    const whole = pagesOf({ filter, limit: 1_000, scan: 1_000 }).flat();
    t.same(
      whole,
      [...whole].sort((a, b) => a - b),
    );
    for (const limit of [1, 2, 7])
      for (const scan of [1, 2, 5, 100]) {
        const pages = pagesOf({ filter, limit, scan });
        t.same(pages.flat(), whole, `${JSON.stringify(filter)}, ${limit} of ${scan}`);
        t.ok(pages.every((page) => page.length <= limit));
      }
  }
  t.equal(pagesOf({ filter: { states: ['delivered'] }, limit: 9, scan: 2 }).length, CALLS / 2 + 1, 'empty pages, too');
  const ids = ['pbx-039', 'pbx-002', 'no-such', 'pbx-004'];
  t.same(pagesOf({ filter: { ids }, limit: 9, scan: 1 }), [[3, 5, 40]], 'named calls are not walked for');
  t.same(pagesOf({ filter: { ids, states: ['skipped'] }, limit: 9, scan: 1 }), [[5]]);
  t.same(calls.selected({ filter: { ids: ['pbx-004'] }, after: 0, limit: 1, scan: 1 }).rows, [
    { id: 5, sessionId: 'pbx-004', state: 'skipped', doubtful: true },
  ]);
});

t.test('what changes between two pages: no call is met twice, and those to come are as they are then', async (t) => {
  const { calls, db, journal, call } = filled();
  const query = { filter: { states: ['parked' as const] }, limit: 2, scan: 100 };
  const first = calls.selected({ ...query, after: 0 });
  t.same(
    first.rows.map(({ id }) => id),
    [7, 14],
  );
  // One behind comes back, one ahead goes, one ahead comes, and a new call ends and is parked.
  commit(journal, { ended: [call(CALLS)] }, 30_000);
  db.exec(
    "UPDATE delivery SET state = 'parked' WHERE id IN (3, 33, 41); UPDATE delivery SET state = 'delivered' WHERE id = 28",
  );
  const met: number[] = [];
  for (let after = first.next; after !== null; ) {
    const page = calls.selected({ ...query, after });
    met.push(...page.rows.map(({ id }) => id));
    after = page.next;
  }
  t.same(met, [21, 33, 35, 41]);
});

t.test('the calls that began in a time, page by page', async (t) => {
  const { calls } = filled();
  const met: string[] = [];
  let after: CallPlace | null = null;
  do {
    const page: ReturnType<typeof calls.begun> = calls.begun({
      source: 'pbx',
      since: 1_002,
      until: 1_011,
      after,
      limit: 4,
    });
    t.ok(page.calls.length <= 4);
    met.push(...page.calls.map(({ id }) => id));
    after = page.next;
  } while (after !== null);
  const wanted = Array.from({ length: CALLS }, (_, n) => n).filter((n) => n % 2 === 0 && n >= 6 && n < 33);
  t.same(
    met,
    wanted.map((n) => `pbx-${String(n).padStart(3, '0')}`),
  );
  t.same(calls.begun({ source: 'pbx', since: 1_003, until: 1_004, after: null, limit: 4 }).calls, [
    { id: 'pbx-010', flags: ['from-cdr'] },
  ]);
});

t.test('a call with a begin of 1970 is in the list, and does not make every list read all calls', async (t) => {
  const db = memoryDatabase();
  const journal = journalModule([outboxOf])(db);
  const now = 1_795_000_000_000;
  const ended = Array.from({ length: 300 }, (_, n) => {
    const startedAt = now - (300 - n) * 3_600_000;
    return record(`pbx-${n}`, { startedAt, endedAt: startedAt + 60_000 });
  });
  const flags = ['blind-interval'];
  const odd = [1, 2, 3].map((n) => record(`pbx-odd-${n}`, { startedAt: n, endedAt: now - n * 60_000, flags }));
  commit(journal, { ended: [...ended, ...odd] }, now);
  const calls = callsModule(db);
  const since = now - 5 * 3_600_000;
  for (const limit of [2, 50]) {
    const found: string[] = [];
    let pages = 0;
    for (let after: CallPlace | undefined, more = true; more; pages += 1) {
      const page = calls.list({ since, limit, scan: 20, after });
      found.push(...page.rows.map((row) => row.record.callSessionId));
      after = page.next ?? undefined;
      more = page.next !== null;
    }
    t.same(found.slice(-3), ['pbx-odd-3', 'pbx-odd-2', 'pbx-odd-1']);
    t.same(found.slice(0, -3), ['pbx-299', 'pbx-298', 'pbx-297', 'pbx-296', 'pbx-295']);
    t.ok(pages <= 6, `${pages} pages`);
  }
  t.same(
    calls.touched({ source: 'pbx', beganAt: now - 130_000, endedAt: null }).map((row) => row.record.callSessionId),
    ['pbx-odd-1', 'pbx-odd-2'],
  );
  const parked = calls.list({ since, states: ['parked'], limit: 50, scan: 20 });
  t.same(parked, { rows: [], next: null });
  db.close();
});
