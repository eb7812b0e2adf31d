/** How long the watch keeps the program busy. */
import t from 'tap';
import { bench, inbound } from './support.ts';

t.test('what is stored after the stop plans no further look: a timer would keep the program from ending', async (t) => {
  const { watch, clock } = bench();
  watch.note([inbound()]);
  t.equal(clock.timers.length, 1, 'it looks again in a while');
  watch.stop();
  t.equal(clock.timers.length, 0);
  watch.note([inbound()]);
  t.equal(clock.timers.length, 0);
});
