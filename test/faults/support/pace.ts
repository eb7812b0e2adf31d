/** How far a run with many faults has come, and whether it is to end before all of them. */

/** So often it is told how far it is, ms. */
const TELL_EVERY_MS = 60_000;

export interface Pace {
  /** True: no more faults; what was done so far is checked. */
  readonly over: boolean;
  /** One more fault was done. */
  tick(): void;
  /** Asks it to be over. */
  end(): void;
}

/** `minutes`: how long faults are done at most, `null` for as long as it takes. `tell`: hears once a minute how many were done. */
export function paceOf(
  minutes: number | null,
  tell: (done: number) => void,
  now: () => number = () => performance.now(),
): Pace {
  const until = minutes === null ? Number.POSITIVE_INFINITY : now() + minutes * 60_000;
  let [ended, done, told] = [false, 0, now()];
  return {
    get over() {
      return ended || now() >= until;
    },
    tick() {
      done += 1;
      if (now() - told < TELL_EVERY_MS) return;
      told = now();
      tell(done);
    },
    end() {
      ended = true;
    },
  };
}
