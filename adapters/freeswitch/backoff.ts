/** When to try again. Times in ms. */
export interface Backoff {
  /** Ceiling of the first delay. */
  readonly minMs: number;
  /** Ceiling of all delays. */
  readonly maxMs: number;
  /** How long a connection must have stood before failures count from one again. */
  readonly quietMs: number;
}

export const defaultBackoff: Backoff = { minMs: 1_000, maxMs: 30_000, quietMs: 30_000 };

/**
 * Exponential with full jitter: anything between nothing and a ceiling that doubles with each failure, so that many
 * clients of a restarted PBX spread out. `failures` counts from 1; `random` is in [0, 1).
 */
export function retryDelay(failures: number, random: number, { minMs, maxMs }: Backoff): number {
  return Math.round(random * Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 30)));
}
