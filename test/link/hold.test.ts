/** A socket read slowly while the journal is behind. */
import t from 'tap';
import { Hold } from '../../src/link/hold.ts';

function bench() {
  let timers: { readonly ms: number; readonly run: () => void }[] = [];
  const clock = {
    after(ms: number, run: () => void) {
      const timer = { ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
  };
  const calls: string[] = [];
  const socket = { pause: () => calls.push('pause'), resume: () => calls.push('resume') };
  return {
    ...{ hold: new Hold(clock), socket, calls },
    waits: () => timers.map(({ ms }) => ms),
    fire() {
      const due = timers;
      timers = [];
      for (const { run } of due) run();
    },
  };
}

t.test('a socket is read a piece at a time, with pauses as short as Asterisk bears them', async (t) => {
  const { hold, socket, calls, waits, fire } = bench();
  hold.read(socket);
  t.same(calls, [], 'not held');
  hold.set(true);
  for (let n = 0; n < 3; n++) {
    hold.read(socket);
    hold.read(socket);
    t.same(calls.splice(0), ['pause']);
    t.same(waits(), [2], 'what Asterisk was seen to bear');
    fire();
    t.same(calls.splice(0), ['resume']);
  }
  hold.read(socket);
  hold.set(false);
  t.same(calls.splice(0), ['pause', 'resume'], 'at once when it is over');
  t.same(waits(), []);
  hold.read(socket);
  t.same(calls, []);
});
