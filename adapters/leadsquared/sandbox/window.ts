/**
 * Counts arrivals in every closed window of `windowMs`: two arrivals exactly `windowMs` apart are in the same window.
 * Every window that holds the most arrivals can be moved until it ends at one of them, so looking back from each
 * arrival finds the worst one.
 */
export interface ArrivalWindow {
  /** Takes note of a request at monotonic time `at` (ms); answers whether it is within the limit. */
  arrive(at: number): boolean;
  /** The most arrivals any closed window has held so far, the refused ones included. */
  worst(): number;
  /** All arrival times, ms on the monotonic clock. */
  times(): readonly number[];
}

/**
 * @param countRefused whether a refused request uses up the limit as well. LeadSquared writes only that it stops
 * processing "until a certain amount of time has passed"; `true` is the harder case for a client.
 */
export function arrivalWindow(limit: number, windowMs: number, countRefused: boolean): ArrivalWindow {
  const arrivals: number[] = [];
  const counted: number[] = [];
  let worst = 0;
  let firstArrival = 0;
  let firstCounted = 0;
  return {
    arrive(at) {
      arrivals.push(at);
      while ((arrivals[firstArrival] ?? at) < at - windowMs) firstArrival++;
      worst = Math.max(worst, arrivals.length - firstArrival);
      while ((counted[firstCounted] ?? at) < at - windowMs) firstCounted++;
      const within = counted.length - firstCounted < limit;
      if (within || countRefused) counted.push(at);
      return within;
    },
    worst: () => worst,
    times: () => arrivals,
  };
}
