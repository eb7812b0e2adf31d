/** How many calls are parked, and how many of them nobody has taken note of. */

/** Rows of one code. `fresh`: those that were parked since the last acknowledgement. */
export interface ParkedCount {
  readonly code: string;
  readonly count: number;
  readonly fresh: number;
}

export interface ParkedCounts {
  /** The most frequent first. */
  readonly reasons: readonly ParkedCount[];
  /** Of the latest calls that are delivered or parked (of a day, at most 200): how many there are, how many are parked and fresh. */
  readonly latest: { readonly calls: number; readonly fresh: number };
  /** Of the last acknowledgement, ms since the epoch; `null`: there was none. */
  readonly acknowledgedAt: number | null;
}

/** `''`: no reason was kept. */
export interface ReasonCount {
  readonly code: string | null;
  readonly reason: string;
  readonly count: number;
}

/** Parked calls that nobody has taken note of. */
export function freshOf({ reasons }: ParkedCounts): number {
  return reasons.reduce((sum, { fresh }) => sum + fresh, 0);
}
