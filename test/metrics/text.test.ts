/** The text of a scrape, the list of metrics, and what is written about them elsewhere. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { metricsText } from '../../adapters/metrics/text.ts';
import { createCounts, createHistogram } from '../../src/metrics/counts.ts';
import type { Family, Reading, Series } from '../../src/metrics/family.ts';
import { FAMILIES } from '../../src/metrics/list.ts';
import { createTally } from '../../src/metrics/tally.ts';
import type { SourceStatus } from '../../src/ports.ts';
import { call } from '../delivery/fakes.ts';

const file = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const one = (name: string, type: Family['type'], labels: readonly string[], series: Series): Reading =>
  new Map([[{ name, type, labels, help: 'What it is' }, series]]);

t.test('names that break the format are written so that they do not', async (t) => {
  const pbx = 'a"b\\c\nd{e} 7';
  const text = await metricsText(one('x', 'gauge', ['pbx'], [{ labels: { pbx }, value: 1.5 }]));
  t.equal(text, '# HELP x What it is\n# TYPE x gauge\nx{pbx="a\\"b\\\\c\\nd{e} 7"} 1.5\n');
  t.equal(await metricsText(one('x', 'gauge', [], [])), '\n', 'what has no series is left out');
});

t.test('a histogram counts each value once, and a bucket all below it', async (t) => {
  const histogram = createHistogram([1, 5], { name: 'what', values: ['a', 'b'] });
  for (const value of [0, 1, 1.01, 5, 6]) histogram.observe(value, 'a');
  const text = await metricsText(one('x', 'histogram', ['what'], histogram.distributions()));
  t.same(text.trim().split('\n').slice(2), [
    'x_bucket{le="1",what="a"} 2',
    'x_bucket{le="5",what="a"} 4',
    'x_bucket{le="+Inf",what="a"} 5',
    'x_sum{what="a"} 13.01',
    'x_count{what="a"} 5',
    'x_bucket{le="1",what="b"} 0',
    'x_bucket{le="5",what="b"} 0',
    'x_bucket{le="+Inf",what="b"} 0',
    'x_sum{what="b"} 0',
    'x_count{what="b"} 0',
  ]);
});

t.test('counters are there from the beginning, for each combination of what is known', async (t) => {
  const counts = createCounts({ a: ['1', '2'], b: ['x'] });
  counts.add({ a: '2', b: 'x' });
  t.same(counts.samples(), [
    { labels: { a: '1', b: 'x' }, value: 0 },
    { labels: { a: '2', b: 'x' }, value: 1 },
  ]);
});

t.test('however many numbers, agents, queues and trunks there are, series stay the same', async (t) => {
  const tally = createTally(['pbx']);
  const before = tally.calls.samples().length;
  for (let n = 1; n <= 500; n++) {
    const odd = `"${n}\n{x}`;
    tally.ended(call(n, { source: 'pbx', external: odd, agent: odd, queue: odd, trunk: odd, did: odd }));
  }
  t.equal(tally.calls.samples().length, before);
  t.equal(
    tally.calls.samples().reduce((sum, { value }) => sum + value, 0),
    500,
  );
});

t.test('calls that an operator sent again do not count as slow ones', async (t) => {
  const tally = createTally(['pbx']);
  tally.logged({ latencyMs: 86_400_000, replayed: true });
  tally.logged({ latencyMs: 3_000, replayed: false });
  t.match(tally.latency.distributions(), [{ sum: 3, counts: [0, 0, 1, 0] }]);
});

t.test('a link that is lost counts once, however often it is tried again', async (t) => {
  const tally = createTally(['pbx']);
  const lost = (...states: readonly SourceStatus['state'][]) => {
    for (const state of states) tally.heard({ name: 'pbx', state } as SourceStatus);
    return tally.losses.samples()[0]?.value;
  };
  t.equal(lost('connecting', 'lost', 'connecting', 'lost'), 0, 'it never stood');
  t.equal(lost('connected', 'connected', 'lost', 'lost', 'connecting', 'lost'), 1);
  t.equal(lost('connected', 'refused'), 2);
  t.equal(lost('connecting', 'connected', 'stopped'), 2, 'an end is no loss');
});

t.test('names follow the conventions of Prometheus', async (t) => {
  t.same([...new Set(FAMILIES.map(({ name }) => name))].length, FAMILIES.length, 'each once');
  for (const { name, type, labels, help } of FAMILIES) {
    t.match(name, /^(logcalld|process|nodejs)_[a-z_]+$/);
    t.equal(/_total$/.test(name), type === 'counter', `${name}: only counters end in _total`);
    t.notMatch(name, /milli|minutes|hours|kilo|_mb|_ms/);
    t.notMatch(labels, ['number'], name);
    t.same(
      labels.filter(
        (label) =>
          !/^(version|node|event|code|severity|pbx|state|direction|status|operation|outcome|priority)$/.test(label),
      ),
      [],
      `${name}: labels have few values`,
    );
    t.match(help, /^[A-Z1][^\n]+[^.]$/, name);
  }
});

t.test('the README lists all of them, and nothing else', async (t) => {
  const rows = [
    ...file('README.md').matchAll(/^\| `((?:logcalld|process|nodejs)_\w+)(?:\{([\w, ]+)\})?` \| (.+) \|$/gm),
  ];
  t.same(
    rows.map(([, name, labels = '', help]) => ({ name, labels: labels === '' ? [] : labels.split(', '), help })),
    FAMILIES.filter(({ name }) => name.startsWith('logcalld_')).map(({ name, labels, help }) => ({
      name,
      labels,
      help,
    })),
  );
});

t.test('alert rules ask for metrics and labels that there are', async (t) => {
  const rules = file('config/prometheus-alerts.yml');
  const uses = [...rules.matchAll(/\b(logcalld_\w+)(?:\{([^}]*)\})?/g)].filter(([use]) => !use.endsWith('_alerts'));
  t.ok(uses.length > 20);
  for (const [use, name = '', matchers = ''] of uses) {
    const family = FAMILIES.find(
      (one) => one.name === name || (one.type === 'histogram' && name.startsWith(`${one.name}_`)),
    );
    t.ok(family !== undefined, use);
    for (const [, label = ''] of matchers.matchAll(/(\w+)[=!]/g))
      t.ok(label === 'le' || family?.labels.includes(label), `${use}: ${label}`);
  }
});
