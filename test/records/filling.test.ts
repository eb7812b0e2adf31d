/** What waits for records, for how long, and what becomes of it when they cannot be read. */
import t from 'tap';
import { gapsModule } from '../../adapters/sqlite/gaps.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { type AwaitingCall, createFilling } from '../../src/records/filling.ts';
import type { Gap, Gaps } from '../../src/records/gaps.ts';
import type { Merged, MergeRequest, PageMerger } from '../../src/records/merge.ts';
import { type PbxTime, SAME_TIME } from '../../src/records/pbx-time.ts';
import { type CallRecords, RecordsError, type RecordsPage } from '../../src/records/port.ts';
import { memoryDatabase, record } from '../adapters/sqlite/support.ts';

const START = 1_795_000_000_000;
const WAIT = 120_000;

const heardInPart = (id: string, endedAt: number): CallRecord =>
  record(id, { startedAt: endedAt - 1000, endedAt, flags: ['blind-interval'] });

interface Reading {
  readonly from: number;
  readonly to: number;
}

/** A place whose pages the test makes, and a clock moved by hand. */
function bench(
  pages: (reading: Reading) => AsyncIterable<RecordsPage>,
  places = 1,
  nameOf = (n: number) => `place ${n}`,
) {
  let now = START;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const module = gapsModule(memoryDatabase());
  const gaps: Gaps = {
    begin: async (args) => module.begin(args),
    end: async (args) => module.end(args),
    waiting: async (args) => module.waiting(args),
    progress: async (args) => module.progress(args),
    settle: async (args) => module.settle(args),
    list: async (query) => module.list(query),
    heard: async (args) => module.heard(args),
    lastHeard: async (args) => module.lastHeard(args),
    unchecked: async (args) => module.unchecked(args),
    checked: async (args) => module.checked(args),
    shift: async (args) => module.shift(args),
  };
  const readings: Reading[] = [];
  const asked: string[][] = [];
  const ahead: number[] = [];
  const place = (n: number): CallRecords => ({
    name: nameOf(n),
    async *read(span, aheadMs = 0) {
      ahead.push(aheadMs);
      readings.push(span);
      yield* pages(span);
    },
    async *find(calls, aheadMs = 0) {
      ahead.push(aheadMs);
      const span = {
        from: Math.min(...calls.map((one) => one.span.from)),
        to: Math.max(...calls.map((one) => one.span.to)),
      };
      readings.push(span);
      asked.push(calls.map(({ id }) => id));
      yield* pages(span);
    },
    check: async () => ({ problem: null, hints: [] }),
    close: async () => {},
  });
  const merges: MergeRequest[] = [];
  let time = SAME_TIME;
  let found: Merged = { created: [], completed: [], erased: [], recorded: [], faults: [] };
  const merge: PageMerger = Object.assign(
    async (_events: unknown, request: MergeRequest) => {
      merges.push(request);
      return found;
    },
    { time: () => time },
  );
  let waiting: readonly AwaitingCall[] = [];
  const released: string[] = [];
  const troubles: (string | null)[] = [];
  const filled: Gap[] = [];
  const parts = {
    gaps,
    calls: {
      awaiting: async () => waiting,
      async release({ ids }: { ids: readonly string[] }) {
        released.push(...ids);
        waiting = waiting.filter(({ record }) => !ids.includes(record.callSessionId));
      },
    },
    clock: {
      now: () => now,
      after(ms: number, run: () => void) {
        const timer = { at: now + ms, run };
        timers.push(timer);
        return () => {
          timers = timers.filter((one) => one !== timer);
        };
      },
    },
    waitMs: WAIT,
    onReleased: () => {},
    onFilled: (gap: Gap) => void filled.push(gap),
    onTrouble: (_source: string, problem: string | null) => void troubles.push(problem),
  };
  const own = { name: 'pbx', places: Array.from({ length: places }, (_, n) => place(n)), merge };
  const make = () => createFilling({ ...parts, sources: [own] });
  const filling = make();
  return {
    ...{ filling, make, gaps: module, readings, asked, ahead, merges, released, troubles, filled },
    finds(result: Partial<Merged>): void {
      found = { ...found, ...result };
    },
    waits(...records: readonly CallRecord[]): void {
      waiting = records.map((record) => ({ record, heldSince: now }));
    },
    clockIs(other: PbxTime): void {
      time = other;
    },
    gap(began: number, ended: number): Gap | null {
      module.begin({ source: 'pbx', at: began, reason: 'reset', live: 0 });
      const gap = module.end({ source: 'pbx', at: ended, listedAt: ended });
      if (gap !== null) filling.gapEnded(gap);
      return gap;
    },
    async pass(ms: number): Promise<void> {
      const until = now + ms;
      for (;;) {
        const next = timers.reduce<(typeof timers)[number] | null>((a, b) => (a === null || b.at < a.at ? b : a), null);
        if (next === null || next.at > until) break;
        timers = timers.filter((one) => one !== next);
        now = Math.max(now, next.at);
        next.run();
        await new Promise(setImmediate);
      }
      now = until;
      await new Promise(setImmediate);
    },
  };
}

const page = (upTo: number, skipped = 0): RecordsPage => ({
  ...{ events: [], upTo },
  skipped: skipped === 0 ? [] : [{ count: skipped, why: 'cut off' }],
});

t.test('the records of a gap are read some seconds after its end, with a margin, and settle it', async (t) => {
  const it = bench(async function* ({ to }) {
    yield page(to, 2);
  });
  it.finds({ created: [record('a')], completed: [record('b'), record('c')] });
  it.gap(START - 60_000, START);
  await it.pass(4000);
  t.equal(it.readings.length, 0, 'the PBX may still be writing');
  await it.pass(2000);
  t.strictSame(it.readings, [{ from: START - 65_000, to: START + 5000 }]);
  t.match(it.merges, [{ span: { from: START - 60_000, to: START }, lostAt: [START - 60_000], time: SAME_TIME }]);
  t.match(it.filled, [{ state: 'filled', created: 1, completed: 2, skipped: 2 }]);
  await it.pass(300_000);
  t.equal(it.readings.length, 1);
  await it.pass(3_600_000);
  t.equal(it.readings.length, 2, 'once more, as records may be written in batches, and then nothing waits any more');
  t.same(it.readings[1], { from: START - 425_000, to: START + 5000 }, 'with the calls of which they tell so late');
  t.match(it.gaps.list({ limit: 1 }), [{ skipped: 2 }], 'what could not be read counts once');
});

t.test('a reading that is broken off goes on where it came to, at each place', async (t) => {
  let breaks = true;
  const it = bench(async function* ({ from, to }) {
    yield page(from + 10_000);
    if (breaks) throw new RecordsError('The server is gone.');
    yield page(to);
  }, 2);
  it.gap(START - 60_000, START);
  await it.pass(6000);
  t.match(it.troubles, ['The server is gone.']);
  t.equal(it.filled.length, 0);
  breaks = false;
  await it.filling.stop();
  // As after a restart: a new life takes it up from the store.
  const next = it.make();
  next.start();
  await it.pass(6000);
  t.strictSame(it.readings, [
    { from: START - 65_000, to: START + 5000 },
    { from: START - 55_000, to: START + 5000 },
    { from: START - 65_000, to: START + 5000 },
  ]);
  t.match(it.filled, [{ state: 'filled' }]);
  t.equal(it.troubles.at(-1), null, 'the trouble is over');
  await next.stop();
});

t.test('without records a gap is told as unfilled, at once', async (t) => {
  const it = bench(async function* () {}, 0);
  it.gap(START - 60_000, START);
  await it.pass(0);
  t.match(it.filled, [{ state: 'unfilled', note: /no \[\[source\.records\]\]/ }]);
  t.notOk(it.filling.awaits(heardInPart('a', START)), 'and no call waits for what will not come');
});

t.test('a call waits for its record, is free with it, and waits no longer than it may', async (t) => {
  const it = bench(async function* ({ to }) {
    yield page(to);
  });
  const [told, untold] = [heardInPart('told', START), heardInPart('untold', START)];
  t.ok(it.filling.awaits(told));
  t.notOk(it.filling.awaits({ ...told, flags: [] }), 'one that was heard wholly');
  t.notOk(it.filling.awaits({ ...told, flags: ['blind-interval', 'from-cdr'] }), 'one that has it');
  it.waits(told, untold);
  it.finds({ recorded: ['told'] });
  it.filling.callsEnded('pbx');
  await it.pass(6000);
  t.strictSame(it.released, ['told']);
  t.match(it.merges, [{ span: null }], 'no further call is made of what lies around it');
  await it.pass(WAIT - 20_000);
  t.strictSame(it.released, ['told']);
  await it.pass(30_000);
  t.strictSame(it.released, ['told', 'untold']);
  const reads = it.readings.length;
  await it.pass(3_600_000);
  t.equal(it.readings.length, reads);
});

t.test('records that cannot be read keep no call for longer, and are asked for less and less often', async (t) => {
  const it = bench(async function* () {
    yield* [];
    throw new RecordsError('Access denied: GRANT SELECT.');
  });
  it.gap(START - 60_000, START);
  it.waits(heardInPart('a', START));
  await it.pass(WAIT + 600_000);
  t.strictSame(it.released, ['a']);
  t.ok(it.troubles.every((problem) => problem === 'Access denied: GRANT SELECT.'));
  const early = it.readings.length;
  await it.pass(6 * 3_600_000);
  t.ok(it.readings.length - early <= 37, 'every ten minutes at most');
  t.equal(it.filled.length, 0, 'the gap still waits');
});

t.test('a fault of the program is told as well, and does not end the filling', async (t) => {
  let faulty = true;
  const it = bench(async function* ({ to }) {
    if (faulty) throw new TypeError('x is not a function');
    yield page(to);
  });
  it.gap(START - 60_000, START);
  await it.pass(6000);
  t.match(it.troubles, [/could not be taken in: TypeError/]);
  faulty = false;
  await it.pass(60_000);
  t.match(it.filled, [{ state: 'filled' }]);
});

t.test('records that are not whole yet are read again from there, and not for ever', async (t) => {
  let whole = false;
  const it = bench(async function* ({ to }) {
    yield page(whole ? to : START - 20_000);
  });
  it.gap(START - 60_000, START);
  await it.pass(21_000);
  t.strictSame(
    it.readings.map(({ from }) => from - START),
    [-65_000, -20_000],
  );
  t.equal(it.filled.length, 0);
  whole = true;
  await it.pass(15_000);
  t.match(it.filled, [{ state: 'filled', note: null }]);

  whole = false;
  it.gap(START + 100_000, START + 120_000);
  await it.pass(3_600_000);
  t.match(it.filled.at(-1), { state: 'unfilled', note: /were still not whole/ });
});

t.test('a call that was cut off waits from when it was stored, and its record is looked for up to now', async (t) => {
  const it = bench(async function* ({ to }) {
    yield page(to);
  });
  const cutOff = { ...heardInPart('a', START - 600_000), endBetween: { from: START - 600_000, to: START - 1000 } };
  it.waits(cutOff);
  it.filling.callsEnded('pbx');
  await it.pass(4000);
  t.strictSame(it.released, [], 'the gap was longer than it may wait');
  await it.pass(2000);
  t.match(it.readings, [{ from: START - 606_000, to: START + 4000 }]);
  await it.pass(WAIT);
  t.strictSame(it.released, ['a']);
});

t.test('a call that waits is looked for by its id, in the time that it lasted', async (t) => {
  const it = bench(async function* () {});
  it.waits(heardInPart('pbx-1795000000.7', START - 60_000), heardInPart('pbx-1795000001.9', START));
  it.filling.callsEnded('pbx');
  await it.pass(6000);
  t.strictSame(it.asked, [['1795000000.7', '1795000001.9']]);
  t.strictSame(it.readings, [{ from: START - 66_000, to: START + 5000 }]);
});

t.test('places are read by the clock of the PBX', async (t) => {
  const it = bench(async function* ({ to }) {
    yield page(to);
  });
  it.clockIs({ aheadMs: 7_200_000, ownTimes: true });
  it.gap(START - 60_000, START);
  // Its times are those of the PBX.
  it.waits(heardInPart('a', START + 7_200_000));
  await it.pass(6000);
  t.strictSame(it.readings, [
    { from: START + 7_135_000, to: START + 7_205_000 },
    { from: START + 7_194_000, to: START + 7_205_000 },
  ]);
  t.strictSame(it.ahead, [7_200_000, 7_200_000], 'and are told how far it is ahead');
});

t.test('what is left out is counted once, however often it is read', async (t) => {
  const it = bench(async function* () {
    yield page(START - 20_000, 3);
  });
  it.gap(START - 60_000, START);
  await it.pass(3_600_000);
  t.match(it.filled, [{ state: 'unfilled', skipped: 3 }]);
});

t.test('why the first record was left out is told with the gap', async (t) => {
  const it = bench(async function* ({ from, to }) {
    yield page(from + 10_000);
    yield page(to, 2);
  });
  it.gap(START - 60_000, START);
  await it.pass(6000);
  t.match(it.filled, [{ state: 'filled', skipped: 2, note: 'cut off' }]);
});

t.test('two places with one name are both read, and what an earlier version stored is of the first', async (t) => {
  let breaks = true;
  const it = bench(
    async function* ({ from, to }) {
      yield page(from + 10_000);
      if (breaks) throw new RecordsError('The server is gone.');
      yield page(to);
    },
    2,
    () => 'MariaDB asteriskcdrdb (cdr, cel)',
  );
  it.gap(START - 60_000, START);
  await it.pass(6000);
  t.strictSame(it.gaps.waiting({ source: 'pbx' })[0]?.filledTo, {
    'MariaDB asteriskcdrdb (cdr, cel)': START - 55_000,
  });
  breaks = false;
  await it.pass(60_000);
  t.strictSame(
    it.readings.slice(1).map(({ from }) => from - START),
    [-55_000, -65_000],
  );
  t.match(it.filled, [{ state: 'filled' }]);
});

t.test('a gap that ends while a pass runs is not forgotten', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const it = bench(async function* ({ to }) {
    if (it.readings.length === 1) await promise;
    yield page(to);
  });
  it.gap(START - 60_000, START);
  await it.pass(6000);
  it.gap(START + 1000, START + 6000);
  await it.pass(10_000);
  t.equal(it.readings.length, 1, 'its wake-up came during the first reading');
  resolve();
  await it.pass(1000);
  await it.pass(1000);
  t.equal(it.filled.length, 2);
});

t.test('a stop during the second reading leaves it to the next life', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const it = bench(async function* ({ to }) {
    if (it.readings.length === 2) await promise;
    yield page(to);
  });
  it.gap(START - 60_000, START);
  await it.pass(400_000);
  t.equal(it.readings.length, 2);
  const stopped = it.filling.stop();
  resolve();
  await stopped;
  t.equal(it.gaps.unchecked({ source: 'pbx', endedBefore: START + 1 }).length, 1);
});
