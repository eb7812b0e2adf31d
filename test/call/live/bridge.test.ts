/** What is remembered of a bridge that others go on in, and what it costs to look at. */
import t from 'tap';
import { CallTable, DEFAULT_RULES } from '../../../src/call/correlate.ts';
import { dismiss, newBridge, seat, staysDuring, unseat } from '../../../src/call/live/bridge.ts';
import type { Bridge, Channel, Stay } from '../../../src/call/live/state.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { answers, calls, ends, leave, meet, on, planWith, recordsOf, rings, START, talk } from '../../support/told.ts';

const MINUTE = 60_000;

/** A customer joins the room at `ms` for ten seconds; the agent of it is there all the time. */
const visits = (ms: number, channel: string): CallEvent[] =>
  [
    ...calls(ms, channel, 'PJSIP/trunk-in', { dialled: '600' }),
    ...joins(ms, channel),
    ...leave(ms + 10_000, 'room', channel),
    ...ends(ms + 10_000, channel),
  ].flat();

const joins = (ms: number, channel: string) => [
  on(ms, { kind: 'bridge-entered', channel, bridge: 'room', bridgeKind: 'conference' }),
];

t.test('how much of the past of a bridge is looked at depends on the time asked for alone', async (t) => {
  const looked = (before: number) => {
    const bridge = newBridge('room', 'conference');
    const channel = (id: string) => ({ id }) as Channel;
    for (let number = 0; number < before; number += 1) {
      const passing = channel(`c${number}`);
      seat(bridge, passing, number * 10);
      unseat(bridge, passing, number * 10 + 5);
    }
    let count = 0;
    const over = new Proxy(bridge.over, {
      get(target, name) {
        count += 1;
        return Reflect.get(target, name);
      },
    });
    const found = staysDuring({ ...bridge, over }, before * 10 - 25, before * 10);
    t.strictSame(
      found.map((stay) => stay.channel.id),
      [`c${before - 3}`, `c${before - 2}`, `c${before - 1}`],
    );
    return count;
  };
  const [few, many] = [looked(100), looked(100_000)];
  t.ok(many - few <= 40, `${few} looks after 100 stays, ${many} after 100,000`);
});

t.test('of those who are reported only the stays are kept that a member shared', async (t) => {
  const bridge: Bridge = newBridge('room', 'talk');
  const phone = (id: string) =>
    ({ id, createdAt: 0, bridges: [bridge], party: { side: 'extension' } }) as unknown as Channel;
  const [early, late, member, other] = [phone('early'), phone('late'), phone('member'), phone('other')];
  const stays = (channel: Channel, from: number, to: number) => {
    bridge.members.add(channel);
    seat(bridge, channel, from);
    unseat(bridge, channel, to);
  };
  seat(bridge, other, 0);
  stays(early, 10, 20);
  stays(member, 30, 50);
  stays(late, 40, 60);
  for (const channel of [early, late]) dismiss(bridge, channel);
  const names = (all: readonly Stay[]) => all.map((stay) => stay.channel.id);
  t.strictSame(names(bridge.over), ['member', 'late']);
  dismiss(bridge, member);
  t.strictSame(names(bridge.over), [], 'and when the member is reported, nothing');
});

t.test('a phone that stays in a room was connected with all whose calls have been reported meanwhile', async (t) => {
  const customers = ['c', 'd', 'e'].map((channel, index) => visits((index + 1) * MINUTE, channel));
  const [internal] = recordsOf([
    calls(0, 'a', 'PJSIP/1001', { dialled: '600' }),
    joins(10, 'a'),
    ...customers,
    ends(10 * MINUTE, 'a'),
  ]).filter((record) => record.direction === 'Internal');
  t.match(internal, { status: 'Answered', talkSeconds: 30 });
  t.equal(internal?.agentsTalked.length, 3);
});

t.test('a phone that went on after its customer has left the bridge when it leaves it', async (t) => {
  const bridge = 'c~a~b';
  const records = recordsOf([
    calls(0, 'c', 'PJSIP/trunk-in'),
    rings(10, 'a', 'PJSIP/1001', 'c'),
    rings(10, 'b', 'PJSIP/1002', 'c'),
    talk(1000, 'c', 'a', 'b'),
    ends(5000, 'c'),
    // The call of the customer has been reported.
    leave(MINUTE, bridge, 'a'),
    calls(2 * MINUTE, 'd', 'PJSIP/trunk-in'),
    answers(2 * MINUTE, 'd'),
    meet(2 * MINUTE, bridge, 'd'),
    ends(3 * MINUTE, 'd', 'a', 'b'),
  ]);
  const second = records.find((record) => record.callSessionId === 'pbx-d');
  t.strictSame(
    second?.agentsTalked.map(({ ext }) => ext),
    ['1002'],
  );
});

t.test('the call of a phone to a room waits for the customers it met, not for those who came later', async (t) => {
  const table = new CallTable('pbx', planWith(), DEFAULT_RULES);
  const fold = (...events: readonly CallEvent[][]) => events.flat().flatMap((event) => [...table.apply(event).ended]);
  fold(
    calls(0, 'a', 'PJSIP/1001', { dialled: '600' }),
    joins(10, 'a'),
    calls(0, 'c', 'PJSIP/trunk-in'),
    joins(20, 'c'),
  );
  t.strictSame(fold(ends(5000, 'a')), []);
  fold(calls(6000, 'd', 'PJSIP/trunk-in'), joins(6000, 'd'), ends(9000, 'c'));
  const ended = table.advance(START + 9000 + DEFAULT_RULES.graceMs).ended;
  t.strictSame(
    ended.map((record) => record.callSessionId),
    ['pbx-a', 'pbx-c'],
  );
});
