/**
 * The zone of times in Asterisk's call detail records. The files do not tell it: local time by default, UTC with
 * `usegmtime=yes`. But the Uniqueid of a channel begins with the second of its creation since the epoch, and the first row of
 * the channel that began a call starts in that very second: what lies between the two is the offset of the zone.
 */

import { epochOf } from '../events/channel.ts';
import type { CdrRow } from './table.ts';

/** All offsets in use are multiples of this, and none is more than 14 hours. */
const QUARTER_MS = 900_000;
const MAX_OFFSET_MS = 14 * 3_600_000;
/** The row of a channel may be opened a moment after the channel. */
const SLACK_MS = 2000;

/**
 * What to subtract from the times of a row to get UTC, ms. A call's own first row decides, so that a change between summer and
 * winter time within a file is no matter; a call without one takes the offset of the call nearest in time.
 * Throws one clear sentence when no row tells.
 */
export function zoneOf(rows: readonly CdrRow[]): (row: CdrRow) => number {
  const firsts = new Map<string, CdrRow>();
  for (const row of rows) {
    const known = firsts.get(row.linkedid);
    if (row.uniqueid === row.linkedid && (known === undefined || row.start < known.start))
      firsts.set(row.linkedid, row);
  }
  const told = new Map<string, number>();
  for (const [linkedid, { start }] of firsts) {
    const apart = start - (epochOf(linkedid) ?? 0);
    const offset = Math.round(apart / QUARTER_MS) * QUARTER_MS;
    if (Math.abs(offset) <= MAX_OFFSET_MS && Math.abs(apart - offset) <= SLACK_MS) told.set(linkedid, offset);
  }
  const first = rows[0];
  if (first !== undefined && told.size === 0) {
    throw new Error(
      `${first.file}: line ${first.line}: the time zone cannot be told, because no row starts in the second that its uniqueid ` +
        'names; are uniqueid and linkedid the columns of those names? Else set usegmtime=yes in cdr.conf.',
    );
  }
  const calls = [...told].map(([linkedid, offset]) => ({ at: epochOf(linkedid) ?? 0, offset }));
  return (row) => {
    const own = told.get(row.linkedid);
    if (own !== undefined) return own;
    const at = epochOf(row.linkedid) ?? 0;
    return calls.reduce((a, b) => (Math.abs(b.at - at) < Math.abs(a.at - at) ? b : a)).offset;
  };
}
