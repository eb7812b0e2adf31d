/** When a PBX is heard, and when it is not. */
import t from 'tap';
import { Hearing, heardAt } from '../../src/records/gaps.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { facts } from '../support/facts.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const stamp = (ms: number, aheadMs = 0) => ({ source: 'pbx', at: START + ms + aheadMs, receivedAt: START + ms });
const lost = (ms: number): CallEvent => ({ ...stamp(ms), kind: 'source-lost', orderly: false, reason: 'reset' });
const up = (ms: number): CallEvent => ({ ...stamp(ms), kind: 'source-connected', boot: null, bootedAt: null });
const listed = (ms: number): CallEvent => ({ ...stamp(ms), kind: 'snapshot-complete' });
const created = (ms: number, more: Parameters<typeof facts>[2] = {}, aheadMs = 0): CallEvent => ({
  ...stamp(ms, aheadMs),
  kind: 'channel-created',
  channel: 'c',
  facts: facts('PJSIP/trunk', 'c', more),
});

t.test('a gap lasts from the loss to the next complete list, whatever comes in between', async (t) => {
  const hearing = new Hearing();
  t.equal(hearing.note(up(0)), null);
  t.equal(hearing.note(listed(10)), null, 'the first list ends no gap: none was open');
  t.strictSame(hearing.note(lost(1000)), { step: 'begin', at: START + 1000, reason: 'reset' });
  t.equal(hearing.note(up(2000)), null);
  t.match(hearing.note(lost(2500)), { step: 'begin' }, 'lost again before the list: told again, and stored once');
  t.equal(hearing.note(listed(2600)), null, 'a list of the connection that is lost ends nothing');
  t.equal(hearing.note(up(3000)), null);
  t.equal(hearing.note(created(3100)), null, 'what happens before the list is heard, but not what happened before');
  t.strictSame(hearing.note(listed(3200)), { step: 'end', at: START + 3200 });
  t.equal(hearing.note(listed(63_000)), null);
});

t.test('a PBX that lists nothing is heard wholly when it was heard for a minute', async (t) => {
  const hearing = new Hearing();
  hearing.note(lost(0));
  hearing.note(up(1000));
  t.equal(hearing.note(created(60_000)), null);
  t.strictSame(hearing.note(created(62_000)), { step: 'end', at: START + 1000 });
});

t.test('the clock of the PBX is known by its times, or by the seconds that its ids begin with', async (t) => {
  const hearing = new Hearing();
  t.same(hearing.time, { aheadMs: 0, ownTimes: false });
  hearing.note(created(0, {}, 1000));
  t.same(hearing.time, { aheadMs: 0, ownTimes: true }, 'so little is no other clock');
  hearing.note(created(0, {}, 30_000));
  t.same(hearing.time, { aheadMs: 30_000, ownTimes: true }, 'half a minute is');
  const other = new Hearing();
  other.note(created(0, { order: [START / 1000 + 3600, 7] }));
  t.same(other.time, { aheadMs: 3_600_500, ownTimes: false });
});

t.test('what is late tells nothing of the clock, and each connection tells it anew', async (t) => {
  const hearing = new Hearing({ aheadMs: -7_200_000, ownTimes: true });
  t.same(hearing.time, { aheadMs: -7_200_000, ownTimes: true }, 'as an earlier life knew it');
  hearing.note(up(0));
  hearing.note(created(100, {}, -7_290_000));
  hearing.note(created(200, {}, -7_200_050));
  hearing.note(created(300, {}, -7_260_000));
  t.equal(hearing.time.aheadMs, -7_200_050);
  hearing.note(up(1000));
  hearing.note(created(1100, {}, 60_000));
  t.equal(hearing.time.aheadMs, 60_000);
});

t.test('a clock that is set moves what is known of the other', async (t) => {
  const hearing = new Hearing({ aheadMs: 10_000, ownTimes: true });
  hearing.note({ ...stamp(0), kind: 'clock-stepped', clock: 'ours', by: 3_600_000 });
  t.equal(hearing.time.aheadMs, -3_590_000);
  hearing.note({ ...stamp(0), kind: 'clock-stepped', clock: 'pbx', by: 3_600_000 });
  t.equal(hearing.time.aheadMs, 10_000);
});

t.test('only a link that stands hears', async (t) => {
  const status = { name: 'pbx', since: 5, problem: null, frames: 0, unknownEvents: 0, faults: 0 };
  t.equal(heardAt({ ...status, state: 'connected', lastFrameAt: null }), 5);
  t.equal(heardAt({ ...status, state: 'connected', lastFrameAt: 9 }), 9);
  t.equal(heardAt({ ...status, state: 'lost', lastFrameAt: 9 }), null);
});
