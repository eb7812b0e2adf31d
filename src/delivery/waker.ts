import type { Clock } from '../ports.ts';

/** Runs one pass at a time: at once when woken, later at a time asked for. */
export interface Waker {
  /** A pass soon; during a pass: another one after it. */
  wake(): void;
  /** A pass in `ms` at the latest. */
  at(ms: number): void;
  stop(): void;
}

/** `onError` hears why a pass rejected; who is to try again wakes it. */
export function createWaker(clock: Clock, pass: () => Promise<void>, onError: (error: unknown) => void): Waker {
  let running = false;
  let again = false;
  let stopped = false;
  let timer: { readonly at: number; readonly cancel: () => void } | null = null;

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
    stop() {
      stopped = true;
      clearTimer();
    },
  };
}
