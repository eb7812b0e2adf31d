/** The gaps of the page about them: the latest, and all of the week of its picture, page by page. */
import type { Gap } from '../records/gaps.ts';
import type { Daemon } from './ask.ts';

/** Of the picture, ms. */
export const WEEK_MS = 7 * 86_400_000;
/** Gaps in the table. */
const LISTED = 200;
/** Gaps of a page of the week, and pages: more than could be told apart in a picture. */
const [PAGE, PAGES] = [500, 4];

export interface GapsFound {
  readonly sources: readonly { readonly name: string; readonly heardSince: number | null }[];
  /** Latest first. */
  readonly listed: readonly Gap[];
  /** There are earlier ones. */
  readonly more: boolean;
  readonly week: readonly Gap[];
  /** Gaps of the week before this moment are not among them, ms since the epoch; `null`: all are. */
  readonly wholeSince: number | null;
}

/** `now`: ms since the epoch. Throws while the daemon does not answer. */
export async function findGaps(daemon: Daemon, now: number): Promise<GapsFound> {
  const { sources } = await daemon.status();
  const heard = sources.map(({ name }) => name);
  const { gaps, heardSince = {} } = await daemon.call('gaps', { limit: LISTED + 1, calls: false, heard });
  return {
    sources: heard.map((name) => ({ name, heardSince: heardSince[name] ?? null })),
    listed: gaps.slice(0, LISTED),
    more: gaps.length > LISTED,
    ...(await weekOf(daemon, now - WEEK_MS)),
  };
}

async function weekOf(daemon: Daemon, since: number): Promise<Pick<GapsFound, 'week' | 'wholeSince'>> {
  const found = new Map<number, Gap>();
  let until: number | undefined;
  for (let page = 0; page < PAGES; page++) {
    const query = { since, limit: PAGE, calls: false, ...(until === undefined ? {} : { until }) };
    const { gaps } = await daemon.call('gaps', query);
    const before = found.size;
    for (const gap of gaps) found.set(gap.id, gap);
    // Gaps of several PBXs may begin in the same moment: the next page has the last one again.
    until = gaps.at(-1)?.beganAt;
    if (gaps.length < PAGE) return { week: [...found.values()], wholeSince: null };
    if (found.size === before) break;
  }
  return { week: [...found.values()], wholeSince: until ?? null };
}
