/** How the client keeps its link: waiting for the boot, refusals, backoff, dead links, ports that are not AMI. */
import net from 'node:net';
import t from 'tap';
import { acceptLogin, FakeClock, scriptedServer, watchedClient } from '../support.ts';

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
  second.packet('Event: FullyBooted', 'Uptime: 0');
  const { length } = log.items;
  await log.find((item) => item.kind === 'state', length);
  t.match(client.status, { state: 'connected', problem: null }, 'it was only late');
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
    ['x'.repeat(300_000), /a line longer than 4096 bytes.*check that the port/, 'refused'],
    [
      'Asterisk Call Manager/1.3\r\n',
      /is of Asterisk 11 or older \("Asterisk Call Manager\/1.3"\).*Asterisk 13 or newer is needed/,
      'refused',
    ],
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

t.test('a secret that never comes ends the attempt', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const waiting = clock.timer(3_333);
  const options = { port: server.port, clock, actionDeadlineMs: 3_333, retryMs: () => 60_000 };
  const watched = watchedClient({ ...options, secret: () => new Promise<string>(() => {}) });
  await waiting;
  clock.advance(3_333);
  t.match(await watched.state('lost'), /the secret did not come within 3333 ms/);
  await watched.client.close();
  await server.close();
});
