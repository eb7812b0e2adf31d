/** Local times without a zone, as `${start_stamp}` writes them. */

const STAMP = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/;

/** The offset of a zone at a moment, both ms. */
type Offset = (at: number) => number;

/**
 * Reads local times of a zone (`Asia/Kolkata`; this machine's where `null`). Throws a RangeError when there is no such zone.
 *
 * `read` gives the moments that a text can mean, ms since the epoch, UTC, the earlier first: two in the hour that comes twice when clocks
 * are set back, one otherwise; a time that clocks have skipped is what it would have been without. None for what is no time.
 */
export function localTimes(zone: string | null): { read(text: string): readonly number[] } {
  const offset = offsetOf(zone);
  return {
    read(text) {
      const [, ...parts] = (STAMP.exec(text) ?? []).map(Number);
      const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
      if (parts.length === 0) return [];
      const wall = Date.UTC(year, month - 1, day, hour, minute, second);
      if (new Date(wall).toISOString().slice(0, 19) !== text.replace(' ', 'T')) return [];
      // The offsets on both sides of a change; more than one change within a day does not happen.
      const offsets = [...new Set([offset(wall - DAY_MS), offset(wall + DAY_MS)])];
      const moments = offsets.map((one) => wall - one).filter((at) => offset(at) === wall - at);
      return moments.length > 0 ? moments.sort((a, b) => a - b) : [wall - (offsets[0] ?? 0)];
    },
  };
}

const DAY_MS = 24 * 3_600_000;

function offsetOf(zone: string | null): Offset {
  if (zone === null) return (at) => -new Date(at).getTimezoneOffset() * 60_000;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  const known = new Map<number, number>();
  return (at) => {
    // Zones change at full quarters of an hour.
    const quarter = Math.floor(at / 900_000);
    let offset = known.get(quarter);
    if (offset === undefined) {
      const text = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
      const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(text) ?? [];
      offset = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
      if (known.size > 1000) known.clear();
      known.set(quarter, offset);
    }
    return offset;
  };
}
