/**
 * When this process stood still, because of its own work or as the machine gave it no turn. What others did meanwhile is seen at the end of it:
 * times that this process takes are wrong by so much, and the requests of several windows come in one moment.
 */

/** ms between two looks, and how late one may be; the guard of a config under test allows for so much. */
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

/** How often and how long this process stood still, to be gone on with; `null` where it did not. */
export function toldOf(stalls: readonly Stall[]): string | null {
  if (stalls.length === 0) return null;
  const ms = stalls.reduce((sum, { from, to }) => sum + to - from, 0);
  return `This process stood still ${stalls.length} times, ${(ms / 1000).toFixed(1)} s in all`;
}
