/** An Asterisk whose queues have callers of which nothing is heard, though calls are: by what it counts of each queue. */
import t from 'tap';
import { createAsteriskSource } from '../../../adapters/asterisk/source.ts';
import { acceptLogin, answerPings, FakeClock, type Peer, scriptedServer } from './support.ts';

/** As `LOOK_MS` and `AGAIN_MS` of queues.ts; two looks, and a login is due. */
const LOOK_MS = 30_000;
const AGAIN_MS = 3_000;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Lists no channel, and counts none, each time it is asked. */
function answering(peer: Peer): void {
  const push = peer.actions.push.bind(peer.actions);
  peer.actions.push = (action) => {
    push(action);
    const id = `ActionID: ${action.get('ActionID')}`;
    const name = action.get('Action');
    if (name === 'CoreStatus') peer.packet('Response: Success', id, 'CoreCurrentCalls: 0');
    if (name !== 'Status') return;
    peer.packet('Response: Success', id, 'EventList: start');
    peer.packet('Event: StatusComplete', id, 'EventList: Complete', 'ListItems: 0');
  };
}

async function bench(t: { teardown(run: () => Promise<void>): unknown }) {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const who = { name: 'pbx', host: '127.0.0.1', port: server.port, username: 'logcalld', secret: 's', clock };
  const source = createAsteriskSource({ ...who, pingIntervalMs: 1_000_000, retryMs: () => 0 });
  source.start(() => {});
  t.teardown(async () => {
    await source.stop();
    await server.close();
  });
  let answered = 0;
  const heard = async (peer: Peer, ...lines: string[]): Promise<void> => {
    const before = source.status().frames;
    peer.packet(...lines);
    for (let n = 0; source.status().frames === before && n < 100_000; n += 1) await turn();
    await turn();
  };
  /** Answers the next question for the queues. */
  const queues = async (peer: Peer, ...counts: readonly (readonly [calls: number, done: number, gaveUp: number])[]) => {
    const action = await peer.actions.find((one) => one.get('Action') === 'QueueStatus', answered);
    answered = peer.actions.items.indexOf(action) + 1;
    const id = `ActionID: ${action.get('ActionID')}`;
    peer.packet('Response: Success', id, 'EventList: start');
    for (const [calls, done, gaveUp] of counts)
      peer.packet('Event: QueueParams', id, `Calls: ${calls}`, `Completed: ${done}`, `Abandoned: ${gaveUp}`);
    await heard(peer, 'Event: QueueStatusComplete', id, 'EventList: Complete', `ListItems: ${counts.length}`);
    return action;
  };
  const asked = (peer: Peer) => peer.actions.items.filter((one) => one.get('Action') === 'QueueStatus').length;
  const peer = await server.peers.find(() => true);
  answering(peer);
  await acceptLogin(peer);
  return { server, clock, source, peer, heard, queues, asked };
}

t.test('callers are counted, and no event comes: told with the line to change, until one comes', async (t) => {
  const { clock, source, peer, heard, queues, asked } = await bench(t);
  const action = await queues(peer, [0, 4, 1], [0, 0, 0]);
  t.equal(action.get('Member'), 'logcalld', 'no member is listed');
  await heard(peer, 'Event: Newchannel', 'Channel: PJSIP/1001-1', 'Uniqueid: 1795344641.0');
  clock.advance(LOOK_MS);
  await queues(peer, [1, 4, 1], [0, 0, 0]);
  t.equal(source.status().lacking, null, 'answers overtake events');
  clock.advance(AGAIN_MS);
  await queues(peer, [0, 5, 1], [0, 0, 0]);
  const { lacking, deaf } = source.status();
  t.match(lacking?.text, /the AMI user \[logcalld\] lacks "agent" in its line "read"/);
  t.same(lacking?.lines.slice(0, 2), ['[logcalld]', 'read = system,call,agent,cdr,user']);
  t.equal(deaf, null, 'calls are heard');
  await heard(peer, 'Event: QueueCallerJoin', 'Queue: sales', 'Uniqueid: 1795344650.0');
  t.equal(source.status().lacking, null);
  const before = asked(peer);
  clock.advance(10 * LOOK_MS);
  await turn();
  t.equal(asked(peer), before, 'nothing is asked any more');
});

t.test('what was counted before, the queues of others, and counts that begin anew prove nothing', async (t) => {
  const { clock, source, peer, queues } = await bench(t);
  await queues(peer, [0, 40, 7]);
  for (let n = 0; n < 3; n += 1) {
    clock.advance(LOOK_MS);
    await queues(peer, [0, 0, 0]);
  }
  t.equal(source.status().lacking, null);
});

t.test('while they are missing the login is done anew, as rights count from the next one on', async (t) => {
  const { server, clock, source, peer, queues } = await bench(t);
  await queues(peer, [0, 0, 0]);
  for (const ms of [LOOK_MS, AGAIN_MS]) {
    clock.advance(ms);
    await queues(peer, [1, 0, 0]);
  }
  t.ok(source.status().lacking);
  clock.advance(LOOK_MS);
  await queues(peer, [1, 0, 0]);
  // The first look after that time.
  clock.advance(LOOK_MS);
  const fresh = await server.peers.find((one) => one !== peer);
  answering(fresh);
  await acceptLogin(fresh);
  answerPings(peer, fresh);
  await fresh.actions.find((one) => one.get('Action') === 'QueueStatus');
  await peer.actions.find((one) => one.get('Action') === 'Logoff');
  t.ok(source.status().lacking, 'until one is heard');
});

t.test('a PBX without queues refuses, and is not asked again', async (t) => {
  const { clock, source, peer, heard, asked } = await bench(t);
  const action = await peer.actions.find((one) => one.get('Action') === 'QueueStatus');
  peer.packet('Response: Error', `ActionID: ${action.get('ActionID')}`, 'Message: Invalid/unknown command');
  await heard(peer, 'Event: ContactStatus', 'URI: none');
  clock.advance(5 * LOOK_MS);
  await turn();
  t.equal(asked(peer), 1);
  t.equal(source.status().lacking, null);
});
