/** Late facts, where the id that a post was answered with is not that of its activity, or the CRM refuses them. */
import t from 'tap';
import type { CallRecord } from '../../src/call/record.ts';
import { fresh, type Life, World } from './fakes.ts';

const REFUSED = 'crm-update-refused';
const MINUTE = 60_000;

async function warm(): Promise<{
  world: World;
  life: Life;
  late: (record: CallRecord, file: string) => Promise<void>;
}> {
  const world = new World();
  world.crm.everybodyIsKnown = true;
  const life = await world.live();
  await world.clock.advance(6000);
  const late = async (record: CallRecord, file: string): Promise<void> => {
    world.end({ ...record, recording: file });
    life.delivery.notify();
    await world.clock.advance(3 * MINUTE);
  };
  return { world, life, late };
}

async function posted({ world, life }: { world: World; life: Life }, n = 1): Promise<CallRecord> {
  const record = fresh(world, n);
  world.end(record);
  life.delivery.notify();
  await world.clock.advance(2000);
  return record;
}

const asked = ({ crm }: World, what: string): number => crm.requests.filter((request) => request === what).length;
const told = ({ conditions }: Life) => conditions.filter(({ code }) => code === REFUSED).map(({ raised }) => raised);

t.test(
  'the id of a post is not that of the activity, or it has none: the activity is looked for and kept',
  async (t) => {
    for (const id of ['log-1', null]) {
      const { world, life, late } = await warm();
      world.crm.answeredId = () => id;
      // As long as a call log takes to be seen.
      world.crm.lagMs = 50_000;
      const record = await posted({ world, life });
      t.match(world.row(1), { activity_id: id });
      await late(record, 'late.wav');
      t.match(world.row(1), { state: 'delivered', step: null, reason: null, activity_id: 'a-1' });
      t.same(world.crm.ledger[0]?.late, [{ recordingUrl: 'late.wav', durationSeconds: null }]);
      t.equal(asked(world, 'find'), 1, 'not before it can be seen');
      t.same(told(life), []);
      const before = world.crm.requests.length;
      await late(record, 'later.wav');
      t.same(world.crm.requests.slice(before), ['update']);
      t.equal(world.crm.facts('pbx:1:1').recordingUrl, 'later.wav');
      world.close();
    }
  },
);

t.test('what the CRM refuses of the activity itself is told until it takes the next', async (t) => {
  const { world, life, late } = await warm();
  const record = await posted({ world, life });
  // Of an equal call that is none of ours.
  world.crm.ledger.push({ sessionId: 'pbx:1:1', activityId: 'a-9', body: {}, visibleAt: 0, late: [] });
  world.crm.fate = (request) => (request === 'update' ? 'rejected' : 'ok');
  await late(record, 'late.wav');
  t.match(world.row(1), {
    state: 'delivered',
    step: null,
    activity_id: 'a-1',
    reason: 'Late facts not sent: rejected',
  });
  t.same(told(life), [true]);
  t.match(life.conditions.at(-1), {
    severity: 'warning',
    text: /logcalld calls --state delivered --reason "Late facts/,
  });
  t.equal(asked(world, 'find'), 1);
  t.equal(asked(world, 'update'), 2, 'once before it can be looked for');
  await world.clock.advance(60 * MINUTE);
  t.equal(asked(world, 'update'), 2, 'and no more');
  world.crm.fate = () => 'ok';
  t.same(world.crm.ledger[1]?.late, []);
  await late(record, 'other.wav');
  t.same(told(life), [true, false]);
  world.close();
});

t.test('the activity of another call is not taken, and one that cannot be looked for yet is later', async (t) => {
  const { world, life, late } = await warm();
  await posted({ world, life }, 2);
  world.crm.answeredId = () => 'log-1';
  const record = await posted({ world, life });
  const [other, own] = world.crm.ledger.map(({ activityId }) => activityId);
  world.crm.looksLike = (sessionId) => (sessionId === 'pbx:1:1' ? [other, own].flatMap((id) => id ?? []) : []);
  let down = true;
  world.crm.fate = (request) => (request === 'find' && down ? 'unavailable' : 'ok');
  await late(record, 'late.wav');
  t.match(world.row(1), { state: 'delivered', step: 'update' });
  down = false;
  await world.clock.advance(10 * MINUTE);
  t.match(world.row(1), { state: 'delivered', step: null, activity_id: own });
  t.same(
    world.crm.ledger.map((entry) => entry.late.length),
    [0, 1],
  );
  world.crm.looksLike = () => (other === undefined ? [] : [other]);
  const lost = await posted({ world, life }, 3);
  await late(lost, 'late.wav');
  t.match(world.row(3), {
    step: null,
    reason: /^Late facts not sent: no other call log was found than .* refused \(rejected\)\.$/,
  });
  t.same(told(life), [true]);
  world.close();
});
