/** Who waits, who is under way, and how slow requests leave room for the next call. */
import t from 'tap';
import { createAdmission, type UnderWay, type Waiter } from '../../src/permits/admission.ts';
import type { Priority } from '../../src/permits/port.ts';

function open(concurrency = 10) {
  const admission = createAdmission<string>(concurrency);
  const wait = (priority: Priority, since: number, cameAt = since): Waiter<string> => {
    const waiter = { since, cameAt, grant: () => undefined, reject: () => undefined };
    admission.add(priority, waiter);
    return waiter;
  };
  const start = (since: number, cameAt = since): UnderWay => {
    const one: UnderWay = { priority: 'live', since, cameAt, entry: { startedAt: since } };
    admission.underWay.add(one);
    return one;
  };
  return { admission, wait, start };
}

t.test('of the live calls the latest goes first, of the others who came first', async (t) => {
  for (const priority of ['live', 'backlog', 'retry', 'background'] as const) {
    const { admission, wait } = open();
    const came = [1, 2, 3].map((since) => wait(priority, since));
    if (priority === 'live') came.reverse();
    t.same(
      came.map(() => admission.next(priority, 5000)?.since),
      came.map(({ since }) => since),
      priority,
    );
    t.equal(admission.next(priority, 5000), undefined);
  }
});

t.test('calls that ended within the last second go in their order, before the older ones', async (t) => {
  const { admission, wait } = open();
  for (const since of [9200, 1000, 9300, 2000, 9100]) wait('live', since);
  const order = [1, 2, 3, 4, 5].map(() => admission.next('live', 10_000)?.since);
  t.same(order, [9100, 9200, 9300, 2000, 1000]);
});

t.test('who goes away is not served', async (t) => {
  const { admission, wait } = open();
  const [first, second] = [wait('live', 1), wait('live', 2)];
  admission.remove('live', second);
  admission.remove('live', second);
  t.same(admission.waiting(), { live: 1, backlog: 0, retry: 0, background: 0 });
  t.equal(admission.next('live', 3), first);
  const left = [wait('backlog', 4), wait('live', 5)];
  t.same(new Set(admission.clear()), new Set(left));
  t.same(admission.waiting(), { live: 0, backlog: 0, retry: 0, background: 0 });
});

t.test('so many are under way at the same time, the slow ones not counted', async (t) => {
  const { admission, wait, start } = open(2);
  // Where requests are slow as a rule.
  admission.ended(10_000);
  wait('backlog', 0);
  start(1000);
  const second = start(1200);
  t.equal(admission.admitted(1200).backlog, 0);
  t.equal(admission.roomIn(1200), 300, 'when the first becomes slow');
  t.equal(admission.admitted(1499).backlog, 0);
  t.equal(admission.admitted(1500).backlog, 1);
  t.equal(admission.roomIn(1500), 200);
  start(1500);
  t.equal(admission.admitted(1500).backlog, 0);
  admission.underWay.delete(second);
  t.equal(admission.admitted(1500).backlog, 1, 'an end makes room as well');
  t.equal(admission.roomIn(9000), null, 'all that are under way are slow already');
});

t.test('where few requests are slow, half as many of them make the older ones wait', async (t) => {
  for (const [usual, goes] of [
    [20, 0],
    [3000, 1],
  ] as const) {
    const { admission, wait, start } = open(4);
    for (let i = 0; i < 5; i++) admission.ended(usual);
    wait('live', 900, 0);
    for (let i = 0; i < 2; i++) start(100, 50);
    t.equal(admission.admitted(1000).live, goes, `${usual} ms as a rule`);
    wait('live', 950);
    t.equal(admission.admitted(1000).live, goes + 1, 'what came later goes');
  }
});

t.test('one of a hundred live calls is the one that waits longest', async (t) => {
  const { admission, wait } = open();
  for (let i = 0; i < 150; i++) wait('live', 1000 + i);
  const order = Array.from({ length: 110 }, () => admission.next('live', 60_000)?.since ?? 0);
  t.same([order[0], order[98], order[99], order[100]], [1149, 1051, 1000, 1050]);
});

t.test('while many are slow, only what came after what they are for goes', async (t) => {
  const { admission, wait, start } = open();
  const old = wait('live', 0);
  const others = wait('backlog', 900);
  // The calls of these came at 1,000 and they were sent at 2,000.
  const slow: UnderWay[] = [];
  while (admission.slowSince(9000) === null && slow.length < 20) {
    t.same(admission.admitted(9000), { live: 1, backlog: 1, retry: 0, background: 0 }, `${slow.length} are not many`);
    slow.push(start(2000, 1000));
  }
  t.ok(slow.length >= 5 && slow.length <= 10, `${slow.length} are`);
  t.equal(admission.slowSince(2499), null, 'not slow yet');
  t.same(admission.admitted(9000), { live: 0, backlog: 0, retry: 0, background: 0 });
  t.equal(admission.next('live', 9000), undefined);
  wait('live', 4000, 999);
  t.equal(admission.next('live', 9000), undefined, 'what it is for counts, not when it was asked for');
  const fresh = wait('live', 4001, 1100);
  t.same(admission.admitted(9000), { live: 1, backlog: 0, retry: 0, background: 0 });
  t.equal(admission.next('live', 9000), fresh);
  wait('backlog', 4900);
  t.equal(admission.admitted(9000).backlog, 1, 'whatever it is for, and however long it waits');
  for (const one of slow.slice(1)) admission.underWay.delete(one);
  t.equal(admission.next('backlog', 9000), others, 'answers came');
  t.equal(admission.next('live', 9000)?.cameAt, 999);
  t.equal(admission.next('live', 9000), old);
});
