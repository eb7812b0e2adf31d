/** One bad packet costs that packet, never the link. */
import t from 'tap';
import { createAsteriskSource } from '../../../../adapters/asterisk/source.ts';
import type { SourceStatus } from '../../../../src/ports.ts';
import { acceptLogin, answerPings, FakeClock, Inbox, realClock, scriptedServer, watchedClient } from '../support.ts';

t.test('a line of megabytes, and a packet beyond all limits', async (t) => {
  const server = await scriptedServer();
  const { client, log, faults, packets, event } = watchedClient({ port: server.port });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await log.find((item) => item.kind === 'connected');
  peer.packet('Event: VarSet', `Value: ${'v'.repeat(1 << 20)}`);
  peer.packet('Event: Huge', `Value: ${'h'.repeat(20 << 20)}`);
  peer.packet('Event: Newchannel', 'Uniqueid: 1.1');
  await event('Newchannel');
  t.same(
    packets().map((packet) => packet.get('Event')),
    ['FullyBooted', 'VarSet', 'Newchannel'],
  );
  t.equal(faults.length, 1);
  t.match(faults[0], /^AMI at 127\.0\.0\.1:\d+ sent a packet of more than 17825792 bytes; it was left out\.$/);
  t.notOk(log.items.some((item) => item.kind === 'lost' || (item.kind === 'state' && item.state === 'refused')));
  await client.close();
  await server.close();
});

t.test('what throws on one packet is told, and the next one comes', async (t) => {
  const server = await scriptedServer();
  const { client, log, faults, packets } = watchedClient({ port: server.port });
  const push = log.push.bind(log);
  log.push = (item) => {
    if (item.kind === 'packet' && /Bad/.test(item.packet.get('Event') ?? '')) throw new Error('no such thing');
    push(item);
  };
  const peer = await server.peers.find(() => true);
  const login = acceptLogin(peer, false);
  peer.packet('Event: BadEarly');
  await login;
  peer.packet('Event: FullyBooted', '', 'Event: Bad', '', 'Event: Good');
  await log.find((item) => item.kind === 'packet' && item.packet.get('Event') === 'Good');
  t.same(
    packets().map((packet) => packet.get('Event')),
    ['FullyBooted', 'Good'],
  );
  t.match(faults, [/"BadEarly" could not be handled.*no such thing/, /"Bad" could not be handled and was left out/]);
  const answer = client.action('Ping');
  const ping = await peer.actions.find((action) => action.get('Action') === 'Ping');
  peer.packet('Response: Success', `ActionID: ${ping.get('ActionID')}`, 'Ping: Pong');
  t.equal((await answer).get('Ping'), 'Pong');
  await client.close();
  await server.close();
});

t.test('a list with an item that could not be read is no whole list', async (t) => {
  const server = await scriptedServer();
  const { client, log, packets } = watchedClient({ port: server.port });
  const push = log.push.bind(log);
  log.push = (item) => {
    if (item.kind === 'packet' && item.packet.get('Channel') === 'bad') throw new Error('no such thing');
    push(item);
  };
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await log.find((item) => item.kind === 'connected');
  const list = client.listAction('Status');
  const id = `ActionID: ${(await peer.actions.find((one) => one.get('Action') === 'Status')).get('ActionID')}`;
  peer.packet('Response: Success', id, 'EventList: start');
  peer.packet('Event: Status', id, 'Channel: good');
  peer.packet('Event: Status', id, 'Channel: bad');
  peer.packet('Event: StatusComplete', id, 'EventList: Complete', 'ListItems: 2');
  await t.rejects(list, { failure: 'cut', message: /answer to Status was cut off: 1 of 2 items came/ });
  t.notOk(
    packets().some((packet) => packet.get('Event') === 'StatusComplete'),
    'so nobody takes it for one',
  );
  await client.close();
  await server.close();
});

t.test('a bad packet that came while the login was renewed costs that packet alone', async (t) => {
  const server = await scriptedServer();
  const { client, log, faults, event } = watchedClient({ port: server.port });
  const push = log.push.bind(log);
  log.push = (item) => {
    if (item.kind === 'packet' && item.packet.get('Channel') === 'bad') throw new Error('no such thing');
    push(item);
  };
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await event('FullyBooted');
  const renewed = client.renew();
  const fresh = await server.peers.find((one) => one !== peer);
  fresh.packet('Event: Newchannel', 'Channel: bad');
  fresh.packet('Event: Newchannel', 'Channel: good');
  await acceptLogin(fresh);
  answerPings(peer, fresh);
  await renewed;
  await peer.actions.find((action) => action.get('Action') === 'Logoff');
  await event('Newchannel');
  t.match(faults, [/"Newchannel" could not be handled and was left out \(no such thing\)/]);
  await client.close();
  await server.close();
});

t.test('the source tells the first bad packet, and then the tenth', async (t) => {
  const server = await scriptedServer();
  const warnings = new Inbox<string>();
  const statuses = new Inbox<SourceStatus>();
  const who = {
    name: 'pbx',
    host: '127.0.0.1',
    port: server.port,
    username: 'u',
    secret: 's',
    clock: realClock,
    retryMs: () => 0,
  };
  const source = createAsteriskSource({ ...who, onWarning: (text) => warnings.push(text) });
  source.start(
    () => {
      throw new Error('the pipeline has a bad day');
    },
    (status) => statuses.push(status),
  );
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  for (let i = 0; i < 12; i += 1) peer.packet('Event: Newchannel', 'Channel: PJSIP/1001-1', `Uniqueid: 1.${i}`);
  await warnings.find((text) => /makes 10/.test(text));
  t.match(
    warnings.items[0],
    /"FullyBooted" could not be handled and was left out \(the pipeline .*Further ones are count/,
  );
  t.equal(warnings.items.length, 2);
  t.equal(source.status().state, 'connected');
  peer.socket.destroy();
  await statuses.find(({ state }) => state === 'lost');
  await server.peers.find(() => true, 1);
  await source.stop();
  await server.close();
});

t.test('a flood is read to its end', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log, packets, event } = watchedClient({ port: server.port, clock });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer, false);
  peer.socket.write('Event: Newstate\r\nUniqueid: 1.1\r\n\r\n'.repeat(40_000));
  peer.packet('Event: Last');
  peer.socket.end();
  await event('Last');
  await log.find((item) => item.kind === 'lost');
  t.equal(packets().length, 40_001);
  await client.close();
  await server.close();
});
