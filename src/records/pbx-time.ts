/**
 * The clock by which a PBX writes its records, beside ours. Gaps are kept on our clock. The times of calls are those of the PBX where
 * its events have times of their own (FreeSWITCH, Asterisk with `timestampevents`), else those of arrival, which are ours.
 */
import type { Span } from '../call/cdr/coverage.ts';
import { SAME_MS } from '../call/cdr/unended.ts';

export interface PbxTime {
  /** How far the clock of the PBX is ahead of ours, ms; 0 also where that is not known. */
  readonly aheadMs: number;
  /** True where the times of calls are those of the PBX. */
  readonly ownTimes: boolean;
}

export const SAME_TIME: PbxTime = { aheadMs: 0, ownTimes: false };

/** `aheadMs`: as measured, ms; a difference of up to `SAME_MS` counts as none. */
export function timeApart(aheadMs: number, ownTimes: boolean): PbxTime {
  return { aheadMs: Math.abs(aheadMs) > SAME_MS ? aheadMs : 0, ownTimes };
}

/** What is taken from the times of records, so that they are on the clock of the calls, ms. */
export function shiftOfRecords({ aheadMs, ownTimes }: PbxTime): number {
  return ownTimes ? 0 : aheadMs;
}

/** How far the clock of the calls is ahead of ours, ms. */
export function shiftOfCalls({ aheadMs, ownTimes }: PbxTime): number {
  return ownTimes ? aheadMs : 0;
}

/** The same length of time `by` ms later (earlier where negative), as on another clock. */
export function moved({ from, to }: Span, by: number): Span {
  return { from: from + by, to: to + by };
}
