/** Points in time on the command line. */
import { parseDuration } from '../../config/duration.ts';
import { UsageError } from './command.ts';

/**
 * `'2h'` (that long before `now`) or a date with an optional time, local unless it ends in `Z` or an offset.
 * `option`: named in the error. Result: ms since the epoch. Throws `UsageError`.
 */
export function parseWhen(option: string, text: string, now: number): number {
  const ago = parseDuration(text);
  if (ago !== null) return now - ago;
  const form = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/.test(text);
  // A date alone is UTC by ECMAScript; people mean their own midnight.
  const at = form ? Date.parse(text.length === 10 ? `${text}T00:00` : text) : Number.NaN;
  if (Number.isNaN(at))
    throw new UsageError(`${option} ${text} is no time.`, `${option} 2h, or ${option} 2026-11-22T09:00`);
  return at;
}
