/** How many rows of each class are wanted beside those that are worked on. */
import t from 'tap';
import { createHeld, type Held } from '../../src/delivery/held.ts';
import type { Delivery } from '../../src/delivery/store.ts';

function holding(underWay = 0) {
  const held = createHeld({ underWay: (priority) => (priority === 'live' ? underWay : 0) });
  const hold = (id: number, which: Held['class'] = 'live'): void => {
    const row: Pick<Delivery, 'id' | 'createdAt'> = { id, createdAt: 1000 * id };
    held.rows.set(id, { class: which, trial: null, takenAt: 0, row: row as Delivery });
  };
  return { held, hold };
}

t.test('a few that wait for a permit, without those whose request is under way', async (t) => {
  const { held, hold } = holding(2);
  t.same(held.wanted(0), { live: 5, backlog: 12, aside: 2, retry: 2 });
  for (const id of [1, 2, 3, 4]) hold(id);
  t.equal(held.wanted(0).live, 3);
  t.equal(held.wanted(3000).live, 5, 'those from before wait behind slow requests');
  t.equal(held.newest(), 4000);
  for (let id = 10; id < 17; id++) hold(id, 'backlog');
  t.equal(held.wanted(0).backlog, 0, 'by the half dozen');
});

t.test('where rows pass without asking the CRM for anything, more at once, up to a limit', async (t) => {
  const { held, hold } = holding();
  for (let n = 0; n < 5; n++) held.passed(false);
  t.match(held.wanted(0), { live: 10, backlog: 17 });
  for (let n = 0; n < 500; n++) held.passed(false);
  t.match(held.wanted(0), { live: 80, backlog: 25 });
  for (let id = 0; id < 80; id++) hold(id);
  t.match(held.wanted(0), { live: 0 });
  t.match(held.newcomers(), { live: 5 }, 'there is room left for the next call');
  held.passed(true);
  held.rows.clear();
  t.match(held.wanted(0), { live: 5, backlog: 12 });
});
