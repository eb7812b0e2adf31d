/** Who goes next, and what a day allows. */
import t from 'tap';
import { createAllowance } from '../../src/permits/allowance.ts';
import { createFairness, type Fairness, type Waiting } from '../../src/permits/fairness.ts';
import type { Priority } from '../../src/permits/port.ts';

const NOBODY: Waiting = { live: 0, backlog: 0, retry: 0, background: 0 };
const ALL: Waiting = { live: 100, backlog: 100, retry: 100, background: 100 };
/** 25 in 5 s. */
const PACE = { live: 0, backlog: 0, even: 200 };

/** Serves whoever is picked, every 200 ms, and counts. */
function serve(fairness: Fairness, waiting: Waiting, times: number, from = 0) {
  const served = { live: 0, backlog: 0, retry: 0, background: 0 };
  for (let i = 0; i < times; i++) {
    const now = from + i * PACE.even;
    const pick = fairness.pick(waiting, now, PACE);
    if (pick === null || typeof pick === 'number') throw new Error('somebody waits');
    served[pick] += 1;
    fairness.served(pick, waiting, now);
  }
  return served;
}

t.test('live before backlog before retries before housekeeping, and nobody starves', async (t) => {
  const all = serve(createFairness(), ALL, 1000);
  t.equal(all.background, 40);
  t.ok(all.retry > 50 && all.retry < 100, `${all.retry} of 1,000: less than a tenth`);
  t.ok(all.backlog > 180 && all.backlog <= 200, `${all.backlog} of 1,000: a fifth`);
  t.same(serve(createFairness(), { ...ALL, retry: 0 }, 1000), { live: 761, backlog: 199, retry: 0, background: 40 });
  const only = (priority: Priority) => serve(createFairness(), { ...NOBODY, [priority]: 9 }, 50)[priority];
  t.same([only('live'), only('backlog'), only('background')], [50, 50, 50], 'alone each gets everything');
});

t.test('the backlog is spread over the window, live calls never wait for its pace', async (t) => {
  const fairness = createFairness();
  const backlog = { ...NOBODY, backlog: 9 };
  fairness.served('backlog', backlog, 1000);
  t.equal(fairness.pick(backlog, 1040, PACE), 150);
  t.equal(fairness.pick({ ...backlog, live: 1 }, 1040, PACE), 'live');
  t.equal(fairness.pick(backlog, 1190, PACE), 'backlog');
  t.equal(fairness.pick(NOBODY, 1190, PACE), null);
});

t.test(
  'when the window gets short, what is left of it is spread for live calls, and nothing overtakes them',
  async (t) => {
    const fairness = createFairness();
    const short = { live: 300, backlog: 0, even: 200 };
    fairness.served('live', ALL, 1000);
    const live = { ...NOBODY, live: 9 };
    t.equal(fairness.pick(live, 1040, short), 260);
    t.equal(fairness.pick(live, 1300, short), 'live');
    t.equal(fairness.pick({ ...live, backlog: 1 }, 1250, short), 50, 'nothing overtakes what is paced');
    t.equal(fairness.pick({ ...live, background: 1 }, 1250, short), 50);
  },
);

t.test('what goes on failing goes seldom, what works goes as all do', async (t) => {
  const fairness = createFairness();
  const retry = { ...NOBODY, retry: 9 };
  const gap = (): number => {
    fairness.served('retry', retry, 100_000);
    return Number(fairness.pick(retry, 100_000, PACE));
  };
  const seldom = gap();
  t.ok(seldom > 2000, 'less than a tenth of the budget');
  const gaps = (worked: boolean, times: number): readonly number[] =>
    Array.from({ length: times }, () => {
      fairness.retried(worked);
      return gap();
    });
  t.same(gaps(true, 2), [seldom / 2, seldom / 4], 'each that works halves the wait');
  t.equal(gaps(true, 8).at(-1), 200, 'down to that of all');
  t.same(gaps(false, 2), [400, 800], 'each that fails doubles it');
  t.equal(gaps(false, 8).at(-1), seldom);
  t.equal(fairness.pick({ ...retry, live: 1 }, 100_000 + seldom - 1, PACE), 'live');
  t.equal(fairness.pick({ ...retry, live: 1 }, 100_000 + seldom, PACE), 'retry', 'live calls do not take their part');
});

t.test('the allowance of a day: a tenth for live calls, a clock set back forgets nothing', async (t) => {
  const noon = Date.UTC(2026, 0, 5, 12);
  const fresh = { day: '', used: 0 };
  const allowance = createAllowance(100, fresh);
  t.same([allowance.left(noon, false), allowance.left(noon, true)], [90, 100]);
  allowance.counted(95);
  t.same([allowance.left(noon, false), allowance.left(noon, true)], [0, 5]);
  allowance.giveBack(2);
  t.same([allowance.used, allowance.left(noon, true)], [93, 7], 'what ran out unused');
  t.equal(allowance.left(noon - 86_400_000, true), 7, 'set back by a day');
  t.equal(allowance.left(noon + 43_200_000, true), 100, 'a new day');
  const ahead = createAllowance(100, { day: '2031-01-01', used: 95 });
  t.same(
    [ahead.left(noon, true), ahead.day],
    [5, new Date(noon).toISOString().slice(0, 10)],
    'a clock was years ahead',
  );
  t.equal(ahead.left(noon + 86_400_000, true), 100, 'and the next day is a new one');
  t.equal(allowance.day, '2026-01-06');
  t.equal(allowance.untilTomorrow(noon), 43_200_000);
  t.equal(createAllowance(null, fresh).left(noon, false), Number.POSITIVE_INFINITY);
  t.equal(createAllowance(100, { day: '2026-01-05', used: 99 }).left(noon, true), 1, 'kept over a restart');
});
