/** What a start reads again of calls that are over: the newest, and no more than it may. */
import t from 'tap';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import { answered, commit, frame, memoryDatabase, record } from '../support.ts';

t.test('the newest frames within the time and the bytes, sealed or not', async (t) => {
  const own = journalModule([])(memoryDatabase());
  const raw = Buffer.alloc(87, 'x');
  for (let at = 1; at <= 10; at += 1) commit(own, { frames: [frame(answered('c', at * 1000), raw)] });
  const from = (since: number, maxBytes: number, source = 'pbx') => own.recentFrom({ source, since, maxBytes });
  t.equal(from(0, 10_000), 1);
  t.equal(from(7_000, 10_000), 7, 'within the time');
  t.equal(from(0, 300), 8, 'of 100 bytes each');
  t.equal(from(0, 99), null);
  t.equal(from(20_000, 10_000), null);
  t.equal(from(0, 10_000, 'another'), null);
  own.seal({ before: Number.MAX_SAFE_INTEGER });
  t.equal(from(7_000, 10_000), 1, 'a segment as a whole');
  commit(own, { frames: [frame(answered('c', 11_000), raw)] });
  t.equal(from(7_000, 150), 11);
});

t.test('records of the calls that are stored', async (t) => {
  const own = journalModule([])(memoryDatabase());
  commit(own, { ended: [record('a'), record('b')] });
  const found = own
    .recordsOf(['b', 'none', 'a'])
    .map(([id, json]) => (JSON.parse(json).callSessionId === id ? id : null));
  t.strictSame(found, ['b', 'a']);
});
