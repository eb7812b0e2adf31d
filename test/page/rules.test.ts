/** Who may look and do what, and that nothing a caller, a PBX or another web page says is more than text. */
import t from 'tap';
import { HOST, NOW, pageOn, recordOf, statusOf, TOKEN } from './fake.ts';

t.test('without a session there is the login alone', async (t) => {
  const page = pageOn();
  for (const path of ['/', '/calls', '/calls/x', '/agents', '/gaps']) {
    const answer = await page.ask(path);
    t.equal(answer.status, 303, path);
    t.equal(answer.headers.get('location'), `/login?to=${encodeURIComponent(path)}`);
  }
  t.equal((await page.ask('/events')).status, 204);
  t.equal((await page.post('/pause', {})).status, 401);
  t.same(page.asked, []);
});

t.test('the token opens it; a wrong one does not, and not often', async (t) => {
  const page = pageOn();
  const wrong = await page.post('/login', { token: 'nonsense', to: '/' });
  t.equal(wrong.status, 403);
  t.notOk((await wrong.text()).includes('nonsense'), 'what was typed is not shown');
  for (let n = 1; n < 10; n++) await page.post('/login', { token: `${n}`, to: '/' });
  const late = await page.post('/login', { token: TOKEN, to: '/' });
  t.equal(late.status, 429);
  t.equal(late.headers.get('retry-after'), '60');
  page.pass(61_000);
  const right = await page.post('/login', { token: `${TOKEN}\n`, to: '//evil.example/' });
  t.equal(right.status, 303);
  t.equal(right.headers.get('location'), '/', 'it leads nowhere else');
  t.match(right.headers.get('set-cookie'), /HttpOnly/);
  t.match(right.headers.get('set-cookie'), /SameSite=Strict/);
  t.same(page.actions.slice(-2), ['login-refused', 'login']);
});

t.test('the login leads on within the page alone', async (t) => {
  const page = pageOn();
  for (const [to, leads] of [
    ['/calls?day=2026-11-25', '/calls?day=2026-11-25'],
    ...['x:https://evil.example/', 'javascript:alert(1)', 'https://evil.example/', '//evil.example/'].map((to) => [
      to,
      '/',
    ]),
    ...['/\\evil.example/', '/.//evil.example/', '\t//evil.example/', 'http://', 'x:/evil'].map((to) => [to, '/']),
  ] as const) {
    const answer = await page.post('/login', { token: TOKEN, to });
    t.equal(answer.headers.get('location'), leads, to);
    t.match(await (await page.ask(`/login?to=${encodeURIComponent(to)}`)).text(), `name="to" value="${leads}"`);
  }
});

t.test('the sessions of two installations stand side by side', async (t) => {
  const page = pageOn();
  const { cookie } = await page.login();
  t.match(cookie, /^logcalld-8470=/);
  t.equal((await page.ask('/', { cookie, headers: { host: '127.0.0.1:8471' } })).status, 303, 'that of another port');
  const other = `logcalld-8471=${cookie.split('=')[1]}x`;
  t.equal((await page.ask('/', { cookie: `${other}; ${cookie}` })).status, 200);
});

t.test('a session ends: by hand, and when nobody used it for half a day', async (t) => {
  const page = pageOn();
  const { cookie, csrf } = await page.login();
  t.equal((await page.ask('/', { cookie })).status, 200);
  page.pass(13 * 3_600_000);
  t.equal((await page.ask('/', { cookie })).status, 303);
  const again = await page.login();
  t.not(again.csrf, csrf);
  await page.post('/logout', { csrf: again.csrf }, again.cookie);
  t.equal((await page.ask('/', { cookie: again.cookie })).status, 303);
});

t.test('an open page is sent nothing more when its session is over', async (t) => {
  const page = pageOn();
  const { cookie, csrf } = await page.login();
  const stream = await page.ask('/events', { cookie });
  const reader = stream.body?.getReader();
  t.match(new TextDecoder().decode((await reader?.read())?.value), /event: part/);
  await page.post('/logout', { csrf }, cookie);
  let over = false;
  for (let n = 0; n < 100 && !over; n++) over = (await reader?.read())?.done === true;
  t.ok(over);
});

t.test('names of others and origins of others are refused', async (t) => {
  const page = pageOn({}, statusOf(), ['logcalld.example.com']);
  const { cookie, csrf } = await page.login();
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:8470', ''])
    t.equal((await page.ask('/', { cookie, headers: { host } })).status, 403, host);
  for (const host of ['localhost:8470', '127.0.0.1:8470', '[::1]:8470'])
    t.equal((await page.ask('/', { cookie, headers: { host } })).status, 200, host);
  t.equal((await page.ask('/login', { headers: { host: 'logcalld.example.com' } })).status, 200);
  for (const origin of ['http://evil.example', 'null', '', `http://${HOST}.evil.example`, 'http://localhost:8470'])
    t.equal((await page.post('/pause', { csrf }, cookie, origin)).status, 403, origin);
  t.notOk(page.asked.some(({ name }) => name === 'pause'));
  const secure = await page.ask('/login', {
    method: 'POST',
    body: new URLSearchParams({ token: TOKEN }).toString(),
    headers: {
      ...{ host: 'logcalld.example.com', origin: 'https://logcalld.example.com' },
      'content-type': 'application/x-www-form-urlencoded',
    },
  });
  t.match(secure.headers.get('set-cookie'), /; Secure/, 'behind a proxy with TLS');
});

t.test('what does something needs the token of the session, and is told to the log', async (t) => {
  const nothing = async () => ({});
  const page = pageOn({ pause: nothing, resume: nothing, retry: nothing, acknowledge: nothing });
  const { cookie, csrf } = await page.login();
  const other = await page.login();
  for (const wrong of [{}, { csrf: 'x' }, { csrf: other.csrf }])
    t.equal((await page.post('/pause', wrong as Record<string, string>, cookie)).status, 403);
  t.notOk(page.asked.some(({ name }) => name === 'pause'));
  for (const name of ['pause', 'resume', 'retry', 'acknowledge'] as const) {
    const answer = await page.post(`/${name}`, { csrf, to: '/calls' }, cookie);
    t.equal(answer.status, 303, name);
    t.equal(answer.headers.get('location'), '/calls');
    t.equal(page.actions.at(-1), name);
    t.equal(page.asked.filter((one) => one.name === name).length, 1);
  }
  t.equal((await page.ask('/pause', { cookie })).status, 404, 'not by a link');
  const large = await page.post('/pause', { csrf, more: 'x'.repeat(20_000) }, cookie);
  t.equal(large.status, 413);
});

t.test('each answer forbids what a page of a stranger would need', async (t) => {
  const page = pageOn();
  const { cookie } = await page.login();
  for (const path of ['/', '/calls', '/nothing', '/login', '/assets/style.css']) {
    const { headers } = await page.ask(path, { cookie });
    const policy = headers.get('content-security-policy') ?? '';
    t.match(policy, /default-src 'none'/, path);
    t.match(policy, /script-src 'self';/);
    t.match(policy, /frame-ancestors 'none'/);
    t.notMatch(policy, /unsafe/);
    t.equal(headers.get('x-frame-options'), 'DENY');
    t.equal(headers.get('x-content-type-options'), 'nosniff');
  }
  t.equal((await page.ask('/', { cookie })).headers.get('cache-control'), 'no-store');
});

t.test('names that callers and PBXs made up are text', async (t) => {
  const bad = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e\u200b\u001b[31m';
  const record = recordOf({
    ...{ agent: bad, queue: bad, trunk: bad, externalName: bad, agentsRung: [bad] },
    ...{ external: bad, externalE164: null, callSessionId: `asterisk-${bad}` },
  });
  const status = statusOf({
    live: [record],
    conditions: [{ code: 'x', severity: 'error', text: bad, source: null, lines: [bad], since: NOW - 5000 }],
  });
  const row = { record, state: 'parked', reason: bad, code: 'rejected', tries: 1, deliveredAt: null, cursor: 'c' };
  const page = pageOn({ calls: async () => ({ rows: [row], cursor: null, more: false, meant: [bad] }) }, status);
  const { cookie } = await page.login();
  for (const path of [
    '/',
    '/calls',
    `/calls?number=1&agent=${encodeURIComponent(bad)}&reason=${encodeURIComponent(bad)}`,
  ]) {
    const text = await (await page.ask(path, { cookie })).text();
    t.ok(text.includes('&lt;script&gt;'), path);
    t.notMatch(text, /<script>|<img/);
    // What was typed into a field is given back as it was.
    if (!path.includes('?')) for (const sign of ['\u202e', '\u200b', '\u001b']) t.notOk(text.includes(sign));
    t.notMatch(text, /<script(?![^>]*\bsrc=)/, 'no script stands in the page');
    t.notMatch(text.replaceAll(/"[^"]*"/g, '""'), /<[^>]*\s(on\w+|style)=/i);
  }
});

t.test('numbers are masked until somebody asks for them, for a while, which the log tells', async (t) => {
  const record = recordOf();
  const row = { record, state: 'delivered', reason: null, code: null, tries: 1, deliveredAt: NOW, cursor: 'c' };
  const calls = async () => ({ rows: [row], cursor: null, more: false, meant: [] });
  const page = pageOn({ calls }, statusOf({ live: [record] }));
  const { cookie, csrf } = await page.login();
  const other = await page.login();
  const sees = async (path: string, of = cookie) =>
    (await (await page.ask(path, { cookie: of })).text()).includes('+919845012345');
  t.notOk(await sees('/'));
  t.notOk(await sees('/calls'));
  const shown = await page.post('/reveal', { csrf, to: '/calls' }, cookie);
  t.equal(shown.headers.get('location'), '/calls');
  t.equal(page.actions.at(-1), 'numbers-shown');
  t.ok(await sees('/'));
  t.ok(await sees('/calls'));
  t.notOk(await sees('/calls', other.cookie), 'not to somebody else');
  await page.post('/mask', { csrf }, cookie);
  t.notOk(await sees('/calls'));
  await page.post('/reveal', { csrf }, cookie);
  page.pass(16 * 60_000);
  t.notOk(await sees('/calls'), 'no longer than a quarter of an hour');
});

t.test('the picture of a call masks numbers as its table does, and names stand where they belong', async (t) => {
  const record = recordOf({ trunk: 'PJSIP/919845012345', direction: 'Outbound', agent: '\u05e2\u05d6\u05e8\u05d0' });
  const decision = { value: null, rule: 'x', fact: 'x', notes: [], rejected: [] };
  const nobody = { id: null, name: null, how: '-' };
  const page = pageOn({
    call: async () => ({
      ...{ record, revision: 1, delivery: null, attempts: [], gaps: [], events: [], sent: null, body: {} },
      ...{ lead: nobody, user: nobody },
    }),
    why: async () => ({ lead: decision, user: decision, post: decision }),
  });
  const { cookie } = await page.login();
  const text = await (await page.ask(`/calls/${record.callSessionId}`, { cookie })).text();
  t.notMatch(text, /9845012345/);
  t.match(text, /<text class="who"[^>]*>PJSIP\/\*\*\*2345</);
  // Else the number would stand before a name that is written from right to left, as if it had called.
  t.match(text, /<bdi>\u05e2\u05d6\u05e8\u05d0<\/bdi> \u2192 <bdi>\*\*\*2345<\/bdi>/);
});

t.test('a list that has found nothing yet says so', async (t) => {
  let more = true;
  const page = pageOn({ calls: async () => ({ rows: [], cursor: more ? 'next' : null, more, meant: [] }) });
  const { cookie } = await page.login();
  const list = async () => (await page.ask('/calls?agent=1001', { cookie })).text();
  t.match(await list(), /No call is such among those that were looked at.*Older calls/s);
  t.notMatch(await list(), /<table>/);
  more = false;
  t.match(await list(), /No call is such\./);
});

t.test('a search is checked, and goes on page by page', async (t) => {
  const page = pageOn({
    calls: async () => ({ rows: [], cursor: 'next', more: true, meant: [] }),
  });
  const { cookie } = await page.login();
  const search =
    '/calls?number=..3210&agent=1001&day=2026-11-25&state=waiting&status=Missed&direction=Inbound&queue=sales';
  const text = await (await page.ask(search, { cookie })).text();
  t.same(page.asked.at(-1)?.input, {
    ...{ limit: 50, number: '3210', agent: '1001', queue: 'sales', direction: 'Inbound', statuses: ['Missed'] },
    states: ['pending', 'sending', 'retrying', 'uncertain'],
    during: { from: new Date(2026, 10, 25).getTime(), to: new Date(2026, 10, 26).getTime() },
  });
  t.match(text, /href="\/calls\?[^"]*number=..3210[^"]*cursor=next"/);
  const asked = page.asked.length;
  for (const wrong of ['number=abc', 'day=2026-13-01', 'day=today', 'state=lost', 'status=x', 'direction=up']) {
    const answer = await page.ask(`/calls?${wrong}`, { cookie });
    t.equal(answer.status, 400, wrong);
    t.match(await answer.text(), /role="alert"/);
  }
  t.equal(page.asked.length, asked, 'nothing was asked for');
});

t.test('a daemon that does not answer is told, and what it refuses', async (t) => {
  const page = pageOn({
    users: async () => {
      throw new Error('logcalld does not answer: it is starting or stopping.');
    },
  });
  const { cookie } = await page.login();
  const down = await page.ask('/agents', { cookie });
  t.equal(down.status, 503);
  t.match(await down.text(), /That did not work.*does not answer/s);
  t.equal((await page.ask('/calls/none', { cookie })).status, 404);
});
