/** The store of gaps. */
import t from 'tap';
import { gapsModule } from '../../../adapters/sqlite/gaps.ts';
import { memoryDatabase } from './support.ts';

const begun = { source: 'pbx', at: 1000.7, reason: 'reset', live: 2 };

t.test('one gap of a source is open at a time, and ends once', async (t) => {
  const gaps = gapsModule(memoryDatabase());
  gaps.begin(begun);
  gaps.begin({ ...begun, at: 2000, reason: 'again', live: 0 });
  gaps.begin({ ...begun, source: 'other' });
  t.match(gaps.list({ source: 'pbx', limit: 9 }), [{ beganAt: 1000, reason: 'reset', live: 2, state: 'open' }]);
  t.match(gaps.end({ source: 'pbx', at: 3000, listedAt: null }), {
    beganAt: 1000,
    endedAt: 3000,
    state: 'waiting',
    filledTo: {},
  });
  t.equal(gaps.end({ source: 'pbx', at: 4000, listedAt: null }), null, 'none is open');
  t.match(gaps.waiting({ source: 'pbx' }), [{ endedAt: 3000 }]);
  t.strictSame(gaps.waiting({ source: 'other' }), []);
  gaps.begin({ ...begun, at: 5000 });
  t.equal(gaps.list({ source: 'pbx', limit: 9 }).length, 2, 'the next one');
});

t.test('an end before the beginning is none: the clock was set back', async (t) => {
  const gaps = gapsModule(memoryDatabase());
  gaps.begin(begun);
  t.match(gaps.end({ source: 'pbx', at: 500, listedAt: null }), { beganAt: 1000, endedAt: 1000 });
});

t.test('what is found is added up, and where the reading came to is kept', async (t) => {
  const gaps = gapsModule(memoryDatabase());
  gaps.begin(begun);
  const id = gaps.end({ source: 'pbx', at: 3000, listedAt: null })?.id ?? 0;
  gaps.progress({ id, filledTo: { cel: 1500 }, created: 1, completed: 0, skipped: 2 });
  gaps.progress({ id, filledTo: { cel: 3000, cdr: 1700 }, created: 2, completed: 1, skipped: 0 });
  t.match(gaps.waiting({ source: 'pbx' }), [
    { filledTo: { cel: 3000, cdr: 1700 }, created: 3, completed: 1, skipped: 2 },
  ]);
  t.match(gaps.settle({ id, state: 'filled', note: null, at: 9000 }), { state: 'filled', settledAt: 9000 });
  t.strictSame(gaps.waiting({ source: 'pbx' }), []);
});

t.test(
  'gaps are listed by the time they touch, latest first, and forgotten when they are settled and old',
  async (t) => {
    const gaps = gapsModule(memoryDatabase());
    for (const at of [1000, 5000, 9000]) {
      gaps.begin({ ...begun, at });
      if (at < 9000) gaps.end({ source: 'pbx', at: at + 1000, listedAt: null });
    }
    const times = (query: Partial<Parameters<typeof gaps.list>[0]>) =>
      gaps.list({ limit: 9, ...query }).map(({ beganAt }) => beganAt);
    t.strictSame(times({}), [9000, 5000, 1000]);
    t.strictSame(times({ since: 2000, until: 8000 }), [5000, 1000], 'ends are touched too');
    t.strictSame(times({ since: 2001 }), [9000, 5000], 'one that goes on touches all that is later');
    t.strictSame(times({ source: 'other' }), []);
    t.strictSame(times({ limit: 1 }), [9000]);
    const [, , first] = gaps.list({ limit: 9 });
    gaps.settle({ id: first?.id ?? 0, state: 'unfilled', note: 'none', at: 9000 });
    gaps.forget({ endedBefore: 8000 });
    t.strictSame(times({}), [9000, 5000], 'one that waits stays');
  },
);

t.test('the last proof of hearing, and the clock of the PBX', async (t) => {
  const gaps = gapsModule(memoryDatabase());
  t.equal(gaps.lastHeard({ source: 'pbx' }), null);
  const time = { aheadMs: -7_200_000, ownTimes: true };
  gaps.heard({ source: 'pbx', at: 7000.5, time });
  t.same(gaps.lastHeard({ source: 'pbx' }), { at: 7000, time });
});

t.test('our clock is set while a gap is open: it keeps its length', async (t) => {
  const gaps = gapsModule(memoryDatabase());
  gaps.begin({ ...begun, at: 600_000 });
  gaps.heard({ source: 'pbx', at: 600_000, time: { aheadMs: 0, ownTimes: true } });
  gaps.shift({ source: 'pbx', by: -500_000 });
  t.match(gaps.lastHeard({ source: 'pbx' }), { at: 100_000, time: { aheadMs: 500_000 } });
  t.match(gaps.end({ source: 'pbx', at: 160_000, listedAt: null }), { beganAt: 100_000, endedAt: 160_000 });
  gaps.shift({ source: 'pbx', by: 1000 });
  t.match(gaps.list({ limit: 1 }), [{ beganAt: 100_000 }], 'one that is over stays');
});

t.test('what was filled is read once more later', async (t) => {
  const gaps = gapsModule(memoryDatabase());
  gaps.begin(begun);
  const id = gaps.end({ source: 'pbx', at: 3000, listedAt: null })?.id ?? 0;
  const unchecked = (endedBefore: number) => gaps.unchecked({ source: 'pbx', endedBefore }).length;
  t.equal(unchecked(9000), 0, 'it is not filled yet');
  gaps.settle({ id, state: 'filled', note: null, at: 4000 });
  t.strictSame([unchecked(3000), unchecked(3001)], [0, 1]);
  gaps.checked({ id });
  t.equal(unchecked(9000), 0);
});

t.test('of each source, a later gap hides none that is open, waits or was not filled', async (t) => {
  const gaps = gapsModule(memoryDatabase());
  const one = (source: string, at: number, state: 'filled' | 'unfilled' | 'waiting') => {
    gaps.begin({ ...begun, source, at });
    const id = gaps.end({ source, at: at + 10, listedAt: null })?.id ?? 0;
    if (state !== 'waiting') gaps.settle({ id, state, note: null, at });
  };
  const told = () => gaps.latest().map(({ source, state, beganAt }) => `${source} ${state} ${beganAt}`);
  t.strictSame(told(), []);
  one('a', 1000, 'unfilled');
  one('a', 2000, 'unfilled');
  one('a', 3000, 'waiting');
  one('a', 4000, 'filled');
  // Of a PBX that turned out to be deaf: since its last call.
  gaps.begin({ ...begun, source: 'a', at: 3500 });
  one('b', 500, 'unfilled');
  for (let n = 0; n < 60; n++) one('c', 5000 + n * 100, 'filled');
  t.strictSame(told(), [
    ...['a open 3500', 'a filled 4000', 'a waiting 3000', 'a unfilled 2000'],
    'b unfilled 500',
    'c filled 10900',
  ]);
});
