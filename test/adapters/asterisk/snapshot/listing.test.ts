/** The list of live channels is asked for until it is told, and a part of it is not taken for the whole. */
import t from 'tap';
import { createAsteriskSource } from '../../../../adapters/asterisk/source.ts';
import type { SourceFrame, SourceStatus } from '../../../../src/ports.ts';
import { acceptLogin, FakeClock, Inbox, type Peer, scriptedServer } from '../support.ts';

/** A source that is logged in, before anything of its first list is answered. */
async function bench(
  t: { teardown(run: () => Promise<void>): unknown },
  pingIntervalMs = 1_000_000,
  take: (frame: SourceFrame) => void = () => {},
) {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const frames = new Inbox<SourceFrame>();
  const statuses = new Inbox<SourceStatus>();
  const who = { name: 'pbx', host: '127.0.0.1', port: server.port, username: 'u', secret: 's', clock };
  const source = createAsteriskSource({ ...who, pingIntervalMs, retryMs: () => 0 });
  const armed = clock.timer(5_000);
  source.start(
    (frame) => {
      take(frame);
      frames.push(frame);
    },
    (status) => statuses.push(status),
  );
  t.teardown(async () => {
    await source.stop();
    await server.close();
  });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await armed;
  const kinds = () => frames.items.flatMap(({ events }) => events.map((event) => event.kind));
  const until = (kind: string) => frames.find(({ events }) => events.some((event) => event.kind === kind));
  return { server, clock, peer, source, frames, statuses, kinds, until };
}

/** Header of the nth request for a list. */
async function asked(peer: Peer, nth: number, action = 'Status'): Promise<string> {
  const isIt = (one: { get(name: string): string | undefined }) => one.get('Action') === action;
  await peer.actions.find(() => peer.actions.items.filter(isIt).length > nth);
  return `ActionID: ${peer.actions.items.filter(isIt)[nth]?.get('ActionID')}`;
}

function channel(peer: Peer, id: string, uniqueId: string): void {
  peer.packet(
    'Event: Status',
    id,
    'Channel: PJSIP/1001-1',
    `Uniqueid: ${uniqueId}`,
    `Linkedid: ${uniqueId}`,
    'Seconds: 9',
  );
}

t.test('no answer: told, asked again, and the answer is the list', async (t) => {
  const { clock, peer, source, until, kinds } = await bench(t);
  await asked(peer, 0);
  const second = clock.timer(10_000);
  clock.advance(5_000);
  await second;
  t.match(source.status(), { state: 'connected', problem: /"pbx" has not listed its live channels, asked once/ });
  const id = await asked(peer, 1);
  peer.packet('Response: Success', id, 'EventList: start');
  channel(peer, id, '1795344641.0');
  peer.packet('Event: StatusComplete', id, 'EventList: Complete', 'ListItems: 1');
  await until('snapshot-complete');
  t.same(kinds(), ['source-connected', 'snapshot-channel', 'snapshot-complete']);
  t.equal(source.status().problem, null);
});

t.test('an answer that breaks off is no list: asked again', async (t) => {
  const { clock, peer, until, kinds } = await bench(t);
  const first = await asked(peer, 0);
  const restarted = clock.timer(5_000);
  peer.packet('Response: Success', first, 'EventList: start');
  channel(peer, first, '1795344641.0');
  await until('snapshot-channel');
  await restarted;
  const second = clock.timer(10_000);
  clock.advance(5_000);
  await second;
  t.notOk(kinds().includes('snapshot-complete'));
  const id = await asked(peer, 1);
  peer.packet('Response: Success', id, 'EventList: start', '', 'Event: StatusComplete', id, 'ListItems: 0');
  await until('snapshot-complete');
});

t.test('three times without an answer: the link is taken up anew', async (t) => {
  const { server, clock, peer, frames, statuses, kinds } = await bench(t);
  for (const [deadline, next] of [
    [5_000, 10_000],
    [10_000, 20_000],
  ] as const) {
    const again = clock.timer(next);
    clock.advance(deadline);
    await again;
  }
  await asked(peer, 2);
  clock.advance(20_000);
  const { problem } = await statuses.find(({ state }) => state === 'lost');
  t.match(problem, /"pbx" did not list its live channels, asked 3 times in 35 s.*taking up the link anew/);
  t.ok(kinds().includes('source-lost'));
  const lost = frames.items.at(-1)?.events[0];
  t.equal(lost?.at, lost?.receivedAt, 'it lived until now');
  clock.advance(0);
  await acceptLogin(await server.peers.find(() => true, 1));
  await statuses.find(({ state }) => state === 'connected', statuses.items.length);
});

t.test('a link found dead was lost when it was last heard', async (t) => {
  const { clock, peer, until, frames } = await bench(t, 10_000);
  peer.packet('Event: Newchannel', 'Channel: PJSIP/1001-1', 'Uniqueid: 1.1');
  await until('channel-created');
  const heardAt = clock.now();
  clock.advance(15_000);
  await until('source-lost');
  const lost = frames.items.at(-1)?.events[0];
  t.match(lost, { kind: 'source-lost', at: heardAt, receivedAt: heardAt + 15_000 });
});

t.test('an answer that comes after its time counts', async (t) => {
  const { clock, peer, source, until } = await bench(t);
  const first = await asked(peer, 0);
  const second = clock.timer(10_000);
  clock.advance(5_000);
  await second;
  peer.packet('Response: Success', first, 'EventList: start', '', 'Event: StatusComplete', first, 'ListItems: 0');
  await until('snapshot-complete');
  const doubt = clock.timer(60_000);
  clock.advance(10_000);
  await doubt;
  t.equal(peer.actions.items.filter((one) => one.get('Action') === 'Status').length, 2, 'and no third request');
  t.equal(source.status().state, 'connected');
});

t.test('a late answer with a part missing does not', async (t) => {
  const { clock, peer, kinds, until } = await bench(t);
  const first = await asked(peer, 0);
  const second = clock.timer(10_000);
  clock.advance(5_000);
  await second;
  peer.packet('Response: Success', first, 'EventList: start', '', 'Event: StatusComplete', first, 'ListItems: 3');
  channel(peer, 'ActionID: x', '1795344641.0');
  await until('snapshot-channel');
  t.notOk(kinds().includes('snapshot-complete'));
});

t.test('answers that always lack a part are told, the link is kept, and the list asked for again', async (t) => {
  const { clock, peer, source, statuses, until } = await bench(t);
  const later = clock.timer(60_000);
  for (const nth of [0, 1, 2]) {
    const id = await asked(peer, nth);
    peer.packet('Response: Success', id, 'EventList: start', '', 'Event: StatusComplete', id, 'ListItems: 1');
  }
  const { state, problem } = await statuses.find(({ problem }) => problem !== null);
  t.equal(state, 'connected');
  t.match(problem, /lists its live channels with some left out/);
  await later;
  clock.advance(60_000);
  const id = await asked(peer, 3);
  peer.packet('Response: Success', id, 'EventList: start', '', 'Event: StatusComplete', id, 'ListItems: 0');
  await until('snapshot-complete');
  t.equal(source.status().problem, null);
});

t.test('while a flood comes in, the list is waited for', async (t) => {
  const { clock, peer, source, frames, until } = await bench(t);
  for (const nth of [0, 1, 2, 3, 4, 5, 6, 7]) {
    peer.socket.write('Event: PeerStatus\r\n\r\n'.repeat(2_600));
    peer.packet('Event: Newchannel', 'Channel: PJSIP/1001-1', `Uniqueid: 1795344650.${nth}`);
    const made = frames.items.length;
    await frames.find(({ events }) => events.some((event) => event.kind === 'channel-created'), made);
    const next = clock.timer(5_000);
    clock.advance(5_000);
    await next;
  }
  t.equal(source.status().state, 'connected', 'for 40 s');
  const id = await asked(peer, 0);
  const doubtless = clock.timer(10_000);
  clock.advance(5_000);
  await doubtless;
  peer.packet('Response: Success', id, 'EventList: start', '', 'Event: StatusComplete', id, 'ListItems: 0');
  await until('snapshot-complete');
  t.equal(source.status().state, 'connected');
});

t.test('no flood is waited out for ever', async (t) => {
  const { clock, peer, frames, statuses } = await bench(t);
  let nth = 0;
  const flood = async (ms: number) => {
    peer.socket.write('Event: PeerStatus\r\n\r\n'.repeat((600 * ms) / 1_000));
    peer.packet('Event: Newchannel', 'Channel: PJSIP/1001-1', `Uniqueid: 1795344650.${nth++}`);
    const made = frames.items.length;
    await frames.find(({ events }) => events.some((event) => event.kind === 'channel-created'), made);
  };
  const begun = clock.now();
  const lost = statuses.find(({ state }) => state === 'lost');
  for (let left = 600_000; left > 0 && !statuses.items.some(({ state }) => state === 'lost'); left -= 5_000) {
    await flood(5_000);
    clock.advance(5_000);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  t.match((await lost).problem, /did not list its live channels/);
  t.ok(clock.now() - begun > 300_000, `after ${clock.now() - begun} ms`);
});

t.test('what goes wrong at the beginning of a link does not keep the list from being asked for', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const who = { name: 'pbx', host: '127.0.0.1', port: server.port, username: 'u', secret: 's', clock };
  const source = createAsteriskSource({ ...who, bootDeadlineMs: 2_222 });
  t.teardown(async () => {
    await source.stop();
    await server.close();
  });
  const booting = clock.timer(2_222);
  source.start(() => {
    throw new Error('the pipeline has a bad day');
  });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer, false);
  await booting;
  clock.advance(2_222);
  await asked(peer, 0);
  t.match(source.status(), { state: 'connected', problem: /sent no FullyBooted/, faults: 1 });
});

t.test('a list whose end cannot be taken in is asked for again', async (t) => {
  let bad = true;
  const { peer, source, until } = await bench(t, undefined, ({ events }) => {
    if (!bad || !events.some(({ kind }) => kind === 'snapshot-complete')) return;
    bad = false;
    throw new Error('the pipeline has a bad day');
  });
  for (const nth of [0, 1]) {
    const id = await asked(peer, nth);
    peer.packet('Response: Success', id, 'EventList: start', '', 'Event: StatusComplete', id, 'ListItems: 0');
  }
  await until('snapshot-complete');
  t.match(source.status(), { state: 'connected', problem: null, faults: 1 });
});
