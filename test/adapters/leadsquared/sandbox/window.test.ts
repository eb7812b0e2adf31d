import fc from 'fast-check';
import t from 'tap';
import { arrivalWindow } from '../../../../adapters/leadsquared/sandbox/window.ts';

t.test('two arrivals exactly one window apart are in the same window', (t) => {
  const window = arrivalWindow(2, 5000, true);
  t.ok(window.arrive(0));
  t.ok(window.arrive(4999));
  t.notOk(window.arrive(5000), 'the third within a closed window of 5,000 ms');
  t.equal(window.worst(), 3);
  t.end();
});

t.test('one millisecond later the first has left', (t) => {
  const window = arrivalWindow(2, 5000, true);
  t.ok(window.arrive(0));
  t.ok(window.arrive(4999));
  t.ok(window.arrive(5000.001));
  t.equal(window.worst(), 2);
  t.end();
});

t.test('refused requests count or not, as told', (t) => {
  const counting = arrivalWindow(1, 1000, true);
  t.same([0, 600, 1200].map(counting.arrive), [true, false, false]);
  const forgiving = arrivalWindow(1, 1000, false);
  t.same([0, 600, 1200].map(forgiving.arrive), [true, false, true]);
  t.equal(forgiving.worst(), 2, 'the worst window shows what arrived, not what was let in');
  t.end();
});

t.test('the worst window is the one that counting by hand finds', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 80 }), fc.boolean(), (gaps, countRefused) => {
      const window = arrivalWindow(3, 1000, countRefused);
      let at = 0;
      const times = gaps.map((gap) => {
        at += gap;
        window.arrive(at);
        return at;
      });
      const worst = times.map((from) => times.filter((time) => time >= from && time <= from + 1000).length);
      return window.worst() === Math.max(0, ...worst);
    }),
  );
  t.end();
});
