import t from 'tap';
import { OldestFirst } from '../../src/telephony/oldest.ts';

t.test(
  'the oldest of a collection with a limit is told, however often others are deleted and come again',
  async (t) => {
    const kept = new Map<number, string>();
    let begun = 0;
    const oldest = new OldestFirst<number>({
      keys() {
        begun += 1;
        return kept.keys();
      },
    });
    t.equal(oldest.next(), undefined);
    const before = begun;
    const dropped: (number | undefined)[] = [];
    for (let number = 0; number < 50_000; number += 1) {
      kept.delete(number - 10);
      if (number % 10 === 0) kept.set(number - 10, 'again');
      kept.set(number, 'new');
      if (kept.size <= 100) continue;
      const [first] = kept.keys();
      const next = oldest.next();
      if (next !== first) dropped.push(next);
      kept.delete(next ?? -1);
    }
    t.strictSame(dropped, [], 'none out of turn');
    t.ok(begun - before <= 1, `${begun - before} iterations`);
    t.equal(kept.size, 100);
  },
);
