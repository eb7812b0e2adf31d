/** Posts whose fate is unknown, late facts, and calls sent again by an operator. */

import t from 'tap';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';
import { difference } from '../../src/delivery/steps/update.ts';
import { fresh, type Life, World } from './fakes.ts';

async function warm(policy = {}): Promise<{ world: World; life: Life }> {
  const world = new World();
  world.crm.everybodyIsKnown = true;
  const life = await world.live(policy);
  await world.clock.advance(6000);
  return { world, life };
}

t.test('a lost answer is looked up after the configured time, and not posted again', async (t) => {
  const { world, life } = await warm();
  world.crm.fate = (request) => (request === 'post' ? 'lost' : 'ok');
  world.end(fresh(world, 1), fresh(world, 2));
  life.delivery.notify();
  await world.clock.advance(2000);
  t.match(world.row(1), { state: 'uncertain', doubtful: 1, reason: 'timeout' });
  await world.clock.advance(57_000);
  t.equal(world.crm.requests.filter((request) => request === 'find').length, 0, 'not before its time');
  await world.clock.advance(4000);
  t.equal(world.crm.requests.filter((request) => request === 'find').length, 2);
  t.match(world.row(1), { state: 'delivered', doubtful: 0, activity_id: /^a-[12]$/ });
  t.match(world.row(2), { state: 'delivered' });
  t.equal(world.crm.ledger.length, 2);
  const attempts = await life.store.outbox.attempts({ sessionId: 'pbx:1:1' });
  t.same(
    attempts.map(({ step, trigger, result }) => [step, trigger, result?.outcome, result?.message]),
    [
      ['look-up', 'live', 'accepted', 'Lead lead-9811000001.'],
      ['post', 'live', 'uncertain', 'timeout'],
      ['check', 'live', 'accepted', `Looked for: found as activity ${world.row(1).activity_id}.`],
    ],
  );
  world.close();
});

t.test('what is not found is posted again', async (t) => {
  const { world, life } = await warm();
  let drop = true;
  world.crm.fate = (request) => (request === 'post' && drop ? 'dropped' : 'ok');
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(2000);
  drop = false;
  await world.clock.advance(62_000);
  t.match(world.row(1), { state: 'delivered', tries: 2 });
  t.equal(world.crm.logged('pbx:1:1'), 1);
  world.close();
});

t.test(
  'a call alone whose posts never get an answer is parked after about a day, and a replay begins anew',
  async (t) => {
    const { world, life } = await warm();
    world.crm.fate = (request) => (request === 'post' ? 'dropped' : 'ok');
    world.end(fresh(world, 1));
    life.delivery.notify();
    const hour = 3_600_000;
    let hours = 0;
    for (; hours < 72 && world.state(1) !== 'parked'; hours++) await world.clock.advance(hour);
    t.match(world.row(1), { state: 'parked', tries: 50, reason: /^Given up after 50 attempts/ });
    t.ok(hours > 12 && hours < 40, `after ${hours} hours`);
    await life.delivery.replay({ filter: {}, force: false, dryRun: false });
    await world.clock.advance(hour);
    t.match(world.row(1), { state: /retrying|uncertain|pending|sending/ });
    world.crm.fate = () => 'ok';
    await world.clock.advance(2 * hour);
    t.match(world.row(1), { state: 'delivered' });
    t.equal(world.crm.logged('pbx:1:1'), 1);
    world.close();
  },
);

t.test('kill -9 between request and answer', async (t) => {
  const { world, life } = await warm();
  world.crm.fate = (request) => (request === 'post' ? 'crash' : 'ok');
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(2000);
  t.notOk(life.alive);
  t.equal(world.state(1), 'sending');
  world.crm.fate = () => 'ok';
  const next = await world.live();
  t.equal(world.state(1), 'sending', 'its lease is that of the life that died');
  await world.clock.advance(31_000);
  t.match(world.row(1), { state: 'uncertain', step: 'check', doubtful: 1, reason: /stopped before the answer/ });
  await world.clock.advance(65_000);
  t.equal(world.state(1), 'delivered');
  t.equal(world.crm.logged('pbx:1:1'), 1);
  const [lookup, post] = await next.store.outbox.attempts({ sessionId: 'pbx:1:1' });
  t.match(lookup, { step: 'look-up', result: { outcome: 'accepted' } });
  t.match(post, { step: 'post', result: { outcome: 'interrupted' } });
  world.close();
});

t.test(
  'a check that gets no answer is made again, and when it is the only thing that fails, not for ever',
  async (t) => {
    const { world, life } = await warm();
    world.crm.fate = (request) => (request === 'post' ? 'lost' : request === 'find' ? 'unavailable' : 'ok');
    world.end(fresh(world, 1));
    life.delivery.notify();
    await world.clock.advance(600_000);
    t.match(world.row(1), { state: 'uncertain', step: 'check', post_attempts: 0 });
    world.crm.fate = () => 'ok';
    await world.clock.advance(600_000);
    t.equal(world.state(1), 'delivered');
    t.equal(world.crm.logged('pbx:1:1'), 1);
    world.close();
  },
);

t.test('a call that the CRM refuses to be asked about is parked, the others are settled', async (t) => {
  const { world, life } = await warm();
  world.crm.fate = (request) => (request === 'post' ? 'lost' : 'ok');
  world.end(fresh(world, 1), fresh(world, 2), fresh(world, 3));
  life.delivery.notify();
  await world.clock.advance(2000);
  // All three, two of them, the first, the second, the third.
  const answers = ['rejected', 'rejected', 'ok', 'rejected', 'ok'] as const;
  let i = 0;
  world.crm.fate = (request) => (request === 'find' ? (answers[i++] ?? 'ok') : 'ok');
  await world.clock.advance(70_000);
  t.same([1, 2, 3].map((n) => world.state(n)).sort(), ['delivered', 'delivered', 'parked']);
  t.equal(world.crm.ledger.length, 3);
  world.close();
});

t.test('policy hold leaves it to the operator; a replay looks first', async (t) => {
  const { world, life } = await warm({ uncertain: 'hold' });
  world.crm.fate = (request) => (request === 'post' ? 'lost' : 'ok');
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(5000);
  t.match(world.row(1), {
    state: 'parked',
    doubtful: 1,
    code: 'check-held',
    reason: /a replay looks for it in the CRM/,
  });
  world.crm.fate = () => 'ok';
  const done = await life.delivery.replay({ filter: {}, force: false, dryRun: false });
  t.match(done, { count: 1, checkedFirst: 1 });
  await world.clock.advance(70_000);
  t.equal(world.state(1), 'delivered');
  t.equal(world.crm.logged('pbx:1:1'), 1);
  world.close();
});

t.test(
  'policy hold: what a replay posts is looked for after the configured time, whoever lost its answer',
  async (t) => {
    for (const fate of ['lost', 'crash'] as const) {
      const { world, life } = await warm({ uncertain: 'hold' });
      world.crm.fate = (request) => (request === 'post' ? 'rejected' : 'ok');
      world.end(fresh(world, 1));
      life.delivery.notify();
      await world.clock.advance(1000);
      t.equal(world.state(1), 'parked');
      // Seen only after a while.
      world.crm.lagMs = 50_000;
      world.crm.fate = (request) => (request === 'post' ? fate : 'ok');
      await life.delivery.replay({ filter: {}, force: false, dryRun: false });
      await world.clock.advance(1000);
      t.match(world.row(1), fate === 'lost' ? { state: 'uncertain', doubtful: 1 } : { state: 'sending' });
      world.crm.fate = () => 'ok';
      if (!life.alive) await world.live({ uncertain: 'hold' });
      await world.clock.advance(120_000);
      t.equal(world.state(1), 'delivered', fate);
      t.equal(world.crm.logged('pbx:1:1'), 1, fate);
      world.close();
    }
  },
);

t.test('policy resend posts again without a look', async (t) => {
  const { world, life } = await warm({ uncertain: 'resend' });
  let lost = true;
  world.crm.fate = (request) => (request === 'post' && lost ? 'lost' : 'ok');
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(500);
  lost = false;
  await world.clock.advance(30_000);
  t.equal(world.state(1), 'delivered');
  t.equal(world.crm.logged('pbx:1:1'), 2);
  t.equal(world.crm.requests.includes('find'), false);
  world.close();
});

t.test('a recording that comes late updates the posted call log', async (t) => {
  const { world, life } = await warm();
  const record = fresh(world, 1);
  world.end(record);
  life.delivery.notify();
  await world.clock.advance(1000);
  world.end({ ...record, recording: 'late.wav' });
  life.delivery.notify();
  await world.clock.advance(1000);
  t.equal(world.crm.ledger.length, 1);
  t.same(world.crm.ledger[0]?.late, [{ recordingUrl: 'late.wav', durationSeconds: null }]);
  // A change that the CRM does not see makes no request.
  const before = world.crm.requests.length;
  world.end({ ...record, recording: 'late.wav', legs: 7 });
  life.delivery.notify();
  await world.clock.advance(1000);
  t.equal(world.crm.requests.length, before);
  world.close();
});

t.test('a second recording that comes late goes into the same call log, beside the first', async (t) => {
  const { world, life } = await warm();
  const record = { ...fresh(world, 1), recording: '1.wav', recordings: ['1.wav'] };
  world.end(record);
  life.delivery.notify();
  await world.clock.advance(1000);
  for (let told = 0; told < 2; told++) {
    world.end({ ...record, recordings: ['1.wav', '2.wav'], legs: told });
    life.delivery.notify();
    await world.clock.advance(1000);
  }
  const fields = { recordings: '1.wav 2.wav' };
  t.same(world.crm.ledger[0]?.late, [{ recordingUrl: '1.wav', durationSeconds: null, fields }], 'and once');
  t.equal(world.crm.ledger.length, 1);
  world.close();
});

t.test('what is stored of a post is what the CRM took', async (t) => {
  const { world, life } = await warm();
  world.crm.body = ({ callSessionId }) => ({ CallSessionId: callSessionId, recordings: '1.wav 2.wav' });
  world.crm.leftOut = ['recordings'];
  world.end({ ...fresh(world, 1), recording: '1.wav', recordings: ['1.wav', '2.wav'] });
  life.delivery.notify();
  await world.clock.advance(1000);
  const [row] = await life.store.outbox.select({ filter: {}, after: 0, limit: 1 });
  t.match(row, { state: 'delivered', posted: { recordingUrl: '1.wav', fields: {} } });
  t.same(row?.posted?.fields, {});
  t.same(row?.body, { CallSessionId: 'pbx:1:1' });
  const post = (await life.store.outbox.attempts({ sessionId: 'pbx:1:1' })).find(({ step }) => step === 'post');
  t.same(post?.body, row?.body);
  world.close();
});

t.test('what an update with further fields holds beside them', async (t) => {
  const fields = { CallNotes: 'a b' };
  const had = { recordingUrl: 'a', durationSeconds: 5 };
  t.same(difference(had, { ...had, fields }), { recordingUrl: 'a', durationSeconds: null, fields });
  t.same(difference({ ...had, fields }, { ...had, fields }), null);
  t.same(difference({ ...had, fields: {} }, had), null, 'stored by an earlier version');
  const none = { recordingUrl: null, durationSeconds: 5 };
  t.same(difference(none, { ...none, fields }), { ...none, fields }, 'no link: then the duration, for one of the two');
});

t.test('facts that come before the post are in the post; during the post, in an update', async (t) => {
  const { world, life } = await warm();
  life.delivery.pause();
  const first = fresh(world, 1);
  world.end(first);
  world.end({ ...first, recording: 'early.wav' });
  life.delivery.resume();
  await world.clock.advance(1000);
  t.equal(world.crm.ledger[0]?.body.ResourceURL, 'early.wav');
  t.same(world.crm.ledger[0]?.late, []);
  const second = fresh(world, 2);
  world.crm.fate = (request) => {
    if (request === 'post') world.end({ ...second, talkSeconds: 99 });
    return 'ok';
  };
  world.end(second);
  life.delivery.notify();
  await world.clock.advance(2000);
  t.same(world.crm.ledger[1]?.late, [{ recordingUrl: null, durationSeconds: 99 }]);
  t.equal(world.crm.ledger.length, 2);
  world.close();
});

t.test('an update that fails is repeated; one that is refused says so', async (t) => {
  const { world, life } = await warm();
  const record = fresh(world, 1);
  world.end(record);
  life.delivery.notify();
  await world.clock.advance(1000);
  world.crm.fate = (request) => (request === 'update' ? 'dropped' : 'ok');
  world.end({ ...record, recording: 'late.wav' });
  life.delivery.notify();
  await world.clock.advance(1000);
  t.match(world.row(1), { state: 'delivered', failures: 1 });
  world.crm.fate = () => 'ok';
  await world.clock.advance(60_000);
  t.equal(world.crm.ledger[0]?.late.length, 1);
  world.crm.fate = (request) => (request === 'update' ? 'rejected' : 'ok');
  world.end({ ...record, recording: 'other.wav' });
  life.delivery.notify();
  await world.clock.advance(60_000);
  t.match(world.row(1), { state: 'delivered', update_due_at: null, reason: /Late facts not sent/ });
  world.close();
});

t.test('a replay shows what it would do, leaves alone what it must, and goes behind live calls', async (t) => {
  const { world, life } = await warm();
  world.crm.fate = (request, session) => (request === 'post' && session !== 'pbx:1:1' ? 'rejected' : 'ok');
  for (let n = 1; n <= 30; n++) world.end(fresh(world, n));
  life.delivery.notify();
  await world.clock.advance(30_000);
  const dry = await life.delivery.replay({ filter: {}, force: false, dryRun: true });
  t.match(dry, { count: 29, seconds: 6, leftAlone: { 'delivered already (a second post needs --force)': 1 } });
  t.equal(dry.samples.length, 20);
  t.match(dry.samples[0]?.body, { CallSessionId: 'pbx:1:2', LeadId: /lead-/ });
  t.match((await life.delivery.snapshot()).states, { parked: 29 }, 'a dry run changes nothing');
  const order: string[] = [];
  world.crm.fate = (request, session) => {
    if (request === 'post' && session !== null) order.push(session);
    return 'ok';
  };
  life.delivery.pause();
  await life.delivery.replay({ filter: { states: ['parked'] }, force: false, dryRun: false });
  world.end(fresh(world, 99));
  life.delivery.resume();
  await world.clock.advance(30_000);
  t.equal(order[0], 'pbx:1:99');
  t.equal(order.length, 30);
  t.match((await life.store.outbox.attempts({ sessionId: 'pbx:1:2' })).at(-1), { trigger: 'replay' });
  world.close();
});

t.test('a row that cannot be read is left alone by a replay, and stops none of the others', async (t) => {
  const { world, life } = await warm();
  world.crm.fate = (request) => (request === 'post' ? 'rejected' : 'ok');
  world.end(fresh(world, 1), fresh(world, 2), fresh(world, 3));
  life.delivery.notify();
  await world.clock.advance(2000);
  world.db.exec("UPDATE session SET json = '{bad' WHERE call_session_id = 'pbx:1:2'");
  world.crm.fate = () => 'ok';
  const rows = [1, 2, 3].map((id) => ({ id, sessionId: `pbx:1:${id}`, state: 'parked' as const, doubtful: false }));
  const done = await life.delivery.replay({ rows, force: false, dryRun: false });
  t.match(done, { count: 2, leftAlone: { 'what is stored of it cannot be read': 1 } });
  await world.clock.advance(2000);
  t.same(
    [1, 2, 3].map((n) => world.state(n)),
    ['delivered', 'parked', 'delivered'],
  );
  world.close();
});

t.test('a delivered call is posted a second time only with force', async (t) => {
  const { world, life } = await warm();
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(1000);
  const filter = { ids: ['pbx:1:1'] };
  t.match(await life.delivery.replay({ filter, force: false, dryRun: false }), { count: 0 });
  t.match(await life.delivery.replay({ filter, force: true, dryRun: false }), { count: 1 });
  await world.clock.advance(10_000);
  t.equal(world.crm.logged('pbx:1:1'), 2);
  world.close();
});

t.test('a lead that was refused is looked up anew', async (t) => {
  const { world, life } = await warm({ lead: { ...DEFAULT_POLICY.lead, formats: ['NSN'] } });
  world.crm.fate = (request) => (request === 'post' ? 'rejected' : 'ok');
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(1000);
  world.crm.fate = () => 'ok';
  world.crm.leads.set('9811000001', [{ id: 'merged', name: null, ownerId: null, phone: null, mobile: null }]);
  await life.delivery.replay({ filter: {}, force: false, dryRun: false });
  await world.clock.advance(1000);
  t.equal(world.crm.ledger[0]?.body.LeadId, 'merged');
  world.close();
});

t.test('of two calls that look alike, checked side by side, one has the activity', async (t) => {
  const world = new World();
  const ports = world.crm.ports.bind(world.crm);
  const waiting: (() => void)[] = [];
  world.crm.ports = (permits, alive) => {
    const crm = ports(permits, alive);
    const findLanded: typeof crm.callLog.findLanded = async (query, asking) => {
      const reply = await crm.callLog.findLanded(query, asking);
      // The first two hear it in the same moment.
      if (waiting.length < 2)
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length === 2) for (const go of waiting) go();
        });
      return reply;
    };
    return { ...crm, callLog: { ...crm.callLog, findLanded } };
  };
  world.crm.everybodyIsKnown = true;
  const life = await world.live();
  await world.clock.advance(6000);
  world.crm.fate = (request, session) => (request !== 'post' ? 'ok' : session === 'pbx:1:1' ? 'lost' : 'dropped');
  world.end(fresh(world, 1), fresh(world, 2));
  life.delivery.notify();
  await world.clock.advance(2000);
  t.same([world.state(1), world.state(2)], ['uncertain', 'uncertain']);
  world.crm.fate = () => 'ok';
  world.crm.looksLike = () => ['a-1'];
  await world.clock.advance(120_000);
  t.same([world.row(1).activity_id, world.row(2).activity_id].sort(), ['a-1', 'a-2']);
  t.same([world.state(1), world.state(2)], ['delivered', 'delivered']);
  t.equal(world.crm.ledger.length, 2);
  world.close();
});
