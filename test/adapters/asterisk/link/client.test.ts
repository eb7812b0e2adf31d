import t from 'tap';
import { AmiActionError } from '../../../../adapters/asterisk/link/actions.ts';
import { acceptLogin, FakeClock, scriptedServer, watchedClient } from '../support.ts';

t.test('logs in by challenge, and tells greeting, FullyBooted and every packet in order', async (t) => {
  const server = await scriptedServer(null);
  const { client, log, frames, packets, event } = watchedClient({ port: server.port, eventMask: 'system,call' });
  const peer = await server.peers.find(() => true);
  peer.socket.write('PBX Call Man');
  setImmediate(() => peer.socket.write('ager/5.0.4\r\n'));
  const login = await acceptLogin(peer);
  t.equal(login.get('Secret'), undefined, 'the secret does not cross the wire');
  t.equal(login.get('AuthType'), 'MD5');
  t.equal(login.get('Key'), '5ed1f0dc9003f2a40604fea3cf6cd609', 'md5 of 123456s3cret');
  t.equal(login.get('Events'), 'system,call');
  await log.find((item) => item.kind === 'connected');
  peer.packet('Event: Newchannel', 'Uniqueid: 1.1');
  peer.packet('Event: OriginateResponse', 'ActionID: other', 'Response: Failure');
  await event('OriginateResponse');
  t.same(
    log.items.map((item) => (item.kind === 'packet' ? item.packet.get('Event') : item.kind)),
    ['state', 'state', 'connected', 'FullyBooted', 'Newchannel', 'OriginateResponse'],
  );
  const connected = log.items[2];
  t.match(connected, { kind: 'connected', greeting: 'PBX Call Manager/5.0.4' });
  t.equal(connected?.kind === 'connected' && connected.fullyBooted?.get('Uptime'), '77');
  t.match(log.items[1], { kind: 'state', state: 'connected', problem: null });
  t.equal(
    Buffer.concat(frames).toString().split('\r\n')[0],
    'PBX Call Manager/5.0.4',
    'frames begin with the greeting',
  );
  t.equal(frames.length, 1 + 2 + 3, 'greeting, two responses, three events');
  t.equal(packets().length, 3);
  await client.close();
  await server.close();
});

t.test('a server without challenge: plain only where it was configured', async (t) => {
  const server = await scriptedServer();
  const refuse = async (index: number) => {
    const peer = await server.peers.find(() => server.peers.items.length > index, index);
    const challenge = await peer.actions.find((action) => action.get('Action') === 'Challenge');
    peer.packet('Response: Error', `ActionID: ${challenge.get('ActionID')}`, 'Message: Must specify AuthType');
    return peer;
  };
  const strict = watchedClient({ port: server.port });
  await refuse(0);
  t.match(await strict.state('refused'), /gave no MD5 challenge \(Must specify AuthType\); set auth to plain/);
  await strict.client.close();
  const lenient = watchedClient({ port: server.port, plainFallback: true });
  const peer = await refuse(1);
  const login = await peer.actions.find((action) => action.get('Action') === 'Login');
  t.equal(login.get('Secret'), 's3cret');
  await lenient.client.close();
  const plain = watchedClient({ port: server.port, auth: 'plain', secret: async () => 'from a file' });
  const third = await server.peers.find(() => true, 2);
  t.equal((await third.actions.find(() => true)).get('Secret'), 'from a file', 'no challenge is asked for');
  await plain.client.close();
  await server.close();
});

t.test('a list is collected while ordinary events and other lists come in between', async (t) => {
  const server = await scriptedServer();
  const { client, log, packets } = watchedClient({ port: server.port });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await log.find((item) => item.kind === 'connected');
  const lists = Promise.all([client.listAction('CoreShowChannels'), client.listAction('Status', [['Channel', 'x']])]);
  const channels = (await peer.actions.find((action) => action.get('Action') === 'CoreShowChannels')).get('ActionID');
  const status = (await peer.actions.find((action) => action.get('Action') === 'Status')).get('ActionID');
  t.match(channels, /^logcalld-1-\d+$/);
  peer.packet('Event: CoreShowChannel', `ActionID: ${channels}`, 'Channel: before the answer');
  peer.packet('Response: Success', `ActionID: ${channels}`, 'EventList: start');
  peer.packet('Event: CoreShowChannel', `ActionID: ${channels}`, 'Channel: A');
  peer.packet('Response: Success', `ActionID: ${status}`, 'EventList: start');
  peer.packet('Event: Hangup', 'Channel: A');
  peer.packet('Event: Status', 'Channel: C', `ActionID: ${status}`);
  peer.packet('Event: CoreShowChannel', `ActionID: ${channels}`, 'Channel: B');
  peer.packet('Event: StatusComplete', `ActionID: ${status}`, 'EventList: Complete', 'ListItems: 1');
  peer.packet('Event: Newchannel', 'Channel: D');
  peer.packet('Event: CoreShowChannelsComplete', `ActionID: ${channels}`, 'ListItems: 2');
  const [first, second] = await lists;
  const names = (items: readonly { get(name: string): string | undefined }[]) =>
    items.map((item) => item.get('Channel'));
  t.same(names(first.items), ['A', 'B']);
  t.equal(first.complete.get('ListItems'), '2');
  t.same(names(second.items), ['C']);
  const events = packets().map((packet) => packet.get('Event'));
  t.same(
    events.filter((name) => name === 'Hangup' || name === 'Newchannel'),
    ['Hangup', 'Newchannel'],
  );
  t.equal(events.filter((name) => name === 'CoreShowChannel').length, 3, 'items are handed on too');
  await client.close();
  await server.close();
});

t.test('actions: refusal, deadline, injection, and the end of the connection', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log, state } = watchedClient({ port: server.port, clock, actionDeadlineMs: 4_321 });
  await t.rejects(client.action('Ping'), { failure: 'closed', message: /not sent: there is no connection/ });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await log.find((item) => item.kind === 'connected');

  const refused = client.listAction('CoreShowChannels');
  const { length } = peer.actions.items;
  const action = await peer.actions.find((one) => one.get('Action') === 'CoreShowChannels');
  peer.packet('Response: Error', `ActionID: ${action.get('ActionID')}`, 'Message: Permission denied');
  await t.rejects(refused, { failure: 'refused', message: 'Asterisk refused CoreShowChannels: Permission denied.' });

  await t.rejects(client.action('Originate', [['Channel', 'x\r\n\r\nAction: Command']]), {
    message: /control character/,
  });

  const armed = clock.timer(4_321);
  const late = client.action('Slow');
  await armed;
  const lateId = (await peer.actions.find((one) => one.get('Action') === 'Slow')).get('ActionID');
  clock.advance(4_321);
  await t.rejects(late, { failure: 'timeout', message: /did not answer Slow within 4321 ms/ });
  peer.packet('Response: Success', `ActionID: ${lateId}`);

  const unanswered = client.action('Never').catch((error: unknown) => error);
  await peer.actions.find((one) => one.get('Action') === 'Never');
  t.ok(length <= 3 && peer.actions.items.every((one) => one.get('Action') !== 'Command'), 'nothing was smuggled in');
  peer.socket.destroy();
  const error = await unanswered;
  t.ok(error instanceof AmiActionError && error.failure === 'closed', String(error));
  await state('lost');
  await client.close();
  t.equal(clock.waiting, 0, 'no timer is left');
  await server.close();
});

t.test('a connection that breaks in mid-packet leaves nothing behind', async (t) => {
  const server = await scriptedServer();
  const { client, log, packets, event } = watchedClient({ port: server.port });
  const halves = [
    'Event: Hangup\r\nPrivilege: call,all\r\nChan',
    'Event: CoreShowChannel\r\nActionID: logcalld-2-9\r\nChannel: x',
    'Response: Follows\r\nPrivilege: Command\r\nsome output\r\n',
    'Event: Hangup\r\n\r',
  ];
  for (const [index, half] of halves.entries()) {
    const peer = await server.peers.find(() => true, index);
    await acceptLogin(peer);
    await log.find((item) => item.kind === 'connected', log.items.length);
    peer.socket.end(half);
    await log.find((item) => item.kind === 'lost' && !item.orderly, log.items.length);
  }
  const last = await server.peers.find(() => true, halves.length);
  await acceptLogin(last);
  last.packet('Event: Newchannel', 'Uniqueid: 2.1');
  await event('Newchannel');
  t.same(
    packets().map((packet) => packet.get('Event')),
    [...halves.map(() => 'FullyBooted'), 'FullyBooted', 'Newchannel'],
  );
  const ids = server.peers.items.flatMap(({ actions }) => actions.items.map((action) => action.get('ActionID')));
  t.equal(new Set(ids).size, ids.length, 'no ActionID is used twice');
  await client.close();
  await server.close();
});

t.test('reconnect() in the middle of a chunk drops the rest of it', async (t) => {
  const server = await scriptedServer();
  const { client, log, frames, packets, event } = watchedClient({ port: server.port });
  const dropped = event('Enough').then(() => {});
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await log.find((item) => item.kind === 'connected');
  const { length } = frames;
  const push = log.push.bind(log);
  log.push = (item) => {
    push(item);
    if (item.kind === 'packet' && item.packet.get('Event') === 'Enough') client.reconnect('it was enough');
  };
  peer.packet('Event: Enough', '', 'Event: TooMuch');
  await dropped;
  t.match(await log.find((item) => item.kind === 'lost'), { reason: 'it was enough' });
  await acceptLogin(await server.peers.find(() => true, 1));
  await log.find((item) => item.kind === 'connected', log.items.length);
  t.equal(
    Buffer.concat(frames.slice(length, length + 2)).toString(),
    'Event: Enough\r\n\r\nAsterisk Call Manager/11.0.0\r\n',
  );
  t.notOk(packets().some((packet) => packet.get('Event') === 'TooMuch'));
  await client.close();
  await server.close();
});

t.test('an announced shutdown is told from a crash', async (t) => {
  const server = await scriptedServer();
  const { client, log } = watchedClient({ port: server.port });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await log.find((item) => item.kind === 'connected');
  peer.packet('Event: Shutdown', 'Shutdown: Cleanly', 'Restart: True');
  peer.socket.end();
  const lost = await log.find((item) => item.kind === 'lost');
  t.match(lost, { orderly: true, reason: /closed the connection because Asterisk is stopping/ });
  await client.close();
  await server.close();
});

t.test('close() logs off, and is final', async (t) => {
  const server = await scriptedServer(undefined, false);
  const { client, log } = watchedClient({ port: server.port });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await log.find((item) => item.kind === 'connected');
  const closed = client.close();
  const logoff = await peer.actions.find((action) => action.get('Action') === 'Logoff');
  peer.packet('Event: Newchannel');
  peer.packet('Response: Goodbye', `ActionID: ${logoff.get('ActionID')}`, 'Message: Thanks for all the fish.');
  await closed;
  t.match(log.items.at(-1), { kind: 'state', state: 'stopped' });
  await t.rejects(client.action('Ping'), { failure: 'closed', message: /no connection/ });
  client.start();
  await server.close();
  t.match(log.items.at(-1), { kind: 'state', state: 'stopped' });
  t.equal(server.peers.items.length, 1);
});
