/** Agents who take calls and belong to no user of the CRM: their calls are logged without one, or parked. */

/** Who took no call for so long is told no more, ms. */
const LATELY_MS = 7 * 86_400_000;
/** Named at most. */
const NAMED = 5;

interface Line {
  readonly extension: string;
  readonly domain: string | null;
  readonly match: 'known' | 'none' | 'not-yet';
  readonly calls: number;
  /** ms since the epoch; `null`: it took no call. */
  readonly lastAt: number | null;
}

export interface Strangers {
  readonly count: number;
  /** Some of them, those with the most calls. */
  readonly names: readonly Pick<Line, 'extension' | 'domain'>[];
  /** All calls of theirs, and the last of them, ms since the epoch. */
  readonly calls: number;
  readonly lastAt: number;
}

/** `lines`: unmatched first, those with the most calls first. `now`: ms since the epoch. `null`: there are none. */
export function strangersOf(lines: readonly Line[], now: number): Strangers | null {
  const found = lines.filter(({ match, lastAt }) => match === 'none' && lastAt !== null && lastAt > now - LATELY_MS);
  if (found.length === 0) return null;
  return {
    count: found.length,
    names: found.slice(0, NAMED).map(({ extension, domain }) => ({ extension, domain })),
    calls: found.reduce((sum, { calls }) => sum + calls, 0),
    lastAt: Math.max(...found.map(({ lastAt }) => lastAt ?? 0)),
  };
}
