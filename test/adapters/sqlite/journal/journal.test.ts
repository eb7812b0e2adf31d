import { randomBytes } from 'node:crypto';
import t from 'tap';
import { decode, KIND, ownEventsOf } from '../../../../adapters/sqlite/journal/frames.ts';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import type { FramesRequest } from '../../../../adapters/sqlite/journal/read.ts';
import { sessionsModule } from '../../../../adapters/sqlite/sessions/sessions.ts';
import type { SessionHook } from '../../../../adapters/sqlite/sessions/store.ts';
import type { Connection } from '../../../../adapters/sqlite/thread/rpc.ts';
import type { JournalBatch } from '../../../../src/ports.ts';
import { answered, commit, connected, frame, lost, memoryDatabase, on, record } from '../support.ts';

const EVER = Number.MAX_SAFE_INTEGER;

function journal(db: Connection = memoryDatabase()) {
  const own = journalModule([])(db);
  const frames = (request: Partial<FramesRequest> = {}) => {
    const found = [];
    for (let from: number | null = 0; from !== null; ) {
      const page = own.frames({ source: 'pbx', ...request, from: Math.max(from, request.from ?? 0) });
      found.push(...decode(page.bytes));
      from = page.next;
    }
    return found;
  };
  return {
    ...{ db, own, frames },
    store: (part: Partial<JournalBatch>) => commit(own, part),
    /** The events of frames whose bytes nobody reads here. */
    events: (request: Partial<FramesRequest> = {}) => frames(request).flatMap(ownEventsOf),
  };
}

t.test('the open calls of each source, with the connection under which the oldest began', async (t) => {
  const { store, own } = journal();
  store({ frames: [frame(connected(1)), frame(answered('done', 2)), frame(lost(3))] });
  store({ frames: [frame(connected(4))] });
  store({ frames: [frame(answered('x', 5))], opened: [on('x')] });
  store({ frames: [frame(lost(6)), frame(connected(7)), frame(answered('y', 8))], opened: [on('y')] });
  store({ frames: [frame(answered('x', 5, 'other'))], opened: [on('x', 'other')] });
  const other = { source: 'other', channels: ['x'], from: 1, connected: null };
  const connection = (at: number) => JSON.stringify(connected(at));
  t.same(own.openCalls(), [other, { source: 'pbx', channels: ['x', 'y'], from: 5, connected: connection(4) }]);
  store({ released: [on('x')] });
  t.same(
    own.openCalls(),
    [other, { source: 'pbx', channels: ['y'], from: 6, connected: connection(4) }],
    'the next connection was made in the very transaction in which y opened, and is read with it',
  );
  store({ released: [on('y'), on('x', 'other')], frames: [frame(connected(9))] });
  t.same(own.openCalls(), []);
  store({ opened: [on('z')] });
  t.match(own.openCalls(), [{ channels: ['z'], connected: connection(9) }], 'the last connection stays known');
});

t.test('what opens and is released in one transaction is as it was at the end', async (t) => {
  const { store, own } = journal();
  store({ frames: [frame(answered('x', 2))], opened: [on('x')], released: [on('x')] });
  t.same(own.openCalls(), []);
});

t.test('frames come back exactly, in order, by number, by time and by channel', async (t) => {
  const { store, frames, events } = journal();
  // The clock steps back by 5 in the middle.
  const times = [10, 11.5, 12, 7, 8, 13, 14];
  for (const time of times) store({ frames: [frame(answered('x', time))] });
  store({ frames: [frame(answered('x', 20, 'other'))] });
  const of = (...some: number[]) => some.map((time) => answered('x', time));
  t.same(events(), of(...times));
  t.same(events({ from: 3 }), of(12, 7, 8, 13, 14));
  t.same(events({ since: 8, until: 14 }), of(10, 11.5, 12, 8, 13));
  t.same(events({ since: 100 }), []);
  const raw = Buffer.from('Event: Newstate\r\nUniqueid: 17.1\r\n\r\n');
  store({ frames: [frame(answered('17.1', 30), raw), frame(answered('17.2', 31), Buffer.from('Uniqueid: 17.2'))] });
  t.match(frames({ since: 30, channels: ['17.1'] }), [{ kind: KIND.pbx, at: 30, bytes: raw }]);
  t.equal(frames({ channels: ['17.1'] }).length, times.length + 1, 'events of the client itself always');
});

t.test(
  'reading goes page by page, and what is stored or sealed meanwhile is neither skipped nor met twice',
  async (t) => {
    const { own, store, frames } = journal();
    const big = (n: number) => frame(answered('x', n), Buffer.alloc(300_000, n));
    for (let n = 1; n <= 9; n++) store({ frames: [big(n)] });
    const met: number[] = [];
    let from: number | null = 0;
    while (from !== null) {
      const page: ReturnType<typeof own.frames> = own.frames({ source: 'pbx', from });
      met.push(...[...decode(page.bytes)].map(({ at }) => at));
      t.ok(page.bytes.length < 2_000_000);
      if (met.length < 9) while (own.seal({ before: 0 }).more);
      if (from === 0) store({ frames: [big(10)] });
      from = page.next;
    }
    t.same(met, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    t.equal(frames().length, 10);
  },
);

t.test('a damaged segment costs itself', async (t) => {
  const { db, own, store, events } = journal();
  for (let n = 1; n <= 3; n++) {
    store({ frames: [frame(answered('x', n))] });
    own.seal({ before: EVER });
  }
  db.prepare('UPDATE segment SET data = ? WHERE seq = 2').run(Buffer.from('no zstd'));
  store({ frames: [frame(answered('x', 4))] });
  t.equal(own.frames({ source: 'pbx', from: 0 }).damaged, 1);
  t.same(events(), [answered('x', 1), answered('x', 3), answered('x', 4)]);
  t.match(own.seal({ before: EVER }), { sealed: 1 }, 'and holds up nothing');
  const much = (n: number) => frame(answered('x', n), Buffer.alloc(20_000, n));
  for (const n of [5, 6, 7]) store({ frames: [much(n)] });
  db.prepare('UPDATE hot_segment SET data = ? WHERE first_at = 6').run(Buffer.from('no zstd'));
  while (own.seal({ before: EVER }).sealed > 0);
  t.equal(db.prepare('SELECT count(*) FROM hot_segment').pluck().get(), 0, 'nor before it is sealed');
  t.equal(own.frames({ source: 'pbx', from: 5 }).damaged, 1);
});

t.test('the last frame of a source is known, with or without events, sealed or not', async (t) => {
  const { store, own } = journal();
  const last = () => own.lastFrameAt({ source: 'pbx', until: Number.MAX_SAFE_INTEGER });
  t.equal(last(), null);
  store({ frames: [frame(answered('x', 5)), { source: 'pbx', receivedAt: 9, events: [], raw: Buffer.from('?') }] });
  store({ frames: [frame(answered('x', 20, 'other'))] });
  t.equal(last(), 9);
  while (own.seal({ before: EVER }).more);
  t.equal(last(), 9);
});

t.test('the last frame is the one that came last, whatever the clock showed before', async (t) => {
  const { store, own } = journal();
  const last = (until: number) => own.lastFrameAt({ source: 'pbx', until });
  for (const at of [5, 900, 7]) store({ frames: [frame(answered('x', at))] });
  t.same([last(1000), last(10), last(6), last(4)], [7, 7, 5, null]);
  while (own.seal({ before: EVER }).more);
  store({ frames: [frame(answered('x', 800))] });
  t.same([last(1000), last(4)], [800, null]);
});

t.test('sealing joins what is old or much, of one source at a time, and changes nothing', async (t) => {
  const { db, own, store, events, frames } = journal();
  const rows = () => ({
    hot: db.prepare('SELECT count(*) FROM hot_segment').pluck().get(),
    sealed: db.prepare('SELECT source, seq, frames, first_at, last_at FROM segment ORDER BY source, seq').all(),
  });
  for (let n = 1; n <= 6; n++) store({ frames: [frame(answered('x', n)), frame(answered('y', n, 'other'))] });
  const before = events();
  t.same(own.seal({ before: 1 }), { sealed: 0, more: false }, 'too young, and too little');
  const one = own.seal({ before: 3 });
  t.same(one, { sealed: 6, more: true });
  t.same(own.seal({ before: 3 }), { sealed: 6, more: false });
  t.same(rows(), {
    hot: 0,
    sealed: ['other', 'pbx'].map((source) => ({ source, seq: 1, frames: 6, first_at: 1, last_at: 6 })),
  });
  t.same(events(), before);
  store({ frames: [frame(answered('x', 7))] });
  t.equal(events().length, 7, 'numbers go on');
  store({ frames: [frame(answered('x', 8), Buffer.alloc(2_000_000))] });
  t.same(own.seal({ before: 0 }), { sealed: 1, more: true }, 'much is sealed whatever its age, in pieces');
  t.equal(frames().length, 8, 'and what is not sealed yet stays');
});

t.test('much at once is compressed before it is written', async (t) => {
  const { db, store, frames } = journal();
  const raw = Buffer.from('Event: Newchannel\r\nUniqueid: 17.1\r\n\r\n');
  store({ frames: Array.from({ length: 1_000 }, (_, n) => frame(answered('17.1', n), raw)) });
  t.match(db.prepare('SELECT packed, frames, length(data) < size / 10 AS small FROM hot_segment').all(), [
    { packed: 1, frames: 1_000, small: 1 },
  ]);
  t.same(frames()[999]?.bytes, raw);
});

t.test('a call is stored once, and its newer facts replace the older ones', async (t) => {
  const db = memoryDatabase();
  const posted: [string, number][] = [];
  const own = journalModule([
    () =>
      ({ callSessionId }, now) =>
        void posted.push([callSessionId, now]),
  ])(db);
  const end = (now: number, ...ended: ReturnType<typeof record>[]) => commit(own, { ended }, now);
  const row = db.prepare('SELECT revision, recording, created_at, updated_at, json FROM session');

  t.same(end(100, record('a')), ['inserted']);
  const { legs, ...rest } = record('a');
  t.same(end(200, { legs, ...rest }), ['same'], 'the same facts, otherwise written');
  t.match(row.all(), [{ revision: 1, created_at: 100, updated_at: 100 }]);

  const late = record('a', { recording: 'a.wav', durationSeconds: 6 });
  t.same(end(300, late, record('b')), ['changed', 'inserted']);
  const first = { revision: 2, recording: 'a.wav', created_at: 100, updated_at: 300, json: JSON.stringify(late) };
  t.match(row.all(), [first, { revision: 1 }]);
  t.same(
    posted,
    [
      ['a', 100],
      ['a', 300],
      ['b', 300],
    ],
    'the outbox hears of each call, and of each change of its facts',
  );
});

t.test('a record of an earlier version of the program is read whole, and is the same call', async (t) => {
  const db = memoryDatabase();
  const own = journalModule([])(db);
  const end = (now: number, ended: ReturnType<typeof record>) => commit(own, { ended: [ended] }, now);
  end(100, record('a', { recording: 'a.wav' }));
  db.prepare("UPDATE session SET json = json_remove(json, '$.ringGroup', '$.agentDomain', '$.recordings')").run();
  const sessions = sessionsModule(db);
  t.match(sessions.get('a'), { found: 'one', session: { record: record('a', { recording: 'a.wav' }) } });
  t.same(end(200, record('a', { recording: 'a.wav' })), ['same']);
  const second = record('a', { recording: 'a.wav', recordings: ['a.wav', 'b.wav'] });
  t.same(end(300, second), ['changed']);
  t.match(sessions.list({ limit: 1, offset: 0 }).found, [{ record: second }]);
});

t.test('a call that is wrong in itself is left out alone, with its reason', async (t) => {
  const db = memoryDatabase();
  const refuse: SessionHook =
    () =>
    ({ callSessionId }) => {
      if (callSessionId === 'bad') throw new Error('no outbox row for this one');
    };
  const own = journalModule([refuse])(db);
  const fates = commit(own, {
    frames: [frame(answered('x', 1)), frame(answered('y', 2), Buffer.from('raw'))],
    opened: [on('y')],
    ended: [record('good'), record('bad'), record('worse', { startedAt: Number.NaN }), record('fine')],
  });
  t.match(fates, ['inserted', { message: /no outbox row/ }, { code: /CONSTRAINT/ }, 'inserted']);
  t.same(db.prepare('SELECT frames FROM hot_segment').pluck().all(), [2], 'what the PBX said is kept');
  t.same(db.prepare('SELECT call_session_id FROM session ORDER BY 1').pluck().all(), ['fine', 'good']);
  t.same(db.prepare('SELECT channel FROM open_channel').pluck().all(), ['y']);
});

t.test('trouble of the file stores nothing and throws, and the numbers go on as if nothing had been', async (t) => {
  const { db, own, store, events } = journal();
  store({ frames: [frame(answered('x', 1))] });
  db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`);
  const noise = randomBytes(100_000);
  // That of the one PBX is written before the other's does not fit.
  const frames = [frame(answered('y', 2)), frame(answered('z', 2, 'other'), noise)];
  t.throws(() => store({ frames, opened: [on('y')] }), { code: 'SQLITE_FULL' });
  t.equal(db.inTransaction, false);
  t.same(own.openCalls(), []);
  db.pragma('max_page_count = 1000000');
  store({ frames: [frame(answered('z', 3))] });
  t.same(events(), [answered('x', 1), answered('z', 3)]);
  t.same(db.prepare('SELECT seq FROM hot_segment ORDER BY id').pluck().all(), [1, 2]);
});

t.test('reading of what is sealed finds its rows by an index', async (t) => {
  const db = memoryDatabase();
  const plans: string[] = [];
  const prepare = db.prepare.bind(db);
  const spy = new Proxy(db, {
    get(target, key) {
      if (key !== 'prepare') return Reflect.get(target, key, target);
      return (sql: string) => {
        const plan = /^\s*(SELECT|DELETE|UPDATE)/.test(sql) ? prepare(`EXPLAIN QUERY PLAN ${sql}`) : null;
        const blanks = (sql.match(/\?/g) ?? []).map(() => 1);
        const named = Object.fromEntries((sql.match(/@\w+/g) ?? []).map((name) => [name.slice(1), 1]));
        if (plan !== null)
          plans.push(...plan.all(...blanks, ...(sql.includes('@') ? [named] : [])).map((row) => JSON.stringify(row)));
        return prepare(sql);
      };
    },
  });
  journalModule([])(spy);
  t.ok(plans.length > 20);
  t.same(
    plans.filter((plan) => /SCAN (segment|old|session)\b/.test(plan) && !/USING (COVERING )?INDEX/.test(plan)),
    [],
  );
});

t.test('pruning keeps what is open, and numbers that were used', async (t) => {
  const { db, own, store, events } = journal();
  const seal = () => own.seal({ before: EVER });
  const old = (n: number) => frame(answered('gone', n), Buffer.alloc(100, n));
  store({ frames: [frame(connected(1))] });
  seal();
  store({ frames: [frame(answered('x', 2))], opened: [on('x')] });
  seal();
  for (const n of [3, 4, 5]) {
    store({ frames: [old(n)] });
    seal();
  }
  const spare = db.prepare<[], number>('SELECT bytes FROM segment WHERE seq = 1').pluck().get() ?? 0;
  const request = { before: 0, maxBytes: EVER, limit: 10 };
  t.same(own.prune(request), { removed: 0, bytes: spare, more: false });
  t.same(
    own.prune({ ...request, maxBytes: spare }),
    { removed: 0, bytes: spare, more: false },
    'what open calls need does not count: others would go for it',
  );
  t.match(own.prune({ ...request, before: 5, limit: 1 }), { removed: 1, more: true });
  t.match(own.prune({ ...request, before: EVER }), { removed: 0, more: false }, 'nothing that an open call may need');
  t.match(own.openCalls(), [{ channels: ['x'], from: 2, connected: JSON.stringify(connected(1)) }]);
  t.same(events({ from: 2, until: 3 }), [answered('x', 2)]);
  store({ released: [on('x')] });
  t.match(own.prune({ ...request, before: 5 }), { removed: 3, more: false });
  t.match(own.prune({ ...request, maxBytes: 1 }), { removed: 1, bytes: 0 });
  store({ frames: [frame(answered('new', 6))], opened: [on('new')] });
  t.match(
    own.openCalls(),
    [{ channels: ['new'], connected: JSON.stringify(connected(1)) }],
    'the connection before it',
  );
});
