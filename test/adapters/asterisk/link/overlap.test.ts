/** Two connections of one queue of events: together nothing is missing, and nothing comes twice. */
import fc from 'fast-check';
import t from 'tap';
import { notHeard } from '../../../../adapters/asterisk/link/overlap.ts';

const rest = (earlier: string, later: string): string => notHeard([...earlier], [...later], (text) => text).join('');

t.test('what both were sent is told once, by its place and not by its text alone', async (t) => {
  t.equal(rest('', 'abc'), 'abc');
  t.equal(rest('abc', ''), '');
  t.equal(rest('abc', 'bcd'), 'd');
  t.equal(rest('abc', 'def'), 'def');
  t.equal(rest('abc', 'abc'), '');
  t.equal(rest('ea', 'ae'), 'e', 'entered again after it was left');
  t.equal(rest('eaea', 'eae'), 'e');
  t.equal(rest('aab', 'abX'), 'X');
  t.equal(rest('1a2b3', 'xaybz'), 'xyz', "what only one of them may read is in nobody's way");
});

t.test('whatever each may read, and whenever the one begins and the other ends', async () => {
  const say = fc.record({ first: fc.boolean(), second: fc.boolean() });
  fc.assert(
    fc.property(fc.array(say, { maxLength: 40 }), fc.nat(40), fc.nat(40), (said, one, other) => {
      const [begins, ends] = [Math.min(one, other), Math.max(one, other)];
      const queue = said.map((rights, at) => ({ ...rights, at, text: `event ${at}` }));
      const first = queue.filter((event) => event.first && event.at < ends);
      const second = queue.filter((event) => event.second && event.at >= begins);
      const left = notHeard(
        first.map(({ text }) => text),
        second,
        ({ text }) => text,
      );
      const wanted = second.filter((event) => !first.includes(event));
      return left.length === wanted.length && left.every((event, at) => event === wanted[at]);
    }),
  );
});

t.test('a flood of events that are all the same is no long work', async (t) => {
  const many = new Array<string>(10_000).fill('a');
  t.same(
    notHeard([...many, 'b'], [...many, 'b', 'c'], (text) => text),
    ['c'],
  );
});
