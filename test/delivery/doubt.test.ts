/** What counts as proof that a post of unknown fate has not arrived. */
import t from 'tap';
import { doubtAll } from '../../adapters/sqlite/upkeep/doubt.ts';
import type { Directory, LandedQuery, Lead } from '../../src/delivery/crm.ts';
import { createLeads } from '../../src/delivery/parties/leads.ts';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';
import type { LeadCache } from '../../src/delivery/store.ts';
import { FakeClock, fresh, reply, World } from './fakes.ts';

const lead = (id: string): Lead => ({ id, name: null, ownerId: null, phone: null, mobile: null });
const lookups = ({ crm }: World) => crm.requests.filter((request) => /lead/.test(request));

t.test('a hidden number is not looked up: what cannot be found without it is parked', async (t) => {
  const world = new World();
  const life = await world.live({ lead: { ...DEFAULT_POLICY.lead, anonymous: 'send' } });
  await world.clock.advance(6000);
  world.crm.fate = (request) => (request === 'post' ? 'lost' : request === 'find' ? 'rejected' : 'ok');
  world.end(fresh(world, 1, { withheld: true }));
  life.delivery.notify();
  await world.clock.advance(70_000);
  t.match(world.row(1), { state: 'parked', code: 'check-impossible' });
  t.same(lookups(world), []);
  t.equal(world.crm.ledger.length, 1);
  world.close();
});

t.test('resend is for a post that was made here: what a lost database may have posted is looked for', async (t) => {
  for (const tries of [0, 1]) {
    const world = new World();
    world.crm.everybodyIsKnown = true;
    const before = await world.live({ uncertain: 'resend' });
    await world.clock.advance(6000);
    world.crm.fate = (request) => (tries > 0 && request === 'post' ? 'unreachable' : 'ok');
    if (tries === 0) before.delivery.pause();
    world.end(fresh(world, 1));
    before.delivery.notify();
    await world.clock.advance(1000);
    t.match(world.row(1), { tries });
    before.kill();
    // The database is taken back to this moment; meanwhile the call was posted.
    world.crm.ledger.push({ sessionId: 'pbx:1:1', activityId: 'a-1', body: {}, visibleAt: 0, late: [] });
    world.crm.fate = () => 'ok';
    doubtAll(world.db, world.clock.now(), world.clock.now());
    await world.live({ uncertain: 'resend' });
    await world.clock.advance(120_000);
    t.match(world.row(1), { state: 'delivered', activity_id: 'a-1', tries });
    t.equal(world.crm.ledger.length, 1);
    world.close();
  }
});

t.test('resend: a post under way, or without an answer, when the database is taken back is looked for', async (t) => {
  for (const [fate, state] of [
    ['hang', 'sending'],
    ['dropped', 'uncertain'],
  ] as const) {
    const world = new World();
    world.crm.everybodyIsKnown = true;
    const before = await world.live({ uncertain: 'resend' });
    await world.clock.advance(6000);
    world.crm.fate = (request) => (request === 'post' ? fate : 'ok');
    world.end(fresh(world, 1));
    before.delivery.notify();
    for (let waits = 0; world.row(1).state !== 'sending' && waits < 100; waits++) await world.clock.advance(5);
    // What is under way ends, and nothing follows.
    before.delivery.pause();
    await world.clock.advance(1000);
    t.match(world.row(1), { state, tries: 1 });
    before.kill();
    // The database is taken back to this moment; the one that is lost had posted the call meanwhile.
    world.crm.ledger.push({ sessionId: 'pbx:1:1', activityId: 'a-1', body: {}, visibleAt: 0, late: [] });
    world.crm.fate = () => 'ok';
    doubtAll(world.db, world.clock.now(), world.clock.now());
    await world.live({ uncertain: 'resend' });
    await world.clock.advance(120_000);
    t.match(world.row(1), { state: 'delivered', activity_id: 'a-1', tries: 1 });
    t.equal(world.crm.ledger.length, 1);
    world.close();
  }
});

t.test(
  'resend: what was parked or skipped in doubt of a post is looked for after the database was taken back',
  async (t) => {
    const world = new World();
    world.crm.everybodyIsKnown = true;
    const before = await world.live({ uncertain: 'resend' });
    before.delivery.pause();
    world.end(fresh(world, 1));
    world.db.exec("UPDATE delivery SET state = 'skipped', step = NULL, doubtful = 1, tries = 1");
    before.kill();
    world.crm.ledger.push({ sessionId: 'pbx:1:1', activityId: 'a-1', body: {}, visibleAt: 0, late: [] });
    doubtAll(world.db, world.clock.now(), world.clock.now());
    await world.live({ uncertain: 'resend' });
    // Newer facts: the rules do not skip it any more.
    world.end({ ...world.stored(1).record, talkSeconds: 59 });
    await world.clock.advance(200_000);
    t.match(world.row(1), { state: 'delivered', activity_id: 'a-1', tries: 1 });
    t.equal(world.crm.ledger.length, 1);
    world.close();
  },
);

t.test('resend: what an operator had sent again is looked for', async (t) => {
  const world = new World();
  world.crm.everybodyIsKnown = true;
  const life = await world.live({ uncertain: 'resend' });
  await world.clock.advance(6000);
  world.crm.fate = (request) => (request === 'post' ? 'rejected' : 'ok');
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(1000);
  world.crm.fate = (request) => (request === 'post' ? 'lost' : 'ok');
  await life.delivery.replay({ filter: {}, force: false, dryRun: false });
  await world.clock.advance(120_000);
  t.match(world.row(1), { state: 'delivered' });
  t.equal(world.crm.ledger.length, 1);
  world.close();
});

t.test('nothing in the time of the post is no proof where the call has a number: its leads are asked', async (t) => {
  const world = new World();
  const life = await world.live();
  await world.clock.advance(6000);
  // The clocks are not the same, so the time is another one for the CRM.
  world.crm.shows = ({ leadIds }) => leadIds?.includes('made') === true;
  world.crm.fate = (request) => (request === 'post' ? 'lost' : 'ok');
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(2000);
  world.crm.fate = () => 'ok';
  world.crm.leads.set('9811000001', [lead('made')]);
  await world.clock.advance(70_000);
  t.match(world.row(1), { state: 'delivered', tries: 1 });
  t.equal(world.crm.ledger.length, 1);
  world.close();
});

t.test('a call that is not with the one lead that a lookup shows is looked for with the others', async (t) => {
  const world = new World();
  const life = await world.live();
  await world.clock.advance(6000);
  world.crm.shows = ({ leadIds }) => leadIds?.includes('other') === true;
  world.crm.fate = (request) => (request === 'post' ? 'lost' : 'ok');
  world.end(fresh(world, 1), fresh(world, 2));
  life.delivery.notify();
  await world.clock.advance(2000);
  world.crm.fate = () => 'ok';
  for (const number of ['9811000001', '9811000002']) world.crm.leads.set(number, [lead('latest')]);
  world.crm.everyLead.set('+91-9811000001', [lead('latest'), lead('other')]);
  await world.clock.advance(70_000);
  t.match(world.row(1), { state: 'delivered', tries: 1 });
  t.match(world.row(2), { state: 'delivered', tries: 2 }, 'nobody else has that number');
  t.equal(lookups(world).filter((request) => request.startsWith('every lead +91-9811000001')).length, 1);
  world.close();
});

t.test(
  'nobody has the number, of too many calls: it is proof only where those of the time of the post were looked through',
  async (t) => {
    const many = ({ leadIds, until }: LandedQuery) => leadIds === null && until === undefined;
    const ways: readonly [string, (world: World) => void, Awaited<ReturnType<typeof lost>>][] = [
      [
        'the post made a lead, which has the number as it was posted',
        ({ crm }) => {
          crm.tooMany = ({ leadIds }) => leadIds === null;
          crm.everyLead.set('+91-9811000001', [lead('made')]);
          crm.shows = ({ leadIds }) => leadIds?.includes('made') === true;
        },
        { state: 'delivered', code: null, tries: 1, posts: 1 },
      ],
      [
        'it is among those of the time of the post',
        ({ crm }) => {
          crm.tooMany = many;
        },
        { state: 'delivered', code: null, tries: 1, posts: 1 },
      ],
      [
        'it is not among them',
        ({ crm }) => {
          crm.tooMany = many;
          crm.ledger.pop();
        },
        { state: 'delivered', code: null, tries: 2, posts: 1 },
      ],
      [
        'there are too many of them as well',
        ({ crm }) => {
          crm.tooMany = ({ leadIds }) => leadIds === null;
        },
        { state: 'parked', code: 'check-impossible', tries: 1, posts: 1 },
      ],
    ];
    for (const [name, set, wanted] of ways) t.match(await lost(set), wanted, name);
  },
);

/** What becomes of a call whose post got no answer. */
async function lost(set: (world: World) => void) {
  const world = new World();
  const life = await world.live();
  await world.clock.advance(6000);
  world.crm.fate = (request) => (request === 'post' ? 'lost' : 'ok');
  world.end(fresh(world, 1));
  life.delivery.notify();
  await world.clock.advance(2000);
  world.crm.fate = () => 'ok';
  set(world);
  await world.clock.advance(70_000);
  const { state, code, tries } = world.row(1);
  world.close();
  return { state, code, tries, posts: world.crm.ledger.length };
}

t.test('a lead that a post may have made is looked for as the post writes its number', async (t) => {
  for (const posted of ['CCNSN', '+CCNSN'] as const) {
    const asked: string[] = [];
    const directory = {
      async findEveryLead(phone: string) {
        asked.push(phone);
        return reply('accepted', []);
      },
    } as unknown as Directory;
    const policy = { ...DEFAULT_POLICY.lead, formats: ['NSN'], posted } as const;
    const leads = createLeads({ directory, cache: {} as LeadCache, clock: new FakeClock(), policy });
    await leads.every('+919811000001', { priority: 'retry' });
    const written = posted === 'CCNSN' ? '919811000001' : '+919811000001';
    t.same(asked, ['9811000001', '+91-9811000001', written], 'and as a capture writes it');
  }
});
