/** How soon the client is back, by what kept it away. */
import net from 'node:net';
import t from 'tap';
import { retryDelayMs } from '../../../../src/link/retry.ts';
import { acceptLogin, FakeClock, type Peer, scriptedServer, watchedClient } from '../support.ts';

const slow = { retryMs: retryDelayMs, random: () => 1 - Number.EPSILON };

/** Refuses the next login on this connection. */
async function refuse(peer: Peer): Promise<void> {
  const challenge = await peer.actions.find((action) => action.get('Action') === 'Challenge');
  peer.packet('Response: Success', `ActionID: ${challenge.get('ActionID')}`, 'Challenge: 1');
  const login = await peer.actions.find((action) => action.get('Action') === 'Login');
  peer.packet('Response: Error', `ActionID: ${login.get('ActionID')}`, 'Message: Authentication failed');
}

t.test('back within a second after a restart, also after the fourth', async (t) => {
  let server = await scriptedServer();
  const { port } = server;
  const delays: number[] = [];
  const retryMs: typeof retryDelayMs = (kind, failures, local) => {
    const delay = retryDelayMs(kind, failures, local, 1);
    delays.push(delay);
    return delay / 100;
  };
  const { client, log } = watchedClient({ port, retryMs });
  for (let restart = 0; restart < 4; restart += 1) {
    await acceptLogin(await server.peers.find(() => true));
    await log.find((item) => item.kind === 'connected', restart === 0 ? 0 : log.items.length);
    const from = log.items.length;
    await server.close();
    await log.find((item) => item.kind === 'lost', from);
    await log.find((item) => item.kind === 'state' && /refused the connection/.test(item.problem ?? ''), from);
    server = await scriptedServer(undefined, true, port);
  }
  await acceptLogin(await server.peers.find(() => true));
  t.ok(delays.length >= 8 && Math.max(...delays) <= 800, delays.join(' '));
  await client.close();
  await server.close();
});

/** Lets the client log in and stay up for each of these times (ms), and tells the delays before it tries again. */
async function delaysAfter(upTimes: readonly number[], last: string[] = []): Promise<number[]> {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log } = watchedClient({ port: server.port, clock, pingIntervalMs: 1_000_000, ...slow });
  const delays: number[] = [];
  for (const [index, upMs] of upTimes.entries()) {
    const from = log.items.length;
    const peer = await server.peers.find(() => true, index);
    await acceptLogin(peer);
    await log.find((item) => item.kind === 'connected', from);
    clock.advance(upMs);
    if (last.length > 0) peer.packet(...last);
    peer.socket.end();
    await log.find((item) => item.kind === 'lost', from);
    const delay = clock.asked.at(-1) ?? 0;
    delays.push(delay);
    clock.advance(delay);
  }
  await client.close();
  await server.close();
  return delays;
}

t.test('a PBX that takes a login and drops it is approached more slowly, until a link has stood', async (t) => {
  t.same(await delaysAfter([0, 0, 0, 0, 0, 0, 9_999]), [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  t.same(await delaysAfter([0, 0, 10_000, 0]), [250, 500, 250, 500]);
});

t.test('a PBX that said it stops is looked for at once', async (t) => {
  t.same(await delaysAfter([0, 0, 0], ['Event: Shutdown', 'Restart: True']), [100, 100, 100]);
});

t.test('a port where nobody listens, and a PBX away', async (t) => {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => probe.close(resolve));
  const delays = async (host: string) => {
    const clock = new FakeClock();
    const { client, state } = watchedClient({ port, host, clock, ...slow });
    await state('lost');
    for (let i = 0; i < 6; i += 1) {
      const { length } = clock.asked;
      const next = clock.otherTimer(10_000);
      clock.advance(clock.asked.at(-1) ?? 0);
      await next;
      t.ok(clock.asked.length > length);
    }
    await client.close();
    return clock.asked.filter((ms) => ms !== 10_000);
  };
  t.same(await delays('127.0.0.1'), [100, 200, 400, 800, 800, 800, 800]);
  t.equal(retryDelayMs('unreachable', 7, false, 1), 3_000);
});

t.test('a refused login is told apart from a lost link, and sent again after seconds', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log, state } = watchedClient({ port: server.port, clock, ...slow });
  const held = clock.timer(4_750);
  await refuse(await server.peers.find(() => true));
  const problem = await state('refused');
  t.match(problem, /refused the login of user "crm-logger" \(Authentication failed\); check that the secret.*permit/);
  t.notMatch(problem, /s3cret/);
  clock.advance(250);
  const second = await server.peers.find(() => true, 1);
  await held;
  clock.advance(4_749);
  t.equal(second.actions.items.length, 0, 'connected, but silent');
  clock.advance(1);
  await acceptLogin(second);
  await state('connected');
  t.same(
    log.items.flatMap((item) => (item.kind === 'state' ? [item.state] : [])),
    ['connecting', 'refused', 'connected'],
    'said once',
  );
  await client.close();
  t.equal(clock.waiting, 0, 'no timer is left');
  await server.close();
});

t.test('a refused login is sent again at once when Asterisk was away', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, state } = watchedClient({ port: server.port, clock, ...slow });
  const held = clock.timer(4_750);
  await refuse(await server.peers.find(() => true));
  await state('refused');
  clock.advance(250);
  await held;
  const away = state('lost');
  const again = clock.timer(500);
  await server.close();
  await again;
  clock.advance(500);
  t.match(await away, /refused the connection/, 'not told before: Asterisk ends what does not log in');
  const anew = await scriptedServer(undefined, true, server.port);
  clock.advance(100);
  await acceptLogin(await anew.peers.find(() => true));
  await state('connected');
  await client.close();
  await anew.close();
});

t.test('a connection that is ended while its login is held back brings no login forward', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log, state } = watchedClient({ port: server.port, clock, ...slow });
  const held = clock.timer(4_750);
  await refuse(await server.peers.find(() => true));
  await state('refused');
  clock.advance(250);
  await held;
  const { length } = log.items;
  const again = clock.timer(500);
  server.peers.items[1]?.socket.end();
  await again;
  const rest = clock.timer(4_250);
  clock.advance(500);
  await rest;
  t.equal(log.items.length, length, 'nor is it news');
  await client.close();
  t.equal(clock.waiting, 0, 'no timer is left');
  await server.close();
});

t.test('a secret that is corrected on this side is tried within two seconds', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  let secret = 'wrong';
  const { client, log, state } = watchedClient({ port: server.port, clock, secret: () => secret, ...slow });
  const looks = clock.timer(2_000);
  await refuse(await server.peers.find(() => true));
  await state('refused');
  clock.advance(250);
  const second = await server.peers.find(() => true, 1);
  await looks;
  const next = clock.timer(2_000);
  clock.advance(2_000);
  await next;
  t.equal(second.actions.items.length, 0, 'the same secret again');
  secret = 's3cret';
  clock.advance(2_000);
  t.equal((await acceptLogin(second)).get('Key'), '5ed1f0dc9003f2a40604fea3cf6cd609');
  await state('connected');
  // Within the time for which the refused login would have held back the next one.
  second.socket.end();
  t.match(await state('lost'), /closed the connection/);
  clock.advance(500);
  await acceptLogin(await server.peers.find(() => true, 2));
  await log.find(({ kind }) => kind === 'connected', log.items.length);
  await client.close();
  await server.close();
});
