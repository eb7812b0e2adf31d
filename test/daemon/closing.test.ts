/** What ends in which order, at a stop and after a start that failed half-way. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { createClock } from '../../adapters/host/clock.ts';
import { readSecret } from '../../adapters/host/credentials.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { loadConfig } from '../../config/load.ts';
import { CLOSED_WITHIN_MS, createClosing } from '../../src/daemon/closing.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { Clock } from '../../src/ports.ts';
import { FakeClock } from '../delivery/fakes.ts';
import { freePort, installation, sandboxUsers } from '../support/daemon.ts';

t.setTimeout(60_000);

t.test(
  'stages end one after the other, whatever was made first, and what was made last first within one',
  async (t) => {
    const ended: string[] = [];
    const closing = createClosing(createClock());
    const part = (name: string) => async () => {
      ended.push(`${name} begins`);
      await new Promise(setImmediate);
      ended.push(name);
    };
    closing.add('database', part('database'));
    closing.add('upkeep', part('first'));
    closing.add('sources', part('sources'));
    closing.add('upkeep', part('second'));
    closing.add('delivery', part('delivery'));
    await Promise.all([closing.close(), closing.close()]);
    const order = ['second', 'first', 'delivery', 'sources', 'database'];
    t.same(
      ended.filter((one) => !one.endsWith(' begins')),
      order,
      'each once',
    );
    t.same(ended.slice(0, 2), ['second begins', 'first begins']);
  },
);

t.test('a part that fails, or never ends, keeps none of the others from ending', async (t) => {
  const clock = new FakeClock();
  const closing = createClosing(clock);
  const ended: string[] = [];
  closing.add('requests', () => {
    throw new Error('cannot be ended');
  });
  closing.add('records', () => new Promise(() => {}));
  closing.add('sources', () => Promise.reject(new Error('nor this')));
  closing.add('database', async () => void ended.push('database'));
  const closed = t.rejects(closing.close(), { message: 'cannot be ended' });
  await clock.advance(CLOSED_WITHIN_MS);
  await closed;
  t.same(ended, ['database']);
});

t.test('what never ends is named', async (t) => {
  const clock = new FakeClock();
  const closing = createClosing(clock);
  closing.add('sources', () => new Promise(() => {}));
  const closed = t.rejects(closing.close(), { message: 'logcalld could not end its sources within 3 s.' });
  await clock.advance(CLOSED_WITHIN_MS);
  await closed;
});

t.test('systemd waits longer than all of it may take', async (t) => {
  const unit = readFileSync(new URL('../../systemd/logcalld.service', import.meta.url), 'utf8');
  const seconds = Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1]);
  t.ok(CLOSED_WITHIN_MS < seconds * 1000, `${CLOSED_WITHIN_MS} ms`);
});

/** A clock that knows who still waits. */
function counted(clock: Clock, waiting: Set<object>, watch: () => () => void): Clock {
  return {
    bootId: clock.bootId,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    watch,
    after(ms, run) {
      const one = {};
      waiting.add(one);
      const cancel = clock.after(ms, () => {
        waiting.delete(one);
        run();
      });
      return () => {
        waiting.delete(one);
        cancel();
      };
    },
  };
}

t.test('a start that fails after delivery has begun leaves nothing that goes on', async (t) => {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const place = await installation({ asterisk: await freePort(), freeswitch: await freePort() }, sandbox);
  t.teardown(async () => {
    await sandbox.close();
    await place.remove();
  });
  const config = loadConfig(place.config);
  const waiting = new Set<object>();
  const fatal: string[] = [];
  const began = Promise.withResolvers<void>();
  const start = (watch: () => () => void) =>
    startDaemon({
      config,
      clock: counted(createClock(), waiting, watch),
      log: { write: () => {} },
      readSecret: (ref) => readSecret(ref, undefined).secret,
      onFatal: (reason) => void fatal.push(reason),
    });
  await t.rejects(
    start(() => {
      began.resolve();
      throw new Error('the clock cannot be watched');
    }),
    { message: 'the clock cannot be watched' },
  );
  await began.promise;
  t.equal(waiting.size, 0, 'nothing is planned any more');

  const daemon = await start(() => () => {});
  t.ok(waiting.size > 0);
  await daemon.stop();
  t.equal(waiting.size, 0, 'the same after a stop; and the database was free');
  t.same(fatal, []);
});
