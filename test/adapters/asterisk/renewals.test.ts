/** When a login is done anew: soon at first, then rarely, for ever. */
import t from 'tap';
import { Renewals } from '../../../adapters/asterisk/hearing/renewals.ts';

const MINUTE = 60_000;

/** A look every 3 s, as `LOOK_MS` of hearing.ts. */
function bench() {
  let now = 0;
  const renewals = new Renewals(() => now);
  const times: number[] = [];
  const pass = (ms: number): number[] => {
    times.length = 0;
    for (const until = now + ms; now < until; ) {
      now += 3_000;
      if (!renewals.due()) continue;
      times.push(now);
      renewals.rest();
    }
    return times;
  };
  return { renewals, pass };
}

t.test('the first after its pause, twenty of them, and then no more than one in five minutes', async (t) => {
  const { renewals, pass } = bench();
  t.same(pass(MINUTE), [], 'nothing is missing');
  renewals.need(15_000);
  t.same(pass(MINUTE), [75_000, 90_000, 105_000, 120_000]);
  t.equal(pass(4 * MINUTE).length, 16);
  pass(30 * MINUTE);
  t.equal(pass(50 * MINUTE).length, 10);
  renewals.need(null);
  t.same(pass(50 * MINUTE), []);
});

t.test('a configuration that is read anew, or another thing that is missing: soon again', async (t) => {
  const { renewals, pass } = bench();
  renewals.need(MINUTE);
  pass(24 * 60 * MINUTE);
  renewals.hurry();
  t.equal(pass(3_000).length, 1, 'at once');
  t.equal(pass(10 * MINUTE).length, 10);
  renewals.need(15_000);
  t.equal(pass(MINUTE).length, 4);
});
