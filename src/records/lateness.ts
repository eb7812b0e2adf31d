/** How late, and how exact, the records of a PBX are: the same for a gap and for what was not heard outside of one. */

/** A PBX writes its record some seconds after the end of a call (Asterisk 16 and 22: 1.5 s at worst), ms. */
export const WRITTEN_AFTER_MS = 5_000;
/** Seconds are cut off in records: looked at is so much more before and after, ms. */
export const MARGIN_MS = 5_000;
