import { join } from 'node:path';
import t from 'tap';
import { createClock } from '../../../adapters/host/clock.ts';
import type { ClockNews } from '../../../src/ports.ts';
import { handMachine } from '../../support/hand-machine.ts';

t.test('the boot id: given, else read, else made up', async (t) => {
  t.equal(createClock({ bootId: 'AB-CD' }).bootId, 'abcd');
  const read = createClock();
  t.match(read.bootId, /^[0-9a-f]{32}$/);
  t.equal(read.bootId, createClock().bootId, 'the same in the same boot');
  const missing = { bootIdFile: join(import.meta.dirname, 'none') };
  t.match(createClock(missing).bootId, /^[0-9a-f]{32}$/);
  t.not(createClock(missing).bootId, createClock(missing).bootId);
  t.match(createClock({ bootId: '', ...missing }).bootId, /^[0-9a-f]{32}$/, 'an empty one is none');
});

t.test('monotonic is ms, never goes back, and is shared by all clocks of the boot', async (t) => {
  const [one, two] = [createClock(), createClock()];
  const first = one.monotonic();
  const second = two.monotonic();
  t.ok(second >= first && second - first < 10_000);
  t.ok(Number.isFinite(first) && first > 0);
});

t.test('a timer fires once, not at all when cancelled, and may be longer than Node allows', async (t) => {
  const clock = createClock();
  const fired: string[] = [];
  const cancel = clock.after(0, () => fired.push('cancelled'));
  const long = clock.after(2 ** 31 + 1_000, () => fired.push('long'));
  cancel();
  await new Promise<void>((resolve) => clock.after(1, resolve));
  await new Promise<void>((resolve) => clock.after(5, resolve));
  t.same(fired, []);
  long();
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-11-22T10:00:00Z');

function watched() {
  const it = handMachine(START);
  const clock = createClock({ bootId: 'x', machine: it.clocks });
  const news: ClockNews[] = [];
  const unwatch = clock.watch?.((one) => news.push(one)) ?? (() => {});
  return { ...it, clock, news, unwatch };
}

t.test('a wall clock that is set is told before the time that is told by it', async (t) => {
  for (const by of [HOUR, -HOUR, 30 * DAY, -30 * DAY, 600, -600]) {
    const { clock, news, set, pass } = watched();
    pass(10_300);
    t.equal(clock.now(), START + 10_300);
    set(by);
    const told = clock.now();
    t.equal(told, START + 10_300 + by);
    t.strictSame(news, [{ kind: 'stepped', by, at: told }]);
    pass(5_000);
    t.equal(clock.now(), START + 15_300 + by);
    t.equal(news.length, 1, 'once');
  }
});

t.test('also when nobody asks for the time', async (t) => {
  const { news, set, pass } = watched();
  set(-HOUR);
  t.strictSame(news, []);
  pass(1_000);
  t.match(news, [{ kind: 'stepped', by: -HOUR }]);
});

t.test('a wall clock that is nudged does not step', async (t) => {
  const { clock, news, set, pass } = watched();
  set(300);
  pass(2_000);
  t.equal(clock.now(), START + 2_000);
  t.strictSame(news, []);
});

t.test('a process that stood still says so with the first time that is asked for', async (t) => {
  const { clock, news, stop, pass } = watched();
  pass(1_500);
  stop(1_900);
  t.equal(clock.now(), START + 3_400);
  t.strictSame(news, [], 'a moment is none');
  pass(10_000);
  stop(60_000);
  const told = clock.now();
  t.match(news, [{ kind: 'stalled', at: told }]);
  t.ok(news.every((one) => one.kind === 'stalled' && one.ms >= 59_000 && one.ms <= 60_000));
  pass(10_000);
  t.equal(news.length, 1);
});

t.test('a suspended machine has stood still; its clock was not set', async (t) => {
  const { clock, news, sleep, pass } = watched();
  sleep(HOUR);
  pass(2_000);
  t.match(news, [{ kind: 'stalled', ms: HOUR }]);
  t.equal(clock.now(), START + HOUR + 2_000);
});

t.test('nobody is told after the last has gone, and no timer is left', async (t) => {
  const { clock, news, set, unwatch, timers } = watched();
  unwatch();
  t.equal(timers(), 0);
  set(HOUR);
  t.equal(clock.now(), START + HOUR);
  t.strictSame(news, []);
});
