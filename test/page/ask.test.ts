/** What the page asks the daemon for, and keeps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Handlers } from '../../adapters/control/api.ts';
import { openControl } from '../../adapters/control/server.ts';
import { VERSION } from '../../src/daemon/version.ts';
import { daemonAt } from '../../src/page/ask.ts';
import { statusOf } from './fake.ts';

const HELLO = { version: VERSION, pid: 7, database: '/db' };

async function listening(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-ask-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const server = await openControl(join(folder, 'control.sock'));
  t.teardown(() => server.close());
  return { server };
}

t.test('after a button the state is asked for anew', async (t) => {
  const { server } = await listening(t);
  let looks = 0;
  const refused = () => Promise.reject(new Error('The disk is full.'));
  server.serve({
    hello: async () => HELLO,
    status: async () => statusOf({ pid: ++looks }),
    pause: async () => ({ paused: true }),
    resume: refused,
    replay: refused,
  } as unknown as Handlers);
  const daemon = daemonAt(server.path, () => 0);
  t.equal((await daemon.status()).pid, 1);
  t.equal((await daemon.status()).pid, 1, 'one look for all');
  await daemon.call('pause', {});
  t.equal((await daemon.status()).pid, 2);
  await t.rejects(daemon.call('resume', {}));
  t.equal((await daemon.status()).pid, 3, 'also where the button failed: it may have done something');
  const look = { ids: ['a'], force: false, dryRun: true, samples: 0 };
  await t.rejects(daemon.call('replay', look));
  t.equal((await daemon.status()).pid, 3, 'what only looks changes nothing');
});

/** What stays under way until it is let go. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { closed: promise, open: resolve };
}

t.test('a daemon that is slow is asked once for all who look', async (t) => {
  const { server } = await listening(t);
  const slow = gate();
  let looks = 0;
  server.serve({
    hello: async () => HELLO,
    status: async () => {
      looks += 1;
      await slow.closed;
      return statusOf({ pid: looks });
    },
  } as unknown as Handlers);
  let now = 0;
  const daemon = daemonAt(server.path, () => now);
  const all = Array.from({ length: 40 }, () => {
    now += 5000;
    return daemon.status();
  });
  slow.open();
  t.same(new Set((await Promise.all(all)).map(({ pid }) => pid)), new Set([1]));
  now += 5000;
  t.equal((await daemon.status()).pid, 2);
});

t.test('many who look leave room for the commands at the control socket', async (t) => {
  const { server } = await listening(t);
  const slow = gate();
  let [underWay, most] = [0, 0];
  server.serve({
    hello: async () => HELLO,
    users: async () => {
      most = Math.max(most, ++underWay);
      await slow.closed;
      underWay -= 1;
      return { lines: [], count: 0, fetchedAt: null };
    },
  } as unknown as Handlers);
  const daemon = daemonAt(server.path);
  const all = Promise.allSettled(Array.from({ length: 60 }, () => daemon.call('users', {})));
  while (underWay < 16) await new Promise((resolve) => setTimeout(resolve, 20));
  slow.open();
  t.same(new Set((await all).map(({ status }) => status)), new Set(['fulfilled']));
  t.ok(most <= 16, `${most} at the same time`);
});
