/** What an open page is sent while nothing changes, and while the daemon is silent. */
import { mock } from 'node:test';
import t from 'tap';
import type { Daemon, Status } from '../../src/page/ask.ts';
import { createLive } from '../../src/page/live.ts';
import { pageOn, statusOf } from './fake.ts';

/** Turns of the event loop, with timers that a test moves. */
const turns = async (): Promise<void> => {
  for (let n = 0; n < 30; n++) await new Promise((resolve) => setImmediate(resolve));
};

t.test('an open page hears something though the daemon is silent, and that it is', async (t) => {
  let answer: (() => Promise<Status>) | null = null;
  const status = statusOf();
  const page = pageOn({}, status, [], () => answer?.() ?? Promise.resolve(status));
  const { cookie, csrf } = await page.login();
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  t.teardown(() => mock.timers.reset());
  const reader = (await page.ask('/events', { cookie })).body?.getReader();
  const events: string[] = [];
  const all = (async () => {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return;
      events.push(...[...new TextDecoder().decode(value).matchAll(/^event: (\S+)$/gm)].map(([, name]) => name ?? ''));
    }
  })();
  await turns();
  t.same([...new Set(events.splice(0))], ['part']);
  mock.timers.tick(15_000);
  await turns();
  t.same(events.splice(0), ['alive']);
  let late: (status: Status) => void = () => {};
  answer = () =>
    new Promise((resolve) => {
      late = resolve;
    });
  mock.timers.tick(1000);
  await turns();
  mock.timers.tick(10_000);
  await turns();
  t.same(events.splice(0), ['away'], 'a look that is late');
  mock.timers.tick(15_000);
  await turns();
  t.same(events.splice(0), ['away'], 'told again');
  answer = null;
  late(status);
  await turns();
  t.same(events.splice(0), ['alive'], 'though no part has changed');
  await page.post('/logout', { csrf }, cookie);
  mock.timers.tick(1000);
  await turns();
  await all;
});

t.test('a request for the head alone leaves nothing open', async (t) => {
  const page = pageOn();
  const { cookie } = await page.login();
  for (let n = 0; n < 101; n++) {
    const { status, headers } = await page.ask('/events', { method: 'HEAD', cookie });
    if (n === 0) t.match([status, headers.get('content-type')], [200, 'text/event-stream']);
  }
  const stream = await page.ask('/events', { cookie });
  t.equal(stream.status, 200);
  await stream.body?.cancel();
});

t.test('one look at a time', async (t) => {
  let looks = 0;
  const daemon = { status: () => new Promise<Status>(() => void looks++) } as unknown as Daemon;
  const live = createLive(daemon);
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  live.watch(() => {})();
  const first: unknown[] = [];
  live.watch((status) => first.push(status));
  t.equal(looks, 1);
  mock.timers.tick(10_000);
  t.same(first, [null]);
  const second: unknown[] = [];
  live.watch((status) => second.push(status));
  t.same(second, [null], 'who comes while it is late hears so at once');
  t.equal(looks, 1);
});
