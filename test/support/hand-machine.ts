/** The clocks of a machine, set by hand. */
import type { Machine } from '../../adapters/host/clock.ts';

/** A machine whose wall clock shows `start` (ms since the epoch) and whose time passes by hand. */
export function handMachine(start: number) {
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const it = { wall: start, monotonic: 7_000.25, sinceBoot: 9_000 };
  const clocks: Machine = {
    wall: () => Math.floor(it.wall),
    monotonic: () => it.monotonic,
    sinceBoot: () => it.sinceBoot,
    after(ms, run) {
      const timer = { at: it.monotonic + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
  };
  const goOn = (ms: number): void => {
    it.wall += ms;
    it.monotonic += ms;
    it.sinceBoot += ms;
  };
  return {
    clocks,
    timers: () => timers.length,
    set: (ms: number) => {
      it.wall += ms;
    },
    /** Time passes, and nothing runs. */
    stop: goOn,
    sleep(ms: number): void {
      it.wall += ms;
      it.sinceBoot += ms;
    },
    pass(ms: number): void {
      const until = it.monotonic + ms;
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        goOn(Math.max(0, next.at - it.monotonic));
        next.run();
      }
      goOn(until - it.monotonic);
    },
  };
}
