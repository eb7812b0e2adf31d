/** What a daemon tells a scraper during recorded calls, over its socket and over TCP. */
import { request } from 'node:http';
import t from 'tap';
import { controlPath } from '../../src/commands/control.ts';
import { FAMILIES } from '../../src/metrics/list.ts';
import { settled, until, world } from '../cli/world.ts';
import { freePort } from '../support/daemon.ts';
import { type Answer, get, namesOf, seriesOf } from '../support/scrape.ts';

t.setTimeout(120_000);

const port = await freePort();
const place = await world(
  ['inbound_answered_caller_hangs_up', 'outbound_busy', 'internal_answered'],
  {},
  `[metrics]\nlisten = '127.0.0.1:${port}'\n`,
);
t.teardown(() => place.end());
await place.start();
const socket = { socketPath: controlPath(place.config, {}) };
const tcp = { host: '127.0.0.1', port };

t.test('it lives, and is ready once a PBX is heard', async (t) => {
  t.match(await get('/livez', tcp), { status: 200, text: 'ok\n' });
  const ready = (answer: Answer) => answer.status === 200;
  t.match(await until(() => get('/readyz', socket), ready), { text: 'database: ok\nasterisk: connected\n' });
});

t.test('what happened is counted', async (t) => {
  await settled(place, 3);
  const { status, type, text } = await get('/metrics', socket);
  t.equal(status, 200);
  t.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
  const series = seriesOf(text);
  const posts = '{operation="post",outcome="accepted"}';
  const expected: Readonly<Record<string, number>> = {
    'logcalld_pbx_connected{pbx="asterisk"}': 1,
    'logcalld_calls_active{pbx="asterisk"}': 0,
    'logcalld_calls_total{pbx="asterisk",direction="Inbound",status="Answered"}': 1,
    'logcalld_calls_total{pbx="asterisk",direction="Outbound",status="Busy"}': 1,
    'logcalld_calls_total{pbx="asterisk",direction="Internal",status="Answered"}': 1,
    'logcalld_calls_total{pbx="asterisk",direction="Inbound",status="Missed"}': 0,
    'logcalld_deliveries{state="delivered"}': 2,
    'logcalld_deliveries{state="skipped"}': 1,
    logcalld_call_latency_seconds_count: 2,
    'logcalld_call_latency_seconds_bucket{le="+Inf"}': 2,
    [`logcalld_crm_requests_total${posts}`]: 2,
    'logcalld_crm_request_duration_seconds_count{operation="post"}': 2,
    'logcalld_events_total{event="call-ended"}': 3,
    'logcalld_events_total{event="call-logged"}': 2,
    'logcalld_events_total{event="call-skipped"}': 1,
    logcalld_limit_requests_configured: 25,
    logcalld_database_up: 1,
  };
  for (const [name, value] of Object.entries(expected)) t.equal(series.get(name), value, name);
  const frames = place.daemon().sources()[0]?.frames ?? 0;
  t.ok(frames > 0);
  t.equal(series.get('logcalld_pbx_frames_total{pbx="asterisk"}'), frames);
  const requests = [...series].filter(([name]) => /^logcalld_crm_requests_total/.test(name));
  t.equal(
    series.get('logcalld_limit_wait_seconds_count'),
    requests.reduce((sum, [, value]) => sum + value, 0),
  );
  for (const name of ['database_size_bytes', 'storage_available_bytes', 'limit_requests_today', 'crm_users'])
    t.ok((series.get(`logcalld_${name}`) ?? 0) > 0, name);
});

t.test('no metric but those of the list, no label but theirs, and nothing of a call or a caller', async (t) => {
  const { text } = await get('/metrics', tcp);
  const known = FAMILIES.map(({ name }) => name);
  t.same(
    namesOf(text).filter((name) => !known.includes(name)),
    [],
  );
  const labels = new Map(
    FAMILIES.map((one) => [one.name, one.type === 'histogram' ? ['le', ...one.labels] : one.labels]),
  );
  const strange = [...seriesOf(text).keys()].filter((series) => {
    const name = /^[a-z_]+/.exec(series)?.[0] ?? '';
    const allowed = labels.get(name) ?? labels.get(name.replace(/_(bucket|sum|count)$/, '')) ?? [];
    return [...series.matchAll(/(\w+)="/g)].some(([, label = '']) => !allowed.includes(label));
  });
  t.same(strange, []);
  t.notMatch([...seriesOf(text).keys()].join('\n'), /9845012345|8041110|1001|PJSIP|1\d{9}\.\d/);
});

t.test('a web page cannot read it by a name of its own, and nothing can be done there', async (t) => {
  t.equal((await get('/metrics', { ...tcp, headers: { host: 'evil.example' } })).status, 403);
  t.equal((await get('/metrics', { ...tcp, headers: { host: `127.0.0.1.evil.example:${port}` } })).status, 403);
  t.equal((await get('/metrics', { ...tcp, headers: { host: `LOCALHOST:${port}` } })).status, 200);
  t.equal((await get('/metrics', { ...tcp, headers: { host: '[::1]' } })).status, 200);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    t.equal((await get('/metrics', { ...tcp, method })).status, 405, method);
    t.equal((await get('/metrics', { ...socket, method })).status, 405, `${method} on the socket`);
  }
  for (const path of ['/', '/v1/status', '/v1/pause', '/metrics/x', '/livezz'])
    t.equal((await get(path, tcp)).status, 404, path);
});

t.test('many scrapers at once are all answered or turned away, and the commands go on', async (t) => {
  const answers = await Promise.allSettled(Array.from({ length: 100 }, () => get('/metrics', tcp)));
  const whole = answers.filter((one) => one.status === 'fulfilled' && one.value.status === 200);
  t.ok(whole.length > 0);
  t.match(await place.run('status'), { code: 0 });
});

t.test('a connection that says nothing does not keep the daemon from ending', async (t) => {
  const silent = request({ ...tcp, path: '/metrics', method: 'GET', headers: { 'content-length': '5' } });
  silent.on('error', () => {});
  silent.flushHeaders();
  await until(() => silent.socket?.connecting === false, Boolean);
  await place.stop();
  await t.rejects(get('/livez', tcp), { code: 'ECONNREFUSED' });
});
