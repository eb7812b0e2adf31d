/** What a daemon tells when its database is busy, its port is taken, and when it is asked very often. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { isHealthy, type MetricsParts, openMetrics } from '../../src/daemon/metrics.ts';
import { statusLine } from '../../src/daemon/status-line.ts';
import type { DeliverySnapshot } from '../../src/delivery/service.ts';
import { countEvents } from '../../src/events.ts';
import { createConditions } from '../../src/health/conditions.ts';
import { createTally } from '../../src/metrics/tally.ts';
import { DEFAULT_LIMIT } from '../../src/permits/port.ts';
import type { SourceStatus } from '../../src/ports.ts';
import { FakeClock, flush, silent } from '../delivery/fakes.ts';
import { freePort } from '../support/daemon.ts';
import { amount } from '../support/runs.ts';
import { get, seriesOf } from '../support/scrape.ts';

const waiting = { live: 0, backlog: 0, retry: 0, background: 0 };
const tuning = { requests: 25, windowMs: 5000, guardMs: 25, strict: false, ceiling: null };
const permits = { tuning, used: 3, waiting, underWay: 0, heldMs: 0, day: '2026-01-05', usedToday: 9 };
const states = { pending: 0, retrying: 0, sending: 0, uncertain: 0, delivered: 7, parked: 0, skipped: 0 };
const parked = { reasons: [], latest: { calls: 0, fresh: 0 }, acknowledgedAt: null };
const snapshot: DeliverySnapshot = {
  parked,
  ...{
    states,
    oldestWaiting: null,
    updatesWaiting: 0,
    parkedReasons: [],
    skippedReasons: [],
    circuit: 'closed',
    standing: 'works',
  },
  ...{ cause: null, paused: false, permits, oldestMs: null, users: { count: 2, fetchedAt: 1_000 } },
};
const source: SourceStatus = {
  ...{ name: 'pbx1', state: 'connected', since: 0, problem: null, frames: 5, unknownEvents: 0, faults: 0 },
  lastFrameAt: 1_000,
};

interface Given {
  readonly ask?: () => Promise<DeliverySnapshot>;
  readonly alive?: () => Promise<unknown>;
  readonly sources?: readonly SourceStatus[];
  readonly listen?: MetricsParts['listen'];
}

function daemon({ ask = async () => snapshot, alive = async () => {}, sources = [source], listen = null }: Given = {}) {
  const clock = new FakeClock();
  const log = countEvents(silent);
  const conditions = createConditions(log);
  const view = {
    ...{ database: '/nowhere/logcalld.db', startedAt: 0, clock, sources: () => sources, conditions },
    ...{ delivery: { snapshot: ask }, store: { gaps: { latest: async () => [] } }, lastBackup: () => null },
  } as unknown as MetricsParts['view'];
  const metrics = openMetrics({
    ...{ view, log, conditions, clock, listen, tally: createTally(['pbx1']), limit: DEFAULT_LIMIT.requests },
    pipeline: { openCalls: () => 2 },
    permits: { snapshot: () => permits },
    journal: { status: () => ({ pendingWeight: 11 }) },
    healthy: isHealthy(clock, alive),
  });
  return { clock, conditions, metrics, pages: metrics.pages };
}

t.test('a database that does not answer is told within a second, and what else is known with it', async (t) => {
  let asked = 0;
  const never = new Promise<never>(() => {});
  const { clock, pages } = daemon({
    alive: () => never,
    ask() {
      asked += 1;
      return never;
    },
  });
  // Loads what writes the text.
  const scrapes = [pages['/metrics']()];
  while (clock.timers.length === 0) await flush();
  for (let n = 1; n < 1_000; n++) scrapes.push(pages['/metrics']());
  await clock.advance(999);
  const texts = await Promise.all(scrapes);
  const series = seriesOf(texts[0]?.body ?? '');
  t.equal(series.get('logcalld_database_up'), 0);
  t.equal(series.get('logcalld_journal_pending_bytes'), 11);
  t.equal(series.get('logcalld_calls_active{pbx="pbx1"}'), 2);
  t.equal(series.has('logcalld_deliveries{state="delivered"}'), false, 'what is not known is not made up');
  const again = pages['/metrics']();
  await flush();
  await clock.advance(999);
  t.match(await again, { status: 200 });
  t.equal(asked, 1, 'questions do not pile up behind it');
  const [live, ready] = [pages['/livez'](), pages['/readyz']()];
  await clock.advance(5_000);
  t.match(await live, { status: 503, body: 'The database does not answer within 5 s.\n' });
  t.match(await ready, { status: 503, body: 'database: does not answer\npbx1: connected\n' });
  t.same(clock.timers, [], 'nothing is left to run');
});

t.test('it is ready while one PBX of several is heard', async (t) => {
  const lost = { ...source, name: 'pbx2', state: 'lost' as const };
  const both = 'database: ok\npbx1: connected\npbx2: lost\n';
  t.match(await daemon({ sources: [source, lost] }).pages['/readyz'](), { status: 200, body: both });
  const { conditions, pages } = daemon({ sources: [source, lost] });
  conditions.set('pbx-deaf', 'It has calls and tells nothing of them.', 'error', { source: 'pbx1' });
  t.match(await pages['/readyz'](), { status: 503, body: 'database: ok\npbx1: connected, but deaf\npbx2: lost\n' });
  t.match(await daemon({ sources: [lost] }).pages['/readyz'](), { status: 503, body: 'database: ok\npbx2: lost\n' });
});

t.test('what a PBX that is deaf, or in trouble, reads as', async (t) => {
  const { conditions, pages } = daemon({ sources: [source, { ...source, name: 'pbx2', problem: 'No list.' }] });
  const read = async () => seriesOf((await pages['/metrics']()).body);
  const of = (series: ReadonlyMap<string, number>, name: string) =>
    ['pbx1', 'pbx2'].map((pbx) => series.get(`logcalld_pbx_${name}{pbx="${pbx}"}`));
  const before = await read();
  t.same(
    [of(before, 'connected'), of(before, 'problem')],
    [
      [1, 1],
      [0, 1],
    ],
  );
  t.match(await pages['/readyz'](), { status: 200, body: /pbx2: connected, with a problem/ });
  for (const pbx of ['pbx1', 'pbx2']) conditions.set('pbx-deaf', 'It tells nothing.', 'error', { source: pbx });
  const after = await read();
  t.same(
    [of(after, 'connected'), of(after, 'problem')],
    [
      [0, 0],
      [0, 0],
    ],
  );
});

t.test('parked calls that are gone are no condition of a scrape any more', async (t) => {
  const { conditions, pages } = daemon();
  conditions.set('calls-parked', '20 calls are parked.', 'error');
  const { body } = await pages['/metrics']();
  t.notMatch(body, /logcalld_condition\{code="calls-parked"/);
});

t.test('the line that systemd shows', async (t) => {
  const { conditions } = daemon();
  const troubled = { ...source, name: 'pbx2', problem: 'No list.' };
  const lost = { ...source, name: 'pbx3', state: 'lost' as const };
  t.equal(statusLine([source], 4, []), 'pbx1 connected; 4 live channels');
  conditions.set('pbx-deaf', 'It tells nothing.', 'error', { source: 'pbx1' });
  conditions.set('calls-parked', 'Some.', 'warning');
  conditions.set('recordings-unnamed', 'Some.', 'notice');
  t.equal(
    statusLine([source, troubled, lost], 4, conditions.raised()),
    'pbx1 connected, but deaf, pbx2 connected, with a problem, pbx3 lost; 4 live channels; needs attention: pbx-deaf, calls-parked',
  );
});

t.test('however many scrapes leave nothing behind', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { clock, pages } = daemon();
  const scrape = async (times: number): Promise<number> => {
    for (let n = 0; n < times; n++) await pages['/metrics']();
    await flush();
    collect();
    return process.memoryUsage().heapUsed;
  };
  // What is compiled, and grows once, is there after the first round.
  const times = amount(100, 1_000);
  await scrape(times);
  const after = [await scrape(times), await scrape(times), await scrape(times), await scrape(times)];
  // What is left behind is so in each round; what V8 compiles meanwhile, in one.
  const more = Math.min(...after.slice(1).map((heap, round) => heap - (after[round] ?? 0)));
  t.ok(more < 300_000, `${more} bytes more`);
  t.same(clock.timers, []);
});

t.test(
  'a port that is taken is a condition, and no reason not to log calls; it is served once it is free',
  async (t) => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    const { clock, conditions, metrics } = daemon({ listen: { host: '127.0.0.1', port } });
    while (conditions.raised().length === 0) await flush();
    t.match(conditions.raised(), [
      { code: 'metrics-not-served', severity: 'warning', text: new RegExp(`127.0.0.1:${port}.*\\[metrics\\] listen`) },
    ]);
    await new Promise((resolve) => other.close(resolve));
    await clock.advance(60_000);
    while (conditions.raised().length > 0) await flush();
    const answer = get('/livez', { host: '127.0.0.1', port });
    t.match(await answer, { status: 200, text: 'ok\n' });
    await metrics.stop();
  },
);

t.test('what ends while the port is still taken does not try again', async (t) => {
  const port = await freePort();
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const { clock, metrics } = daemon({ listen: { host: '127.0.0.1', port } });
  await metrics.stop();
  t.same(clock.timers, []);
  await new Promise((resolve) => other.close(resolve));
});
