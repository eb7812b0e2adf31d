/**
 * Lists of which a channel has few entries, mostly none: thousands of calls may wait for their last words at once. They are replaced and
 * never written into, so that all that have none share one, and each of the others is as long as what it holds.
 */

/** The list of all that have none. */
export const NONE: readonly never[] = [];

/** The list with one more. V8 makes room for sixteen more in an array that is pushed to or spread. */
export const plus = <T>(list: readonly T[], one: T): readonly T[] => (list.length === 0 ? [one] : list.concat([one]));
