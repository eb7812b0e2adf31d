/** Writes in groups: what is ready at the same moment goes together. */
import t from 'tap';
import { grouped } from '../../src/delivery/grouped.ts';
import { flush } from './fakes.ts';

/** A write that is answered when the test says so. */
function written() {
  const groups: { readonly items: readonly number[]; readonly end: PromiseWithResolvers<readonly string[]> }[] = [];
  const add = grouped<number, string>((items) => {
    const end = Promise.withResolvers<readonly string[]>();
    groups.push({ items, end });
    return end.promise;
  });
  return { add, groups, items: () => groups.map((group) => group.items) };
}

t.test('what is added in the same turn, and while a group is written, goes together', async (t) => {
  const { add, groups, items } = written();
  const first = [add(1), add(2)];
  await flush();
  t.same(items(), [[1, 2]]);
  const second = [add(3), add(4)];
  await flush();
  t.same(items(), [[1, 2]], 'one group at a time');
  groups[0]?.end.resolve(['a', 'b']);
  t.same(await Promise.all(first), ['a', 'b']);
  await flush();
  t.same(items(), [
    [1, 2],
    [3, 4],
  ]);
  groups[1]?.end.resolve(['c', 'd']);
  t.same(await Promise.all(second), ['c', 'd']);
  const third = add(5);
  await flush();
  groups[2]?.end.resolve(['e']);
  t.equal(await third, 'e', 'it begins anew');
});

t.test('a group that fails fails whole, and the next one goes on', async (t) => {
  const { add, groups } = written();
  const first = [add(1), add(2)];
  await flush();
  const next = add(3);
  groups[0]?.end.reject(new Error('disk full'));
  for (const one of first) await t.rejects(one, { message: 'disk full' });
  await flush();
  groups[1]?.end.resolve([]);
  await t.rejects(next, { message: /fewer items/ });
});
