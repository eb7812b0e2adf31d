import t from 'tap';
import { inOrder } from '../../src/call/in-order.ts';

const at = (time: number, name = '') => ({ time, name });

t.test('items come in order of their times, those of one time as they were', async (t) => {
  const items = [at(3), at(1, 'first'), at(2), at(1, 'second')];
  const sorted = inOrder(items, ({ time }) => time);
  t.same(sorted, [at(1, 'first'), at(1, 'second'), at(2), at(3)]);
  t.equal(items[0]?.time, 3, 'what was given is left as it is');
});

t.test('what is in order is not copied', async (t) => {
  for (const items of [[], [at(1)], [at(1), at(1), at(2)]])
    t.equal(
      inOrder(items, ({ time }) => time),
      items,
    );
});
