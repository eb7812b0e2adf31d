/** Selections of many calls are answered page by page: what bounds a page, and how the next one is asked for. */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { ControlError } from '../../../adapters/control/refusal.ts';
import type { Clock } from '../../ports.ts';

/** Rows of the database looked at in one go: a few ms of its thread, between which it stores what comes in. */
export const SCAN_ROWS = 2_000;
/** A request that found nothing yet is answered after this, ms; whoever asks goes on. */
const PAGE_MS = 250;

/**
 * Looks at a stretch after the other until one holds something, nothing is left, or the time is over. `at`: where to begin;
 * `look` answers what it found and where to go on, `null` at the end.
 */
export async function firstFound<P, R>(
  clock: Pick<Clock, 'monotonic'>,
  at: P,
  look: (at: P) => Promise<{ readonly found: readonly R[]; readonly next: P | null }>,
): Promise<{ readonly found: readonly R[]; readonly next: P | null }> {
  const end = clock.monotonic() + PAGE_MS;
  let page = await look(at);
  while (page.found.length === 0 && page.next !== null && clock.monotonic() < end) page = await look(page.next);
  return page;
}

/** A place in a selection as a word to hand back. `selection`: what must be the same when it comes. */
export function cursorOf(selection: object, place: unknown): string {
  return `${print(selection)}.${Buffer.from(JSON.stringify(place), 'utf8').toString('base64url')}`;
}

/** The place that a cursor means. Throws `ControlError` when it is none, or one of another selection. */
export function placeOf<T>(selection: object, cursor: string, schema: z.ZodType<T>): T {
  const [own, place = ''] = cursor.split('.');
  if (own !== print(selection))
    throw new ControlError(400, `The place ${cursor} belongs to another selection: begin without it.`);
  try {
    return schema.parse(JSON.parse(Buffer.from(place, 'base64url').toString('utf8')));
  } catch {
    throw new ControlError(400, `The place ${cursor} cannot be read: begin without it.`);
  }
}

/** The same for selections that are the same; fields that are not given do not count. */
function print(selection: object): string {
  const given = Object.entries(selection).filter(([, value]) => value !== undefined);
  const text = JSON.stringify(given.sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
