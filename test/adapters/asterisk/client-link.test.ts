/** How the client keeps its link: waiting for the boot, refusals, backoff, dead links, ports that are not AMI. */
import net from 'node:net';
import t from 'tap';
import { acceptLogin, FakeClock, scriptedServer, watchedClient } from './support.ts';

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
