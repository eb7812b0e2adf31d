/** A gap in words, the same in the log, in `status` and in `gaps`. */
import type { Gap } from './gaps.ts';

type Told = Pick<Gap, 'live' | 'state' | 'created' | 'completed' | 'skipped' | 'note'>;

/** What was going on when it began. */
export function goingOn({ live }: Told): string {
  return live === 0 ? 'no call was going on' : `${calls(live)} ${live === 1 ? 'was' : 'were'} going on`;
}

/** From when on every call is known, as far as these gaps tell, ms since the epoch; `null`: none left calls unknown. */
export function knownSince(gaps: readonly Pick<Gap, 'state' | 'endedAt'>[]): number | null {
  const ends = gaps.flatMap(({ state, endedAt }) => (state === 'unfilled' && endedAt !== null ? [endedAt] : []));
  return ends.length === 0 ? null : Math.max(...ends);
}

/** How it was settled, or what it waits for. */
export function settlement({ state, created, completed, skipped, note }: Told): string {
  const found = [
    created === 0 ? 'no further call' : `${calls(created)} that nobody heard`,
    ...(completed === 0 ? [] : [`${calls(completed)} completed`]),
    ...(skipped === 0 ? [] : [`${skipped} ${skipped === 1 ? 'record' : 'records'} left out`]),
  ].join(', ');
  switch (state) {
    case 'open':
      return 'not over yet';
    case 'waiting':
      return "the PBX's own records are being read";
    case 'filled':
      return `from the PBX's own records: ${found}${note === null ? '' : `; ${note}`}`;
    case 'unfilled':
      return note ?? 'not filled';
  }
}

function calls(n: number): string {
  return n === 1 ? '1 call' : `${n} calls`;
}
