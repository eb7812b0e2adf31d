/** What the client does when FreeSWITCH is absent, refuses, falls silent or is somebody else. */
import type { Socket } from 'node:net';
import t from 'tap';
import { defaultBackoff, retryDelay } from '../../../adapters/freeswitch/backoff.ts';
import { fakeServer, greet, jsonFrame, Seen, watch } from './support.ts';

const event = (name: string) => jsonFrame({ 'Event-Name': name });

t.test('the delay doubles up to its ceiling, with full jitter', async (t) => {
  const ceilings = [1, 2, 3, 4, 5, 6, 7, 400].map((failures) => retryDelay(failures, 1, defaultBackoff));
  t.strictSame(ceilings, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  t.equal(retryDelay(3, 0.5, defaultBackoff), 2_000);
  t.equal(retryDelay(9, 0, defaultBackoff), 0);
});

t.test('a wrong password is told once, and tried again slowly', async (t) => {
  const attempts = new Seen<string>();
  let right = false;
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => {},
      (command) => {
        if (!command.startsWith('auth')) return null;
        attempts.add(command);
        if (right) return null;
        socket.end(
          'Content-Type: command/reply\nReply-Text: -ERR invalid\n\nContent-Type: text/disconnect-notice\nContent-Length: 2\n\nx\n',
        );
        return '';
      },
    );
  });
  t.teardown(server.close);
  const { client, clock, states, connected, lost } = watch(server.port, { password: async () => 'hunter2' });
  for (let i = 1; i <= 3; i++) {
    await attempts.count(i);
    while (clock.next !== 60_000) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(59_999);
    t.equal(client.counters().attempts, i, 'not before its time');
    right = i === 3;
    clock.advance(1);
  }
  await connected.count(1);
  t.match(states.all, [
    { state: 'connecting' },
    {
      state: 'refused',
      problem:
        /refused the password: give this source the password that event_socket.conf.xml has; next attempt in 60 s/,
    },
    { state: 'connected', problem: null },
  ]);
  t.notMatch(JSON.stringify(states.all), /hunter2/, 'the password is not in any message');
  t.equal(lost.all.length, 0);
  await client.close();
});

t.test('the access list refuses', async (t) => {
  const server = await fakeServer((socket) => {
    socket.end(
      'Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\nContent-Type: text/disconnect-notice\nContent-Length: 2\n\nx\n',
    );
  });
  t.teardown(server.close);
  const { client, clock, states } = watch(server.port);
  const { problem } = await states.until(({ state }) => state === 'refused');
  t.match(problem, /apply-inbound-acl .*loopback\.auto.*acl\.conf\.xml/);
  t.equal(clock.next, 60_000);
  await client.close();
  t.equal(clock.next, null, 'no further attempt after close');
});

t.test('a password that cannot be had or sent', async (t) => {
  const server = await fakeServer((socket) => greet(socket, () => {}));
  t.teardown(server.close);
  const cases = [
    [
      () => Promise.reject(new Error('The file /run/x is missing.')),
      /no usable password.*The file \/run\/x is missing/,
    ],
    ['a\n\nexit', /no usable password.*line feed/],
  ] as const;
  for (const [password, expected] of cases) {
    const { client, states } = watch(server.port, { password });
    const { problem } = await states.until(({ state }) => state === 'refused');
    t.match(problem, expected);
    await client.close();
  }
});

t.test('the password that FreeSWITCH ships is warned about, once', async (t) => {
  const server = await fakeServer((socket, nth) => greet(socket, () => nth === 0 && socket.end()));
  t.teardown(server.close);
  const { client, clock, connected, lost, warnings } = watch(server.port, { password: 'ClueCon' });
  await lost.count(1);
  clock.advance(1);
  await connected.count(2);
  t.match(warnings.all, [/password that every installation is shipped with: set another/]);
  t.equal(warnings.all.length, 1);
  await client.close();
});

t.test('a port that is something else gets one clear message', async (t) => {
  const others: readonly [string, RegExp][] = [
    ['Asterisk Call Manager/7.0.3\r\n', /an Asterisk manager interface \(AMI\), not a FreeSWITCH event socket/],
    ['HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', /a web server, not a FreeSWITCH event socket/],
    ['SSH-2.0-OpenSSH_9.6\r\n', /another service, not a FreeSWITCH.*SSH-2\.0.*port 8021/],
    ['Content-Type: command/reply\n\n', /another service, not a FreeSWITCH/],
    ['', /does not answer as a FreeSWITCH event socket.*sent no greeting within 10 s.*8021/],
  ];
  for (const [greeting, expected] of others) {
    const accepted = new Seen<number>();
    const server = await fakeServer((socket, nth) => {
      socket.write(greeting);
      accepted.add(nth);
    });
    const { client, clock, states } = watch(server.port);
    for (let i = 1; i <= 3; i++) {
      await accepted.count(i);
      if (greeting === '') {
        // The server has accepted, so the client's socket is ready: it learns of it in its next turn.
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        clock.advance(clock.next ?? 0);
      }
      while (clock.next !== 0) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(1);
    }
    await client.close();
    t.match(
      states.all,
      [{ state: 'connecting' }, { state: 'lost', problem: expected }, { state: 'stopped' }],
      greeting,
    );
    t.equal(states.all.length, 3, 'told once in three attempts');
    await server.close();
  }
});

t.test('nothing listens: the delay grows, and shrinks only after a quiet time', async (t) => {
  // Nothing listens at tcpmux, while a port that was free a moment ago may be another test's by now.
  const { client, clock, states } = watch(1, { random: () => 0.999999 });
  const delays: number[] = [];
  for (let i = 1; i <= 6; i++) {
    while (clock.next === null || clock.next === 10_000) await new Promise((resolve) => setImmediate(resolve));
    delays.push(clock.next);
    clock.advance(clock.next);
  }
  t.strictSame(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
  t.match(states.all[1], { state: 'lost', problem: /Nothing listens at 127\.0\.0\.1:\d+: check that FreeSWITCH runs/ });
  t.equal(states.all.length, 2);
  await client.close();
});

t.test('only a connection that stood for a while makes the delay short again', async (t) => {
  const sockets = new Seen<{ destroy(): void }>();
  const server = await fakeServer((socket) => greet(socket, () => sockets.add(socket)));
  t.teardown(server.close);
  const { client, clock, connected, lost } = watch(server.port, { random: () => 1, idleMs: 3_600_000 });
  const delayAfter = async (nth: number, stoodMs: number) => {
    await Promise.all([connected.count(nth), sockets.count(nth)]);
    clock.advance(stoodMs);
    sockets.all.at(-1)?.destroy();
    await lost.count(nth);
    const delay = clock.next ?? -1;
    clock.advance(delay);
    return delay;
  };
  t.equal(await delayAfter(1, 0), 1_000);
  t.equal(await delayAfter(2, 29_999), 2_000, 'a log-in alone is no proof of health');
  t.equal(await delayAfter(3, 0), 4_000);
  t.equal(await delayAfter(4, 30_000), 1_000);
  await client.close();
});

t.test('a half-open connection is noticed within 30 s', async (t) => {
  const asked = new Seen<string>();
  let mute = false;
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => socket.write(event('HEARTBEAT')),
      (command) => {
        asked.add(command);
        return mute ? '' : null;
      },
    );
  });
  t.teardown(server.close);
  const { client, clock, events, lost } = watch(server.port);
  await events.count(1);
  const before = asked.all.length;
  clock.advance(10_000);
  await asked.count(before + 1);
  t.equal(asked.all.at(-1), 'api status');
  clock.advance(9_999);
  while (client.counters().lastFrameAt === null) await new Promise((resolve) => setImmediate(resolve));
  t.equal(lost.all.length, 0, 'answered, so it lives');
  mute = true;
  const silentSince = clock.monotonic();
  while (lost.all.length === 0 && clock.monotonic() - silentSince < 120_000) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const took = clock.monotonic() - silentSince;
  t.ok(took <= 30_000, `noticed after ${took} ms`);
  t.match(lost.all, [{ reason: /gone silent.*no reply to "api status" within 10 s/, orderly: false }]);
  await client.close();
});

t.test('a consumer that falls behind costs the connection, not the reading', async (t) => {
  for (const limit of [{ queueFrames: 50 }, { queueBytes: 2_000 }]) {
    const dropped = new Seen<number>();
    const sockets = new Seen<Socket>();
    const server = await fakeServer((socket, nth) => {
      socket.on('close', () => dropped.add(nth));
      sockets.add(socket);
      greet(socket, () => nth > 0 && socket.write(event('CHANNEL_BRIDGE')));
    });
    const held: (() => void)[] = [];
    let holding = true;
    const defer = (run: () => void): void => {
      if (holding && seen.client.state === 'connected') held.push(run);
      else setImmediate(run);
    };
    const seen = watch(server.port, { ...limit, defer });
    await seen.connected.count(1);
    for (let i = 0; i < 200; i++) sockets.all[0]?.write(event('CHANNEL_ANSWER'));
    await dropped.count(1);
    t.equal(seen.events.all.length, 0, 'the socket was read although nothing was consumed');
    holding = false;
    for (const run of held) run();
    await seen.lost.count(1);
    t.match(seen.lost.all, [
      { reason: /this program fell behind.*frames .*waiting.*reads the live calls again/, orderly: false },
    ]);
    t.equal(seen.client.counters().overflows, 1);
    seen.clock.advance(1);
    await seen.events.until(({ name }) => name === 'CHANNEL_BRIDGE');
    t.strictSame(
      seen.story.all,
      ['connected', 'lost', 'connected', 'CHANNEL_BRIDGE'],
      'what was missed is not delivered late',
    );
    await seen.client.close();
    await server.close();
  }
});
