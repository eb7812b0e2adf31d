/** `--since` and `--until`, the same in each command that has them. */
import t from 'tap';
import { UsageError } from '../../src/cli/command.ts';
import { parseAt, parseSpan, parseWhen } from '../../src/cli/when.ts';
import { command } from './world.ts';

const CONFIG = new URL('../fixtures/lab.toml', import.meta.url).pathname;
const NOW = Date.UTC(2026, 10, 26, 10, 30);
const span = (since: string | null, until: string | null) => parseSpan({ since, until }, NOW, true);

t.test('a span that holds nothing is refused, as nothing would be found', async (t) => {
  t.same(span('2h', '1h'), { since: NOW - 7_200_000, until: NOW - 3_600_000 });
  t.same(span('2h', null), { since: NOW - 7_200_000 });
  t.same(span(null, '18:00'), { until: Date.UTC(2026, 10, 26, 18) });
  for (const [since, until, message] of [
    ['1h', '2h', '--since 1h is not before --until 2h.'],
    ['18:00', null, '--since 18:00 is still to come.'],
    ['18:00', '19:00', '--since 18:00 is still to come.'],
    ['2026-12-01', null, '--since 2026-12-01 is still to come.'],
  ] as const)
    t.throws(() => span(since, until), { name: 'UsageError', message }, message);
});

t.test('each command refuses it before it asks the daemon', async (t) => {
  for (const words of ['calls', 'replay', 'gaps', 'backfill --source pbx1', 'sessions rederive'])
    for (const [options, message] of [
      [['--since', '1h', '--until', '2h'], /--since 1h is not before --until 2h/],
      [['--since', '2199-01-01'], /--since 2199-01-01 is still to come/],
    ] as const) {
      const { code, error } = await command(...words.split(' '), ...options, '--config', CONFIG);
      t.equal(code, 2, words);
      t.match(error, message, words);
    }
});

t.test('a time longer ago than there are times, and a zone that is none', async (t) => {
  for (const text of ['100000d', '99999999999999999999w', '1900-01-01']) {
    t.equal(parseWhen('--since', text, NOW), 0, text);
    t.ok(
      Object.values(parseAt('--at', text, NOW)).every((time) => time >= 0),
      text,
    );
  }
  for (const zone of ['+14:30', '+99:00', '-05:75', '-13:00'])
    t.throws(() => parseWhen('--since', `2026-11-22T09:00${zone}`, NOW), UsageError, zone);
  for (const zone of ['+14:00', '-12:00', '+05:45', 'Z'])
    t.doesNotThrow(() => parseWhen('--since', `2026-11-22T09:00${zone}`, NOW), zone);
});
