/** What an operator asks about calls: lists with their delivery, search by a part of the id. */
import { selector } from '../outbox/filter.ts';
import type { Connection } from '../thread/rpc.ts';
import { arrivalLister } from './arrivals.ts';
import { hourCounter } from './hours.ts';
import { begunLister, lister } from './list.ts';
import { touchedBy } from './touched.ts';

export type CallLookup =
  | { readonly found: 'one'; readonly id: string }
  | { readonly found: 'none' }
  | { readonly found: 'several'; readonly ids: readonly string[] };

export interface SeenExtension {
  readonly extension: string;
  /** `null`: none, or seen before domains were told apart. */
  readonly domain: string | null;
  readonly calls: number;
  readonly lastAt: number;
  /** Calls that are not posted as it has no user: parked, and skipped where the config says so. */
  readonly held: { readonly parked: number; readonly skipped: number };
}

/** Extensions answered, those with the most calls; a PBX has fewer. */
const EXTENSIONS = 10_000;
/** Ids named when a part fits several. */
const SEVERAL = 10;
/** Characters at the end of an id that an index holds. */
const ID_END = 6;
/** Calls looked at for a shorter end. */
const LATEST = 20_000;

export function callsModule(db: Connection) {
  const held = (state: 'parked' | 'skipped') =>
    `coalesce((SELECT n FROM no_user_count h WHERE h.extension = e.extension AND h.domain = e.domain AND h.state = '${state}'), 0) AS ${state}`;
  const extensions = db.prepare<[], Omit<SeenExtension, 'held'> & SeenExtension['held']>(
    `SELECT extension, nullif(domain, '') AS domain, calls, last_at AS lastAt, ${held('parked')}, ${held('skipped')}
     FROM extension_seen e ORDER BY calls DESC, e.extension, e.domain LIMIT ${EXTENSIONS}`,
  );
  return {
    /** Newest first, a page. */
    list: lister(db),
    /** As they were stored, oldest first, a page. */
    arrived: arrivalLister(db),
    /** By their begin, oldest first, a page. */
    begun: begunLister(db),
    /** Which calls are meant, a page. */
    selected: selector(db),
    find: finder(db),
    /** Those that a gap touched, oldest first. */
    touched: touchedBy(db),
    /** By the hour in which they began. */
    hours: hourCounter(db),
    extensions: (): readonly SeenExtension[] =>
      extensions.all().map(({ parked, skipped, ...seen }) => ({ ...seen, held: { parked, skipped } })),
  };
}

/**
 * By the whole id, else by its beginning, of either with or without the name of the source, else by its end, when only one id is such; by
 * an end that is shorter than those of the index among the latest calls.
 */
function finder(db: Connection) {
  const search = (condition: string, from = 'session') =>
    db.prepare<[object], string>(`SELECT call_session_id FROM ${from} WHERE ${condition} LIMIT @limit`).pluck();
  const whole = search('call_session_id = @id');
  const beginning = search('call_session_id >= @id AND call_session_id < @id || char(0x10FFFF)');
  // As the PBX itself names it: behind the name of each source that was ever heard.
  const ofPbx = 'heard h CROSS JOIN session s';
  const own = search("s.call_session_id = h.source || '-' || @id", ofPbx);
  const ownBeginning = search(
    "s.call_session_id >= h.source || '-' || @id AND s.call_session_id < h.source || '-' || @id || char(0x10FFFF)",
    ofPbx,
  );
  const ending = 'substr(call_session_id, -length(@id)) = @id';
  const end = search(`substr(call_session_id, -${ID_END}) = substr(@id, -${ID_END}) AND ${ending}`);
  const latest = `(SELECT call_session_id FROM session ORDER BY started_at DESC, call_session_id DESC LIMIT ${LATEST})`;
  const shortEnd = search(ending, latest);
  return ({ id }: { id: string }): CallLookup => {
    if (id === '') return { found: 'none' };
    // What ends in a number behind a point is a whole id of Asterisk, perhaps of a leg: no other call is meant that begins so.
    const begins = /\.\d+$/.test(id) ? [beginning] : [beginning, ownBeginning];
    for (const statement of [whole, own, ...begins, [...id].length < ID_END ? shortEnd : end]) {
      const ids = statement.all({ id, limit: SEVERAL });
      const [only] = ids;
      if (only !== undefined)
        return ids.length === 1 ? { found: 'one', id: only } : { found: 'several', ids: [...ids].sort() };
    }
    return { found: 'none' };
  };
}
