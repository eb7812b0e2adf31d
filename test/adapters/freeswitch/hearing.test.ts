/** A FreeSWITCH with sessions of which nothing is heard, as its counts tell it. */
import type { Socket } from 'node:net';
import t from 'tap';
import { createFreeswitchSource } from '../../../adapters/freeswitch/source.ts';
import type { SourceStatus } from '../../../src/ports.ts';
import { apiReply, fakeServer, greet, HandClock, jsonFrame, Seen } from './support.ts';

const status = (total: number, live: number) =>
  apiReply(
    `UP 0 years, 0 days, 0 hours, 0 minutes, 9 seconds\n${total} session(s) since startup\n${live} session(s) - peak 2, last 5min 2 \n`,
  );

interface Answers {
  status: string;
  originate: string;
}

async function bench(t: { teardown(run: () => Promise<void>): unknown }) {
  const clock = new HandClock();
  const statuses = new Seen<SourceStatus>();
  const commands = new Seen<string>();
  const answers: Answers = { status: status(7, 0), originate: '' };
  let socket: Socket | null = null;
  const server = await fakeServer((one) => {
    socket = one;
    greet(
      one,
      () => {},
      (command) => {
        commands.add(command);
        if (command === 'api status') return answers.status;
        if (command.startsWith('api originate')) return apiReply(answers.originate);
        return command === 'api show channels as json' ? apiReply('{"row_count": 0}') : null;
      },
    );
  });
  const source = createFreeswitchSource({ name: 'pbx', host: '127.0.0.1', port: server.port, password: 's', clock });
  const taken = new Seen<string>();
  source.start(({ events }) => {
    for (const { kind } of events) taken.add(kind);
  }, statuses.add);
  t.teardown(async () => {
    await source.stop();
    await server.close();
  });
  await taken.until((kind) => kind === 'snapshot-complete');
  /** Sends an event, and waits until it has been taken in. */
  const say = async (event: Readonly<Record<string, unknown>>): Promise<void> => {
    const before = source.status().frames;
    socket?.write(jsonFrame({ 'Core-UUID': 'core', 'Event-Date-Timestamp': String(clock.now() * 1000), ...event }));
    while (source.status().frames === before) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  };
  const heartbeat = (total: number, live: number) => {
    answers.status = status(total, live);
    return say({ 'Event-Name': 'HEARTBEAT', 'Session-Count': String(live), 'Session-Since-Startup': String(total) });
  };
  /** Lets time pass in small steps, so that answers come between them. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(500);
      for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { source, pass, statuses, commands, answers, say, heartbeat };
}

t.test('sessions grow and no channel is heard for 25 s: deaf, and subscribed anew; a channel ends it', async (t) => {
  const { source, pass, commands, say, heartbeat, statuses } = await bench(t);
  await heartbeat(7, 0);
  await heartbeat(9, 2);
  await pass(20_000);
  await heartbeat(9, 2);
  t.equal(source.status().deaf, null, 'a session that has to prove who it is says nothing for a while');
  const subscriptions = () => commands.all.filter((command) => command.startsWith('event ')).length;
  const subscribed = subscriptions();
  await pass(10_000);
  await heartbeat(9, 0);
  t.match(source.status(), {
    deaf: { text: /"pbx" has calls and sends no event of them/ },
    problem: /no event of them/,
  });
  await commands.until(() => subscriptions() === subscribed + 1);
  await say({ 'Event-Name': 'CHANNEL_CREATE', 'Unique-ID': 'a', 'Channel-Name': 'sofia/internal/1001@pbx' });
  t.match(source.status(), { deaf: null, problem: null, callHeardAt: Number });
  t.match(
    statuses.all.find(({ deaf }, at) => deaf === null && statuses.all[at - 1]?.deaf != null),
    { callHeardAt: source.status().callHeardAt },
    'the end of its gap',
  );
});

t.test('an event of the session came late, or it is its end alone: not deaf', async (t) => {
  const { source, pass, say, heartbeat } = await bench(t);
  await heartbeat(7, 0);
  await heartbeat(8, 1);
  await pass(20_000);
  await say({ 'Event-Name': 'CHANNEL_HANGUP_COMPLETE', 'Unique-ID': 'a', 'Channel-Name': 'sofia/internal/1001@pbx' });
  await heartbeat(8, 0);
  await pass(30_000);
  await heartbeat(8, 0);
  t.equal(source.status().deaf, null);
});

t.test('a link on which nothing comes, not even HEARTBEAT, is asked, and its answers count', async (t) => {
  const { source, pass, answers, statuses } = await bench(t);
  await pass(4_500);
  answers.status = status(8, 1);
  await pass(36_000);
  await statuses.until(({ deaf }) => deaf != null);
  t.ok(source.status().deaf);
});

t.test('a channel that rings nobody is placed, or it is said why not', async (t) => {
  const { source, commands, answers } = await bench(t);
  answers.originate = '-ERR NO_ROUTE_DESTINATION\n';
  t.equal(await source.probe.place(), null);
  t.ok(commands.all.includes(`api ${source.probe.byHand.slice("fs_cli -x '".length, -1)}`), 'by hand it is the same');
  answers.originate = '-ERR CHAN_NOT_IMPLEMENTED\n';
  t.match(await source.probe.place(), /load mod_loopback/);
});
