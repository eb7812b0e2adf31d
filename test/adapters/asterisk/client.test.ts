import net from 'node:net';
import t from 'tap';
import { AmiActionError } from '../../../adapters/asterisk/actions.ts';
import { acceptLogin, FakeClock, scriptedServer, watchedClient } from './support.ts';

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

t.test('FullyBooted is waited for, with a deadline', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log, packets } = watchedClient({ port: server.port, clock, bootDeadlineMs: 2_222 });
  const waiting = clock.timer(2_222);
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer, false);
  await waiting;
  peer.packet('Event: PeerStatus');
  await t.rejects(
    client.listAction('CoreShowChannels'),
    { failure: 'closed', message: /no connection/ },
    'not before it is booted',
  );
  peer.packet('Event: FullyBooted', 'Uptime: 0');
  await log.find((item) => item.kind === 'connected');
  t.same(
    packets().map((packet) => packet.get('Event')),
    ['PeerStatus', 'FullyBooted'],
    'what came before is kept',
  );
  const connectedAt = log.items.findIndex((item) => item.kind === 'connected');
  t.ok(connectedAt < log.items.findIndex((item) => item.kind === 'packet'), 'and comes after onConnected');

  const again = clock.timer(2_222);
  peer.socket.destroy();
  await log.find((item) => item.kind === 'lost');
  clock.advance(0);
  const second = await server.peers.find(() => true, 1);
  await acceptLogin(second, false);
  await again;
  clock.advance(2_222);
  const connected = await log.find((item) => item.kind === 'connected', connectedAt + 1);
  t.match(connected, { fullyBooted: null });
  const state = log.items.findLast((item) => item.kind === 'state');
  t.match(state, { state: 'connected', problem: /sent no FullyBooted in 2222 ms.*read class system/ });
  await client.close();
  await server.close();
});

t.test('events between login and FullyBooted are not lost with the connection', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log } = watchedClient({ port: server.port, clock, bootDeadlineMs: 2_222 });
  const waiting = clock.timer(2_222);
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer, false);
  await waiting;
  peer.packet('Event: Hangup', 'Uniqueid: 5.5');
  peer.socket.end();
  await log.find((item) => item.kind === 'lost');
  t.same(
    log.items.map((item) => item.kind).filter((kind) => kind !== 'state'),
    ['connected', 'packet', 'lost'],
  );
  await client.close();
  await server.close();
});

t.test('a wrong secret is refused, told apart from a lost link, and tried again slowly', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log, state } = watchedClient({ port: server.port, clock, refusedDelayMs: 60_000 });
  const refuse = async (index: number) => {
    const peer = await server.peers.find(() => true, index);
    const retry = clock.timer(60_000);
    const challenge = await peer.actions.find((action) => action.get('Action') === 'Challenge');
    peer.packet('Response: Success', `ActionID: ${challenge.get('ActionID')}`, 'Challenge: 1');
    const login = await peer.actions.find((action) => action.get('Action') === 'Login');
    peer.packet('Response: Error', `ActionID: ${login.get('ActionID')}`, 'Message: Authentication failed');
    await retry;
  };
  await refuse(0);
  const problem = await state('refused');
  t.match(problem, /refused the login of user "crm-logger" \(Authentication failed\); check the secret.*permit/);
  t.notMatch(problem, /s3cret/);
  clock.advance(59_999);
  t.equal(server.peers.items.length, 1, 'not before the minute is over');
  clock.advance(1);
  await refuse(1);
  t.same(
    log.items.map((item) => item.kind === 'state' && item.state),
    ['connecting', 'refused'],
    'said once',
  );
  clock.advance(60_000);
  await acceptLogin(await server.peers.find(() => true, 2));
  await state('connected');
  await client.close();
  await server.close();
});

/** Lets the client log in and stay up for each of these times (ms), and tells the delays before it tries again. */
async function delaysAfter(upTimes: readonly number[]): Promise<number[]> {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const options = { random: () => 0.999, backoffInitialMs: 1_000, backoffMaxMs: 30_000, quietMs: 30_000 };
  const { client, log } = watchedClient({ port: server.port, clock, pingIntervalMs: 100_000, ...options });
  const delays: number[] = [];
  for (const [index, upMs] of upTimes.entries()) {
    const from = log.items.length;
    const peer = await server.peers.find(() => true, index);
    await acceptLogin(peer);
    await log.find((item) => item.kind === 'connected', from);
    clock.advance(upMs);
    peer.socket.destroy();
    await log.find((item) => item.kind === 'lost', from);
    const delay = clock.asked.at(-1) ?? 0;
    delays.push(Math.round(delay));
    clock.advance(delay);
  }
  await client.close();
  await server.close();
  return delays;
}

t.test('the backoff grows, with full jitter, and starts anew only after a quiet time', async (t) => {
  t.same(await delaysAfter([0, 0, 0, 0, 0, 0, 29_999]), [999, 1998, 3996, 7992, 15984, 29970, 29970]);
  t.same(await delaysAfter([0, 0, 30_000, 0]), [999, 1998, 999, 1998]);
});

t.test('a half-open link is noticed within interval + deadline', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log, state } = watchedClient({ port: server.port, clock });
  const ping = clock.timer(10_000);
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await log.find((item) => item.kind === 'connected');
  const next = async (index: number) => {
    const deadline = clock.timer(5_000);
    clock.advance(10_000);
    await deadline;
    return peer.actions.find((action) => action.get('Action') === 'Ping' && index >= 0, index);
  };

  await ping;
  const answered = await next(0);
  const again = clock.timer(10_000);
  peer.packet('Response: Success', `ActionID: ${answered.get('ActionID')}`, 'Ping: Pong');
  await again;

  await next(peer.actions.items.length);
  peer.packet('Event: Newstate');
  await log.find((item) => item.kind === 'packet' && item.packet.get('Event') === 'Newstate');
  const third = clock.timer(10_000);
  clock.advance(5_000);
  await third;
  t.notOk(
    log.items.some((item) => item.kind === 'lost'),
    'a slow answer is no dead link while events arrive',
  );

  await next(peer.actions.items.length);
  clock.advance(5_000);
  t.match(await state('lost'), /sent nothing for 5000 ms after a Ping: the connection is dead/);
  const lost = await log.find((item) => item.kind === 'lost');
  t.match(lost, { orderly: false });
  await client.close();
  await server.close();
});

t.test('a port that is not AMI gets one clear sentence', async (t) => {
  const cases: [string | null, RegExp, string][] = [
    [
      'SSH-2.0-OpenSSH_9.6\r\n',
      /not AMI but an SSH server \(it said "SSH-2.0-OpenSSH_9.6"\); use the port of manager.conf/,
      'refused',
    ],
    ['HTTP/1.1 400 Bad Request\r\n', /not AMI but a web server/, 'refused'],
    ['Content-Type: auth/request\n\n', /not AMI but a FreeSWITCH event socket/, 'refused'],
    ['hello\n', /not AMI but something else/, 'refused'],
    ['x'.repeat(300_000), /a line longer than .* check that the port/, 'refused'],
  ];
  for (const [greeting, wanted, state] of cases) {
    const server = await scriptedServer(greeting);
    const watched = watchedClient({ port: server.port });
    t.match(await watched.state(state === 'refused' ? 'refused' : 'lost'), wanted);
    t.equal(server.peers.items[0]?.actions.items.length, 0, 'and no action, least of all a secret');
    await watched.client.close();
    await server.close();
  }
  const silent = await scriptedServer(null);
  const clock = new FakeClock();
  const watched = watchedClient({ port: silent.port, clock, connectTimeoutMs: 7_777 });
  await silent.peers.find(() => true);
  const timer = clock.timer(7_777);
  await timer;
  clock.advance(7_777);
  t.match(await watched.state('lost'), /sent no AMI greeting in 7777 ms; a web server or a TLS port/);
  await watched.client.close();
  await silent.close();
});

t.test('a port where nobody listens', async (t) => {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => probe.close(resolve));
  const clock = new FakeClock();
  const watched = watchedClient({ port, clock });
  t.match(await watched.state('lost'), /refused the connection; is Asterisk running.*manager.conf/);
  t.notOk(
    watched.log.items.some((item) => item.kind === 'lost'),
    'what never was there is not lost',
  );
  await watched.client.close();
  t.equal(clock.waiting, 0);
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
