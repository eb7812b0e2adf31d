/** What the page asks the daemon for, and keeps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Handlers } from '../../adapters/control/api.ts';
import { openControl } from '../../adapters/control/server.ts';
import { VERSION } from '../../src/daemon/version.ts';
import { daemonAt } from '../../src/page/ask.ts';
import { statusOf } from './fake.ts';

t.test('after a button the state is asked for anew', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-ask-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const server = await openControl(join(folder, 'control.sock'));
  t.teardown(() => server.close());
  let looks = 0;
  const refused = () => Promise.reject(new Error('The disk is full.'));
  server.serve({
    hello: async () => ({ version: VERSION, pid: 7, database: '/db' }),
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
