import t from 'tap';
import { locator } from '../../config/locate.ts';

t.test('keys are found in tables, arrays of tables, dotted and quoted', async (t) => {
  const at = locator(
    [
      'top = 1',
      '[[a]]',
      'x = 1',
      '[[a.b]]',
      'y = 1',
      '[[a]]',
      'x = 2',
      '[[a.b]]',
      '[[a.b]]',
      'y = 2',
      '[c.d]',
      "'+91.' = 1",
      'e.f = 1',
    ].join('\n'),
  );
  t.same(
    [
      at(['top']),
      at(['a', 0, 'x']),
      at(['a', 0, 'b', 0, 'y']),
      at(['a', 1, 'x']),
      at(['a', 1, 'b', 1, 'y']),
      at(['c', 'd', 'e', 'f']),
    ],
    [1, 3, 5, 7, 10, 13],
  );
  t.equal(at(['c', 'd', 'none']), 11, 'else the table above it');
  t.equal(at(['none']), null);
});

t.test('what looks like a key or a table inside of a list is none', async (t) => {
  const at = locator(
    ['[a]', 'list = [', "  'x = [',", '  # ]', '  [1, 2],', ']', 'x = 1', '[b]', 'x = { y = [', ' 1 ] }', 'z = 1'].join(
      '\n',
    ),
  );
  t.same([at(['a', 'list', 2, 0]), at(['a', 'x']), at(['b', 'z'])], [2, 7, 11]);
  t.same([at(['a', 'list']), at(['b'])], [2, 8]);
});

t.test('a list of lists does not open a table', async (t) => {
  const at = locator(['[a]', 'list = [', '[ 1 ],', ']', 'x = 1'].join('\n'));
  t.equal(at(['a', 'x']), 5);
});
