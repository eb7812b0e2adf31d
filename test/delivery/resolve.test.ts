/** Leads, users and filters: what is asked of the CRM, what is remembered, what each policy does. */
import t from 'tap';
import type { CallRecord } from '../../src/call/record.ts';
import type { CrmUser, Lead } from '../../src/delivery/crm.ts';
import type { Extension } from '../../src/delivery/parties/extension.ts';
import { skipReason } from '../../src/delivery/parties/filters.ts';
import { choiceOf, choicesIn, chooseLead, isAnothers } from '../../src/delivery/parties/leads.ts';
import { matchUser } from '../../src/delivery/parties/users.ts';
import { DEFAULT_POLICY, type DeliveryPolicy, type LeadPolicy, type UserPolicy } from '../../src/delivery/policy.ts';
import { call, fresh, type Life, World } from './fakes.ts';

const match = (of: Extension, policy: UserPolicy, users: readonly CrmUser[] | null) =>
  matchUser(of, policy, users, 'LeadSquared');

interface Over {
  readonly lead?: Partial<LeadPolicy>;
  readonly user?: Partial<UserPolicy>;
  readonly policy?: Partial<DeliveryPolicy>;
}

async function warm(over: Over = {}): Promise<{ world: World; life: Life }> {
  const world = new World();
  const lead = { ...DEFAULT_POLICY.lead, ...over.lead };
  const user = { ...DEFAULT_POLICY.user, ...over.user };
  const life = await world.live({ ...over.policy, lead, user });
  await world.clock.advance(6000);
  world.crm.requests.length = 0;
  return { world, life };
}

/** Delivers one call and answers what became of it and what was asked. */
async function deliver(world: World, life: Life, record: CallRecord) {
  world.crm.requests.length = 0;
  world.end(record);
  life.delivery.notify();
  await world.clock.advance(2000);
  const n = Number(record.callSessionId.split(':').at(-1));
  const body = world.crm.ledger.find((entry) => entry.sessionId === record.callSessionId)?.body;
  return { row: world.row(n), body, requests: [...world.crm.requests] };
}

const lead = (id: string, over: Partial<Lead> = {}): Lead => ({
  ...{ id, name: null, ownerId: null, phone: null, mobile: null },
  ...over,
});

t.test('formats are tried in order, the one that worked goes first, also after a restart', async (t) => {
  const { world, life } = await warm();
  world.crm.leads.set('+91-9811000001', [lead('one')]);
  const first = await deliver(world, life, fresh(world, 1));
  t.same(first.requests, ['lead 9811000001', 'lead 919811000001', 'lead +91-9811000001', 'post']);
  t.equal(first.body?.LeadId, 'one');
  world.crm.leads.set('+91-9811000002', [lead('two')]);
  t.same((await deliver(world, life, fresh(world, 2))).requests, ['lead +91-9811000002', 'post']);
  life.kill();
  const next = await world.live();
  await world.clock.advance(6000);
  world.crm.leads.set('+91-9811000003', [lead('three')]);
  t.same((await deliver(world, next, fresh(world, 3))).requests, ['lead +91-9811000003', 'post']);
  world.close();
});

t.test('found and not found are remembered for their time', async (t) => {
  const { world, life } = await warm({ lead: { formats: ['NSN'] } });
  const number = { external: '09811000001', externalE164: '+919811000001' };
  t.same((await deliver(world, life, fresh(world, 1, number))).requests, ['lead 9811000001', 'post']);
  t.same((await deliver(world, life, fresh(world, 2, number))).requests, ['post'], 'nobody, remembered');
  await world.clock.advance(DEFAULT_POLICY.lead.missMaxAgeMs);
  world.crm.leads.set('9811000001', [lead('new')]);
  t.equal((await deliver(world, life, fresh(world, 3, number))).body?.LeadId, 'new');
  await world.clock.advance(DEFAULT_POLICY.lead.hitMaxAgeMs / 2);
  t.same((await deliver(world, life, fresh(world, 4, number))).requests, ['post']);
  await world.clock.advance(DEFAULT_POLICY.lead.hitMaxAgeMs / 2);
  t.same((await deliver(world, life, fresh(world, 5, number))).requests, ['lead 9811000001', 'post'], 'asked again');
  world.close();
});

t.test('a burst of calls from one number is one lookup', async (t) => {
  const { world, life } = await warm({ lead: { formats: ['NSN'] } });
  const number = { external: '09811000001', externalE164: '+919811000001' };
  for (let n = 1; n <= 10; n++) world.end(fresh(world, n, number));
  life.delivery.notify();
  await world.clock.advance(5000);
  t.equal(world.crm.requests.filter((request) => request.startsWith('lead')).length, 1);
  t.equal(world.crm.ledger.length, 10);
  world.close();
});

t.test('unknown callers, by policy', async (t) => {
  const outcomes: Record<LeadPolicy['unknown'], unknown> = {
    'let-crm-create': { row: { state: 'delivered' }, body: { LeadId: '' } },
    capture: { row: { state: 'delivered' }, body: { LeadId: 'lead-+91-9811000001' } },
    park: { row: { state: 'parked', code: 'no-lead', reason: /No lead/ } },
    skip: { row: { state: 'skipped', code: 'skip-no-lead', reason: /No lead/ } },
  };
  for (const unknown of ['let-crm-create', 'capture', 'park', 'skip'] as const) {
    const { world, life } = await warm({ lead: { unknown } });
    t.match(await deliver(world, life, fresh(world, 1)), outcomes[unknown], unknown);
    world.close();
  }
});

t.test(
  'a lead that was captured is asked for again, as its owner is not told, and is not captured twice',
  async (t) => {
    const { world, life } = await warm({ lead: { unknown: 'capture', formats: ['NSN'] } });
    const number = {
      external: '09811000001',
      externalE164: '+919811000001',
      agent: null,
      agentsRung: [],
      responsible: null,
    };
    const made = await deliver(world, life, fresh(world, 1, number));
    t.same(made.requests, ['lead 9811000001', 'capture +91-9811000001', 'post']);
    const lag = await deliver(world, life, fresh(world, 2, number));
    t.same(lag.requests, ['lead 9811000001', 'post'], 'not found yet: the one that was made');
    t.match(lag.body, { LeadId: 'lead-+91-9811000001', UserId: '' });
    world.crm.leads.set('9811000001', [lead('lead-+91-9811000001', { ownerId: 'u-1001' })]);
    const found = await deliver(world, life, fresh(world, 3, number));
    t.match(found, { requests: ['lead 9811000001', 'post'], body: { UserId: 'u-1001' } });
    t.match(await deliver(world, life, fresh(world, 4, number)), { requests: ['post'], body: { UserId: 'u-1001' } });
    world.close();
  },
);

t.test('a lead that has the same digits in another country is none of the caller', async (t) => {
  const american = { external: '+19175551234', externalE164: '+19175551234' };
  const indian = { external: '09175551234', externalE164: '+919175551234' };
  const [home, abroad] = [lead('home', { phone: '+91-9175551234' }), lead('abroad', { phone: '+1-9175551234' })];

  const { world, life } = await warm();
  world.crm.leads.set('9175551234', [home]);
  const nobody = await deliver(world, life, fresh(world, 1, american));
  t.same(
    nobody.requests.slice(0, 4),
    ['9175551234', '19175551234', '+1-9175551234', '+19175551234'].map((n) => `lead ${n}`),
  );
  t.match(nobody, { row: { state: 'delivered' }, body: { LeadId: '' } });
  t.equal(await life.store.leads.format({}), null, 'nor is that the format that works');
  t.match(await deliver(world, life, fresh(world, 2, indian)), { body: { LeadId: 'home' } });
  world.close();

  const next = await warm();
  next.world.crm.leads.set('9175551234', [home]);
  next.world.crm.leads.set('19175551234', [abroad]);
  t.match(await deliver(next.world, next.life, fresh(next.world, 1, american)), { body: { LeadId: 'abroad' } });
  next.world.crm.leads.set('9175551234', [abroad]);
  t.match(await deliver(next.world, next.life, fresh(next.world, 2, indian)), { body: { LeadId: '' } });
  next.world.close();

  const all = await warm({ lead: { several: 'park' } });
  all.world.crm.leads.set('9175551234', [home, abroad]);
  t.match(await deliver(all.world, all.life, fresh(all.world, 1, american)), { body: { LeadId: 'abroad' } });
  t.match(await deliver(all.world, all.life, fresh(all.world, 2, indian)), { body: { LeadId: 'home' } });
  all.world.close();
});

t.test('what was remembered of another country before is asked anew', async (t) => {
  const { world, life } = await warm({ lead: { formats: ['NSN'] } });
  const kept = { lead: lead('home', { phone: '+91-9175551234' }), at: Math.floor(world.clock.now()), forgetBefore: 0 };
  await life.store.leads.put({ number: '+19175551234', ...kept });
  const record = fresh(world, 1, { external: '+19175551234', externalE164: '+19175551234' });
  t.match(await deliver(world, life, record), { requests: ['lead 9175551234', 'post'], body: { LeadId: '' } });
  world.close();
});

t.test('whose number a lead has', async (t) => {
  const is = (number: string, phone: string | null, mobile: string | null = null) =>
    !isAnothers(lead('one', { phone, mobile }), number);
  const [us, india] = ['+19175551234', '+919175551234'];
  for (const other of ['+91-9175551234', '+919175551234', '00919175551234', '+91 91755 51234', 'tel:+91-91755-51234']) {
    t.notOk(is(us, other), other);
    t.notOk(is(us, null, other), `mobile ${other}`);
    t.notOk(is(us, other, '9811000001'), `${other}, and a mobile that is not the number`);
    t.notOk(is(us, other, '9175551234'), `${other}, and the same without a country`);
    t.ok(is(us, other, '+1-9175551234'), `${other}, and the number itself`);
    t.ok(is(us, other, '19175551234'), `${other}, and the number itself without a plus`);
    t.ok(is(india, other), `${other} itself`);
  }
  t.notOk(is(india, '+1-9175551234'));
  t.notOk(is(us, '+86-19175551234'), 'with the country code, those of a Chinese mobile');
  t.ok(is(us, null), 'of a lead without a number nothing is known');
  t.ok(is(us, '9175551234'), 'nor of one without a country');
  t.ok(is(us, '+91-19175551234'), 'a country code before all that was there is none');
  t.ok(is(us, '+1-2125550000', '9175551234'), 'one of two numbers');
  t.ok(is(india, '+91-9811000001'), 'found by a field that is not read');
  t.ok(is('+5491123456789', '+54-1123456789'), 'the same in the old or short form of its country');
  t.ok(is('18001234567', '+91-18001234567'), 'a number that exists in its country only');
});

t.test('callers without a number, by policy; never looked up', async (t) => {
  const states = { send: 'delivered', park: 'parked', skip: 'skipped' } as const;
  for (const anonymous of ['send', 'park', 'skip'] as const) {
    const { world, life } = await warm({ lead: { anonymous } });
    const record = fresh(world, 1, { withheld: true, external: 'anonymous', externalE164: null });
    const { row, requests } = await deliver(world, life, record);
    t.equal(row.state, states[anonymous]);
    t.notOk(requests.some((request) => request.startsWith('lead')));
    world.close();
  }
});

t.test('why a call without a number is not posted is told by its cause', async (t) => {
  const { world, life } = await warm();
  const reasonOf = async (n: number, over: Partial<CallRecord>) =>
    (await deliver(world, life, fresh(world, n, { externalE164: null, ...over }))).row.reason;
  t.match(await reasonOf(1, { external: 'anonymous', withheld: true }), /^The caller showed no number; policy/);
  t.match(
    await reasonOf(2, { external: '98450xxxxx', withheld: true }),
    /^The caller has a number of which digits are/,
  );
  t.match(
    await reasonOf(3, { external: null, direction: 'Outbound' }),
    /^The PBX told no number that was called; policy/,
  );
  const none = { value: null, rule: '', fact: '', rejected: [] };
  const direction = { value: 'Internal', rule: 'extension-dialled', fact: '', rejected: [] };
  const reasons = { direction, external: none, agent: none, status: none };
  t.match(
    await reasonOf(4, { direction: 'Internal', reasons }),
    /^Internal call that left by a trunk: .*"speed_dials"/,
  );
  t.match(await reasonOf(5, { direction: 'Internal' }), /^Internal call between two extensions;/);
  world.close();
});

t.test('a number that the network told although it is withheld is never looked up and makes no lead', async (t) => {
  for (const unknown of ['let-crm-create', 'capture', 'park', 'skip'] as const) {
    const { world, life } = await warm({ lead: { anonymous: 'send', unknown } });
    world.crm.leads.set('9811000001', [lead('known')]);
    const number = { external: '09811000001', externalE164: '+919811000001' };
    const { row, body, requests } = await deliver(world, life, fresh(world, 1, { ...number, withheld: true }));
    t.equal(row.state, 'delivered', unknown);
    t.same(requests, ['post'], unknown);
    t.notOk(JSON.stringify(body).includes('9811000001'), unknown);
    t.same((await deliver(world, life, fresh(world, 2, number))).requests.slice(0, 1), ['lead 9811000001'], 'shown');
    world.close();
  }
});

t.test('several leads with one number', async (t) => {
  const leads = [lead('recent', { name: 'Ravi' }), lead('other', { name: 'Asha Rao' })];
  t.equal(chooseLead(leads, 'asha rao', 'first')?.id, 'recent');
  t.equal(chooseLead(leads, 'asha rao ', 'by-name')?.id, 'other');
  t.equal(chooseLead(leads, 'nobody', 'by-name')?.id, 'recent');
  t.equal(chooseLead(leads, null, 'park'), null);
  t.equal(chooseLead([lead('only')], null, 'park')?.id, 'only');
  const told = (name: string | null, several: 'first' | 'by-name') => {
    const taken = chooseLead(leads, name, several);
    return taken === null ? null : choiceOf(taken, several);
  };
  t.match(
    told('asha rao', 'by-name'),
    /^\d leads have this number; taken was other, the one named like the caller \(several = "by-name"\); not recent/,
  );
  t.match(told('nobody', 'by-name'), /taken was recent, the first, as none is named like the caller .*; not .*other/);
  t.match(told(null, 'first'), /taken was recent, the first \(/);
  t.equal(choiceOf(lead('only'), 'first'), null, 'where there is one, nothing was chosen');
  const many = Array.from({ length: 8 }, (_, n) => lead(`l${n}`));
  t.equal(choicesIn(many), '8 leads have this number: l0, l1, l2, l3, l4 and 3 more.');
  t.match(choiceOf(chooseLead(many, null, 'first') ?? lead('x'), 'first'), /not l1, l2, l3, l4, l5 and 2 more\.$/);
  const { world, life } = await warm({ lead: { several: 'park' } });
  world.crm.leads.set('9811000001', leads);
  t.match((await deliver(world, life, fresh(world, 1))).row, { state: 'parked', reason: /2 leads/ });
  world.close();
});

t.test('a CRM that is away parks nothing and burns nothing', async (t) => {
  const { world, life } = await warm();
  world.crm.fate = (request) => (request.startsWith('lead') ? 'unavailable' : 'ok');
  const { row } = await deliver(world, life, fresh(world, 1));
  t.match(row, { state: 'retrying', look_up_attempts: 0, reason: /could not be looked up/ });
  world.crm.fate = () => 'ok';
  await world.clock.advance(60_000);
  t.equal(world.state(1), 'delivered');
  world.close();
});

t.test('own numbers and filtered calls are skipped with a reason and never looked up', async (t) => {
  const { world, life } = await warm({ policy: { own: ['+9180456789*'] } });
  const own = fresh(world, 1, { external: '08045678905', externalE164: '+918045678905' });
  const { row, requests } = await deliver(world, life, own);
  t.match(row, { state: 'skipped', reason: /one of our own numbers/ });
  t.same(requests, []);
  const internal = fresh(world, 2, { direction: 'Internal', external: '1002', externalE164: null });
  t.match((await deliver(world, life, internal)).row, { state: 'skipped', reason: /Internal call/ });
  world.close();
});

t.test('filters', async (t) => {
  const skip = { dids: ['080456*'], trunks: ['PJSIP/fax'], extensions: ['19*'], numbers: ['+919811000009'] };
  const policy: DeliveryPolicy = { ...DEFAULT_POLICY, skip };
  const plain = call(1, { did: '1', didE164: null });
  t.equal(skipReason(plain, policy, plain.endedAt), null);
  t.match(skipReason({ ...plain, did: '08045678900' }, policy, 0)?.reason, /called number/);
  t.match(skipReason({ ...plain, trunk: 'PJSIP/fax' }, policy, 0)?.reason, /trunk PJSIP\/fax/);
  t.match(skipReason({ ...plain, agent: '1901' }, policy, 0)?.reason, /extension 1901/);
  const tenant: DeliveryPolicy = { ...policy, skip: { ...skip, extensions: ['101@a.example'] } };
  t.match(
    skipReason({ ...plain, agent: '101', agentDomain: 'a.example' }, tenant, 0)?.reason,
    /extension 101@a\.example/,
  );
  t.equal(skipReason({ ...plain, agent: '101', agentDomain: 'b.example' }, tenant, 0), null);
  t.equal(skipReason({ ...plain, agent: '101' }, tenant, 0), null);
  t.match(skipReason({ ...plain, externalE164: '+919811000009' }, policy, 0)?.reason, /number of the other party/);
  t.match(
    skipReason(plain, { ...policy, maxAgeMs: 3_600_000 }, plain.endedAt + 3_600_001)?.reason,
    /more than 1 h ago/,
  );
  t.match(skipReason(plain, { ...policy, maxAgeMs: 600_000 }, plain.endedAt + 600_001)?.reason, /more than 10 min ago/);
  t.equal(skipReason(plain, { ...policy, maxAgeMs: 3_600_000 }, plain.endedAt + 3_600_000), null);
  const internal = { ...plain, direction: 'Internal', external: '1002', externalE164: null } as const;
  t.match(skipReason(internal, policy, 0)?.reason, /Internal call/);
  t.equal(skipReason(internal, { ...policy, internal: 'post' }, 0), null);
});

const USERS: readonly CrmUser[] = [
  { id: 'u-1', name: 'Asha', email: 'asha@example.com', active: true, phones: ['1001'] },
  { id: 'u-2', name: 'Vikram', email: 'vikram@example.com', active: false, phones: ['1002'] },
  { id: 'u-3', name: 'Fatima', email: 'fatima@example.com', active: true, phones: ['1003', '1001'] },
];

t.test('extension to user', async (t) => {
  const at = (extension: string, source: string) => ({ extension, source, domain: null });
  const row = (extension: string, user: string, source: string | null = null) => ({
    ...{ extension, user, source, domain: null },
  });
  const rows = [row('1001', 'ASHA@example.com'), row('1001', 'u-3', 'pbx2'), row('1002', 'u-2'), row('1004', 'x@y.z')];
  const policy = { ...DEFAULT_POLICY.user, rows };
  t.same(match(at('1001', 'pbx1'), policy, USERS), { kind: 'known', id: 'u-1' });
  t.same(match(at('1001', 'pbx2'), policy, USERS), { kind: 'known', id: 'u-3' }, 'the line for this PBX');
  t.match(match(at('1002', 'pbx1'), policy, USERS), { kind: 'unknown', why: /inactive/ });
  t.match(match(at('1004', 'pbx1'), policy, USERS), { kind: 'unknown', why: /no user x@y.z/ });
  t.same(match(at('1003', 'pbx1'), policy, USERS), { kind: 'known', id: 'u-3' }, 'by the number the CRM holds');
  t.match(match(at('1003', 'pbx1'), { ...policy, discover: false }, USERS), { kind: 'unknown' });
  t.match(match(at('1001', 'pbx1'), { ...policy, rows: [] }, USERS), { kind: 'unknown', why: /several/ });
  t.same(match(at('1001', 'pbx1'), policy, null), { kind: 'not-yet' });
  t.same(match(at('1001', 'pbx2'), policy, null), { kind: 'known', id: 'u-3' }, 'an id needs no users');
});

t.test('extension 101 of two tenants is two people', async (t) => {
  const row = (extension: string, domain: string | null, user: string, source: string | null = null) => ({
    ...{ extension, user, source, domain },
  });
  const policyOf = (...rows: UserPolicy['rows']) => ({ ...DEFAULT_POLICY.user, rows, discover: false });
  const of = (domain: string | null, source = 'fs', extension = '101') => ({ extension, source, domain });
  const known = (id: string) => ({ kind: 'known', id });
  const unknown = { kind: 'unknown' };

  const tenants = policyOf(row('101', 'A.example', 'u-a'), row('101', 'b.example', 'u-b'), row('101', null, 'u-other'));
  t.same(match(of('a.example'), tenants, null), known('u-a'), 'in any case of letters');
  t.same(match(of('b.example'), tenants, null), known('u-b'));
  const nobody = match(of('c.example'), tenants, null);
  t.match(nobody, { kind: 'unknown', why: /extension 101@c\.example is not in the users file/ });
  t.match(match(of(null), tenants, null), unknown, 'nor is an unknown tenant one of them');

  const open = policyOf(row('101', null, 'u-1'), row('102', 'a.example', 'u-2'));
  for (const domain of [null, 'a.example', 'b.example']) t.same(match(of(domain), open, null), known('u-1'));
  t.match(match(of('b.example', 'fs', '102'), open, null), unknown);

  const two = policyOf(
    row('101', 'a.example', 'u-a'),
    row('101', 'a.example', 'u-fs2', 'fs2'),
    row('101', null, 'u-asterisk', 'asterisk'),
  );
  t.same(match(of(null, 'asterisk'), two, null), known('u-asterisk'), 'another PBX has a 101 of its own');
  t.same(match(of('a.example', 'fs2'), two, null), known('u-fs2'), 'the line for this PBX');
  t.same(match(of('a.example', 'fs'), two, null), known('u-a'));
  t.match(match(of('b.example', 'fs2'), two, null), unknown);
  const here = policyOf(row('101', null, 'u-any'), row('101', 'a.example', 'u-a', 'fs'));
  t.match(match(of('b.example', 'fs'), here, null), unknown, 'the line for any PBX is none of the tenants of this one');
  t.same(match(of(null, 'asterisk'), here, null), known('u-any'));

  const discover = { ...policyOf(), discover: true };
  const user = (id: string, phone: string): CrmUser => ({
    id,
    name: id,
    email: `${id}@x`,
    active: true,
    phones: [phone],
  });
  const users = [user('u-1', '101@a.example'), user('u-2', '101'), user('u-3', '102')];
  t.same(match(of('A.example'), discover, users), known('u-1'), 'the same for the numbers the CRM holds');
  t.match(match(of('b.example'), discover, users), unknown);
  t.same(match(of('b.example', 'fs', '102'), discover, users), known('u-3'));
});

t.test('the tenant of a call decides its user, and is kept with the extensions that were seen', async (t) => {
  const row = (domain: string, user: string) => ({ extension: '101', user, source: null, domain });
  const world = new World();
  world.crm.users = ['u-1001', 'u-1002'].map((id) => ({ id, name: id, email: `${id}@x`, active: true, phones: [] }));
  const rows = [row('a.example', 'u-1001'), row('b.example', 'u-1002')];
  const life = await world.live({ user: { ...DEFAULT_POLICY.user, rows } });
  await world.clock.advance(6000);
  const from = (n: number, agentDomain: string) => fresh(world, n, { agent: '101', agentDomain });
  t.match(await deliver(world, life, from(1, 'a.example')), { body: { UserId: 'u-1001' } });
  t.match(await deliver(world, life, from(2, 'b.example')), { body: { UserId: 'u-1002' } });
  t.match((await deliver(world, life, from(3, 'c.example'))).row, { state: 'parked', reason: /101@c\.example/ });
  const missing = await life.store.users.missing({});
  t.match(missing, [{ extension: '101', domain: 'c.example', calls: 1 }]);
  t.equal(missing.length, 1);
  world.close();
});

t.test('a missed call of a group: the user of its number, else of the phone that rang last', async (t) => {
  const { world, life } = await warm();
  const missed = (n: number, responsible: string | null) =>
    fresh(world, n, { agent: null, agentsRung: ['1999', '1001'], responsible, answeredAt: null, status: 'Missed' });
  t.match(await deliver(world, life, missed(1, '601')), { body: { UserId: 'u-1001' } });
  t.match(await life.store.users.missing({}), [{ extension: '601' }], 'and that the number has no user is told');
  const nobody = await deliver(world, life, missed(2, null));
  t.match(nobody, { row: { state: 'delivered' }, body: { UserId: '' } }, 'nobody is asked for by the setting');
  world.close();
});

t.test('an internal call that is to be posted is looked up nowhere, and no caller of it is hidden', async (t) => {
  const { world, life } = await warm({ lead: { anonymous: 'skip' }, policy: { internal: 'post' } });
  const inside = { direction: 'Internal', external: null, externalE164: null } as const;
  const record = fresh(world, 1, { ...inside, agentsRung: ['1002'] });
  const { row, requests } = await deliver(world, life, record);
  t.equal(row.state, 'delivered');
  t.same(requests, ['post']);
  t.match(await deliver(world, life, fresh(world, 2, { ...inside, agentsRung: [] })), {
    row: { state: 'skipped', code: 'skip-one-extension' },
    requests: [],
  });
  world.close();
});

t.test('agents without a user, by policy', async (t) => {
  const cases: [UserPolicy['unknown'], string | null, unknown][] = [
    [['lead-owner', 'default-user', 'park'], 'asha@example.com', { body: { UserId: 'owner' } }],
    [['default-user'], 'u-1001', { body: { UserId: 'u-1001' } }],
    [['default-user', 'omit'], null, { body: { UserId: '' } }],
    [['park'], null, { row: { state: 'parked', reason: /extension 1999 is not in the users file/ } }],
    [['skip'], null, { row: { state: 'skipped' } }],
    [['default-user'], 'gone@example.com', { row: { state: 'parked' } }],
  ];
  for (const [unknown, defaultUser, outcome] of cases) {
    const { world, life } = await warm({ user: { unknown, defaultUser } });
    world.crm.leads.set('9811000001', [lead('one', { ownerId: 'owner' })]);
    t.match(await deliver(world, life, fresh(world, 1, { agent: '1999' })), outcome, `${unknown} ${defaultUser}`);
    t.match(await life.store.users.missing({}), [{ extension: '1999', calls: 1 }]);
    world.close();
  }
});

t.test('an owner of a lead who is inactive is passed over; one who is not known is not', async (t) => {
  const gone: CrmUser = { id: 'u-gone', name: 'Vikram', email: 'vikram@example.com', active: false, phones: [] };
  const nobody = { agent: null, agentsRung: [], responsible: null, answeredAt: null, status: 'Missed' } as const;
  const stranger = { agent: '1999' } as const;
  const inactive =
    /^No user: extension 1999 is not in the users file; lead owner: the .*CRM user vikram@example\.com is inactive\.$/;
  const cases: [Partial<UserPolicy>, string, Partial<CallRecord>, unknown][] = [
    [{}, 'U-GONE', nobody, { row: { state: 'delivered' }, body: { UserId: '' } }],
    [{ defaultUser: 'asha@example.com' }, 'u-gone', nobody, { body: { UserId: 'u-1001' } }],
    [{}, 'u-gone', stranger, { row: { state: 'parked', code: 'no-user', reason: inactive } }],
    [{ unknown: ['lead-owner', 'skip'] }, 'u-gone', stranger, { row: { state: 'skipped', reason: inactive } }],
    [{}, 'u-unlisted', stranger, { body: { UserId: 'u-unlisted' } }],
    [{}, 'u-1001', stranger, { body: { UserId: 'u-1001' } }],
  ];
  for (const [user, ownerId, over, outcome] of cases) {
    const world = new World();
    world.crm.users.push(gone);
    const life = await world.live({ user: { ...DEFAULT_POLICY.user, ...user } });
    await world.clock.advance(6000);
    world.crm.leads.set('9811000001', [lead('one', { ownerId })]);
    t.match(await deliver(world, life, fresh(world, 1, over)), outcome, `${JSON.stringify(user)} ${ownerId}`);
    world.close();
  }
});

t.test('without a list of users the owner of the lead is believed', async (t) => {
  const world = new World();
  world.crm.fate = (request) => (request === 'users' ? 'unavailable' : 'ok');
  const life = await world.live({ user: { ...DEFAULT_POLICY.user, discover: false } });
  await world.clock.advance(6000);
  world.crm.leads.set('9811000001', [lead('one', { ownerId: 'owner' })]);
  t.match(await deliver(world, life, fresh(world, 1, { agent: '1999' })), { body: { UserId: 'owner' } });
  world.close();
});

t.test('users that were never fetched are waited for, not guessed', async (t) => {
  const world = new World();
  world.crm.everybodyIsKnown = true;
  world.crm.fate = (request) => (request === 'users' ? 'unavailable' : 'ok');
  const life = await world.live();
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(20_000);
  t.match(world.row(1), { reason: /users of the CRM are not known yet/ });
  t.match(
    life.conditions.findLast((condition) => condition.code === 'crm-users-stale'),
    { raised: true, severity: 'error', text: /none is known from before: calls that need one wait/ },
  );
  world.crm.fate = () => 'ok';
  await world.clock.advance(120_000);
  t.equal(world.state(1), 'delivered');
  t.match(life.conditions.at(-1), { code: 'crm-users-stale', raised: false });
  world.close();
});

t.test('an absurd or failed refresh leaves the users in place, also over a restart', async (t) => {
  const { world, life } = await warm();
  world.crm.users = [];
  await world.clock.advance(DEFAULT_POLICY.user.refreshMs + 1000);
  t.match((await life.delivery.snapshot()).users, { count: 1 });
  t.match(life.conditions.at(-1), { code: 'crm-users-stale', raised: true, text: /listed 0 users where there were 1/ });
  life.kill();
  world.crm.fate = (request) => (request === 'users' ? 'unavailable' : 'ok');
  const next = await world.live();
  t.match((await next.delivery.snapshot()).users, { count: 1 });
  // A start asks again, so that keys that were changed are tried before the first call.
  await world.clock.advance(1000);
  t.match(next.conditions.at(-1), { code: 'crm-users-stale', raised: true, text: /1 known before/ });
  world.close();
});

t.test('a call of nobody says why; its code, what to do about it', async (t) => {
  const { world, life } = await warm({ user: { unknown: ['park'], noAgent: ['park'] } });
  const nobody = (n: number, rule: string): CallRecord => {
    const record = fresh(world, n);
    const agent = { value: null, rule, fact: 'the agent was at 1', rejected: [] };
    const other = { ...agent, value: 'Outbound' };
    const reasons = { direction: other, external: other, status: other, agent } as unknown as CallRecord['reasons'];
    return { ...record, agent: null, agentsRung: [], responsible: null, reasons };
  };
  const row = async (record: CallRecord) => (await deliver(world, life, record)).row;
  t.match(await row(nobody(1, 'nobody')), {
    code: 'no-agent',
    reason: 'No user: no agent took or was offered the call.',
  });
  t.match(await row(nobody(2, 'outside-telephone-of-nobody')), {
    code: 'outside-phone',
    reason: 'No user: the agent was at 1.',
  });
});
