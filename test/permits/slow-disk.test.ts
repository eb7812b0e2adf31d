/** Commits of any length and an event loop that is late: requests go on leaving, and no window is too full. */
import t, { type Test } from 'tap';
import type { PermitOffice } from '../../src/permits/permits.ts';
import { DEFAULT_LIMIT, type LimitPolicy } from '../../src/permits/port.ts';
import { worstWindow } from '../delivery/fakes.ts';
import { chanceOf } from '../faults/support/chance.ts';
import { Scene } from './support.ts';

const FIVE_SECONDS = { requests: 25, windowMs: 5000 };
const ONE_SECOND = { requests: 100, windowMs: 1000 };

/** A post as delivery makes it: the permit, the commit of the intent, and the request if the permit is still good. */
async function post(scene: Scene, permits: PermitOffice, commitMs: () => number): Promise<boolean> {
  using permit = await permits.acquire('live');
  await new Promise<void>((resolve) => scene.clock.after(commitMs(), resolve));
  if (!permit.start()) return false;
  await scene.send();
  return true;
}

/** Posts without end; what ran out is tried again. Answers how many permits ran out. */
function posting(scene: Scene, permits: PermitOffice, at: number, commitMs: () => number): { lapsed: number } {
  const counted = { lapsed: 0 };
  const again = async (): Promise<void> => {
    for (;;) if (!(await post(scene, permits, commitMs))) counted.lapsed += 1;
  };
  for (let i = 0; i < at; i++) again().catch(() => undefined);
  return counted;
}

async function kept(t: Test, scene: Scene, limit: Pick<LimitPolicy, 'requests' | 'windowMs'>): Promise<void> {
  const worst = worstWindow(scene.arrivals, limit.windowMs);
  t.ok(worst <= limit.requests, `${worst} in one window of ${limit.requests}`);
}

for (const limit of [FIVE_SECONDS, ONE_SECOND]) {
  for (const commitMs of [200, 1000, 4000, 25_000]) {
    t.test(`${limit.requests} in ${limit.windowMs} ms, commits of ${commitMs} ms`, async (t) => {
      const scene = new Scene();
      const permits = await scene.warm(limit);
      scene.store.latencyMs = commitMs;
      const counted = posting(scene, permits, 10, () => commitMs);
      await scene.clock.advance(20 * commitMs);
      t.ok(scene.arrivals.length > 0, 'some left');
      const [before, lapsed] = [scene.arrivals.length, counted.lapsed];
      await scene.clock.advance(40 * commitMs);
      t.ok(scene.arrivals.length >= before + 10, `${scene.arrivals.length - before} more left`);
      t.ok(counted.lapsed - lapsed <= scene.arrivals.length - before, 'most permits were good for long enough');
      await kept(t, scene, limit);
    });
  }

  t.test(`${limit.requests} in ${limit.windowMs} ms, commits of any length and a loop that is late`, async (t) => {
    for (let seed = 1; seed <= 5; seed++) {
      const chance = chanceOf(seed);
      const scene = new Scene();
      const permits = await scene.warm(limit);
      const commitMs = (): number => Math.round(1 * 5000 ** chance.next());
      const counted = posting(scene, permits, 10, commitMs);
      for (let step = 0; step < 300; step++) {
        scene.store.latencyMs = commitMs();
        await scene.clock.advance(chance.whole(10, 1000));
        if (chance.is(0.3)) scene.clock.block(chance.whole(1, 3000));
      }
      t.ok(scene.arrivals.length > 50, `${scene.arrivals.length} left, ${counted.lapsed} ran out`);
      await kept(t, scene, limit);
    }
  });

  t.test(
    `${limit.requests} in ${limit.windowMs} ms, stopped for any time while requests are on their way`,
    async (t) => {
      for (const stoppedMs of [100, 1000, 10_000, 60_000, 3_600_000]) {
        const scene = new Scene();
        const permits = await scene.warm(limit);
        scene.store.latencyMs = 5;
        posting(scene, permits, 30, () => 5);
        for (let round = 0; round < 5; round++) {
          await scene.clock.advance(777);
          scene.clock.block(stoppedMs);
        }
        const before = scene.arrivals.length;
        await scene.clock.advance(20_000);
        t.ok(scene.arrivals.length > before + 25, `${scene.arrivals.length - before} left after ${stoppedMs} ms`);
        await kept(t, scene, limit);
      }
    },
  );
}

t.test('permits that lasted long for a slow disk are short again on a fast one', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm();
  const until = (): number => Math.max(...scene.store.until()) - scene.clock.monotonic();
  const disk = { ms: 4000 };
  scene.store.latencyMs = disk.ms;
  posting(scene, permits, 10, () => disk.ms);
  await scene.clock.advance(60_000);
  t.ok(until() > 2000, `${until()} ms`);
  disk.ms = scene.store.latencyMs = 2;
  await scene.clock.advance(60_000);
  t.ok(until() < 2000, `${until()} ms`);
});

t.test('a permit in the hands of a request that waits for the disk keeps its place, and is used late', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm({ requests: 1 });
  // The disk has been so slow that permits last for long.
  scene.store.latencyMs = 20_000;
  const lapsing = posting(scene, permits, 1, () => 20_000);
  await scene.clock.advance(1_000_000);
  t.ok(lapsing.lapsed > 0);
  t.ok(scene.arrivals.length > 10);
  scene.saturate(permits, 3, 'live');
  await scene.clock.advance(1_000_000);
  await kept(t, scene, { requests: 1, windowMs: DEFAULT_LIMIT.windowMs });
});

t.test('a request that could not leave while the program stood still holds its place from when it could', async (t) => {
  const scene = new Scene();
  const permits = await scene.warm({ requests: 1 });
  const permit = await permits.acquire('live');
  t.ok(permit.start());
  await scene.clock.advance(10);
  // Its connection is being made; the program is stopped for longer than two windows, and what it sent leaves afterwards.
  scene.clock.block(60_000);
  scene.saturate(permits, 1, 'live');
  const leftAt = scene.clock.monotonic();
  await scene.clock.advance(4900);
  t.same(scene.arrivals, [], 'nothing within a window of it');
  await scene.clock.advance(60_000);
  t.ok((scene.arrivals[0] ?? 0) > leftAt + 5000);
  permit[Symbol.dispose]();
});
