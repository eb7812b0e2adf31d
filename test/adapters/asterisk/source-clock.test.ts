/** What the source makes of the times that Asterisk tells, and when it heard Asterisk last. */
import t from 'tap';
import { createAsteriskSource } from '../../../adapters/asterisk/source.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { acceptLogin, FakeClock, Inbox, scriptedServer } from './support.ts';

const HOUR = 3_600_000;

async function listening() {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const events = new Inbox<CallEvent>();
  const who = { name: 'pbx', host: '127.0.0.1', port: server.port, username: 'logcalld', secret: 'x' };
  const source = createAsteriskSource({ ...who, clock, random: () => 0 });
  source.start(({ events: told }) => {
    for (const event of told) events.push(event);
  });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await events.find(({ kind }) => kind === 'source-connected');
  const rings = (n: number, ahead: number | null, late = 0): void => {
    const id = `17953446${n}.1`;
    const time = ahead === null ? [] : [`Timestamp: ${((clock.now() + ahead - late) / 1000).toFixed(6)}`];
    const channel = ['Channel: PJSIP/carrier-00000001', `Uniqueid: ${id}`, `Linkedid: ${id}`];
    peer.packet('Event: Newchannel', ...time, ...channel, 'ChannelStateDesc: Ring', 'Exten: 100');
  };
  const heard = async (n: number): Promise<void> => {
    await events.find((event) => event.kind === 'channel-created' && event.channel === `17953446${n}.1`);
  };
  const steps = () => events.items.filter(({ kind }) => kind === 'clock-stepped');
  const close = async () => {
    await source.stop();
    await server.close();
  };
  return { clock, source, peer, rings, heard, steps, close };
}

t.test('with timestampevents a clock of Asterisk that is set is told before what comes by it', async (t) => {
  for (const by of [HOUR, -HOUR]) {
    const { clock, rings, heard, steps, close } = await listening();
    rings(10, 2 * HOUR);
    await heard(10);
    clock.advance(4_000);
    rings(11, 2 * HOUR, 3_500);
    await heard(11);
    t.strictSame(steps(), [], 'late is no step');
    clock.advance(4_000);
    rings(12, 2 * HOUR + by);
    await heard(12);
    t.match(steps(), [{ clock: 'pbx', by, at: clock.now() }]);
    await close();
  }
});

t.test('without them there is no clock of Asterisk', async (t) => {
  const { clock, rings, heard, steps, close } = await listening();
  t.teardown(close);
  for (const n of [20, 21, 22]) {
    rings(n, null);
    await heard(n);
    clock.advance(3_000);
  }
  t.strictSame(steps(), []);
});

t.test('an answered Ping is heard of Asterisk as well as an event', async (t) => {
  const { clock, source, peer, close } = await listening();
  t.teardown(close);
  const began = source.status().lastFrameAt ?? 0;
  clock.advance(10_000);
  const ping = await peer.actions.find((action) => action.get('Action') === 'Ping');
  t.ok((source.status().lastFrameAt ?? 0) - began < 1_000);
  peer.packet('Response: Success', `ActionID: ${ping.get('ActionID')}`, 'Ping: Pong');
  while ((source.status().lastFrameAt ?? 0) < began + 9_000)
    await new Promise<void>((resolve) => setImmediate(resolve));
  t.equal(source.status().lastFrameAt, clock.now());
});

t.test('how far its clock is ahead is told by its answers to Ping', async (t) => {
  const { clock, source, peer, close } = await listening();
  t.teardown(close);
  t.equal(source.status().aheadMs, null);
  const told = async (n: number, ahead: number): Promise<void> => {
    let seen = 0;
    const ping = await peer.actions.find((action) => action.get('Action') === 'Ping' && ++seen === n);
    const time = ((clock.now() + ahead) / 1000).toFixed(6);
    peer.packet('Response: Success', `ActionID: ${ping.get('ActionID')}`, 'Ping: Pong', `Timestamp: ${time}`);
    while (Math.round(source.status().aheadMs ?? Number.NaN) !== ahead) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };
  await told(1, 2 * HOUR);
  clock.advance(10_000);
  await told(2, -HOUR);
  t.pass('at once, and after it was set');
});
