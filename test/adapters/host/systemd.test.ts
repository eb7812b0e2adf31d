import { mock } from 'node:test';
import t from 'tap';
import { createNotifier } from '../../../adapters/host/systemd.ts';

function collect(env: Record<string, string> = {}, failing = false) {
  const sent: string[] = [];
  const problems: string[] = [];
  let wake = (): void => {};
  const notifier = createNotifier({
    env: { NOTIFY_SOCKET: '/run/systemd/notify', ...env },
    onProblem: (sentence) => problems.push(sentence),
    async send(assignments) {
      if (failing) throw new Error('ECONNREFUSED');
      await Promise.resolve();
      sent.push(assignments.join(' '));
      wake();
    },
  });
  const next = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  return { notifier, sent, problems, next };
}

t.test('messages go out in order, an old status is left out', async (t) => {
  const { notifier, sent } = collect();
  notifier.ready('asterisk up');
  notifier.status('one');
  notifier.status('two\nFDSTORE=1');
  notifier.stopping();
  await notifier.flush();
  t.same(sent, ['READY=1 STATUS=asterisk up', 'STATUS=two FDSTORE=1', 'STOPPING=1']);
});

t.test('a status that stays the same costs no message', async (t) => {
  const { notifier, sent } = collect();
  notifier.ready('asterisk up');
  notifier.status('asterisk up');
  await notifier.flush();
  for (const text of ['asterisk down', ' asterisk\ndown', 'asterisk up', 'asterisk up']) {
    notifier.status(text);
    await notifier.flush();
  }
  t.same(sent, ['READY=1 STATUS=asterisk up', 'STATUS=asterisk down', 'STATUS=asterisk up']);
});

t.test('signs of life come at half of WATCHDOG_USEC', async (t) => {
  const { timers } = mock;
  timers.enable({ apis: ['setInterval'] });
  t.teardown(() => timers.reset());
  for (const seconds of [60, 7]) {
    const { notifier } = collect({ WATCHDOG_USEC: String(seconds * 1_000_000) });
    let asked = 0;
    const off = notifier.watchdog(() => {
      asked += 1;
      return false;
    });
    timers.tick(seconds * 500 - 1);
    t.equal(asked, 0);
    timers.tick(1);
    t.equal(asked, 1, `after ${seconds / 2} s`);
    off();
    timers.tick(seconds * 1000);
    t.equal(asked, 1, 'and no more at the end');
  }
});

t.test('the watchdog is fed only while work makes progress', async (t) => {
  const { notifier, sent, next } = collect({ WATCHDOG_USEC: '4000', WATCHDOG_PID: String(process.pid) });
  let asked = 0;
  let enough = (): void => {};
  const stuck = new Promise<void>((resolve) => (enough = resolve));
  const off = notifier.watchdog(() => {
    asked += 1;
    if (asked === 5) enough();
    return asked === 1;
  });
  await next();
  await stuck;
  off();
  await notifier.flush();
  t.same(sent, ['WATCHDOG=1']);
});

t.test('a check that throws is no progress and no crash', async (t) => {
  const { notifier, sent, next } = collect({ WATCHDOG_USEC: '4000' });
  let asked = 0;
  const off = notifier.watchdog(async () => {
    asked += 1;
    if (asked < 3) throw new Error('database');
    return true;
  });
  await next();
  off();
  t.same(sent, ['WATCHDOG=1']);
  t.ok(asked >= 3);
});

t.test('no watchdog asked for, or of another process, or no systemd at all: nothing happens', async (t) => {
  for (const env of [{}, { WATCHDOG_USEC: '0' }, { WATCHDOG_USEC: '4000', WATCHDOG_PID: '1' }]) {
    const { notifier, sent } = collect(env);
    const off = notifier.watchdog(() => t.fail('asked') as never);
    await new Promise((resolve) => setImmediate(resolve));
    off();
    t.same(sent, []);
  }
  const silent = createNotifier({
    env: {},
    onProblem: () => t.fail('problem'),
    send: async () => t.fail('sent') as never,
  });
  silent.ready('x');
  silent.status('x');
  silent.stopping();
  silent.watchdog(() => true)();
  await silent.flush();
});

t.test('when messages cannot be sent it says so once, with the remedy', async (t) => {
  const { notifier, problems } = collect({}, true);
  notifier.ready('x');
  notifier.stopping();
  await notifier.flush();
  t.equal(problems.length, 1);
  t.match(problems[0], /ECONNREFUSED.*Type=exec/);
});

t.test('a long start asks for more time until it is over, for an hour at most', async (t) => {
  const { timers } = mock;
  timers.enable({ apis: ['setInterval'] });
  t.teardown(() => timers.reset());
  const { notifier, sent } = collect();
  const over = notifier.starting('opening the database');
  timers.tick(40_000);
  await notifier.flush();
  t.same(sent, Array(3).fill('EXTEND_TIMEOUT_USEC=60000000 STATUS=opening the database'));
  over();
  timers.tick(40_000);
  await notifier.flush();
  t.equal(sent.length, 3);
});

t.test('without a socket that was handed over the remedy is told', async (t) => {
  const problems: string[] = [];
  const env = { NOTIFY_SOCKET: '/run/systemd/notify' };
  const notifier = createNotifier({ env, onProblem: (sentence) => problems.push(sentence) });
  notifier.ready('x');
  await notifier.flush();
  t.match(problems, [/with-notify-socket/]);
});
