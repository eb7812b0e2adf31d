/** After a refusal the rate grows back, also while nothing is asked for; what was told of the refusal is taken back then. */
import type { Clock } from '../ports.ts';
import type { Tuning } from './port.ts';
import { RECOVER_EVERY_MS, type SlidingWindow } from './window.ts';

export interface Recovery {
  /** The CRM refused for the rate, and it was told. */
  refused(): void;
  /** Grows by the time that has passed. `now`: monotonic ms. */
  look(now: number): void;
  stop(): void;
}

interface Hears {
  readonly grown: () => void;
  /** Requests go out again, with more of them than right after the refusal. */
  readonly over: () => void;
}

/** `base`: the limit as configured. */
export function createRecovery(
  window: Pick<SlidingWindow, 'recover' | 'tuning' | 'heldUntil'>,
  clock: Pick<Clock, 'monotonic' | 'after'>,
  base: Tuning,
  hears: Hears,
): Recovery {
  let told = false;
  let grown = false;
  let stopped = false;
  let cancel: (() => void) | null = null;

  const isBack = (): boolean => JSON.stringify(window.tuning) === JSON.stringify(base);

  function look(now: number): void {
    if (window.recover(now)) {
      grown = true;
      hears.grown();
    }
    if (!told || window.heldUntil > now || !(grown || isBack())) return;
    told = false;
    hears.over();
  }

  function later(): void {
    cancel ??= clock.after(RECOVER_EVERY_MS, () => {
      cancel = null;
      look(clock.monotonic());
      if (!stopped && (told || !isBack())) later();
    });
  }

  return {
    refused() {
      told = true;
      grown = false;
      later();
    },
    look,
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
