/** Times where clocks are set, and texts as wide as a terminal shows them. */
import fc from 'fast-check';
import t from 'tap';
import { parseAt, parseWhen } from '../../src/cli/when.ts';
import { columns, cut, timesOf } from '../../src/commands/output.ts';
import { widthOf, wrap } from '../../src/commands/print/width.ts';
import { runs } from '../support/runs.ts';

process.env.TZ = 'Europe/Berlin';

const utc = (text: string) => Date.parse(`${text}Z`);
const NOW = utc('2026-11-26T10:30');

t.test('a list over the change of the clocks tells the offset of what differs', async (t) => {
  const times = timesOf(false);
  t.equal(times.zone(utc('2026-10-25T01:30')), 'CET, UTC+01:00');
  t.equal(times.dateTime(utc('2026-10-25T01:30')), '2026-10-25 02:30:00');
  t.equal(times.dateTime(utc('2026-10-25T00:30')), '2026-10-25 02:30:00 +02:00');
  t.equal(timesOf(false).zone(utc('2026-07-01T00:00')), 'CEST, UTC+02:00');
  t.equal(timesOf(true).dateTime(utc('2026-10-25T00:30')), '2026-10-25 00:30:00');
  t.equal(times.clockTime(utc('2026-10-25T00:30:01.007')), '02:30:01.007');
});

t.test('days, minutes, and what comes twice or never', async (t) => {
  const when = (text: string, zone = false) =>
    new Date(parseWhen('--since', text, NOW, zone)).toISOString().slice(0, 16);
  t.equal(when('today'), '2026-11-25T23:00');
  t.equal(when('Yesterday'), '2026-11-24T23:00');
  t.equal(when('today', true), '2026-11-26T00:00');
  t.equal(when('10:02'), '2026-11-26T09:02');
  t.equal(when('yesterday 10:02'), '2026-11-25T09:02');
  t.equal(when('2026-10-26'), '2026-10-25T23:00', 'the day after a day of 25 hours');
  t.equal(when('2026-10-25 02:30'), '2026-10-25T00:30', 'the first of two');
  t.throws(() => when('2026-03-29 02:30'), {
    message: '--since 2026-03-29 02:30 did not exist: the clocks went forward.',
  });
  const at = (text: string) => {
    const { from, to } = parseAt('--at', text, NOW);
    return [from, to].map((ms) => new Date(ms).toISOString().slice(0, 16));
  };
  t.same(at('10:02'), ['2026-11-26T09:01', '2026-11-26T09:04'], 'with a minute around');
  t.same(at('2026-10-25 02:30'), ['2026-10-25T00:29', '2026-10-25T01:32'], 'both of two');
  t.same(at('2026-10-25'), ['2026-10-24T22:00', '2026-10-25T23:00'], '25 hours');
  t.throws(() => at('17:00'), { message: '--at 17:00 is still to come.', hint: "--at 'yesterday 17:00'" });
  process.env.TZ = 'Africa/Cairo';
  t.equal(when('2026-04-24'), '2026-04-23T22:00', 'a midnight that is left out: the first moment of the day');
  process.env.TZ = 'Europe/Berlin';
});

t.test('a sign of East Asia takes two columns, one upon another none', async (t) => {
  for (const [text, width] of [
    ['abc', 3],
    ['王伟', 4],
    ['e\u0301', 1],
    ['आशा', 3],
    ['😀', 2],
    ['한국', 4],
    ['ｱ', 1],
    ['', 0],
  ] as const)
    t.equal(widthOf(text), width, text);
  t.same(
    columns([
      ['王伟', 'x'],
      ['abc', 'y'],
    ]),
    ['王伟  x', 'abc   y'],
  );
  t.equal(cut('王伟王伟王伟', 7), '王伟...');
});

t.test('no line is wider than the screen, and no word is lost', async (t) => {
  t.same(wrap('a bb ccc', 5, 2), ['a bb', '  ccc']);
  t.same(columns([['key', 'one two three four five six seven']], [], [], 32), [
    'key  one two three four five six',
    '     seven',
  ]);
  const word = fc.string({ minLength: 1, maxLength: 12 }).map((text) => text.replace(/\s/g, '_'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), fc.integer({ min: 8, max: 60 }), (words, width) => {
      const lines = wrap(words.join(' '), width, 4);
      const wide = lines.find((line) => widthOf(line) > width);
      if (wide !== undefined) throw new Error(`${wide} has more than ${width}`);
      if (lines.join('').replace(/\s/g, '') !== words.join('')) throw new Error(lines.join('\n'));
    }),
    runs(200, 5_000),
  );
});
