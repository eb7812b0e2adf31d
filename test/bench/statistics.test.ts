/** The figures of the benches themselves. */
import t from 'tap';
import { judged } from '../../bench/support/report.ts';
import { median, percentile, slope } from '../../bench/support/statistics.ts';

t.test('percentiles are samples that were taken', async (t) => {
  const samples = [5, 1, 4, 2, 3];
  t.equal(median(samples), 3);
  t.equal(percentile(samples, 0.99), 5);
  t.equal(percentile(samples, 0), 1);
  t.same(samples, [5, 1, 4, 2, 3], 'and stay in their order');
  t.ok(Number.isNaN(percentile([], 0.5)));
});

t.test('the slope is that of the line, whatever lies beside it', async (t) => {
  t.equal(slope([0, 1, 2, 3].map((x) => [x, 7 + 2 * x] as const)), 2);
  t.equal(
    slope([
      [0, 1],
      [0, 3],
    ]),
    0,
  );
  t.ok(Math.abs(slope([0, 1, 2, 3, 4, 5].map((x) => [x, x % 2] as const))) < 0.1);
});

t.test('bars', async (t) => {
  const line = { measure: 'CPU', unit: 'us', value: 30, baseline: 20 };
  t.match(judged('a', line), { name: 'a', measure: 'CPU, us', ratio: 1.5, bar: null, kept: true });
  t.match(judged('a', { ...line, bar: { on: 'ratio', most: 1.2 } }), { bar: 'ratio <= 1.2', kept: false });
  t.match(judged('a', { ...line, bar: { on: 'ratio', most: 1.5 } }), { kept: true });
  t.match(judged('a', { ...line, bar: { on: 'value', most: 100 } }), { bar: '<= 100 us', kept: true });
  t.match(judged('a', { ...line, bar: { on: 'value', least: 99 } }), { bar: '>= 99 us', kept: false });
  t.match(
    judged('a', { ...line, value: null, bar: { on: 'value', most: 1 } }),
    { value: null, ratio: null, kept: false },
    'what was not measured keeps no bar',
  );
});
