/** What the buttons ask for, and what is told of it. */
import t from 'tap';
import { ControlError } from '../../adapters/control/refusal.ts';
import { remedyOf } from '../../src/delivery/parked/reasons.ts';
import { answerName } from '../../src/page/calls/answers.ts';
import { NOW, pageOn, recordOf, statusOf } from './fake.ts';

const LIMIT = { requests: 25, windowMs: 5000 };
const NOTHING = { count: 0, checkedFirst: 0, delivered: 0, skipped: 0, leftAlone: {}, heldBack: {}, samples: [] };
const answered = (more: object) => async () => ({
  ...NOTHING,
  seconds: 0,
  limit: LIMIT,
  meant: [],
  cursor: null,
  ...more,
});
const find = async ({ ids }: { ids: string[] }) => ({ ids });

t.test('calls are sent again one by one or by their reason, and what was done is told', async (t) => {
  const answer = { checkedFirst: 1, delivered: 0, skipped: 0, leftAlone: {}, heldBack: {}, samples: [], seconds: 60 };
  const limit = { requests: 25, windowMs: 5000 };
  const page = pageOn({
    find: async ({ ids }: { ids: string[] }) => ({ ids }),
    replay: async ({ cursor }: { cursor?: string }) => ({
      ...{ ...answer, limit, count: 300, cursor: cursor === undefined ? 'more' : null },
    }),
  });
  const { cookie, csrf } = await page.login();
  const one = await page.post('/replay', { csrf, id: 'asterisk-1', to: '/calls/asterisk-1' }, cookie);
  t.equal(one.headers.get('location'), '/calls/asterisk-1');
  t.same(page.asked.at(-1)?.input, { ids: ['asterisk-1'], force: false, dryRun: false, samples: 0, cursor: 'more' });
  const all = await page.post('/replay', { csrf, reason: 'no-user', state: 'parked' }, cookie);
  t.match(await all.text(), /600 calls will be posted, in about 2 min.*2 calls may have arrived before/s);
  t.match(page.asked.at(-1)?.input, { code: 'no-user', states: ['parked'], force: false });
  t.match(await (await page.post('/replay', { csrf }, cookie)).text(), /No call was named/);
});

t.test('what is left alone is told, and nothing is said to be sent where nothing is', async (t) => {
  const page = pageOn({
    find,
    replay: answered({ heldBack: { 'skip-internal': 1 }, leftAlone: { 'on its way already': 2 } }),
  });
  const { cookie, csrf } = await page.login();
  const before = page.actions.length;
  const text = await (await page.post('/replay', { csrf, id: 'asterisk-1' }, cookie)).text();
  t.match(text, /Nothing is sent again/);
  t.match(text, /1 call is left alone, to be skipped again: internal \(skip-internal\)/);
  t.match(text, /2 calls left alone: on its way already/);
  t.notMatch(text, /Sent again/);
  t.equal(page.actions.length, before, 'the log is told of nothing');
});

t.test('what cannot be looked for is sent without another look, one by one, while it is parked', async (t) => {
  const page = pageOn({ find, replay: answered({ count: 1 }) });
  const { cookie, csrf } = await page.login();
  await page.post('/replay', { csrf, id: 'asterisk-1', force: 'check-impossible' }, cookie);
  t.match(page.asked.at(-1)?.input, { ids: ['asterisk-1'], states: ['parked'], code: 'check-impossible', force: true });
  const asked = page.asked.length;
  for (const wrong of [
    { id: 'asterisk-1', force: 'rejected' },
    { id: 'asterisk-1', force: '' },
  ]) {
    t.match(await (await page.post('/replay', { csrf, ...wrong }, cookie)).text(), /Nothing to send/);
    t.notOk(page.asked.slice(asked).some(({ name }) => name === 'replay'));
  }
  const many = { csrf, reason: 'check-impossible', state: 'parked', force: 'check-impossible' };
  await page.post('/replay', many, cookie);
  t.match(page.asked.at(-1)?.input, { force: false }, 'never many at once');
});

t.test('a replay that breaks off tells what was sent before', async (t) => {
  let pages = 0;
  const page = pageOn({
    replay: async () => {
      if (++pages > 1) throw new Error('The disk is full.');
      return { ...(await answered({ count: 300, cursor: 'more', seconds: 60 })()) };
    },
  });
  const { cookie, csrf } = await page.login();
  const text = await (await page.post('/replay', { csrf, reason: 'no-user', state: 'parked' }, cookie)).text();
  t.match(text, /300 calls will be posted.*The rest was not looked at: The disk is full/s);
  t.equal(page.actions.at(-1), 'replay');
});

t.test(
  'calls that wait are told by their reason and by what was answered, and each group has its button',
  async (t) => {
    const status = statusOf();
    const sentence = (reason: string, count: number, code: string | null = 'no-user') => ({ code, reason, count });
    const counts = {
      ...status.counts,
      states: { ...status.counts.states, parked: 20 },
      parkedReasons: [
        ...[5, 4, 3, 2, 2].map((n, at) => sentence(`No user: ${'abcdef'.charAt(at)}.`, n)),
        sentence('LeadSquared rejects this request: +919845012345 is wrong.', 2, 'rejected'),
        sentence('Not known.', 1, 'check-impossible'),
      ],
      parked: {
        ...status.counts.parked,
        reasons: [
          { code: 'no-user', count: 17, fresh: 2 },
          { code: 'rejected', count: 2, fresh: 0 },
          { code: 'check-impossible', count: 1, fresh: 1 },
        ],
      },
    };
    let isMore = false;
    const acknowledge = async () => {
      if (isMore) throw new ControlError(409, 'more');
      return {};
    };
    const page = pageOn({ acknowledge }, { ...status, counts });
    const { cookie, csrf } = await page.login();
    const text = await (await page.ask('/', { cookie })).text();
    const rows = [...(text.split('id="attention"')[1]?.split('</section>')[0] ?? '').matchAll(/<tr.*?<\/tr>/gs)]
      .map(([row]) => row)
      .slice(1);
    t.equal(rows.length, 9, 'a row for each code, and below it for each sentence where they are several');
    t.match(rows[0], /state=parked&amp;reason=no-user">17</);
    t.match(rows[0], /name="reason" value="no-user".*Send all 17 again/s);
    t.notMatch(rows[0], /No user: a/);
    t.match(
      rows[1],
      /&amp;answer=[0-9a-f]{16}">5<.*No user: a\..*name="answer" value="[0-9a-f]{16}".*Send these 5 again/s,
    );
    t.match(rows[5], /">2<.*No user: e\./s);
    t.match(rows[6], />1<.*in other words/s);
    t.notMatch(rows[6], /<button>/);
    t.match(rows[7], /LeadSquared rejects this request: \*+2345 is wrong.*Send all 2 again/s, 'one answer, in one row');
    t.match(rows[7], remedyOf('rejected').what);
    t.match(rows[8], /look at each/);
    t.notMatch(rows[8], /<button>/);
    t.match(text, /Take note of 3 calls/);
    t.notMatch(text, /Take note of what happened/);
    t.match(text, /action="\/acknowledge".*name="seen" value="3"/s, 'the calls that are shown');
    await page.post('/acknowledge', { csrf, seen: '3' }, cookie);
    t.same(page.asked.at(-1)?.input, { of: 'calls', seen: 3 });
    t.equal(page.actions.at(-1), 'acknowledge');
    const before = page.actions.length;
    isMore = true;
    const refused = await page.post('/acknowledge', { csrf, seen: '3' }, cookie);
    t.match(await refused.text(), /More calls wait by now.*Nothing was noted/s);
    t.equal(page.actions.length, before, 'nothing was done');
  },
);

t.test('calls that were answered alike are sent again, and listed, by the answer', async (t) => {
  const status = statusOf();
  const one = { code: 'rejected', reason: 'No such field: +919845012345.', count: 3 };
  const answer = answerName(one);
  const page = pageOn(
    { replay: answered({ count: 3 }), calls: async () => ({ rows: [], cursor: null, more: false, meant: [] }) },
    { ...status, counts: { ...status.counts, parkedReasons: [one] } },
  );
  const { cookie, csrf } = await page.login();
  const group = { csrf, reason: 'rejected', state: 'parked' };
  t.match(await (await page.post('/replay', { ...group, answer }, cookie)).text(), /3 calls will be posted/);
  t.match(page.asked.at(-1)?.input, { code: 'rejected', states: ['parked'], sentence: one.reason });
  const asked = page.asked.length;
  t.match(await (await page.post('/replay', { ...group, answer: 'gone' }, cookie)).text(), /No call waits with this/);
  t.notOk(page.asked.slice(asked).some(({ name }) => name === 'replay'));
  const list = await (await page.ask(`/calls?state=parked&reason=rejected&answer=${answer}`, { cookie })).text();
  t.match(page.asked.at(-1)?.input, { code: 'rejected', states: ['parked'], sentence: one.reason });
  t.match(list, /name="answer" value="[0-9a-f]{16}"/, 'a further search stays with it');
  t.match(list, /wait with the answer: <q>No such field: \*+2345\.</);
  const gone = await page.ask('/calls?answer=gone', { cookie });
  t.equal(gone.status, 400);
  t.match(await gone.text(), /No call waits with this answer any more/);
});

t.test('what happened to the database has a button of its own', async (t) => {
  const notice = {
    code: 'database-lost',
    severity: 'error' as const,
    text: 'It lost something.',
    source: null,
    lines: [],
  };
  const page = pageOn({ acknowledge: async () => ({}) }, statusOf({ conditions: [{ ...notice, since: NOW }] }));
  const { cookie, csrf } = await page.login();
  t.match(
    await (await page.ask('/', { cookie })).text(),
    /action="\/acknowledge-notices".*Take note of what happened/s,
  );
  await page.post('/acknowledge-notices', { csrf }, cookie);
  t.same(page.asked.at(-1)?.input, { of: 'notices' });
  t.equal(page.actions.at(-1), 'acknowledge-notices');
});

t.test('a call has the button that does something for it, and is told what holds it back', async (t) => {
  const record = recordOf();
  const decision = { value: null, rule: 'x', fact: 'x', notes: [], rejected: [] };
  const shown = async (delivery: object, would: object) => {
    const row = {
      sessionId: record.callSessionId,
      reason: 'Because.',
      deliveredAt: null,
      activityId: null,
      ...delivery,
    };
    const nobody = { id: null, name: null, how: '-' };
    const page = pageOn({
      call: async () => ({
        ...{ record, revision: 1, delivery: row, attempts: [], gaps: [], events: [], sent: null, body: {} },
        ...{ lead: nobody, user: nobody },
      }),
      why: async () => ({ lead: decision, user: decision, post: decision }),
      replay: answered(would),
    });
    const { cookie } = await page.login();
    const text = await (await page.ask(`/calls/${record.callSessionId}`, { cookie })).text();
    const [, card = ''] = /(<article.*?<\/article>)/s.exec(text) ?? [];
    return { card, asked: page.asked.filter(({ name }) => name === 'replay').map(({ input }) => input) };
  };
  const parked = await shown({ state: 'parked', code: 'no-user' }, { count: 1 });
  t.match(parked.card, /Send again</);
  t.match(parked.asked, [{ ids: [record.callSessionId], force: false, dryRun: true }]);
  const internal = await shown({ state: 'skipped', code: 'skip-internal' }, { heldBack: { 'skip-internal': 1 } });
  t.notMatch(internal.card, /<button>/);
  t.match(internal.card, /1 call is left alone, to be skipped again: internal/);
  t.match((await shown({ state: 'skipped', code: 'skip-filter' }, { count: 1 })).card, /Send again</);
  const unasked = await shown({ state: 'parked', code: 'check-impossible' }, { count: 1 });
  t.match(unasked.card, /this makes a second one of it.*name="force" value="check-impossible".*Send again without/s);
  t.match(unasked.asked, [{ force: true, dryRun: true }]);
  const posted = await shown({ state: 'delivered', code: null }, {});
  t.notMatch(posted.card, /<button>/);
  t.same(posted.asked, []);
});

t.test('a call that is stored no longer is not taken for another one whose id begins alike', async (t) => {
  const page = pageOn({ find: async () => ({ ids: ['asterisk-1764064920.71'] }), replay: answered({}) });
  const { cookie, csrf } = await page.login();
  const text = await (await page.post('/replay', { csrf, id: 'asterisk-1764064920.7' }, cookie)).text();
  t.same(
    page.asked.filter(({ name }) => name === 'replay').map(({ input }) => (input as { ids: unknown }).ids),
    [['asterisk-1764064920.7']],
  );
  t.match(text, /No such call waits any more/);
});

t.test('numbers are shown and masked also from where a button has led', async (t) => {
  const pause = async () => {
    throw new Error('The disk is full.');
  };
  const page = pageOn({ replay: answered({}), pause });
  const { cookie, csrf } = await page.login();
  const leads = async (path: string, fields: Record<string, string>) => {
    const text = await (await page.post(path, { csrf, ...fields }, cookie)).text();
    const to = /action="\/reveal".*?name="to" value="([^"]*)"/s.exec(text)?.[1] ?? '';
    return { to, status: (await page.ask(to, { cookie })).status };
  };
  const list = { reason: 'no-user', state: 'parked', to: '/gaps' };
  t.equal((await leads('/replay', list)).to, '/gaps', 'to where the button was');
  t.equal((await leads('/pause', {})).status, 200);
});
