/** Permits as requests take them: who gets one, for how long it is good, and what stops them. */
import t from 'tap';
import type { PermitOffice } from '../../src/permits/permits.ts';
import { onPermit, PermitsClosed } from '../../src/permits/port.ts';
import { flush } from '../delivery/fakes.ts';
import { Scene } from './support.ts';

t.test('a permit that comes too late, because the program was stopped meanwhile, is not used', async (t) => {
  const scene = new Scene();
  scene.store.latencyMs = 10;
  const permits = await scene.warm();
  scene.request(permits, 'live').catch(t.fail);
  await flush();
  // Between asking the disk and its answer the whole machine sleeps.
  scene.clock.block(60_000);
  await scene.clock.advance(1);
  t.equal(scene.arrivals.length, 0, 'its time had run out');
  t.equal(scene.store.commits, 1);
  await scene.clock.advance(100);
  t.equal(scene.arrivals.length, 1);
  t.equal(scene.store.commits, 2, 'another one was taken');
});

t.test('a permit is good once, and for its time', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm();
  const permit = await permits.acquire('live');
  t.match(permit, { id: Number, waitedMs: 0 });
  t.same([permit.start(), permit.start()], [true, false]);
  permit[Symbol.dispose]();
  t.equal(permit.start(), false, 'it is over');
  const late = await permits.acquire('live');
  scene.clock.block(1010);
  t.equal(late.start(), false, 'what is on disk does not cover it any more');
  late[Symbol.dispose]();
  await scene.clock.advance(0);
  const [other] = await Promise.all([permits.acquire('live'), scene.clock.advance(10)]);
  t.not(other.id, late.id);
  t.equal(other.start(), true);
});

t.test('what is sent late on a permit holds its entry from then on', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm({ requests: 1 });
  {
    using permit = await permits.acquire('live');
    scene.clock.block(900);
    t.equal(permit.start(), true);
    scene.send().catch(t.fail);
    await scene.clock.advance(20);
  }
  scene.saturate(permits, 1, 'live');
  await scene.clock.advance(6000);
  const [first = 0, second = 0] = scene.arrivals;
  t.ok(second - first > 5000, `${second - first} ms`);
});

t.test('a permit that is not used gives its entry back, once', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm({ requests: 1, concurrency: 1 });
  const permit = await permits.acquire('backlog');
  t.equal(permits.underWay('backlog'), 1);
  const sent = scene.request(permits, 'live');
  await scene.clock.advance(60_000);
  t.equal(scene.arrivals.length, 0);
  permit[Symbol.dispose]();
  permit[Symbol.dispose]();
  await scene.clock.advance(100);
  await sent;
  t.equal(scene.arrivals.length, 1);
  t.equal(permits.snapshot().underWay, 0);
});

t.test('who goes away while it waits gets none, and nobody waits for it', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm({ requests: 1 });
  const first = await permits.acquire('live');
  const stop = new AbortController();
  const gone = permits.acquire('live', stop.signal);
  const stays = scene.request(permits, 'live');
  t.equal(permits.snapshot().waiting.live, 2);
  const reason = new Error('the row is somebody else’s now');
  stop.abort(reason);
  await t.rejects(gone, reason);
  await t.rejects(permits.acquire('live', stop.signal), reason);
  t.equal(permits.snapshot().waiting.live, 1);
  first[Symbol.dispose]();
  await scene.clock.advance(100);
  await stays;
  t.equal(scene.arrivals.length, 1);
  const later = new AbortController();
  const [kept] = await Promise.all([permits.acquire('live', later.signal), scene.clock.advance(5100)]);
  later.abort(reason);
  t.equal(kept.start(), true, 'a permit that was given is kept');
});

t.test('a live call finds a entry at once while a backlog uses the whole budget', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm();
  scene.saturate(permits, 12);
  await scene.clock.advance(60_000);
  let worst = 0;
  for (let i = 0; i < 200; i++) {
    const from = scene.clock.monotonic();
    let wait = -1;
    scene
      .request(permits, 'live', async () => {
        wait = scene.clock.monotonic() - from;
      })
      .catch(t.fail);
    await scene.clock.advance(1013);
    if (wait < 0) t.fail('a live call waited over a second');
    worst = Math.max(worst, wait);
  }
  t.ok(worst <= 500, `the longest wait was ${worst} ms`);
});

t.test('so many are under way at the same time, and what is slow makes room for others', async (t) => {
  const scene = new Scene();
  scene.latencyMs = 1000;
  const permits = await scene.warm({ concurrency: 6 });
  scene.saturate(permits, 10, 'live');
  await scene.clock.advance(499);
  t.equal(scene.arrivals.length, 3, 'half as many, where requests are not known to be slow as a rule');
  scene.saturate(permits, 2, 'live');
  await scene.clock.advance(10);
  t.equal(scene.arrivals.length, 5, 'after half a second without an answer, for what came since');
  await scene.clock.advance(480);
  t.equal(scene.arrivals.length, 5);
});

t.test('while many get no answer, what came after them goes at once, and older calls wait for answers', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm();
  const answers: (() => void)[] = [];
  const hang = () => new Promise<void>((resolve) => void answers.push(resolve));
  const order: string[] = [];
  const ask = async (name: string, ageMs: number): Promise<void> => {
    await onPermit(permits, { priority: 'live', ageMs }, async (leaves) => (leaves() ? { n: order.push(name) } : null));
  };
  for (let i = 0; i < 10; i++) scene.request(permits, 'live', hang).catch(t.fail);
  await scene.clock.advance(600);
  t.ok(answers.length >= 5, `${answers.length} are under way`);
  ask('old', 10_000).catch(t.fail);
  ask('next', 0).catch(t.fail);
  await scene.clock.advance(1000);
  t.same(order, ['next']);
  await scene.clock.advance(60_000);
  t.same(order, ['next']);
  for (const answer of answers.splice(1)) answer();
  await scene.clock.advance(1000);
  t.same(order, ['next', 'old']);
});

t.test(
  'the cap of a day holds, is said once for all but new calls and once for those, and ends at midnight UTC',
  async (t) => {
    const scene = new Scene();
    const permits = await scene.warm({ perDay: 50 });
    scene.saturate(permits, 5, 'backlog');
    await scene.clock.advance(3_600_000);
    t.equal(scene.arrivals.length, 45, 'a tenth is kept');
    scene.saturate(permits, 5, 'live');
    await scene.clock.advance(3_600_000);
    t.equal(scene.arrivals.length, 50);
    const caps = scene.conditions.filter((condition) => condition.code === 'crm-daily-cap');
    t.same(
      caps.map((condition) => condition.raised),
      [true, true],
    );
    await scene.clock.advance(14 * 3_600_000);
    t.equal(scene.arrivals.length, 100, 'the next day');
  },
);

t.test('what is told of the cap of a day: what still goes on, and of which day it counts', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm({ perDay: 50 });
  scene.saturate(permits, 5, 'backlog');
  await scene.clock.advance(3_600_000);
  t.equal(permits.snapshot().usedToday, 45);
  t.match(scene.conditions.at(-1), { code: 'crm-daily-cap', raised: true, text: /Nine tenths of the 50 requests/ });
  scene.saturate(permits, 5, 'live');
  await scene.clock.advance(3_600_000);
  t.match(scene.conditions.at(-1), { code: 'crm-daily-cap', raised: true, text: /^The 50 requests of today are used/ });
});

t.test('a night without a request: those of yesterday are not told as those of today', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm();
  await Promise.all([scene.request(permits, 'live'), scene.clock.advance(1000)]);
  t.equal(permits.snapshot().usedToday, 1);
  const { day } = permits.snapshot();
  await scene.clock.advance(86_400_000);
  t.equal(permits.snapshot().usedToday, 0);
  t.ok(permits.snapshot().day > day);
});

t.test('the cap of a day is one for all processes, and what ran out unused is not counted', async (t) => {
  const scene = new Scene();
  const [first, second] = [await scene.warm({ perDay: 20 }), await scene.open({ perDay: 20 })];
  const late = await first.acquire('live');
  scene.clock.block(2000);
  late[Symbol.dispose]();
  scene.saturate(first, 5, 'live');
  scene.saturate(second, 5, 'live');
  await scene.clock.advance(600_000);
  t.ok(scene.arrivals.length <= 20 && scene.arrivals.length >= 19, `${scene.arrivals.length} of 20`);
});

t.test('a permit on which nothing left is not counted for the cap of a day', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm({ perDay: 10 });
  for (let n = 0; n < 30; n++) (await permits.acquire('live'))[Symbol.dispose]();
  const late = await permits.acquire('live');
  await scene.clock.advance(5000);
  t.notOk(late.start());
  late[Symbol.dispose]();
  t.equal(permits.snapshot().usedToday, 0);
  const request = async (of: PermitOffice): Promise<number> => {
    const done = scene.request(of, 'live');
    await scene.clock.advance(1000);
    await done;
    return of.snapshot().usedToday;
  };
  t.equal(await request(permits), 1);
  t.equal(await request(await scene.warm({ perDay: 10 })), 2, 'nor by the store');
});

t.test('a store that fails stops requests, says so, and goes on by itself', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm();
  scene.store.error = new Error('database or disk is full');
  scene.saturate(permits, 1);
  await scene.clock.advance(10_000);
  t.equal(scene.arrivals.length, 0);
  t.match(scene.conditions, [
    { code: 'delivery-store', raised: true, severity: 'error', text: /full.*Check the disk/ },
  ]);
  scene.store.error = null;
  await scene.clock.advance(1500);
  t.ok(scene.arrivals.length > 0);
  t.match(scene.conditions.at(-1), { code: 'delivery-store', raised: false });
});

t.test('closing rejects what waits, lets requests under way go on, and gives nothing more', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm({ requests: 1 });
  const given = await permits.acquire('live');
  const waiting = [permits.acquire('backlog'), permits.acquire('live')];
  permits.close();
  for (const one of waiting) await t.rejects(one, PermitsClosed);
  t.equal(given.start(), true, 'one that was given is good');
  given[Symbol.dispose]();
  await t.rejects(permits.acquire('live'), PermitsClosed);
  await scene.clock.advance(60_000);
  t.equal(scene.clock.timers.length, 0, 'nothing runs on');
});

t.test('a store that cannot be read gives no permits at all', async (t) => {
  const scene = new Scene();
  scene.store.load = () => Promise.reject(new Error('disk I/O error'));
  await t.rejects(scene.open(), /disk I\/O error/);
});

t.test('a refusal is told to be over, and the rate grows back, while nothing is asked for', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm();
  const raised = () => scene.conditions.findLast(({ code }) => code === 'crm-rate-limited')?.raised;
  permits.refused({ limit: null, windowMs: null, retryAfterMs: 100_000 });
  t.equal(raised(), true);
  await scene.clock.advance(95_000);
  t.equal(raised(), true, 'nothing is sent yet');
  await scene.clock.advance(60_000);
  t.equal(raised(), false);
  await scene.clock.advance(600_000);
  t.match(permits.snapshot(), { tuning: { requests: 25, strict: false } });
  const timers = scene.clock.timers.length;
  permits.refused({ limit: null, windowMs: null, retryAfterMs: null });
  t.equal(scene.clock.timers.length, timers + 1);
  permits.close();
  t.equal(scene.clock.timers.length, timers, 'no timer is left');
});
