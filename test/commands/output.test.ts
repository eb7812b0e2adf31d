import t from 'tap';
import { columns, count, cut, length, masked, privacy } from '../../src/commands/output.ts';

t.test('numbers are masked wherever they stand; ids, times and short numbers stay', async (t) => {
  const value = {
    callSessionId: 'asterisk-1795357964.12',
    record: { external: '09845012345', agent: '1001', startedAt: 1_795_357_964_000, trunk: 'PJSIP/trunk-in' },
    body: { SourceNumber: '+91-9845012345', CallSessionId: 'asterisk-1795357964.12', StartTime: '2026-11-22 14:14:22' },
    answer: '{"Id":"1bf7225e-2777-40da-b82b-da0119726b6d","Phone":"+919845012345"}',
    list: ['+91 98450 12345', 7],
    leadId: '12345678',
    nothing: null,
  };
  const text = JSON.stringify(masked(value));
  t.notMatch(text, /98450/);
  t.match(masked(value), {
    callSessionId: 'asterisk-1795357964.12',
    record: { external: '***2345', agent: '1001', startedAt: 1_795_357_964_000 },
    body: { CallSessionId: 'asterisk-1795357964.12', StartTime: '2026-11-22 14:14:22' },
    answer: /1bf7225e-2777-40da-b82b-da0119726b6d/,
    leadId: '12345678',
    nothing: null,
  });
  t.same(privacy(true).value(value), value);
  t.equal(privacy(false).number(null), '-');
});

t.test('names of callers cannot steer the terminal', async (t) => {
  const evil = 'Bob\u001b[31m\u202e\n--';
  t.equal(cut(evil, 40), 'Bob\\u001b[31m\\u202e --');
  for (const sign of ['\u001b', '\u202e', '\n']) t.notOk(privacy(true).number(evil).includes(sign));
});

t.test('columns line up, without blanks at the end', async (t) => {
  t.same(columns([['a', 'SEC', 'x'], ['bbb', '7', ''], ['c']], [1]), ['a    SEC  x', 'bbb    7', 'c']);
  t.same(columns([]), []);
});

t.test('lengths of time and counts', async (t) => {
  for (const [ms, text] of [
    [0, '0 s'],
    [999, '0 s'],
    [134_000, '2 min 14 s'],
    [120_000, '2 min'],
    [273_600_000, '3 d 4 h'],
    [3_601_000, '1 h'],
  ] as const) {
    t.equal(length(ms), text);
  }
  t.equal(count(1, 'call'), '1 call');
  t.equal(count(0, 'call'), '0 calls');
});
