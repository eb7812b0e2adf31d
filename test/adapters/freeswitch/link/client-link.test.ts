/** What the client does when FreeSWITCH is absent, refuses, falls silent or is somebody else. */
import type { Socket } from 'node:net';
import t from 'tap';
import { apiReply, fakeServer, greet, jsonFrame, Seen, type Watched, watch } from '../support.ts';

const event = (name: string) => jsonFrame({ 'Event-Name': name });

t.test('a wrong password is told once, and a corrected one is taken within seconds', async (t) => {
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
  const { client, clock, states, connected, lost } = watch(server.port, {
    password: async () => 'hunter2',
    random: () => 0.999999,
    commandTimeoutMs: 60_000,
    idleMs: 60_000,
  });
  for (let i = 1; i <= 3; i++) {
    await attempts.count(i);
    while (clock.next !== 5_000) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(4_999);
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
        /refused the password: give this source the password that event_socket.conf.xml has; the next attempt comes by/,
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
  t.equal(clock.next, 2_500);
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

t.test('a password that never comes ends the attempt', async (t) => {
  const asked = new Seen<true>();
  const server = await fakeServer((socket) => greet(socket, () => {}));
  t.teardown(server.close);
  const password = () => {
    asked.add(true);
    return new Promise<string>(() => {});
  };
  const { client, clock, states } = watch(server.port, { password, idleMs: 60_000 });
  await asked.count(1);
  clock.advance(10_000);
  const { problem } = await states.until(({ state }) => state === 'refused');
  t.match(problem, /no usable password.*did not come within 10 s/);
  await client.close();
});

t.test('the password that FreeSWITCH ships is warned about, once', async (t) => {
  const server = await fakeServer((socket, nth) => greet(socket, () => nth === 0 && socket.end()));
  t.teardown(server.close);
  const { client, clock, connected, lost, warnings } = watch(server.port, { password: 'ClueCon' });
  await lost.count(1);
  clock.advance(500);
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
    ['', /does not answer as a FreeSWITCH event socket.*sent no greeting within 5 s.*8021/],
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
      // Until the connection has ended; attempt and greeting have 5 s.
      while (clock.next === null || clock.next > 1_000) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(clock.next);
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

t.test('nothing listens: tried again within a second on the same host, within three on a network', async (t) => {
  const delaysTo = async (host: string) => {
    // Nothing listens at tcpmux, while a port that was free a moment ago may be another test's by now.
    const { client, clock, states } = watch(1, { host, random: () => 0.999999 });
    const delays: number[] = [];
    for (let i = 1; i <= 6; i++) {
      while (clock.next === null || clock.next === 5_000) await new Promise((resolve) => setImmediate(resolve));
      delays.push(clock.next);
      clock.advance(clock.next);
    }
    t.match(states.all[1], { state: 'lost', problem: /Nothing listens at .*:1: check that FreeSWITCH runs/ });
    t.equal(states.all.length, 2, 'told once');
    await client.close();
    return delays;
  };
  t.strictSame(await delaysTo('127.0.0.1'), [100, 200, 400, 800, 800, 800]);
  // This host by an address that does not say so.
  t.strictSame(await delaysTo('0.0.0.0'), [250, 500, 1_000, 2_000, 3_000, 3_000]);
});

t.test('back within a second after a restart, however long FreeSWITCH was away', async (t) => {
  const sockets = new Seen<Socket>();
  const serve = (socket: Socket) => greet(socket, () => sockets.add(socket));
  const first = await fakeServer(serve);
  const { client, clock, connected, lost } = watch(first.port, { random: () => 0.999999, idleMs: 3_600_000 });
  await Promise.all([connected.count(1), sockets.count(1)]);
  await first.close();
  await lost.count(1);
  for (let attempts = client.counters().attempts; attempts < 20; ) {
    while (clock.next === null || clock.next > 1_000) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(clock.next);
    attempts = client.counters().attempts;
  }
  while (clock.next === null || clock.next > 1_000) await new Promise((resolve) => setImmediate(resolve));
  const second = await fakeServer(serve, first.port);
  t.teardown(second.close);
  const answersAgain = clock.monotonic();
  clock.advance(clock.next);
  await connected.count(2);
  t.ok(clock.monotonic() - answersAgain <= 1_000, `${clock.monotonic() - answersAgain} ms`);
  await client.close();
});

t.test(
  'a FreeSWITCH that takes the login and drops it is approached more slowly, until it stood for a while',
  async (t) => {
    const sockets = new Seen<{ destroy(): void }>();
    const server = await fakeServer((socket) => greet(socket, () => sockets.add(socket)));
    t.teardown(server.close);
    const { client, clock, connected, lost } = watch(server.port, { random: () => 0.999999, idleMs: 3_600_000 });
    const delayAfter = async (nth: number, stoodMs: number) => {
      await Promise.all([connected.count(nth), sockets.count(nth)]);
      clock.advance(stoodMs);
      sockets.all.at(-1)?.destroy();
      await lost.count(nth);
      const delay = clock.next ?? -1;
      clock.advance(delay);
      return delay;
    };
    t.equal(await delayAfter(1, 0), 250);
    t.equal(await delayAfter(2, 9_999), 500, 'a log-in alone is no proof of health');
    t.equal(await delayAfter(3, 0), 1_000);
    t.equal(await delayAfter(4, 10_000), 250);
    await client.close();
  },
);

/** Lets `clock` pass until the link is lost, and returns how long that took, ms. */
async function untilLost({ clock, lost }: Watched): Promise<number> {
  const since = clock.monotonic();
  while (lost.all.length === 0 && clock.monotonic() - since < 120_000) {
    clock.advance(250);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return clock.monotonic() - since;
}

t.test('a half-open connection is noticed within 15 s, at whatever moment and with whatever under way', async (t) => {
  // When a command was sent last, before the silence and after its beginning, ms.
  for (const asked of [[], [-9_500], [-5_000], [-3_900, 3_900], [-100], [100], [2_000], [3_900], [100, 3_000, 6_000]]) {
    const sockets = new Seen<Socket>();
    const heard = new Seen<string>();
    const server = await fakeServer((socket) => {
      greet(
        socket,
        () => sockets.add(socket),
        (command) => {
          heard.add(command);
          return command.startsWith('api x') ? '' : null;
        },
      );
    });
    const seen = watch(server.port, { idleMs: 4_000 });
    await Promise.all([seen.connected.count(1), sockets.count(1)]);
    const [socket] = sockets.all;
    const beat = async () => {
      const before = seen.events.all.length;
      socket?.write(event('HEARTBEAT'));
      await seen.events.count(before + 1);
    };
    // From the first question on, with events all the time, to the beginning of the silence.
    const start = Math.min(0, ...asked);
    for (let at = start; at <= 0; at += 100) {
      if (asked.includes(at)) seen.client.api('x').catch(() => {});
      await beat();
      if (at < 0) seen.clock.advance(100);
    }
    t.equal(seen.lost.all.length, 0, 'while events come the link is not given up');
    socket?.removeAllListeners('data');
    for (const at of asked.filter((one) => one > 0)) {
      seen.clock.after(at, () => void seen.client.api('x').catch(() => {}));
    }
    const took = await untilLost(seen);
    t.ok(took <= 15_000, `questions at ${asked}: noticed after ${took} ms`);
    t.match(seen.lost.all, [{ reason: /has gone silent.*Nothing came for [\d.]+ s/, orderly: false }]);
    await seen.client.close();
    await server.close();
  }
});

t.test('so is one that fell silent after it had been asked whether it was there', async (t) => {
  const sockets = new Seen<Socket>();
  const server = await fakeServer((socket) => greet(socket, () => sockets.add(socket)));
  t.teardown(server.close);
  const seen = watch(server.port);
  await Promise.all([seen.connected.count(1), sockets.count(1)]);
  for (let i = 0; i < 3; i++) {
    const frames = seen.raw.all.length;
    seen.clock.advance(4_000);
    await seen.raw.count(frames + 1);
  }
  sockets.all[0]?.removeAllListeners('data');
  const took = await untilLost(seen);
  t.ok(took <= 15_000, `noticed after ${took} ms`);
  await seen.client.close();
});

t.test('a full window of questions does not keep a silence from being noticed', async (t) => {
  const sockets = new Seen<Socket>();
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => sockets.add(socket),
      (command) => (command.startsWith('api x') ? '' : null),
    );
  });
  t.teardown(server.close);
  const seen = watch(server.port);
  await Promise.all([seen.connected.count(1), sockets.count(1)]);
  for (let i = 0; i < 40; i++) seen.client.api(`x${i}`).catch(() => {});
  seen.clock.advance(3_000);
  sockets.all[0]?.write(event('HEARTBEAT'));
  await seen.events.count(1);
  sockets.all[0]?.removeAllListeners('data');
  const took = await untilLost(seen);
  t.ok(took <= 15_000, `noticed after ${took} ms`);
  await seen.client.close();
});

t.test('a silent link that answers is kept', async (t) => {
  const asked = new Seen<string>();
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => {},
      (command) => {
        asked.add(command);
        return null;
      },
    );
  });
  t.teardown(server.close);
  const { client, clock, connected, raw, lost } = watch(server.port);
  await connected.count(1);
  for (let i = 1; i <= 10; i++) {
    const frames = raw.all.length;
    clock.advance(4_000);
    await raw.count(frames + 1);
  }
  t.strictSame(
    asked.all.slice(4),
    Array.from({ length: 10 }, () => 'api status'),
  );
  t.equal(lost.all.length, 0);
  await client.close();
});

t.test('a program that stood still reads what has come before it judges', async (t) => {
  const sockets = new Seen<Socket>();
  const server = await fakeServer((socket) => greet(socket, () => sockets.add(socket)));
  t.teardown(server.close);
  const { client, clock, connected, events, lost } = watch(server.port);
  await Promise.all([connected.count(1), sockets.count(1)]);
  for (let i = 1; i <= 3; i++) {
    sockets.all[0]?.write(event('HEARTBEAT'));
    const answer = client.api('q');
    clock.standStill(60_000);
    await events.count(i);
    t.equal(await answer, '-ERR no such command\n', 'nor is a question given up');
  }
  t.equal(lost.all.length, 0);
  await client.close();
});

t.test('a flood costs neither the link nor a frame', async (t) => {
  const total = 5_000;
  const sockets = new Seen<Socket>();
  const server = await fakeServer((socket) => greet(socket, () => sockets.add(socket)));
  t.teardown(server.close);
  const held: (() => void)[] = [];
  let holding = true;
  const defer = (run: () => void): void => {
    if (holding && seen.client.status.state === 'connected') held.push(run);
    else setImmediate(run);
  };
  const numbers: number[] = [];
  const queueBytes = 200_000;
  const seen = watch(server.port, { queueBytes, defer }, (one) => numbers.push(Number(one.get('n'))));
  await Promise.all([seen.connected.count(1), sockets.count(1)]);
  const [socket] = sockets.all;
  const padding = 'x'.repeat(8_000);
  let accepted = 0;
  for (let n = 0; n < total; n++) {
    socket?.write(jsonFrame({ 'Event-Name': 'CHANNEL_ANSWER', n: String(n), padding }), () => accepted++);
  }
  // The consumer does nothing until the sender, too, has come to a stand.
  for (let before = -1; before < accepted; ) {
    before = accepted;
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(accepted < total, `the sender waits (${accepted} of ${total} written)`);
  t.equal(numbers.length, 0);
  // Nobody reads, so nobody can say that nothing comes.
  for (let i = 0; i < 20; i++) seen.clock.advance(2_000);
  holding = false;
  for (const run of held.splice(0)) run();
  await seen.events.count(total);
  t.strictSame(
    numbers,
    Array.from({ length: total }, (_, n) => n),
    'every frame, in order',
  );
  t.equal(seen.lost.all.length, 0);
  t.equal(seen.client.counters().attempts, 1);
  await seen.client.close();
});

t.test('what was read before the end is handed on: at a loss and at a goodbye', async (t) => {
  for (const ending of ['loss', 'goodbye']) {
    const sockets = new Seen<Socket>();
    const server = await fakeServer((socket) => greet(socket, () => sockets.add(socket)));
    const held: (() => void)[] = [];
    let holding = true;
    const defer = (run: () => void): void => {
      if (holding && seen.client.status.state === 'connected') held.push(run);
      else setImmediate(run);
    };
    const seen = watch(server.port, { defer });
    await Promise.all([seen.connected.count(1), sockets.count(1)]);
    const many = Buffer.concat(Array.from({ length: 50 }, () => event('CHANNEL_ANSWER')));
    const written = new Promise<void>((resolve) => sockets.all[0]?.write(many, () => resolve()));
    await written;
    if (ending === 'loss') sockets.all[0]?.end();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    t.equal(seen.events.all.length, 0);
    const closed = ending === 'goodbye' ? seen.client.close() : null;
    holding = false;
    for (const run of held.splice(0)) run();
    await seen.events.count(50);
    if (closed === null) {
      await seen.lost.count(1);
      t.equal(seen.story.all.at(-1), 'lost');
      await seen.client.close();
    } else await closed;
    t.equal(seen.events.all.length, 50, ending);
    await server.close();
  }
});

t.test('while the journal is behind nothing is read, for a second at most, and nothing is lost', async (t) => {
  const sockets = new Seen<Socket>();
  const server = await fakeServer((socket) => greet(socket, () => sockets.add(socket)));
  t.teardown(server.close);
  const numbers: number[] = [];
  const seen = watch(server.port, {}, (one) => numbers.push(Number(one.get('n'))));
  await Promise.all([seen.connected.count(1), sockets.count(1)]);
  const [socket] = sockets.all;
  const say = (n: number) =>
    new Promise<void>((resolve) => {
      socket?.write(jsonFrame({ 'Event-Name': 'CHANNEL_ANSWER', n: String(n) }), () => resolve());
    });
  const turns = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  seen.client.hold(true);
  await say(1);
  await turns();
  t.same(numbers, []);
  seen.client.hold(false);
  await seen.events.count(1);
  seen.client.hold(true);
  await say(2);
  await turns();
  t.same(numbers, [1]);
  seen.clock.advance(1_000);
  await seen.events.count(2);
  t.same(numbers, [1, 2], 'also when the journal is behind for longer');
  await seen.client.close();
});

t.test('so is what the socket has read while it was not asked: at a drop, a loss and a goodbye', async (t) => {
  for (const ending of ['drop', 'loss', 'goodbye'] as const) {
    const sockets = new Seen<Socket>();
    const server = await fakeServer((socket) => greet(socket, () => sockets.add(socket)));
    const held = new Seen<() => void>();
    let holding = true;
    const defer = (run: () => void): void => {
      if (holding && seen.connected.all.length > 0) held.add(run);
      else setImmediate(run);
    };
    const seen = watch(server.port, { defer, queueBytes: 1 });
    await Promise.all([seen.connected.count(1), sockets.count(1)]);
    const [socket] = sockets.all;
    const turns = async () => {
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    };
    const write = (name: string) => new Promise<void>((resolve) => socket?.write(event(name), () => resolve()));
    // The first fills the queue, so that the socket is paused.
    await write('CHANNEL_CREATE');
    await held.count(1);
    await write('CHANNEL_ANSWER');
    await turns();
    let closed: Promise<void> | null = null;
    if (ending === 'drop') seen.client.drop('A reason of ours.');
    else if (ending === 'loss') socket?.resetAndDestroy();
    else closed = seen.client.close();
    await turns();
    holding = false;
    for (const run of held.all) run();
    if (closed === null) {
      await seen.lost.count(1);
      await seen.client.close();
    } else await closed;
    t.strictSame(
      seen.events.all.map(({ name }) => name),
      ['CHANNEL_CREATE', 'CHANNEL_ANSWER'],
      ending,
    );
    await server.close();
  }
});

t.test('a frame that is too long costs itself; the next one is read', async (t) => {
  const huge = (bytes: number) => `Content-Length: ${bytes}\nContent-Type: text/event-json\n\n${'x'.repeat(bytes)}`;
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => {
        socket.write(Buffer.concat([event('CHANNEL_CREATE'), Buffer.from(huge(3_000)), event('CHANNEL_ANSWER')]));
        socket.write(Buffer.concat([Buffer.from(huge(5_000)), event('CHANNEL_BRIDGE')]));
      },
      (command) => (command === 'api long' ? apiReply('y'.repeat(2_000)) : null),
    );
  });
  t.teardown(server.close);
  const limits = { headerBytes: 1_000, bodyBytes: 1_500, absurdBytes: 1_000_000 };
  const { client, events, raw, faults, lost } = watch(server.port, { limits });
  await events.count(3);
  t.strictSame(
    events.all.map(({ name }) => name),
    ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_BRIDGE'],
  );
  t.match(faults.all, [
    { subject: 'too long', text: /frame of type text\/event-json with 3000 bytes .*left out, as more than 1500/ },
    { subject: 'too long', text: /with 5000 bytes/ },
  ]);
  t.equal(await client.api('long'), '', 'a reply that is too long is a reply all the same');
  t.equal(await client.api('status'), '-ERR no such command\n');
  t.notOk(
    raw.all.some((bytes) => Buffer.from(bytes).includes('Content-Length: 3000')),
    'and no capture gets a frame without its body',
  );
  t.equal(lost.all.length, 0);
  await client.close();
});

t.test('garbage costs itself, and the link goes on with the next frame', async (t) => {
  for (const garbage of [
    'Content-Type: text/event-json\n\n{"Event-Name":"X"}\n',
    'garbage\n\n',
    'Content-Length: x\n\n',
  ]) {
    const server = await fakeServer((socket) => {
      greet(socket, () => {
        socket.write(Buffer.concat([event('CHANNEL_CREATE'), Buffer.from(garbage), event('CHANNEL_BRIDGE')]));
      });
    });
    const { client, lost, events, faults } = watch(server.port);
    await events.until(({ name }) => name === 'CHANNEL_BRIDGE');
    t.equal(events.all.length, 2);
    t.match(faults.all, [{ subject: 'unreadable', text: /not the event socket protocol, and it was left out/ }]);
    t.equal(lost.all.length, 0);
    t.equal(await client.api('status'), '-ERR no such command\n', 'questions are answered');
    await client.close();
    await server.close();
  }
});

t.test('garbage without an end drops the link, which is back within a second', async (t) => {
  const limits = { headerBytes: 1_000, bodyBytes: 10_000, absurdBytes: 100_000 };
  const server = await fakeServer((socket, nth) => {
    greet(socket, () => socket.write(nth === 0 ? `garbage\n${'x'.repeat(20_000)}` : event('CHANNEL_BRIDGE')));
  });
  t.teardown(server.close);
  const { client, clock, lost, events } = watch(server.port, { random: () => 0.999999, limits });
  await lost.count(1);
  t.match(lost.all[0]?.reason, /not the event socket protocol/);
  t.ok((clock.next ?? 9_999) <= 1_000);
  clock.advance(clock.next ?? 0);
  await events.until(({ name }) => name === 'CHANNEL_BRIDGE');
  await client.close();
});
