/** The login is done anew beside the connection that stands: nothing is lost by it and nothing comes twice, or it is not done. */
import t from 'tap';
import { acceptLogin, answerPings, FakeClock, type Peer, scriptedServer, watchedClient } from '../support.ts';

/** As `pingDeadlineMs` of client-options.ts. */
const PING_MS = 5_000;

async function bench(t: { teardown(run: () => Promise<void>): unknown }, secret: () => string = () => 's3cret') {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const watched = watchedClient({ port: server.port, clock, secret, pingIntervalMs: 1_000_000 });
  const { client, event, packets } = watched;
  t.teardown(async () => {
    await client.close();
    await server.close();
  });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await event('FullyBooted');
  const renew = (giveUp = false) => {
    const done = client.renew(giveUp);
    return { done, fresh: server.peers.find((one) => one !== peer, server.peers.items.length) };
  };
  const pings = () => peer.actions.items.filter((action) => action.get('Action') === 'Ping').length;
  const pinged = (from: number) => peer.actions.find((action) => action.get('Action') === 'Ping', from);
  const ids = () => packets().flatMap((packet) => packet.get('Uniqueid') ?? []);
  return { ...watched, server, clock, peer, renew, pings, pinged, ids };
}

const hangup = (id: string) => ['Event: Hangup', 'Privilege: call,all', `Uniqueid: ${id}`];

const pong = (peer: Peer, id: string | undefined) => peer.packet('Response: Success', `ActionID: ${id}`, 'Ping: Pong');

async function refuseLogin(peer: Peer): Promise<void> {
  const challenge = await peer.actions.find((action) => action.get('Action') === 'Challenge');
  peer.packet('Response: Success', `ActionID: ${challenge.get('ActionID')}`, 'Challenge: 1');
  const login = await peer.actions.find((action) => action.get('Action') === 'Login');
  peer.packet('Response: Error', `ActionID: ${login.get('ActionID')}`, 'Message: Authentication failed');
}

t.test('what is still on its way on the old connection is waited for, and what both bring is told once', async (t) => {
  const { peer, renew, pinged, ids, event } = await bench(t);
  const { done, fresh } = renew();
  const other = await fresh;
  peer.packet(...hangup('1.1'));
  const from = peer.actions.items.length;
  await acceptLogin(other);
  for (const id of ['1.4', '1.5', '1.6']) other.packet(...hangup(id));
  const ping = await pinged(from);
  // Said before the new login: the new connection is never sent it.
  for (const id of ['1.2', '1.3', '1.4', '1.5']) peer.packet(...hangup(id));
  pong(peer, ping.get('ActionID'));
  const last = await other.actions.find((action) => action.get('Action') === 'Ping');
  // Both are sent it, and the old one brings it first.
  peer.packet(...hangup('1.7'));
  other.packet(...hangup('1.7'));
  pong(other, last.get('ActionID'));
  await done;
  other.packet(...hangup('1.8'), '', 'Event: Last');
  await event('Last');
  t.same(ids(), ['1.1', '1.2', '1.3', '1.4', '1.5', '1.6', '1.7', '1.8']);
  await peer.actions.find((action) => action.get('Action') === 'Logoff');
});

t.test(
  'an answer that is late, as much comes before it, is waited for; where none comes, the old connection stays',
  async (t) => {
    const { peer, clock, renew, pinged, ids, event, log } = await bench(t);
    const late = renew();
    let from = peer.actions.items.length;
    await acceptLogin(await late.fresh);
    await pinged(from);
    peer.packet(...hangup('1.1'));
    await event('Hangup');
    from = peer.actions.items.length;
    clock.advance(PING_MS);
    pong(peer, (await pinged(from)).get('ActionID'));
    const second = await late.fresh;
    answerPings(second);
    await late.done;
    t.same(ids(), ['1.1']);

    const again = renew();
    const third = await again.fresh;
    await acceptLogin(third);
    third.packet(...hangup('1.2'));
    await third.actions.find((action) => action.get('Action') === 'Ping');
    // The old one has answered, the new one does not.
    second.packet(...hangup('1.2'));
    clock.advance(PING_MS);
    await again.done;
    second.packet('Event: Last');
    await event('Last');
    t.same(ids(), ['1.1', '1.2'], 'the old connection goes on');
    t.notOk(log.items.some(({ kind }) => kind === 'lost'));
  },
);

t.test(
  'a connection that breaks meanwhile, the new one or the old one: what the old one brought is told',
  async (t) => {
    const { peer, renew, pinged, ids, event, log, state } = await bench(t);
    const first = renew();
    const other = await first.fresh;
    let from = peer.actions.items.length;
    await acceptLogin(other);
    const ping = await pinged(from);
    other.socket.destroy();
    await new Promise((resolve) => other.socket.once('close', resolve));
    peer.packet('Event: Before');
    await event('Before');
    pong(peer, ping.get('ActionID'));
    await first.done;
    peer.packet(...hangup('1.1'), '', 'Event: Last');
    await event('Last');
    t.notOk(log.items.some(({ kind }) => kind === 'lost'));

    const second = renew();
    from = peer.actions.items.length;
    const third = await second.fresh;
    await acceptLogin(third);
    pong(peer, (await pinged(from)).get('ActionID'));
    await third.actions.find((action) => action.get('Action') === 'Ping');
    peer.packet(...hangup('1.2'));
    peer.socket.end();
    await state('lost');
    await second.done;
    t.same(ids(), ['1.1', '1.2']);
    const order = log.items.map((item) => (item.kind === 'packet' ? item.packet.get('Uniqueid') : item.kind));
    t.ok(order.indexOf('1.2') < order.indexOf('lost'), 'before it is told that the link was lost');
  },
);

t.test('more than can be kept: the login is not renewed, and nothing is lost', async (t) => {
  const { peer, renew, ids, event, log } = await bench(t);
  const { done, fresh } = renew();
  await acceptLogin(await fresh);
  const many = Array.from({ length: 20_001 }, (_, n) => `1.${n}`);
  peer.socket.write(many.map((id) => `${hangup(id).join('\r\n')}\r\n\r\n`).join(''));
  answerPings(peer);
  await done;
  peer.packet('Event: Last');
  await event('Last');
  t.same(ids(), many);
  t.notOk(log.items.some(({ kind }) => kind === 'lost'));
});

t.test('a login that is refused: the connection goes on and says so, until one succeeds', async (t) => {
  const { client, server, clock, peer, renew, log } = await bench(t);
  client.note('hearing', 'It is deaf.');
  const { done, fresh } = renew();
  await refuseLogin(await fresh);
  await done;
  t.match(client.status, {
    state: 'connected',
    problem: /refused the login of user "crm-logger" .* The connection that stands goes on/,
  });
  client.note('hearing', null);
  clock.advance(60_000);
  answerPings(peer);
  const again = client.renew();
  const third = await server.peers.find(() => true, 2);
  await acceptLogin(third);
  answerPings(third);
  await again;
  t.match(client.status, { state: 'connected', problem: null });
  t.notOk(log.items.some(({ kind }) => kind === 'lost'));
});

t.test('after a refused login the next one waits its time, unless the secret is another one', async (t) => {
  let secret = 'wrong';
  const { client, server, clock, peer, renew } = await bench(t, () => secret);
  const { done, fresh } = renew();
  await refuseLogin(await fresh);
  await done;
  clock.advance(59_000);
  await client.renew();
  t.equal(server.peers.items.length, 2, 'the PBX is not asked');
  clock.advance(1_000);
  const later = renew();
  await refuseLogin(await later.fresh);
  await later.done;
  secret = 's3cret';
  answerPings(peer);
  const last = renew();
  const taken = await last.fresh;
  await acceptLogin(taken);
  answerPings(taken);
  await last.done;
  t.match(client.status, { state: 'connected', problem: null });
});
