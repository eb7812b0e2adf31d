import type { Clock } from '../ports.ts';

/** Runs one pass at a time: at once when woken, later at a time asked for. */
export interface Waker {
  /** A pass soon; during a pass: another one after it. */
  wake(): void;
  /** A pass in `ms` at the latest. */
  at(ms: number): void;
  /** By how many ms the wall clock was set since the last call; 0 when it only ran. */
  clockStep(): number;
  stop(): void;
}

/** Smaller differences are the slow corrections of NTP. */
const STEP_MS = 2000;

export function createWaker(clock: Clock, pass: () => Promise<void>, onError: (error: unknown) => void): Waker {
  let running = false;
  let again = false;
  let stopped = false;
  let timer: { readonly at: number; readonly cancel: () => void } | null = null;
  let offset = clock.now() - clock.monotonic();

  function clearTimer(): void {
    timer?.cancel();
    timer = null;
  }

  function wake(): void {
    if (stopped) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    clearTimer();
    pass()
      .catch(onError)
      .finally(() => {
        running = false;
        if (!again) return;
        again = false;
        wake();
      });
  }

  return {
    wake,
    at(ms) {
      const at = clock.monotonic() + Math.max(1, Math.ceil(ms));
      if (stopped || (timer !== null && timer.at <= at)) return;
      clearTimer();
      const cancel = clock.after(Math.max(1, Math.ceil(ms)), () => {
        timer = null;
        wake();
      });
      timer = { at, cancel };
    },
    clockStep() {
      const before = offset;
      offset = clock.now() - clock.monotonic();
      const by = offset - before;
      return Math.abs(by) < STEP_MS ? 0 : by;
    },
    stop() {
      stopped = true;
      clearTimer();
    },
  };
}
