/** The permits of all processes, as they are stored. */
import t from 'tap';
import { permitsModule } from '../../../adapters/sqlite/permits.ts';
import { memoryDatabase } from './support.ts';

const ASK = {
  ...{ bootId: 'boot', owner: 'a', now: 10_000, from: 10_000, until: 11_000.5, count: 2, held: 0 },
  ...{ spanMs: 5025, requests: 5, day: '2026-01-05', perDay: null, unused: 0 },
};

function open() {
  const db = memoryDatabase();
  return { db, permits: permitsModule(db) };
}

t.test('permits of this boot, the count of the day, what was learned', async (t) => {
  const { db, permits } = open();
  const nothing = { permits: null, day: '', usedToday: 0, tuning: null };
  t.same(permits.load({ bootId: 'boot' }), nothing);
  t.same(permits.reserve(ASK), { ids: [1, 2], others: [], usedToday: 2 });
  t.same(permits.load({ bootId: 'boot' }), {
    ...{ permits: [11_000.5, 11_000.5], day: '2026-01-05', usedToday: 2 },
    tuning: null,
  });
  t.match(permits.load({ bootId: 'another' }), { permits: null, usedToday: 2 });
  permits.reserve({ ...ASK, bootId: 'another', until: 1, count: 1 });
  t.match(permits.load({ bootId: 'another' }), { permits: [1], usedToday: 3 });
  t.match(permits.load({ bootId: 'boot' }), { permits: null }, 'times of another clock are forgotten');
  const tuning = { requests: 10, windowMs: 5000, guardMs: 50, strict: true, ceiling: 10 };
  permits.tune({ tuning });
  t.same(permits.load({ bootId: 'another' }).tuning, tuning);
  permits.tune({ tuning: null });
  t.equal(permits.load({ bootId: 'another' }).tuning, null);
  db.close();
});

t.test('no more than the limit allows beside those of others and what is held', async (t) => {
  const { db, permits } = open();
  t.same(permits.reserve({ ...ASK, owner: 'b', count: 2 }).ids.length, 2);
  t.same(permits.reserve({ ...ASK, held: 2 }), { ids: [3], others: [11_000.5, 11_000.5], usedToday: 3 });
  t.same(permits.reserve({ ...ASK, held: 3 }).ids, []);
  const later = { ...ASK, now: 16_000, count: 5, until: 17_000 };
  const seen = permits.reserve({ ...later, from: 16_025 });
  t.same([seen.ids.length, seen.others], [3, [11_000.5, 11_000.5]], 'beside two that count at that moment still');
  const beside = permits.reserve({ ...later, from: 16_025.5, held: 3 });
  t.same([beside.ids.length, beside.others.length], [2, 2], 'and not much later, though they are told');
  const third = permits.reserve({ ...later, owner: 'c', now: 16_026, from: 16_026, requests: 50 });
  t.same(third.others, Array(5).fill(17_000), 'of all others');
  db.close();
});

t.test('while others want more, each gets its share', async (t) => {
  const { db, permits } = open();
  const many = { ...ASK, requests: 10, count: 10 };
  t.equal(permits.reserve(many).ids.length, 10, 'alone it may have all');
  t.equal(permits.reserve({ ...many, owner: 'b' }).ids.length, 0, 'for now');
  const later = { ...many, now: 14_000, from: 17_000, until: 18_000 };
  t.equal(permits.reserve({ ...later, held: 2 }).ids.length, 3, 'half of the limit, what it holds included');
  t.equal(permits.reserve({ ...later, held: 6 }).ids.length, 0);
  const after = { ...many, now: 24_000, from: 24_000, until: 25_000 };
  t.equal(permits.reserve(after).ids.length, 10, 'who does not ask again is forgotten');
  db.close();
});

t.test('the cap of a day is counted here, for all', async (t) => {
  const { db, permits } = open();
  const capped = { ...ASK, requests: 100, count: 6, perDay: 10 };
  t.match(permits.reserve(capped), { ids: { length: 6 }, usedToday: 6 });
  t.match(permits.reserve({ ...capped, owner: 'b' }), { ids: { length: 4 }, usedToday: 10 });
  t.match(permits.reserve(capped), { ids: { length: 0 }, usedToday: 10 });
  t.match(permits.reserve({ ...capped, unused: 3 }), { ids: { length: 3 }, usedToday: 10 }, 'what was given back');
  const before = permits.reserve({ ...capped, day: '2026-01-04' });
  t.match(before, { ids: { length: 0 }, usedToday: 10 }, 'a clock that was set back');
  t.equal(permits.load({ bootId: 'boot' }).day, '2026-01-05');
  t.match(permits.reserve({ ...capped, day: '2026-01-06' }), { ids: { length: 6 }, usedToday: 6 });
  db.close();
});

t.test('a day of a clock that was far ahead counts as today, once', async (t) => {
  const { db, permits } = open();
  permits.reserve({ ...ASK, day: '2031-05-05', perDay: 100 });
  t.match(permits.reserve({ ...ASK, perDay: 100, count: 1 }), { usedToday: 3 });
  t.match(permits.load({ bootId: 'boot' }), { day: '2026-01-05', usedToday: 3 });
  t.match(permits.reserve({ ...ASK, day: '2026-01-06', perDay: 100, count: 1 }), { usedToday: 1 });
  db.close();
});

t.test('what counts no more is removed', async (t) => {
  const { db, permits } = open();
  permits.reserve(ASK);
  const count = () => db.prepare('SELECT count(*) FROM permit').pluck().get();
  permits.reserve({ ...ASK, now: 21_050, count: 0 });
  t.equal(count(), 2, 'kept for one who is strict');
  permits.reserve({ ...ASK, now: 21_051, count: 0 });
  t.equal(count(), 0);
  t.equal(permits.reserve({ ...ASK, now: 21_051 }).ids[0], 3, 'a number is never given twice');
  db.close();
});
