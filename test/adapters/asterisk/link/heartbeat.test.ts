/** How soon a link is known to be dead. */
import fc from 'fast-check';
import t from 'tap';
import { watchPulse } from '../../../../adapters/asterisk/link/heartbeat.ts';
import { acceptLogin, FakeClock, scriptedServer, watchedClient } from '../support.ts';

/** A link on which bytes arrive at these ms, pings are answered after `answerMs` until `diesAt`. Tells when it was found dead. */
function foundDead(arrivals: readonly number[], answerMs: number, diesAt: number): { at: number; last: number } {
  const clock = new FakeClock();
  const start = clock.monotonic();
  let heardAt = start;
  let bytes = 0;
  let dead = -1;
  const hear = () => {
    if (clock.monotonic() - start > diesAt) return;
    heardAt = clock.monotonic();
    bytes += 1;
  };
  for (const at of arrivals) clock.after(at, hear);
  watchPulse(clock, 10_000, 5_000, {
    heardAt: () => heardAt,
    bytes: () => bytes,
    ping: () => void clock.after(answerMs, hear),
    onDead: () => {
      dead = clock.monotonic() - start;
    },
  });
  for (let i = 0; i < 400 && dead < 0; i += 1) clock.advance(1_000);
  return { at: dead, last: heardAt - start };
}

t.test('15 s after the last byte, whenever that was', async (t) => {
  t.same(foundDead([], 10, 0), { at: 15_000, last: 0 }, 'dead from the beginning');
  t.same(foundDead([], 10, 10_010), { at: 25_010, last: 10_010 }, 'just after a ping was answered');
  t.same(foundDead([], 4_999, 14_999), { at: 29_999, last: 14_999 }, 'after an answer in the last moment');
  t.same(foundDead([12_000], 60_000, 12_000), { at: 27_000, last: 12_000 }, 'an event instead of the answer');
  fc.assert(
    fc.property(
      fc.array(fc.nat(100_000), { maxLength: 20 }),
      fc.integer({ min: 0, max: 4_999 }),
      fc.nat(100_000),
      (arrivals, answerMs, diesAt) => {
        const { at, last } = foundDead(arrivals, answerMs, diesAt);
        return last <= diesAt && at === last + 15_000;
      },
    ),
  );
});

t.test('what arrived while this process stood still is read before the link is called dead', async (t) => {
  const clock = new FakeClock();
  const pulse = { heard: clock.monotonic(), bytes: 0, pings: 0, dead: 0 };
  watchPulse(clock, 10_000, 5_000, {
    heardAt: () => pulse.heard,
    bytes: () => pulse.bytes,
    ping: () => {
      pulse.pings += 1;
    },
    onDead: () => {
      pulse.dead += 1;
    },
  });
  clock.advance(10_000);
  t.equal(pulse.pings, 1);
  clock.stall(60_000);
  t.equal(pulse.dead, 0, 'the deadline is a minute past, and nothing could be read in it');
  pulse.bytes += 100;
  pulse.heard = clock.monotonic();
  clock.advance(5_000);
  t.equal(pulse.dead, 0);
  clock.advance(10_000);
  t.same([pulse.pings, pulse.dead], [2, 1]);
});

t.test('a client leaves a dead link 15 s after its last byte, also with an action under way', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log, state, event } = watchedClient({ port: server.port, clock, actionDeadlineMs: 60_000 });
  const peer = await server.peers.find(() => true);
  await acceptLogin(peer);
  await log.find((item) => item.kind === 'connected');
  clock.advance(9_000);
  peer.packet('Event: Newstate');
  await event('Newstate');
  const never = client.listAction('Status').catch(() => {});
  const action = await peer.actions.find((one) => one.get('Action') === 'Status');
  peer.packet('Response: Success', `ActionID: ${action.get('ActionID')}`, 'EventList: start', '', 'Event: Last');
  await event('Last');
  clock.advance(14_999);
  t.notOk(log.items.some((item) => item.kind === 'lost'));
  clock.advance(1);
  t.match(await state('lost'), /sent nothing for 15000 ms, not even an answer to a Ping/);
  t.match(await log.find((item) => item.kind === 'lost'), { orderly: false, silentMs: 15_000 });
  t.equal(peer.actions.items.filter((one) => one.get('Action') === 'Ping').length <= 1, true);
  await never;
  await client.close();
  t.equal(clock.waiting, 0, 'no timer is left');
  await server.close();
});

t.test('a link that dies between login and FullyBooted is left as soon', async (t) => {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const { client, log, state } = watchedClient({ port: server.port, clock });
  const boot = clock.timer(3_000);
  await acceptLogin(await server.peers.find(() => true), false);
  await boot;
  clock.advance(3_000);
  await log.find((item) => item.kind === 'connected');
  clock.advance(12_000);
  t.match(await state('lost'), /sent nothing for 15000 ms/);
  await client.close();
  await server.close();
});
