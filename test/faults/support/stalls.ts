/**
 * When this process stood still: it judges one site while others go on, and what their daemons sent meanwhile is read at the end of it, the
 * requests of several windows in one moment. The guard of the config allows for so much as is let pass here.
 */

/** ms between two looks, and how late one may be. */
const LOOK_MS = 50;
const LATE_MS = 250;
/** What has waited is read within this time after the end, ms. */
const READ_MS = 1000;

export interface Stall {
  /** ms on the monotonic clock (`performance.now`). */
  readonly from: number;
  readonly to: number;
}

/** Takes note of each from now on, until this process ends. */
export function watchStalls(): readonly Stall[] {
  const stalls: Stall[] = [];
  let last = performance.now();
  const look = (): void => {
    const now = performance.now();
    if (now - last > LOOK_MS + LATE_MS) stalls.push({ from: last, to: now });
    last = now;
  };
  setInterval(look, LOOK_MS).unref();
  return stalls;
}

/** The most arrivals (ms, in order) in a closed window that no stall touches. */
export function worstWindow(arrivals: readonly number[], windowMs: number, stalls: readonly Stall[]): number {
  let [worst, first, before] = [0, 0, 0];
  for (const [n, at] of arrivals.entries()) {
    while ((arrivals[first] ?? at) < at - windowMs) first += 1;
    // The last stall that has begun by the end of the window.
    while ((stalls[before]?.from ?? Number.POSITIVE_INFINITY) <= at) before += 1;
    const touched = (stalls[before - 1]?.to ?? Number.NEGATIVE_INFINITY) + READ_MS >= at - windowMs;
    if (!touched) worst = Math.max(worst, n - first + 1);
  }
  return worst;
}

/** One line about how long this process stood still, and what that leaves out; `null` where it did not. */
export function toldOf(stalls: readonly Stall[]): string | null {
  if (stalls.length === 0) return null;
  const ms = stalls.reduce((sum, { from, to }) => sum + to - from, 0);
  return `This process stood still ${stalls.length} times, ${Math.round(ms / 1000)} s in all: requests in windows beside that are not counted.`;
}
