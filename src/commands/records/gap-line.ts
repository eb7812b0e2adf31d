/** A gap in one line: apart, as `status` loads little. */
import type { Gap } from '../../records/gaps.ts';
import { settlement } from '../../records/text.ts';
import { cut, length, timesOf } from '../output.ts';

const SHORT_REASON_WIDTH = 60;

/** How long it lasted; one that goes on: so far. */
export function lasted({ beganAt, endedAt }: Gap, now: number): string {
  const ms = Math.max(0, (endedAt ?? now) - beganAt);
  return ms < 1000 ? 'less than 1 s' : `${length(ms)}${endedAt === null ? ' so far' : ''}`;
}

/** The gaps of a status, a line for each: of each source the one that matters most first. */
export function gapLines({ gaps, at }: { readonly gaps: readonly Gap[]; readonly at: number }): readonly string[] {
  const seen = new Set<string>();
  return gaps.map((gap) => {
    const which = seen.has(gap.source) ? 'earlier' : 'last';
    seen.add(gap.source);
    return `${which} gap of ${gap.source}: ${gapLine(gap, at)}`;
  });
}

/** A gap in one line, for `status` and `calls show`. `now`: ms since the epoch. */
export function gapLine(gap: Gap, now: number, times = timesOf(false)): string {
  return `${lasted(gap, now)} ${gapFacts(gap, times)}`;
}

/** The same without how long it lasted. */
export function gapFacts(gap: Gap, times = timesOf(false)): string {
  return `from ${times.dateTime(gap.beganAt)} on; ${settlement(gap)} (${cut(gap.reason, SHORT_REASON_WIDTH)})`;
}
