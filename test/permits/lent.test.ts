/** A request that another program makes on a permit of the daemon: with all those of the daemon it keeps the limit, however late it leaves. */
import t from 'tap';
import { borrowed, type Lent, lend } from '../../src/permits/lent.ts';
import { onPermit, PermitsClosed } from '../../src/permits/port.ts';
import { worstWindow } from '../delivery/fakes.ts';
import { Scene } from './support.ts';

/** The daemon has more to do than it may; the other program's connection is up so many ms after it got its permit. */
async function besideBacklog(
  connectMs: number,
  killed: boolean,
): Promise<{ readonly left: number; readonly worst: number }> {
  const scene = new Scene();
  const { clock } = scene;
  const daemon = await scene.warm({ concurrency: 50 });
  scene.saturate(daemon, 40);
  await clock.advance(6000);
  const asked = Promise.withResolvers<void>();
  const ask = (): Promise<Lent> => {
    const lent = lend(daemon, clock);
    lent.then(() => asked.resolve(), asked.reject);
    return lent;
  };
  let isUp = false;
  let left = 0;
  const request = onPermit(borrowed(ask, clock), { priority: 'background' }, async (leaves) => {
    if (!isUp) await new Promise<void>((up) => clock.after(connectMs, up));
    isUp = true;
    if (!leaves()) return null;
    left += 1;
    await scene.send();
    return {};
  });
  request.catch(() => undefined);
  await Promise.all([asked.promise, clock.advance(3000)]);
  if (killed) {
    daemon.close();
    scene.saturate(await scene.open({ concurrency: 50 }), 40, 'live');
  }
  await clock.advance(connectMs + 20_000);
  return { left, worst: worstWindow(scene.arrivals, 5000) };
}

t.test('it leaves on a permit that is still good when its connection is up', async (t) => {
  for (const connectMs of [0, 300, 990, 1000, 1500, 2500, 4900, 6000, 10_000]) {
    const { left, worst } = await besideBacklog(connectMs, false);
    t.same([left, worst], [1, 25], `${connectMs} ms`);
  }
});

t.test('also when the daemon is killed meanwhile', async (t) => {
  for (const connectMs of [0, 300, 900, 2000, 3200, 5000]) {
    const { worst } = await besideBacklog(connectMs, true);
    t.ok(worst <= 25, `${worst} at ${connectMs} ms`);
  }
});

t.test('nothing leaves without a permit', async (t) => {
  const scene = new Scene();
  const daemon = await scene.open();
  const waiting = lend(daemon, scene.clock);
  daemon.close();
  await t.rejects(waiting, PermitsClosed);
  let asked = 0;
  const permits = borrowed(async () => {
    asked += 1;
    return null;
  }, scene.clock);
  await t.rejects(permits.acquire('background'), PermitsClosed);
  t.equal(asked, 1);
});

t.test('it is good once, until the moment that was told', async (t) => {
  const { clock } = new Scene();
  const permits = borrowed(async () => ({ until: clock.monotonic() + 500 }), clock);
  const [first, second] = [await permits.acquire('live'), await permits.acquire('live')];
  t.same([first.used, first.start(), first.used, first.start()], [false, true, true, false]);
  clock.block(500);
  t.same([second.start(), second.used], [false, false]);
});
