/**
 * The zone of times in Asterisk's own records. Files and tables do not tell it: local time by default, UTC with `usegmtime=yes`. But
 * the Uniqueid of a channel begins with the second of its creation since the epoch, and the first record of a channel is written in
 * that very second: what lies between the two is the offset of the zone.
 */
import { epochOf } from '../events/channel.ts';

/** All offsets in use are multiples of this, and none is more than 14 hours. */
const QUARTER_MS = 900_000;
const MAX_OFFSET_MS = 14 * 3_600_000;
const HOUR_MS = 3_600_000;
/** A record may be opened a moment after the channel. */
const SLACK_MS = 2000;

/** The beginning of a channel, as a record tells it. */
export interface Beginning {
  readonly uniqueid: string;
  readonly linkedid: string;
  /** As written, ms as if it were UTC. */
  readonly at: number;
}

/** What to subtract from a time of a call's records to get UTC, ms. */
export type Zone = (linkedid: string, written: number) => number;

interface Told {
  /** UTC, ms. */
  readonly at: number;
  readonly offset: number;
}

/**
 * The offset at each time, `null` when no record tells any. A call's own beginning decides, so that a change between summer and
 * winter time among the records is no matter; within a call that goes on over such a change the calls about that time do.
 *
 * `sure`: beginnings of which no other is possible; `likely`: such as may belong to something later in the life of the channel, asked
 * only where there are none of the others.
 */
export function zoneOf(sure: readonly Beginning[], likely: readonly Beginning[] = []): Zone | null {
  const own = new Map<string, Told>();
  for (const beginning of toldBy(sure) ? sure : likely) {
    const told = offsetOf(beginning);
    const known = own.get(beginning.linkedid);
    if (told !== null && (known === undefined || told.at < known.at)) own.set(beginning.linkedid, told);
  }
  const all = [...own.values()].sort((a, b) => a.at - b.at);
  if (all.length === 0) return null;
  const offsets = [...new Set(all.map(({ offset }) => offset))];
  return (linkedid, written) => {
    const mine = own.get(linkedid);
    const begun = mine?.at ?? epochOf(linkedid) ?? Number.NEGATIVE_INFINITY;
    const possible = (offset: number) => written - offset >= begun - SLACK_MS;
    const first = mine?.offset ?? nearest(all, begun).offset;
    if (offsets.length === 1 && possible(first)) return first;
    const known = offsets.filter(possible);
    // Clocks that have been put back since the beginning, where no other call tells of it.
    if (known.length === 0) return possible(first - HOUR_MS) ? first - HOUR_MS : first;
    const apart = (offset: number) => {
      const same = all.filter((one) => one.offset === offset);
      return Math.abs(nearest(same, written - offset).at - (written - offset));
    };
    return known.reduce((a, b) => (apart(b) < apart(a) ? b : a));
  };
}

function toldBy(beginnings: readonly Beginning[]): boolean {
  return beginnings.some((one) => offsetOf(one) !== null);
}

function offsetOf({ uniqueid, at }: Beginning): Told | null {
  const epoch = epochOf(uniqueid);
  if (epoch === null) return null;
  const offset = Math.round((at - epoch) / QUARTER_MS) * QUARTER_MS;
  const near = Math.abs(offset) <= MAX_OFFSET_MS && Math.abs(at - epoch - offset) <= SLACK_MS;
  return near ? { at: epoch, offset } : null;
}

/** `sorted` by time, never empty. */
function nearest(sorted: readonly Told[], at: number): Told {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.at ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [sorted[low - 1], sorted[low]];
  if (after === undefined) return before ?? { at, offset: 0 };
  return before !== undefined && at - before.at < Math.abs(after.at - at) ? before : after;
}
