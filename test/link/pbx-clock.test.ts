/** Steps of the clock of a PBX, told apart from events that come late. */
import fc from 'fast-check';
import t from 'tap';
import { PbxClock } from '../../src/link/pbx-clock.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A PBX that tells something every second, its clock `ahead` of ours. */
function pbx(ahead = 0) {
  const clock = new PbxClock();
  let offset = ahead;
  let now = START;
  return {
    clock,
    now: () => ({ ours: now, pbx: now + offset }),
    set: (by: number) => {
      offset += by;
    },
    ours: (by: number) => {
      now += by;
      offset -= by;
      clock.arrivalSet(by);
    },
    /** Time passes, then something is told, and comes `delay` ms later. Returns the step. */
    tell(ms: number, delay = 0): number {
      now += ms;
      return clock.read(now + offset - delay, now);
    },
  };
}

t.test('a clock that is set, either way, is a step, once', async (t) => {
  for (const by of [HOUR, -HOUR, 30 * DAY, -30 * DAY, 90_000]) {
    for (const ahead of [0, 2 * HOUR, -2 * HOUR]) {
      const { tell, set } = pbx(ahead);
      for (let s = 0; s < 100; s += 1) t.equal(tell(1000, s % 3), 0);
      set(by);
      const step = tell(1000, 1);
      t.ok(Math.abs(step - by) <= 5, `${step} for ${by}`);
      for (let s = 0; s < 100; s += 1) t.equal(tell(1000, s % 3), 0);
    }
  }
});

t.test('what comes late is none, however late and however often', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ gap: fc.nat(30_000), queued: fc.nat(60_000) }), { maxLength: 60 }),
      fc.integer({ min: -DAY, max: DAY }),
      (all, ahead) => {
        const clock = new PbxClock();
        let [told, came] = [START, START];
        let steps = clock.read(START + ahead, START);
        for (const { gap, queued } of all) {
          // In order, and never before it was told.
          told += gap;
          came = Math.max(came, told + queued);
          steps += Math.abs(clock.read(told + ahead, came));
        }
        return steps === 0;
      },
    ),
  );
});

t.test('nor is it when the first of a connection was late', async (t) => {
  const { tell, clock } = pbx();
  t.equal(tell(0, 40_000), 0);
  t.equal(tell(1000, 0), 0);
  clock.connect();
  t.equal(tell(1000, 30_000), 0);
  t.equal(tell(1000, 0), 0);
});

t.test('a clock that was set while nobody listened is a step', async (t) => {
  const { tell, clock, set } = pbx();
  for (let s = 0; s < 100; s += 1) tell(1000);
  clock.connect();
  set(-HOUR);
  t.equal(tell(20_000), -HOUR);
});

t.test('our own clock that is set is none of the PBX; where both are, both are', async (t) => {
  const { tell, ours, set } = pbx();
  for (let s = 0; s < 100; s += 1) tell(1000);
  ours(HOUR);
  t.equal(tell(1000), 0);
  ours(-2 * HOUR);
  t.equal(tell(1000), 0);
  ours(HOUR);
  set(HOUR);
  t.equal(tell(1000), HOUR);
});

t.test('events of several threads may be some way out of order', async (t) => {
  const { tell } = pbx();
  for (let s = 0; s < 100; s += 1) t.equal(tell(1000, s % 2 === 0 ? 0 : 2900), 0);
});

t.test('how far it is ahead is known by what it tells by the way, and before that by its answer', async (t) => {
  const { tell, clock, set, now } = pbx();
  t.equal(clock.aheadMs, null);
  clock.answer(now().pbx - 400, now().ours);
  t.equal(clock.aheadMs, -400);
  tell(1000);
  t.equal(clock.aheadMs, 0, 'an event is exact');
  set(HOUR);
  clock.answer(now().pbx, now().ours);
  t.equal(clock.aheadMs, HOUR, 'set since the last event');
  tell(1000);
  t.equal(clock.aheadMs, HOUR);
  set(-HOUR);
  tell(20_000);
  t.equal(clock.aheadMs, 0, 'the answer is older than the step');
  clock.connect();
  t.equal(clock.aheadMs, null, 'what was set while nobody listened is not known');
});

t.test('what it answered goes with our clock when that is set', async (t) => {
  const { clock, ours, now } = pbx();
  clock.answer(now().pbx, now().ours);
  ours(HOUR);
  t.equal(clock.aheadMs, -HOUR);
});
