import type { Socket } from 'node:net';
import t from 'tap';
import type { EslEvent } from '../../../../adapters/freeswitch/link/event.ts';
import { bootTime } from '../../../../adapters/freeswitch/link/handshake.ts';
import { subscribeCommand } from '../../../../adapters/freeswitch/link/subscription.ts';
import { dumpChannel, listChannels, NoList } from '../../../../adapters/freeswitch/snapshot/queries.ts';
import { apiReply, fakeServer, greet, jsonFrame, Seen, watch } from '../support.ts';

const event = (name: string, more: object = {}) => jsonFrame({ 'Event-Name': name, 'Core-UUID': 'c', ...more });
const notice = (headers = '') => `Content-Type: text/disconnect-notice\n${headers}Content-Length: 4\n\nbye\n`;

t.test('logs in, asks who is there, subscribes, then delivers', async (t) => {
  const commands = new Seen<string>();
  const core = '2b79dbb6-96e2-4c79-8ddf-75b5cfe446f0';
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => socket.write(event('CHANNEL_CREATE')),
      (command) => {
        commands.add(command);
        if (command === 'api global_getvar core_uuid') return apiReply(core);
        if (command === 'api status')
          return apiReply('UP 0 years, 1 day, 0 hours, 2 minutes, 23 seconds, 992 milliseconds, 7 microseconds\n');
        return null;
      },
    );
  });
  t.teardown(server.close);
  const { client, clock, connected, events, story, states } = watch(server.port);
  await events.count(1);
  t.strictSame(commands.all, [
    'auth lab-only',
    'api global_getvar core_uuid',
    'api status',
    'event json CHANNEL_CREATE CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY CHANNEL_UUID CHANNEL_HOLD ' +
      'CHANNEL_UNHOLD RECORD_STOP HEARTBEAT SHUTDOWN CUSTOM callcenter::info vm::maintenance conference::maintenance valet_parking::info',
  ]);
  t.strictSame(story.all, ['connected', 'CHANNEL_CREATE']);
  t.strictSame(connected.all, [{ coreUuid: core, bootedAt: clock.now() - 86_400_000 - 143_992 }]);
  t.strictSame(
    states.all.map(({ state }) => state),
    ['connecting', 'connected'],
  );
  await client.close();
  t.equal(commands.all.at(-1), 'exit');
  t.equal(client.status.state, 'stopped');
  t.equal(clock.next, null, 'no timer is left');
});

t.test('CUSTOM comes last, and no CUSTOM without subclasses', async (t) => {
  t.equal(subscribeCommand('plain', { events: ['A', 'B'], custom: ['x::y'] }), 'event plain A B CUSTOM x::y');
  t.equal(subscribeCommand('json', { events: ['A'], custom: [] }), 'event json A');
  t.equal(bootTime('-ERR status Command not found!', 5), null);
});

t.test('event names that FreeSWITCH does not know are told', async (t) => {
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => socket.write(event('CHANNEL_CREATE')),
      (command) =>
        command === 'event json CHANEL_PARK'
          ? 'Content-Type: command/reply\nReply-Text: -ERR no keywords supplied\n\n'
          : null,
    );
  });
  t.teardown(server.close);
  const { client, story, events, warnings } = watch(server.port, {
    subscription: { events: ['CHANNEL_ANSWER', 'CHANEL_PARK', 'CHANNEL_PARK'], custom: [] },
  });
  await events.count(1);
  await warnings.count(1);
  t.equal(story.all[0], 'connected', 'no event comes before');
  t.match(warnings.all, [/knows no events named CHANEL_PARK: correct/]);
  t.equal(
    client.counters().unknownEvents,
    1 + events.all.length,
    'the refused name and the event that was not asked for',
  );
  await client.close();
});

t.test('a subscription that is refused as a whole', async (t) => {
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => {},
      (command) =>
        command.startsWith('event ') ? 'Content-Type: command/reply\nReply-Text: -ERR no keywords supplied\n\n' : null,
    );
  });
  t.teardown(server.close);
  const { client, clock, states, connected } = watch(server.port);
  const { problem } = await states.until(({ state }) => state === 'refused');
  t.match(problem, /refused the subscription .*no keywords supplied.*check the event names/);
  t.ok((clock.next ?? 0) <= 5_000);
  t.equal(connected.all.length, 0);
  await client.close();
});

t.test('answers come in order, and before the frames behind them', async (t) => {
  const order: string[] = [];
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => {},
      (command) => {
        if (command === 'api one')
          socket.write(Buffer.concat([event('CHANNEL_CREATE'), Buffer.from(apiReply('1')), event('CHANNEL_ANSWER')]));
        if (command === 'api two') socket.write(Buffer.concat([Buffer.from(apiReply('2')), event('SHUTDOWN')]));
        return /^api (one|two)/.test(command) ? '' : null;
      },
    );
  });
  t.teardown(server.close);
  const { client, connected, events } = watch(server.port, {}, ({ name }) => order.push(name));
  await connected.count(1);
  const answered = ['one', 'two'].map(async (command) => order.push(await client.api(command)));
  await Promise.all(answered);
  await events.count(3);
  t.strictSame(order, ['CHANNEL_CREATE', '1', 'CHANNEL_ANSWER', '2', 'SHUTDOWN']);
  await t.rejects(client.api('x\n\nbgapi originate'), /control characters/);
  await client.close();
  await t.rejects(client.api('status'), /not connected/);
});

t.test('the list of live channels and their dumps', async (t) => {
  let list = '{"row_count": 0}\n';
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => {},
      (command) => {
        if (command === 'api show channels as json') return apiReply(list);
        if (command === 'api uuid_dump a json') return apiReply('{"Event-Name":"CHANNEL_DATA","Unique-ID":"a"}');
        if (command.startsWith('api uuid_dump b')) return apiReply('-ERR No such channel!\n');
        if (command.startsWith('api uuid_dump c')) return apiReply('{"Unique');
        return null;
      },
    );
  });
  t.teardown(server.close);
  const { client, connected } = watch(server.port);
  await connected.count(1);
  t.strictSame(await listChannels(client), []);
  list = '{"row_count":2,"rows":[{"uuid":"a","direction":"inbound"},{"uuid":"b"}]}';
  const rows = await listChannels(client);
  t.strictSame(
    rows.map((row) => row.get('uuid')),
    ['a', 'b'],
  );
  list = '-ERR show Command not found!\n';
  await t.rejects(listChannels(client), new NoList('-ERR show Command not found!'));
  const dump = await dumpChannel(client, 'a');
  t.strictSame([dump?.event.name, dump?.event.get('Unique-ID')], ['CHANNEL_DATA', 'a']);
  t.equal(await dumpChannel(client, 'b'), null);
  await t.rejects(dumpChannel(client, 'c'), /not valid JSON/);
  await t.rejects(dumpChannel(client, 'a json\n\nexit'), /white space/);
  await client.close();
});

t.test('a reply that is late is not taken for the answer to the next question', async (t) => {
  let reply: (() => void) | null = null;
  let feed: (() => void) | null = null;
  const server = await fakeServer((socket) => {
    feed = () => socket.write(event('HEARTBEAT'));
    greet(
      socket,
      () => {},
      (command) => {
        if (command !== 'api slow') return null;
        reply = () => socket.write(`${apiReply('slow')}${apiReply('next')}`);
        return '';
      },
    );
  });
  t.teardown(server.close);
  const { client, clock, connected, events, lost } = watch(server.port, { idleMs: 60_000 });
  await connected.count(1);
  const slow = t.rejects(client.api('slow'), /no reply to "api slow" within 10 s/);
  clock.advance(5_000);
  (feed ?? t.fail)();
  await events.count(1);
  clock.advance(5_000);
  await slow;
  const next = client.api('slow too');
  (reply ?? t.fail)();
  t.equal(await next, 'next');
  t.equal(lost.all.length, 0, 'events come in, so the link is not dead');
  await client.close();
});

t.test('a question that was left out of the answers does not shift the others', async (t) => {
  const server = await fakeServer((socket) => {
    greet(
      socket,
      () => {},
      (command) => {
        const [, uuid] = /^api uuid_dump (\w+)/.exec(command) ?? [];
        if (uuid === 'b') return '';
        return uuid === undefined ? null : apiReply(`{"Event-Name":"CHANNEL_DATA","Unique-ID":"${uuid}"}`);
      },
    );
  });
  t.teardown(server.close);
  const { client, connected, lost } = watch(server.port);
  await connected.count(1);
  const dumps = ['a', 'b', 'c', 'd'].map((uuid) => dumpChannel(client, uuid));
  await t.rejects(Promise.resolve(dumps[1]), /was not answered/);
  for (const [i, uuid] of [
    [0, 'a'],
    [2, 'c'],
    [3, 'd'],
  ] as const) {
    t.equal((await dumps[i])?.event.get('Unique-ID'), uuid);
  }
  t.equal(lost.all.length, 0);
  await client.close();
});

/** A server that answers all but the commands that begin so; those it only takes down. */
async function silentOn(beginning: string) {
  const asked = new Seen<string>();
  const sockets = new Seen<Socket>();
  const server = await fakeServer((socket) => {
    sockets.add(socket);
    greet(
      socket,
      () => {},
      (command) => {
        if (!command.startsWith(beginning)) return null;
        asked.add(command);
        return '';
      },
    );
  });
  return { asked, sockets, server };
}

t.test('a question asked again takes the answer to the first asking', async (t) => {
  const { asked, sockets, server } = await silentOn('api show');
  t.teardown(server.close);
  const { client, clock, connected, events } = watch(server.port, { idleMs: 60_000 });
  await connected.count(1);
  const first = t.rejects(listChannels(client), /no reply/);
  await asked.count(1);
  clock.advance(5_000);
  sockets.all[0]?.write(event('HEARTBEAT'));
  await events.count(1);
  clock.advance(5_000);
  await first;
  const second = listChannels(client);
  await asked.count(2);
  sockets.all[0]?.write(apiReply('{"row_count": 0}'));
  t.strictSame(await second, []);
  await client.close();
});

t.test('many questions are under way at once, but not all', async (t) => {
  const { asked, sockets, server } = await silentOn('api q');
  t.teardown(server.close);
  const { client, connected } = watch(server.port);
  await connected.count(1);
  const answers = Array.from({ length: 40 }, (_, i) => client.api(`q${i}`));
  await asked.count(16);
  for (let i = 0; i < 40; i++) {
    t.ok(asked.all.length <= i + 16, 'no more than a window full');
    sockets.all[0]?.write(apiReply(`${i}`));
    t.equal(await answers[i], `${i}`);
  }
  await client.close();
});

t.test('one bad frame or one failing consumer does not stop the others', async (t) => {
  const bad = '{"Event-Name": "X", +919845012345}';
  const server = await fakeServer((socket) => {
    greet(socket, () => {
      socket.write(`Content-Length: ${bad.length}\nContent-Type: text/event-json\n\n${bad}`);
      socket.write('Content-Type: log/data\nContent-Length: 3\n\nabc');
      socket.write(Buffer.concat([event('CHANNEL_CREATE'), event('CHANNEL_ANSWER')]));
    });
  });
  t.teardown(server.close);
  const fail = ({ name }: EslEvent) => {
    if (name === 'CHANNEL_CREATE') throw new Error('consumer failed');
  };
  const { client, events, faults, lost } = watch(server.port, {}, fail);
  await events.count(2);
  t.match(faults.all, [
    { subject: 'unreadable', text: /text\/event-json.*not valid JSON.*left out/ },
    { subject: 'not handled', text: /CHANNEL_CREATE could not be handled and was left out.*consumer failed/ },
  ]);
  t.notMatch(JSON.stringify(faults.all), /9845/);
  t.match(client.counters(), { unknownEvents: 1, events: 2 });
  t.equal(lost.all.length, 0);
  await client.close();
});

t.test('frames before the end are delivered before the loss; a goodbye makes it orderly', async (t) => {
  const endings: readonly [string, string | Buffer, boolean][] = [
    ['nothing said', '', false],
    ['SHUTDOWN', event('SHUTDOWN'), true],
    ['notice', notice(), true],
  ];
  for (const [what, last, orderly] of endings) {
    const server = await fakeServer((socket, nth) => {
      greet(socket, () => {
        if (nth === 0) socket.end(Buffer.concat([event('CHANNEL_CREATE'), Buffer.from(last)]));
      });
    });
    const { client, lost, events, story } = watch(server.port);
    await lost.count(1);
    t.equal(lost.all[0]?.orderly, orderly, what);
    t.equal(story.all.at(-1), 'lost', what);
    t.equal(events.all[0]?.name, 'CHANNEL_CREATE', what);
    await client.close();
    await server.close();
  }
});

t.test('after a goodbye that lingers the rest is still read', async (t) => {
  const after = new Seen<() => void>();
  const server = await fakeServer((socket) => {
    greet(socket, () => {
      socket.write(notice('Content-Disposition: linger\nLinger-Time: 5\n'));
      after.add(() => socket.end(event('CHANNEL_ANSWER')));
    });
  });
  t.teardown(server.close);
  const { client, lost, raw, story } = watch(server.port);
  await raw.until((bytes) => Buffer.from(bytes).includes('linger'));
  const [send] = await after.count(1);
  send?.();
  await lost.count(1);
  t.strictSame(story.all, ['connected', 'CHANNEL_ANSWER', 'lost']);
  t.equal(lost.all[0]?.orderly, true);
  await client.close();
});

t.test('half a frame of the old connection is not put before the new one', async (t) => {
  const half = event('CHANNEL_ANSWER');
  const server = await fakeServer((socket, nth) => {
    greet(socket, () => {
      if (nth === 0) socket.end(Buffer.concat([event('CHANNEL_CREATE'), half.subarray(0, half.length - 7)]));
      else socket.write(event('CHANNEL_BRIDGE'));
    });
  });
  t.teardown(server.close);
  const { client, clock, lost, events, story, faults } = watch(server.port);
  await lost.count(1);
  clock.advance(500);
  await events.count(2);
  t.strictSame(story.all, ['connected', 'CHANNEL_CREATE', 'lost', 'connected', 'CHANNEL_BRIDGE']);
  t.strictSame(faults.all, []);
  await client.close();
});

t.test('close in the middle of anything resolves and ends it', async (t) => {
  const silent = await fakeServer(() => {});
  t.teardown(silent.close);
  const waiting = watch(silent.port);
  await waiting.client.close();
  t.equal(waiting.client.status.state, 'stopped');
  t.equal(waiting.clock.next, null);

  const deaf = await fakeServer((socket) =>
    greet(
      socket,
      () => {},
      (command) => (command === 'exit' || command === 'api x' ? '' : null),
    ),
  );
  t.teardown(deaf.close);
  const { client, clock, connected, lost } = watch(deaf.port);
  await connected.count(1);
  const pending = t.rejects(client.api('x'), /closed the connection/);
  const closed = client.close();
  clock.advance(1_000);
  await closed;
  await pending;
  t.equal(lost.all.length, 0, 'no loss is told to somebody who leaves');
  t.equal(clock.next, null);
});
