/** The limit over restarts, reboots, clock steps, pauses and slow disks, and over several processes. */
import t from 'tap';
import { DEFAULT_LIMIT as LIMIT } from '../../src/permits/port.ts';
import { flush, worstWindow } from '../delivery/fakes.ts';
import { amount } from '../support/runs.ts';
import { Scene } from './support.ts';

t.test('hours without a pause, with restarts, pauses and clock steps', async (t) => {
  const scene = new Scene();
  const hours = amount(2 / 3, 4);
  let rounds = 0;
  for (let minute = 0; minute < hours * 60 - 1; minute += 20) {
    const permits = await scene.open();
    scene.saturate(permits, 12);
    await scene.clock.advance(600_000);
    scene.clock.wall += rounds % 2 === 0 ? 3_600_000 : -86_400_000;
    scene.clock.block(rounds % 5 === 0 ? 700 : 40);
    await scene.clock.advance(600_000);
    permits.close();
    rounds += 1;
  }
  const worst = worstWindow(scene.arrivals, LIMIT.windowMs);
  const fill = scene.arrivals.length / ((25 * hours * 3_600_000) / 5000);
  t.equal(worst, 25);
  t.ok(fill >= 0.98, `fill ${fill} over ${rounds} lives`);
});

t.test('a restart never breaches, whenever it comes', async (t) => {
  for (let ms = 0; ms < 6000; ms += 193) {
    const scene = new Scene();
    scene.store.latencyMs = ms % 5 === 0 ? 100 : 0;
    const first = await scene.warm({ concurrency: 50 });
    scene.saturate(first, 40, 'live');
    await scene.clock.advance(ms);
    // The old life is gone at once: what it had under way is never answered.
    scene.latencyMs = 1e9;
    first.close();
    const second = await scene.open({ concurrency: 50 });
    scene.saturate(second, 40, 'live');
    await scene.clock.advance(6000);
    const worst = worstWindow(scene.arrivals, LIMIT.windowMs);
    if (worst > 25) t.fail(`${worst} in a window with a restart after ${ms} ms`);
  }
  t.pass();
});

t.test('a program that was stopped anywhere in a turn, and then killed, breaches nothing', async (t) => {
  let told = 0;
  for (let steps = 0; steps < 60; steps++) {
    const scene = new Scene();
    const first = await scene.warm();
    for (let i = 0; i < 12; i++) scene.request(first, 'live').catch(() => undefined);
    // So far into the turn in which requests leave.
    for (let i = 0; i < steps; i++) await null;
    const before = scene.arrivals.length;
    if (before > 0 && before < 5) told += 1;
    scene.clock.block(35_000);
    // What left later than its permit was good for is in no store: the next life cannot know it.
    await flush();
    first.close();
    const second = await scene.open({ concurrency: 50 });
    scene.saturate(second, 40, 'live');
    await scene.clock.advance(6000);
    const worst = worstWindow(scene.arrivals, LIMIT.windowMs);
    if (worst > 25) t.fail(`${worst} in a window when it was stopped after ${steps} steps`);
  }
  t.ok(told > 0, 'in some the stop came between the requests of a turn');
});

t.test('several processes share the limit, on disks of any speed, and one that ends leaves its part', async (t) => {
  for (const latencyMs of [0, 3, 80, 120]) {
    const scene = new Scene();
    scene.store.latencyMs = latencyMs;
    const all = [await scene.warm(), await scene.open(), await scene.open()];
    const starts = all.map((): number[] => []);
    all.forEach((permits, n) => {
      scene.saturate(permits, 12, n === 0 ? 'backlog' : 'live', () => {
        starts[n]?.push(scene.clock.monotonic());
        return scene.send();
      });
    });
    await scene.clock.advance(120_000);
    t.ok(worstWindow(scene.arrivals, LIMIT.windowMs) <= 25, `${worstWindow(scene.arrivals, 5000)} at ${latencyMs} ms`);
    const together = scene.arrivals.length;
    t.ok(together >= 0.6 * 25 * 24, `${together} of ${25 * 24} at ${latencyMs} ms`);
    for (const own of starts) t.ok(own.length >= 0.1 * together, `${own.length} of ${together}`);
    all[0]?.close();
    all[1]?.close();
    await scene.clock.advance(10_000);
    const before = scene.arrivals.length;
    await scene.clock.advance(120_000);
    const alone = scene.arrivals.length - before;
    t.ok(alone >= 0.97 * 25 * 24, `${alone} of ${25 * 24} when the others are gone`);
    t.ok(worstWindow(scene.arrivals, LIMIT.windowMs) <= 25);
  }
});

t.test('strict: the answers of the last run are not known, so a window passes', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm({ strict: true });
  scene.saturate(permits, 1);
  await scene.clock.advance(100);
  permits.close();
  const before = scene.arrivals.length;
  const from = scene.clock.monotonic();
  scene.saturate(await scene.open({ strict: true }), 1);
  await scene.clock.advance(6000);
  t.ok((scene.arrivals[before] ?? 0) >= from + 5000);
});

t.test('after a reboot, or when what is remembered is of another one, a whole window passes', async (t) => {
  const scene = new Scene();
  const first = await scene.warm();
  scene.saturate(first, 1);
  await scene.clock.advance(1000);
  first.close();
  const waits = async (what: string): Promise<void> => {
    const from = scene.clock.monotonic();
    const permits = await scene.open();
    const before = scene.arrivals.length;
    scene.saturate(permits, 1);
    await scene.clock.advance(6000);
    t.ok((scene.arrivals[before] ?? 0) >= from + 5000, what);
    permits.close();
  };
  scene.clock.bootId = 'boot-2';
  await waits('another boot');
  scene.clock.bootId = 'boot-3';
  scene.clock.mono = 5.5;
  await waits('whose clock began anew');
  scene.store.db.prepare('UPDATE permit SET until = ?').run(scene.clock.monotonic() + 10_000_000);
  await waits('the same boot, and times that cannot be');
});

t.test('a permit is stored before it is used, also on a slow disk, and the budget is used', async (t) => {
  const scene = new Scene();
  scene.store.latencyMs = 80;
  const permits = await scene.open();
  const start = scene.clock.monotonic() + 5025;
  const uncovered: number[] = [];
  scene.saturate(permits, 8, 'backlog', () => {
    const now = scene.clock.monotonic();
    if (!scene.store.until().some((until) => until >= now)) uncovered.push(now);
    return scene.send();
  });
  await scene.clock.advance(605_025);
  const fill = scene.arrivals.length / ((25 * (scene.clock.monotonic() - start)) / 5000);
  t.same(uncovered, []);
  t.ok(fill >= 0.98, `fill ${fill}`);
  t.equal(worstWindow(scene.arrivals, 5000), 25);
  t.ok(scene.store.commits < scene.arrivals.length / 2, `${scene.store.commits} commits`);
});

t.test('Retry-After holds everything, nothing is spent meanwhile, and what was learned is kept', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm();
  permits.refused({ limit: null, windowMs: null, retryAfterMs: 30_000 });
  scene.saturate(permits, 3, 'live');
  await scene.clock.advance(29_000);
  t.equal(scene.arrivals.length, 0);
  t.ok(permits.snapshot().heldMs > 0);
  t.match(scene.conditions.at(-1), { code: 'crm-rate-limited', raised: true, text: /^the CRM refused/ });
  await scene.clock.advance(3000);
  t.ok(scene.arrivals.length > 0);
  permits.close();
  const second = await scene.open();
  t.match(second.snapshot().tuning, { requests: 20, strict: true });
  second.resume();
  t.match(second.snapshot(), { heldMs: 0, tuning: { requests: 25, strict: false } });
  t.match(scene.conditions.at(-1), { code: 'crm-rate-limited', raised: false });
  t.match((await scene.open()).snapshot().tuning, { requests: 25, strict: false }, 'and forgotten');
});
