/** An Asterisk with calls of which nothing is heard, as its counts tell it; nobody rings here, and no time passes but what is told. */
import t from 'tap';
import { createAsteriskSource } from '../../../adapters/asterisk/source.ts';
import type { SourceStatus } from '../../../src/ports.ts';
import { bench, event, LOOK_MS } from './hearing-support.ts';
import { acceptLogin, answerPings, FakeClock, Inbox, type Peer, scriptedServer } from './support.ts';

/** As `RENEW_MS` of hearing.ts. */
const LOOKS_TO_RENEWAL = 5;

/** A user who may neither list channels nor ask for their number; the bridges have so many channels. */
async function rightless(t: { teardown(run: () => Promise<void>): unknown }) {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const statuses = new Inbox<SourceStatus>();
  const who = { name: 'pbx', host: '127.0.0.1', port: server.port, username: 'logcalld', secret: 's', clock };
  const source = createAsteriskSource({ ...who, pingIntervalMs: 1_000_000, retryMs: () => 0 });
  source.start(
    () => {},
    (status) => statuses.push(status),
  );
  t.teardown(async () => {
    await source.stop();
    await server.close();
  });
  const peer = await server.peers.find(() => true);
  let from = 0;
  const next = async (name: string): Promise<string> => {
    const action = await peer.actions.find((one) => one.get('Action') === name, from);
    from = peer.actions.items.indexOf(action) + 1;
    return `ActionID: ${action.get('ActionID')}`;
  };
  const denied = (id: string) => peer.packet('Response: Error', id, 'Message: Permission denied');
  /** Answers `BridgeList` with a bridge of so many channels. */
  const bridges = async (channels: number): Promise<void> => {
    const id = await next('BridgeList');
    peer.packet('Response: Success', id, 'EventList: start');
    peer.packet('Event: BridgeListItem', id, 'BridgeUniqueid: b', `BridgeNumChannels: ${channels}`);
    const { frames } = source.status();
    peer.packet('Event: BridgeListComplete', id, 'EventList: Complete', 'ListItems: 1');
    while (source.status().frames < frames + 2) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  };
  await acceptLogin(peer);
  denied(await next('Status'));
  const looking = clock.timer(LOOK_MS);
  denied(await next('CoreShowChannels'));
  await looking;
  denied(await next('CoreStatus'));
  return { server, clock, statuses, source, peer, bridges, next };
}

t.test('the calls grow and no event comes: deaf after the second look, with the lines to change', async (t) => {
  const { source, peer, look } = await bench(t);
  await look(peer, { live: 0, total: 7 });
  await look(peer, { live: 1, total: 8 });
  t.equal(source.status().deaf, null, 'answers overtake events');
  await look(peer, { live: 0, total: 8 });
  const { deaf, problem } = source.status();
  t.match(deaf?.text, /"pbx" has calls and sends no event of them: in manager\.conf the AMI user \[logcalld\]/);
  t.same(deaf?.lines.slice(0, 2), ['[logcalld]', 'read = system,call,agent,cdr,user']);
  t.equal(problem, deaf?.text);
});

t.test('it is told also while an older problem of the link is shown, and so is its end', async (t) => {
  const { source, statuses, peer, look, heard } = await bench(t, [], { live: 0 }, false);
  t.match(source.status().problem, /FullyBooted/);
  for (const live of [0, 1, 1]) await look(peer, { live });
  t.match(statuses.items.at(-1), { deaf: { text: /no event of them/ }, problem: /FullyBooted/ });
  peer.packet(...event('Newchannel', '1795344641.0'));
  await heard(peer);
  t.match(statuses.items.at(-1), { deaf: null, problem: /FullyBooted/ });
});

t.test('one event of a call, and it is over', async (t) => {
  const { source, peer, look, heard } = await bench(t);
  for (const live of [2, 2]) await look(peer, { live });
  t.ok(source.status().deaf);
  peer.packet(...event('Newchannel', '1795344641.0'));
  await heard(peer);
  t.match(source.status(), { deaf: null, problem: null, callHeardAt: Number });
});

t.test('a call that began before the first look, and ends unheard', async (t) => {
  const { source, peer, look } = await bench(t, [], { live: 2, total: 8 });
  for (const live of [2, 0, 0]) await look(peer, { live, total: 8 });
  t.ok(source.status().deaf);
});

t.test('events come before, or while it waits for the second look: not deaf', async (t) => {
  const { source, clock, peer, look, heard } = await bench(t);
  await look(peer, { live: 0, total: 7 });
  await look(peer, { live: 1, total: 8 });
  peer.packet(...event('Newchannel', '1795344641.0'));
  await heard(peer);
  const asked = peer.actions.items.length;
  clock.advance(LOOK_MS);
  t.equal(peer.actions.items.length, asked, 'nothing is asked while events come');
  await look(peer, { live: 1, total: 8 });
  await look(peer, { live: 1, total: 8 });
  t.equal(source.status().deaf, null);
});

t.test('where only channels are counted, hidden ones say nothing once a call was heard', async (t) => {
  const { source, clock, peer, look, heard } = await bench(t);
  peer.packet(...event('Newchannel', '1795344641.0'));
  await heard(peer);
  clock.advance(LOOK_MS);
  for (const live of [3, 2, 2, 2]) await look(peer, { live });
  t.equal(source.status().deaf, null);
});

t.test('the login is done anew beside the old one until the rights are there; nothing is lost by it', async (t) => {
  const { server, source, clock, peer, look, list, heard, kinds } = await bench(t);
  for (const live of [0, 1, 1]) await look(peer, { live });
  t.ok(source.status().deaf);
  const again = server.peers.find((one) => one !== peer);
  for (let n = 0; n < LOOKS_TO_RENEWAL; n += 1) await look(peer, { live: 1 });
  const fresh = await again;
  // What comes on the old connection meanwhile is heard.
  peer.packet('Event: Newchannel', 'Channel: PJSIP/1002-1', 'Uniqueid: 1795344650.0', 'Linkedid: 1795344650.0');
  await heard(peer);
  t.ok(kinds.includes('channel-created'));
  await acceptLogin(fresh);
  answerPings(peer, fresh);
  // In one piece with the answer to the login.
  fresh.packet(...event('Newchannel', '1795344660.0'));
  await list(fresh);
  t.equal(kinds.filter((kind) => kind === 'channel-created').length, 2);
  await peer.actions.find((action) => action.get('Action') === 'Logoff');
  t.match(source.status(), { state: 'connected', deaf: null });
  fresh.packet(...event('Hangup', '1795344650.0'));
  await heard(fresh);
  t.notOk(kinds.includes('source-lost'), 'nobody stopped listening');
  t.equal(kinds.filter((kind) => kind === 'source-connected').length, 1);
  clock.advance(0);
});

t.test('a login that is refused now gives the connection up, so that the ordinary way tells why', async (t) => {
  const { server, source, statuses, peer, look } = await bench(t);
  for (const live of [0, 1, 1]) await look(peer, { live });
  const again = server.peers.find((one) => one !== peer);
  for (let n = 0; n < LOOKS_TO_RENEWAL; n += 1) await look(peer, { live: 1 });
  const fresh = await again;
  const challenge = await fresh.actions.find((action) => action.get('Action') === 'Challenge');
  fresh.packet('Response: Success', `ActionID: ${challenge.get('ActionID')}`, 'Challenge: 1');
  const login = await fresh.actions.find((action) => action.get('Action') === 'Login');
  fresh.packet('Response: Error', `ActionID: ${login.get('ActionID')}`, 'Message: Authentication failed');
  const { problem } = await statuses.find(({ state }) => state === 'lost');
  t.match(problem, /refused the login of user "logcalld"/);
  t.ok(source.status().deaf, 'it is not known to hear');
});

t.test('it ends on a new connection before the channels are listed: told as well', async (t) => {
  const { server, source, clock, statuses, peer, look, heard } = await bench(t);
  for (const live of [2, 2]) await look(peer, { live });
  t.ok(source.status().deaf);
  const again = server.peers.find((one) => one !== peer);
  const lost = statuses.find(({ state }) => state === 'lost', statuses.items.length);
  peer.socket.destroy();
  await lost;
  clock.advance(0);
  const fresh = await again;
  const asked = fresh.actions.find((action) => action.get('Action') === 'Status');
  await acceptLogin(fresh);
  await asked;
  t.match(statuses.items.at(-1), { state: 'connected', deaf: { text: /no event/ }, problem: /no event/ });
  fresh.packet(...event('Newchannel', '1795344641.0'));
  await heard(fresh);
  t.match(statuses.items.at(-1), { state: 'connected', deaf: null, problem: null });
});

t.test('ends without beginnings: a filter holds Newchannel back', async (t) => {
  const { source, peer, heard } = await bench(t);
  for (const id of ['1795344641.0', '1795344642.1']) peer.packet(...event('Hangup', id));
  await heard(peer);
  t.match(source.status().deaf?.text, /not the beginnings of channels \(Newchannel\)/);
  peer.packet(...event('Newchannel', '1795344650.0'));
  await heard(peer);
  t.equal(source.status().deaf, null);
});

t.test('no channel lives and no end was heard: a filter holds Hangup back', async (t) => {
  const { source, clock, peer, look, list, heard } = await bench(t, ['1795344600.0']);
  peer.packet(...event('Newchannel', '1795344641.0'));
  await heard(peer);
  clock.advance(LOOK_MS);
  await look(peer, { live: 0 });
  await look(peer, { live: 0 });
  await list(peer, []);
  t.match(source.status().deaf?.text, /not the ends of channels \(Hangup\)/);
  peer.packet(...event('Hangup', '1795344641.0'));
  await heard(peer);
  t.equal(source.status().deaf, null);
});

const message = (name: string) => [
  `Event: ${name}`,
  'Channel: Message/ast_msg_queue',
  'Uniqueid: 1795344641.0',
  'Linkedid: 1795344641.0',
];

t.test(
  'text messages between phones are counted as calls, and are none: not deaf, whatever their channel',
  async (t) => {
    const { source, clock, peer, look, list, heard } = await bench(t, [], { live: 0, total: 7 });
    for (let total = 8; total < 12; total += 1) {
      await look(peer, { live: 0, total });
      if (total === 8) await list(peer);
    }
    t.equal(source.status().deaf, null, 'there is none of which an event lacks');
    peer.packet(...message('Newchannel'));
    await heard(peer);
    clock.advance(LOOK_MS);
    await look(peer, { live: 0, total: 13 });
    await look(peer, { live: 0, total: 13 });
    await look(peer, { live: 0, total: 13 });
    t.equal(source.status().deaf, null, 'it lives for ever, and is not looked for');
  },
);

t.test(
  'more were counted, and a channel lives that nobody told of: deaf, also where a call was heard before',
  async (t) => {
    const { source, clock, peer, look, list, heard } = await bench(t, [], { live: 1, total: 8 });
    peer.packet(...event('Newchannel', '1795344641.0'));
    peer.packet(...event('Hangup', '1795344641.0'));
    await heard(peer);
    clock.advance(LOOK_MS);
    await look(peer, { live: 0, total: 7 });
    await look(peer, { live: 1, total: 8 });
    await list(peer, ['1795344641.0']);
    clock.advance(LOOK_MS);
    t.equal(source.status().deaf, null, 'the list is older than the end of that one');
    await look(peer, { live: 1, total: 9 });
    await look(peer, { live: 1, total: 9 });
    await look(peer, { live: 1, total: 9 });
    await list(peer, ['1795344699.4']);
    t.equal(source.status().deaf, null, 'a list overtakes events');
    clock.advance(LOOK_MS);
    t.match(source.status().deaf?.text, /no event of them/);
  },
);

t.test('a user who may not ask is not asked again', async (t) => {
  const { source, clock, peer, next, heard } = await bench(t);
  clock.advance(LOOK_MS);
  peer.packet('Response: Error', await next(peer, 'CoreStatus'), 'Message: Permission denied');
  await heard(peer);
  const asked = () => peer.actions.items.filter((one) => one.get('Action') === 'CoreStatus').length;
  clock.advance(LOOK_MS);
  clock.advance(LOOK_MS);
  await heard(peer);
  t.equal(asked(), 2, 'when the channels were listed, and once');
  t.equal(source.status().deaf, null);
});

t.test(
  'a user who may not list channels is logged in anew every minute: what is mended on the PBX counts then',
  async (t) => {
    const { server, clock, statuses, source, peer } = await rightless(t);
    t.match(source.status().problem, /does not let the AMI user "logcalld" list channels/);
    clock.advance(57_000);
    t.equal(server.peers.items.length, 1, 'not sooner: calls are heard meanwhile');
    clock.advance(LOOK_MS);
    const fresh = await server.peers.find((one) => one !== peer);
    await acceptLogin(fresh);
    answerPings(peer, fresh);
    const asked = await fresh.actions.find((one) => one.get('Action') === 'Status');
    const id = `ActionID: ${asked.get('ActionID')}`;
    fresh.packet('Response: Success', id, 'EventList: start');
    fresh.packet('Event: StatusComplete', id, 'EventList: Complete', 'ListItems: 0');
    const { state } = await statuses.find(({ problem }) => problem === null, statuses.items.length - 1);
    t.equal(state, 'connected');
  },
);

t.test('nor may he ask for their number: the bridges tell that there are calls', async (t) => {
  const { clock, source, peer, bridges } = await rightless(t);
  await bridges(0);
  clock.advance(LOOK_MS);
  await bridges(2);
  t.equal(source.status().deaf, null, 'answers overtake events');
  clock.advance(LOOK_MS);
  await bridges(2);
  t.match(source.status().deaf?.text, /no event of them/);
  t.equal(source.status().unknownEvents, 0);
  const { frames } = source.status();
  peer.packet(...event('BridgeEnter', '1795344641.0'));
  while (source.status().frames === frames) await new Promise((resolve) => setImmediate(resolve));
  t.equal(source.status().deaf, null);
});

t.test('two lists that differ, where nothing is counted: deaf, but not before an event had its time', async (t) => {
  const lists = async (peer: Peer, channels: readonly string[], find: () => Promise<string>): Promise<void> => {
    const id = await find();
    peer.packet('Response: Success', id, 'EventList: start');
    for (const one of channels) peer.packet('Event: Status', id, 'Channel: PJSIP/1001-1', `Uniqueid: ${one}`);
    peer.packet('Event: StatusComplete', id, 'EventList: Complete', `ListItems: ${channels.length}`);
  };
  for (const late of [true, false]) {
    const { source, clock, peer, next, heard } = await bench(t);
    for (let passed = 0; passed < 60_000; passed += LOOK_MS) {
      clock.advance(LOOK_MS);
      await heard(peer);
    }
    await lists(peer, ['1795344641.0'], () => next(peer, 'Status'));
    await heard(peer);
    t.equal(source.status().deaf, null, 'a list overtakes events');
    if (late) peer.packet(...event('Newchannel', '1795344641.0'));
    await heard(peer);
    clock.advance(LOOK_MS);
    t.equal(source.status().deaf === null, late);
  }
});

t.test('no ends on a PBX that is never silent: noticed by its counts and its list', async (t) => {
  const { source, clock, peer, next, heard, list } = await bench(t);
  let made = 0;
  /** Ten seconds of calls that begin, until it is asked how many there are. */
  const busy = async (live: number): Promise<void> => {
    for (let passed = 0; passed < 12_000; passed += LOOK_MS) {
      peer.packet(...event('Newchannel', `1795344641.${made++}`));
      await heard(peer);
      clock.advance(LOOK_MS);
    }
    const id = await next(peer, 'CoreStatus');
    peer.packet('Response: Success', id, `CoreCurrentCalls: ${live}`);
    await heard(peer);
  };
  await busy(2);
  t.equal(source.status().deaf, null);
  await busy(2);
  await list(peer, ['1795344641.6', '1795344641.7']);
  t.match(source.status().deaf?.text, /not the ends of channels \(Hangup\)/);
  peer.packet(...event('Hangup', '1795344641.7'));
  await heard(peer);
  t.equal(source.status().deaf, null);
});

t.test('rights that the PBX has read anew count at once', async (t) => {
  const { server, clock, peer, look, heard } = await bench(t);
  for (const live of [0, 1, 1]) await look(peer, { live });
  peer.packet('Event: Reload', 'Module: manager', 'Status: 0');
  await heard(peer);
  const fresh = server.peers.find((one) => one !== peer);
  clock.advance(LOOK_MS);
  t.ok(await fresh);
});
