import t from 'tap';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';
import { amount } from '../support/runs.ts';
import { call, fresh, World } from './fakes.ts';

t.test('a call that ends is looked up, posted and delivered', async (t) => {
  const world = new World();
  world.crm.leads.set('9811000001', [{ id: 'lead-1', name: null, ownerId: 'u-7', phone: null, mobile: null }]);
  const { delivery, store } = await world.live();
  await world.clock.advance(6000);
  world.end(fresh(world, 1));
  delivery.notify();
  await world.clock.advance(1000);
  t.equal(world.state(1), 'delivered');
  t.same(
    world.crm.ledger.map((entry) => entry.body),
    [{ CallSessionId: 'pbx:1:1', LeadId: 'lead-1', UserId: 'u-1001', CallDuration: 60 }],
  );
  const [lookup, attempt, ...more] = await store.outbox.attempts({ sessionId: 'pbx:1:1' });
  t.equal(more.length, 0);
  t.match(lookup, {
    number: 1,
    step: 'look-up',
    result: { outcome: 'accepted', message: 'Lead lead-1.', answer: null },
  });
  t.match(attempt, { number: 2, step: 'post', trigger: 'live', result: { outcome: 'accepted', http: 200 } });
  t.match(attempt?.bodyHash, /^[0-9a-f]{64}$/);
  t.type(attempt?.permit, 'number');
  t.match(await delivery.snapshot(), { states: { delivered: 1 }, circuit: 'closed', oldestMs: null });
  world.close();
});

t.test('the first request after a first start waits one whole window', async (t) => {
  const world = new World();
  const started = world.clock.monotonic();
  world.end(fresh(world, 1));
  await world.live();
  await world.clock.advance(6000);
  t.ok((world.crm.arrivals[0] ?? 0) - started >= DEFAULT_POLICY.limit.windowMs);
  t.equal(world.state(1), 'delivered');
  world.close();
});

t.test('the intent is stored before the request leaves', async (t) => {
  const world = new World();
  const seen: unknown[] = [];
  world.crm.fate = (request) => {
    if (request === 'post') {
      seen.push(
        world.row(1).state,
        world.db.prepare('SELECT count(*) FROM attempt WHERE outcome IS NULL').pluck().get(),
      );
      seen.push(world.db.prepare('SELECT count(*) > 0 FROM permit').pluck().get());
    }
    return 'ok';
  };
  world.end(fresh(world, 1));
  await world.live();
  await world.clock.advance(7000);
  t.same(seen, ['sending', 1, 1]);
  world.close();
});

t.test('live calls go before the backlog, the backlog goes oldest first', async (t) => {
  const world = new World();
  const order: string[] = [];
  world.crm.fate = (request, session) => {
    if (request === 'post' && session !== null) order.push(session);
    return 'ok';
  };
  const old = (n: number) => call(n, { agent: '1001', endedAt: world.clock.now() - 3_600_000 + n });
  const { delivery } = await world.live();
  await world.clock.advance(6000);
  world.end(...[30, 10, 20].map((n) => old(n)), fresh(world, 99));
  delivery.notify();
  await world.clock.advance(20_000);
  t.same(order, ['pbx:1:99', 'pbx:1:10', 'pbx:1:20', 'pbx:1:30']);
  world.close();
});

t.test('a refused call is parked with the answer and the next goes on', async (t) => {
  const world = new World();
  world.crm.fate = (request, session) => (request === 'post' && session === 'pbx:1:1' ? 'rejected' : 'ok');
  world.end(fresh(world, 1), fresh(world, 2));
  const { delivery } = await world.live();
  await world.clock.advance(10_000);
  t.match(world.row(1), { state: 'parked', reason: 'rejected', post_attempts: 0 });
  t.equal(world.state(2), 'delivered');
  t.match((await delivery.snapshot()).parkedReasons, [{ reason: 'rejected', count: 1 }]);
  world.close();
});

t.test('a rate refusal costs no attempt and the call is delivered later', async (t) => {
  const world = new World();
  let refusals = 3;
  world.crm.fate = (request) => (request === 'post' && refusals-- > 0 ? 'rate-limited' : 'ok');
  world.end(fresh(world, 1));
  const { delivery, conditions } = await world.live();
  await world.clock.advance(120_000);
  t.match(world.row(1), { state: 'delivered', post_attempts: 0, tries: 4 });
  const { permits } = await delivery.snapshot();
  t.ok(permits.tuning.requests < 25 && permits.tuning.strict);
  t.ok(conditions.some((condition) => condition.code === 'crm-rate-limited' && condition.raised));
  world.close();
});

t.test('an outage of days costs probes, no attempts; on return everything is delivered', async (t) => {
  const days = amount(0.5, 3);
  const world = new World();
  const { delivery, conditions } = await world.live();
  await world.clock.advance(6000);
  world.crm.fate = () => 'unavailable';
  world.end(...Array.from({ length: 40 }, (_, n) => fresh(world, n)));
  delivery.notify();
  await world.clock.advance(60_000);
  const before = world.crm.requests.length;
  await world.clock.advance(days * 86_400_000);
  const during = world.crm.requests.slice(before);
  t.ok(
    during.every((request) => request === 'probe'),
    'only probes',
  );
  const perDay = during.length / days;
  t.ok(perDay > 2500 && perDay < 18_000, `${perDay} probes a day`);
  t.equal((await delivery.snapshot()).circuit, 'open');
  world.crm.fate = () => 'ok';
  await world.clock.advance(120_000);
  t.match(await delivery.snapshot(), { states: { delivered: 40 }, circuit: 'closed' });
  t.equal(world.db.prepare('SELECT max(look_up_attempts + post_attempts) FROM delivery').pluck().get(), 0);
  t.same(
    conditions
      .filter(({ code }) => code === 'crm-unavailable')
      .map(({ raised, severity }) => (raised ? severity : 'over')),
    ['error', 'warning', 'over'],
    'away, then answering again, then a call went through',
  );
  world.close();
});

t.test('keys that are wrong are known before the first call, by the question for the users', async (t) => {
  const world = new World();
  world.crm.fate = () => 'denied';
  const { delivery, conditions } = await world.live();
  t.match(await delivery.snapshot(), { standing: 'untried' });
  await world.clock.advance(6000);
  t.match(await delivery.snapshot(), { standing: 'refused', circuit: 'denied' });
  t.ok(conditions.some(({ code, raised }) => code === 'crm-denied' && raised));
  world.close();

  const other = new World();
  other.crm.fate = (request) => (request === 'users' ? 'denied' : 'ok');
  const second = await other.live();
  await other.clock.advance(6000);
  t.match(await second.delivery.snapshot(), { standing: 'works' }, 'one that may not list users is not refused');
  other.close();
});

t.test('a refused account stops delivery, says the remedy, and goes on by itself', async (t) => {
  const world = new World();
  const { delivery, conditions } = await world.live();
  await world.clock.advance(6000);
  world.crm.fate = () => 'denied';
  world.end(fresh(world, 1), fresh(world, 2));
  delivery.notify();
  await world.clock.advance(3_600_000);
  t.ok(world.crm.requests.length < 20, `${world.crm.requests.length} requests in an hour`);
  t.match(conditions.at(-1), { code: 'crm-denied', raised: true, severity: 'error', text: /reload/ });
  world.crm.fate = () => 'ok';
  const retried = delivery.retryNow();
  await world.clock.advance(10_000);
  await retried;
  t.match(await delivery.snapshot(), { states: { delivered: 2 }, circuit: 'closed' });
  t.match(conditions.at(-1), { code: 'crm-denied', raised: false });
  world.close();
});

t.test('a poisonous call does not stop the others and is parked after the configured attempts', async (t) => {
  const world = new World();
  world.crm.fate = (request, session) => (request === 'post' && session === 'pbx:1:1' ? 'dropped' : 'ok');
  world.end(fresh(world, 1));
  const { delivery } = await world.live({ retry: { ...DEFAULT_POLICY.retry, maxAttempts: 3 } });
  for (let n = 2; n < 12; n++) {
    world.end(fresh(world, n));
    delivery.notify();
    await world.clock.advance(61_000);
  }
  t.match(world.row(1), { state: 'parked', post_attempts: 3, reason: /Given up after 3 attempts: timeout/ });
  t.match(await delivery.snapshot(), { states: { delivered: 10, parked: 1 } });
  world.close();
});

t.test('pause stops, resume goes on', async (t) => {
  const world = new World();
  const { delivery } = await world.live();
  await world.clock.advance(6000);
  delivery.pause();
  world.end(fresh(world, 1));
  delivery.notify();
  await world.clock.advance(60_000);
  t.equal(world.crm.logged('pbx:1:1'), 0);
  delivery.resume();
  await world.clock.advance(5000);
  t.equal(world.state(1), 'delivered');
  world.close();
});

t.test('drain lets requests under way finish and gives back what waits', async (t) => {
  const world = new World();
  const { delivery } = await world.live({ limit: { ...DEFAULT_POLICY.limit, concurrency: 1 } });
  await world.clock.advance(6000);
  world.crm.latencyMs = 500;
  world.crm.fate = (request) => (request === 'post' ? 'ok' : 'rejected');
  world.end(fresh(world, 1, { external: '09811000001' }), fresh(world, 2));
  delivery.notify();
  await world.clock.advance(100);
  const drained = delivery.drain(2000);
  await world.clock.advance(2500);
  await drained;
  const states = world.db.prepare<[], string>('SELECT DISTINCT state FROM delivery').pluck().all();
  t.notOk(states.includes('resolving') || states.includes('sending'), states.join());
  world.close();
});

t.test('what is not answered at the deadline of a drain becomes uncertain', async (t) => {
  const world = new World();
  const { delivery } = await world.live();
  await world.clock.advance(6000);
  world.crm.fate = (request) => (request === 'post' ? 'hang' : 'ok');
  world.end(fresh(world, 1));
  delivery.notify();
  await world.clock.advance(1000);
  t.equal(world.state(1), 'sending');
  const drained = delivery.drain(2000);
  await world.clock.advance(2500);
  await drained;
  t.match(world.row(1), { state: 'uncertain', doubtful: 1 });
  world.close();
});

t.test('a full disk loses nothing: the result is kept until it can be stored', async (t) => {
  const world = new World();
  const { delivery } = await world.live();
  await world.clock.advance(6000);
  world.crm.latencyMs = 1000;
  world.end(fresh(world, 1));
  world.crm.fate = (request) => {
    if (request === 'post') world.trouble.error = new Error('database or disk is full');
    return 'ok';
  };
  delivery.notify();
  await world.clock.advance(30_000);
  t.equal(world.state(1), 'sending');
  world.trouble.error = null;
  await world.clock.advance(5000);
  t.equal(world.state(1), 'delivered');
  t.equal(world.crm.logged('pbx:1:1'), 1);
  world.close();
});

t.test('a wall clock set back does not delay what waits', async (t) => {
  const world = new World();
  const { delivery } = await world.live();
  await world.clock.advance(6000);
  let lost = true;
  world.crm.fate = (request) => (request === 'post' && lost ? 'lost' : 'ok');
  world.end(fresh(world, 1));
  delivery.notify();
  await world.clock.advance(2000);
  t.equal(world.state(1), 'uncertain');
  lost = false;
  world.clock.wall -= 3_600_000;
  world.end(fresh(world, 2));
  delivery.notify();
  await world.clock.advance(65_000);
  t.equal(world.state(1), 'delivered');
  t.equal(world.state(2), 'delivered');
  t.equal(world.crm.logged('pbx:1:1'), 1);
  world.close();
});

t.test('after an outage the backlog goes oldest first, new calls before it, with 99 % of the budget', async (t) => {
  const world = new World();
  world.crm.everybodyIsKnown = true;
  world.crm.latencyMs = 150;
  const { delivery } = await world.live();
  await world.clock.advance(6000);
  const ago = world.clock.wall - 86_400_000;
  world.end(...Array.from({ length: 900 }, (_, n) => call(n, { startedAt: ago, endedAt: Math.floor(ago) + n * 1000 })));
  const order: number[] = [];
  world.crm.fate = (request, session) => {
    if (request === 'post' && session !== null) order.push(Number(session.split(':').at(-1)));
    return 'ok';
  };
  const from = world.crm.arrivals.length;
  delivery.notify();
  await world.clock.advance(60_000);
  world.end(fresh(world, 5000));
  delivery.notify();
  await world.clock.advance(5000);
  t.ok(order.includes(5000), 'a new call is posted within seconds');
  await world.clock.advance(115_000);
  const sent = world.crm.arrivals.slice(from);
  const elapsed = (sent.at(-1) ?? 0) - (sent[0] ?? 0);
  const fill = sent.length / (25 * (elapsed / 5000));
  t.ok(fill >= 0.99, `fill ${fill} over ${sent.length} requests`);
  t.ok(sent.length > 800);
  const backlog = order.filter((n) => n < 5000);
  const late = backlog.filter((n, i) => i > 0 && n < (backlog[i - 1] ?? 0));
  t.ok(late.length < backlog.length / 20, `${late.length} of ${backlog.length} out of order`);
  world.close();
});

t.test('after a short outage new calls go before all that wait, the rest follows', async (t) => {
  const world = new World();
  world.crm.everybodyIsKnown = true;
  world.crm.latencyMs = 150;
  const { delivery } = await world.live();
  await world.clock.advance(6000);
  const ended = new Map<string, number>();
  const waits: number[] = [];
  let down = true;
  world.crm.fate = (request, session) => {
    if (down) return 'unreachable';
    const at = request === 'post' && session !== null ? ended.get(session) : undefined;
    if (at !== undefined) waits.push(world.clock.monotonic() - at);
    return 'ok';
  };
  let n = 0;
  const perSecond = async (seconds: number): Promise<void> => {
    for (const until = n + seconds; n < until; n++) {
      const record = fresh(world, n, { external: `0981${1_000_000 + n}`, externalE164: `+91981${10_000_000 + n}` });
      if (!down) ended.set(record.callSessionId, world.clock.monotonic());
      world.end(record);
      delivery.notify();
      await world.clock.advance(1000);
    }
  };
  await perSecond(280);
  down = false;
  await perSecond(120);
  waits.sort((a, b) => a - b);
  t.ok(waits.length >= 118, `${waits.length} of the new calls are posted`);
  const p99 = waits[Math.floor(0.99 * (waits.length - 1))] ?? Number.POSITIVE_INFINITY;
  t.ok(p99 <= 6000, `p99 ${p99} ms`);
  await world.clock.advance(300_000);
  t.match((await delivery.snapshot()).states, { delivered: 400 }, 'and all that waited followed');
  world.close();
});

t.test('while lookups fail, calls of which nothing has to be looked up go on', async (t) => {
  const world = new World();
  const { delivery } = await world.live();
  await world.clock.advance(6000);
  world.crm.fate = (request) => (/^(lead|probe)/.test(request) ? 'unavailable' : 'ok');
  for (let n = 1; n <= 3; n++) world.end(fresh(world, n));
  delivery.notify();
  await world.clock.advance(2000);
  t.equal((await delivery.snapshot()).circuit, 'open');
  for (let n = 10; n < 30; n++) world.end(fresh(world, n, { direction: 'Internal' }));
  delivery.notify();
  await world.clock.advance(2000);
  t.match((await delivery.snapshot()).states, { skipped: 20, retrying: 3 });
  world.close();
});

for (const what of ['post', 'lead'] as const) {
  t.test(`${what}s fail for hours while probes are answered: it is told, and no call is parked`, async (t) => {
    const world = new World();
    world.crm.everybodyIsKnown = true;
    const { delivery, conditions } = await world.live();
    await world.clock.advance(6000);
    const each = async (n: number): Promise<void> => {
      const number = 10_000_000 + n;
      world.end(fresh(world, n, { external: `0981${number}`, externalE164: `+91981${number}` }));
      delivery.notify();
      await world.clock.advance(120_000);
    };
    for (let n = 0; n < 10; n++) await each(n);
    world.crm.fate = (request) => (request.startsWith(what) ? 'dropped' : 'ok');
    for (let n = 10; n < 35; n++) await each(n);
    t.match((await delivery.snapshot()).states, { delivered: 10, parked: 0 });
    t.ok(
      conditions.some(({ code, raised }) => code === 'crm-unavailable' && raised),
      'it is told',
    );
    const asked = world.crm.requests.length;
    t.ok(asked < 2500, `${asked} requests in fifty minutes`);
    world.crm.fate = () => 'ok';
    await world.clock.advance(45 * 60_000);
    t.match((await delivery.snapshot()).states, { delivered: 35 });
    t.match(
      conditions.findLast(({ code }) => code === 'crm-unavailable'),
      { raised: false },
    );
    world.close();
  });
}

t.test('users that cannot be had: calls wait, are not parked, and go on when they are there', async (t) => {
  const world = new World();
  world.crm.everybodyIsKnown = true;
  world.crm.fate = (request) => (request === 'users' ? 'unavailable' : 'ok');
  const { delivery } = await world.live();
  for (let n = 0; n < 30; n++) {
    world.end(fresh(world, n));
    delivery.notify();
    await world.clock.advance(120_000);
  }
  t.match((await delivery.snapshot()).states, { pending: 30, parked: 0 });
  world.crm.fate = () => 'ok';
  await world.clock.advance(6 * 3_600_000);
  t.match((await delivery.snapshot()).states, { delivered: 30 });
  world.close();
});

t.test(
  'the age of a call is asked where it is stored: one that waits for the CRM is posted however long that is',
  async (t) => {
    const world = new World();
    const { delivery } = await world.live({ maxAgeMs: 3_600_000 });
    await world.clock.advance(6000);
    world.crm.fate = () => 'unreachable';
    world.end(fresh(world, 1), fresh(world, 2));
    delivery.notify();
    await world.clock.advance(2 * 3_600_000);
    t.match([world.state(1), world.state(2)].sort(), [/pending|retrying/, /pending|retrying/]);
    world.crm.fate = () => 'ok';
    await world.clock.advance(3_600_000);
    t.same([world.state(1), world.state(2)], ['delivered', 'delivered']);
    world.close();
  },
);
