/** The player as a server: logins, actions, faults on purpose, back pressure. */
import net from 'node:net';
import t from 'tap';
import type { AmiPacket } from '../../../../adapters/asterisk/link/packet.ts';
import { FakeClock, watchedClient } from '../support.ts';
import { capture, eventsOf, notBooted, playing, received, texts } from './support.ts';

t.test('logins are checked, and actions answered', async (t) => {
  const { player, port } = await playing({ captures: [capture('asterisk-22/inbound_busy/events-f')] });
  const wrong = watchedClient({ port, secret: 'wrong' });
  t.match(await wrong.state('refused'), /Authentication failed/);
  await wrong.client.close();
  const wrongPlain = watchedClient({ port, secret: 'wrong', auth: 'plain' });
  t.match(await wrongPlain.state('refused'), /Authentication failed/);
  await wrongPlain.client.close();
  const stranger = watchedClient({ port, username: 'nobody' });
  t.match(await stranger.state('refused'), /Authentication failed/);
  await stranger.client.close();
  t.ok(player.remaining > 10, 'nothing is played to nobody');

  const { client, log } = watchedClient({ port, auth: 'plain', eventMask: 'off' });
  await log.find((item) => item.kind === 'connected');
  t.equal((await client.action('Ping')).get('Ping'), 'Pong');
  t.equal((await client.action('Events', [['EventMask', 'on']])).get('Events'), 'On');
  t.equal((await client.listAction('CoreShowChannels')).complete.get('ListItems'), '0');
  await t.rejects(client.action('Originate'), { message: /Invalid\/unknown command/ });
  await player.done;
  await client.close();
  await player.close();
});

t.test('faults: refused logins, a cut packet, a dead link, slow bytes', async (t) => {
  const path = capture('asterisk-22/inbound_answered_caller_hangs_up/events-f');
  const events = texts(eventsOf(path));
  const clock = new FakeClock();
  const { player, port } = await playing({ captures: [path], faults: { refuseLogin: true } });
  const { client, log, packets, state } = watchedClient({ port, clock });
  const got = () => texts(packets().filter(notBooted));
  await state('refused');
  player.setFaults({ cutAfter: 3 });
  clock.advance(60_000);
  await log.find((item) => item.kind === 'lost');
  t.same(got(), events.slice(0, 3), 'the fourth was cut in half');

  player.setFaults({ mute: true });
  const silence = clock.timer(10_000);
  clock.advance(0);
  await silence;
  await clock.timer(10_000);
  player.setFaults({});
  clock.advance(10_000);
  await player.done;
  await log.find(() => got().length === events.length - 1);
  t.same(got(), [...events.slice(0, 3), ...events.slice(4)], 'the cut packet is lost, as it would be');
  const problems = log.items.map((item) => (item.kind === 'state' ? item.problem : null));
  t.ok(
    problems.some((problem) => problem?.includes('sent no AMI greeting')),
    'mute from the first byte',
  );
  await client.close();
  await player.close();

  t.same(
    texts((await received(path, { faults: { chunkBytes: 7 } })).filter(notBooted)),
    events,
    'in pieces of 7 bytes',
  );
});

t.test('a link that dies without a word is left by the client', async (t) => {
  const { player, port } = await playing({ captures: [capture('asterisk-22/queue_rona/events-f')], speed: 0.001 });
  const clock = new FakeClock();
  const { client, log } = watchedClient({ port, clock });
  const ping = clock.timer(10_000);
  await log.find((item) => item.kind === 'connected');
  await ping;
  player.setFaults({ mute: true });
  const deadline = clock.timer(5_000);
  clock.advance(10_000);
  await deadline;
  clock.advance(5_000);
  t.match(await log.find((item) => item.kind === 'lost'), {
    reason: /not even an answer to a Ping: the connection is dead/,
    orderly: false,
  });
  player.setFaults({});
  await client.close();
  await player.close();
});

t.test('reached() waits for a place in the recording', async (t) => {
  const { player, port } = await playing({ captures: [capture('asterisk-22/inbound_busy/events-f')], speed: 0.001 });
  const { client, event } = watchedClient({ port });
  const named = (name: string) => (packet: AmiPacket) => packet.get('Event') === name;
  let over = false;
  player.reached(named('Hangup')).then(
    () => {
      over = true;
    },
    () => {},
  );
  await player.reached(named('Newchannel'));
  await event('Newchannel');
  await player.reached(named('Newchannel'));
  t.equal(over, false, 'the end of the call has not been played');
  await client.close();
  await player.close();
});

t.test('a client that does not read holds the playback back', async (t) => {
  const { player, port } = await playing({ captures: [capture('asterisk-22/storm_60s/events-f')], settleMs: 0 });
  const socket = net.connect(port, '127.0.0.1');
  socket.write('Action: Login\r\nUsername: crm-logger\r\nSecret: s3cret\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  // The buffers of both sides take a part; then nothing moves any more.
  for (let before = player.remaining, still = 0; still < 2_000; still += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (before !== player.remaining) still = 0;
    before = player.remaining;
  }
  t.ok(player.remaining > 1_000, `${player.remaining} packets wait`);
  socket.resume();
  await player.done;
  t.equal(player.remaining, 0);
  socket.destroy();
  await player.close();
});

t.test('held, the recording stands still, and logins and actions are answered', async (t) => {
  const path = capture('asterisk-22/inbound_busy/events-f');
  const { player, port } = await playing({ captures: [path], faults: { held: true } });
  const { remaining } = player;
  const { client, log } = watchedClient({ port });
  await log.find((item) => item.kind === 'connected');
  await received(path);
  t.equal(player.remaining, remaining, 'another one has played all of it meanwhile');
  player.setFaults({});
  await player.done;
  t.equal(player.remaining, 0);
  await client.close();
  await player.close();
});
