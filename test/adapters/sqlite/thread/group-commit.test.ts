import t from 'tap';
import { StorageError } from '../../../../adapters/sqlite/thread/errors.ts';
import { groupCommit } from '../../../../adapters/sqlite/thread/group-commit.ts';
import { manualClock } from '../support.ts';

type Answer = readonly (string | StorageError)[] | StorageError;

/** A group commit of words whose transactions end when the test answers them. */
function harness(limits: { maxTransaction?: number; maxWeight?: number } = {}) {
  const clock = manualClock();
  const transactions: (readonly string[])[] = [];
  const told: (string | null)[] = [];
  let answers: ((answer: Answer) => void)[] = [];
  let begun: (() => void) | null = null;
  const group = groupCommit<string, string>({
    commit: (items) => {
      transactions.push(items);
      const { promise, resolve } = Promise.withResolvers<readonly (string | StorageError)[]>();
      answers.push((answer) => resolve(answer instanceof StorageError ? Promise.reject(answer) : answer));
      begun?.();
      return promise;
    },
    weigh: (item) => item.length,
    maxTransaction: limits.maxTransaction ?? 100,
    maxWeight: limits.maxWeight ?? 1_000,
    after: clock.after,
    onTrouble: (error) => told.push(error?.code ?? null),
  });
  return {
    ...{ group, clock, transactions, told },
    /** Waits until the transaction with this index has begun. */
    async begin(index: number): Promise<void> {
      while (transactions.length <= index) await new Promise<void>((resolve) => (begun = resolve));
    },
    answer(answer?: Answer): void {
      const [first, ...rest] = answers;
      answers = rest;
      first?.(answer ?? (transactions.at(-1) ?? []).map((item) => item.toUpperCase()));
    },
  };
}

const full = () => new StorageError('SQLITE_FULL', 'database or disk is full');

t.test('what arrives during a transaction goes together into the next one', async (t) => {
  const h = harness();
  const first = [h.group.add('a'), h.group.add('b')];
  await h.begin(0);
  const later = [h.group.add('c'), h.group.add('d'), h.group.add('e')];
  t.match(h.group.status(), { pending: 5, pendingWeight: 5, trouble: null });
  h.answer();
  t.same(await Promise.all(first), ['A', 'B']);
  await h.begin(1);
  t.equal(h.group.status().pending, 3, 'not answered before its own transaction is durable');
  h.answer();
  t.same(await Promise.all(later), ['C', 'D', 'E']);
  t.same(h.transactions, [
    ['a', 'b'],
    ['c', 'd', 'e'],
  ]);
  t.same(h.group.status(), { pending: 0, pendingWeight: 0, trouble: null, failedAttempts: 0 });
});

t.test('what is added while the last answer is given is not forgotten', async (t) => {
  const h = harness();
  const chained = h.group.add('a').then(() => h.group.add('b'));
  await h.begin(0);
  h.answer();
  await h.begin(1);
  h.answer();
  t.equal(await chained, 'B');
});

t.test('a transaction has a largest size', async (t) => {
  const h = harness({ maxTransaction: 4 });
  const all = ['aaa', 'b', 'cc', 'ddddddd', 'e'].map((item) => h.group.add(item));
  for (let index = 0; index < 4; index++) {
    await h.begin(index);
    h.answer();
  }
  await Promise.all(all);
  t.same(h.transactions, [['aaa', 'b'], ['cc'], ['ddddddd'], ['e']]);
});

t.test('a wrong item fails alone', async (t) => {
  const h = harness();
  const [good, bad, alsoGood] = [h.group.add('a'), h.group.add('b'), h.group.add('c')];
  await h.begin(0);
  h.answer(['A', new StorageError('SQLITE_CONSTRAINT', 'wrong'), 'C']);
  await t.rejects(bad, { code: 'SQLITE_CONSTRAINT' });
  t.same(await Promise.all([good, alsoGood]), ['A', 'C']);
  t.same(h.told, []);
});

t.test('a full disk keeps everything, in order, until there is room', async (t) => {
  const h = harness();
  const all = [h.group.add('a'), h.group.add('b')];
  for (let attempt = 0; attempt < 7; attempt++) {
    await h.begin(attempt);
    const planned = h.clock.pauses.length;
    h.answer(full());
    while (h.clock.pauses.length === planned) await new Promise(setImmediate);
    if (attempt === 0) all.push(h.group.add('c'));
    t.match(h.group.status(), { pending: 3, trouble: 'database or disk is full', failedAttempts: attempt + 1 });
    h.clock.fire();
  }
  await h.begin(7);
  h.answer();
  t.same(await Promise.all(all), ['A', 'B', 'C']);
  t.same(h.transactions.at(-1), ['a', 'b', 'c']);
  t.same(h.told, ['SQLITE_FULL', null], 'told once when it begins and once when it ends');
  t.same(h.clock.pauses, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
});

t.test('trouble that becomes another one is told again', async (t) => {
  const h = harness();
  const stored = h.group.add('a');
  const troubles = [full(), new StorageError('SQLITE_IOERR_WRITE', 'disk I/O error'), full()];
  for (const [index, one] of troubles.entries()) {
    await h.begin(index);
    const planned = h.clock.pauses.length;
    h.answer(one);
    while (h.clock.pauses.length === planned) await new Promise(setImmediate);
    h.clock.fire();
  }
  await h.begin(3);
  h.answer();
  await stored;
  t.same(h.told, ['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_FULL', null]);
});

t.test('what is kept is bounded', async (t) => {
  const h = harness({ maxWeight: 5 });
  const kept = [h.group.add('aaaa'), h.group.add('b')];
  await t.rejects(h.group.add('c'), { code: 'BACKLOG_FULL', message: /holds 2 batches.*disk is too slow/ });
  await h.begin(0);
  h.answer(full());
  while (h.group.status().trouble === null) await new Promise(setImmediate);
  await t.rejects(h.group.add('c'), { code: 'BACKLOG_FULL', message: /database or disk is full/ });
  h.clock.fire();
  await h.begin(1);
  h.answer();
  t.same(await Promise.all(kept), ['AAAA', 'B']);
  const heavy = h.group.add('heavier than the whole limit');
  await h.begin(2);
  h.answer();
  await heavy;
});

t.test('damage is not retried', async (t) => {
  const h = harness();
  const lost = h.group.add('a');
  await h.begin(0);
  h.answer(new StorageError('SQLITE_CORRUPT', 'database disk image is malformed'));
  await t.rejects(lost, { code: 'SQLITE_CORRUPT', trouble: 'corrupt' });
  t.same(h.clock.pauses, []);
});

t.test('drain waits for everything, and in trouble gives up after one more attempt', async (t) => {
  const h = harness();
  const first = h.group.add('a');
  const drained = h.group.drain();
  await h.begin(0);
  h.answer();
  await drained;
  t.equal(await first, 'A');

  const second = h.group.add('b');
  await h.begin(1);
  h.answer(full());
  while (h.clock.pauses.length === 0) await new Promise(setImmediate);
  const hopeless = h.group.drain();
  await h.begin(2);
  h.answer(full());
  await t.rejects(hopeless, { code: 'SQLITE_FULL' });
  await t.rejects(second, { code: 'SQLITE_FULL' });
  t.equal(h.group.status().pending, 0);
  h.clock.fire();
  t.equal(h.transactions.length, 3, 'no attempt is left planned');
});
