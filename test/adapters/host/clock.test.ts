import { join } from 'node:path';
import t from 'tap';
import { createClock } from '../../../adapters/host/clock.ts';

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
