/** Reading finished calls: one by its id, a filtered list, and counts. Runs in the database thread. */
import type { CallStatus, Direction } from '../../../src/call/record.ts';
import { goneCalls } from '../erased/gone.ts';
import type { Connection } from '../thread/rpc.ts';
import type { KeptRow, Readable, StoredSession } from './row.ts';
import { decodeSession, KEPT_COLUMNS, readable, reversedDigits } from './row.ts';

/** Every filter that is given must hold. */
export interface SessionFilter {
  /** Calls that began in [since, until), ms since the epoch. */
  readonly since?: number;
  readonly until?: number;
  readonly direction?: Direction;
  readonly status?: CallStatus;
  /** The other party's number by its last digits, written in any way; leading zeros do not count. */
  readonly number?: string;
  readonly source?: string;
  readonly agent?: string;
}

export interface SessionPage extends SessionFilter {
  readonly limit: number;
  readonly offset: number;
}

export type SessionLookup =
  | { readonly found: 'one'; readonly session: StoredSession }
  | { readonly found: 'none' }
  /** The beginning fits several; some of them are named. */
  | { readonly found: 'several'; readonly ids: readonly string[] };

export interface SessionCount {
  readonly source: string;
  readonly direction: Direction;
  readonly status: CallStatus;
  readonly count: number;
}

/** Ids named when a beginning fits several. */
const SEVERAL = 10;

type Binding = string | number;

export function sessionsModule(db: Connection) {
  const exact = db.prepare<[string], KeptRow>(`SELECT ${KEPT_COLUMNS} FROM session WHERE call_session_id = ?`);
  const several = db.prepare<[object], KeptRow>(
    `SELECT ${KEPT_COLUMNS} FROM session WHERE call_session_id IN (SELECT value FROM json_each(@ids))`,
  );
  const beginning = db
    .prepare<[string, string, number], string>(
      `SELECT call_session_id FROM session WHERE call_session_id >= ? AND call_session_id < ? || char(0x10FFFF)
       ORDER BY call_session_id LIMIT ?`,
    )
    .pluck();

  const one = (id: string): SessionLookup => {
    const row = exact.get(id);
    return row === undefined ? { found: 'none' } : { found: 'one', session: decodeSession(row) };
  };

  const read = (rows: readonly KeptRow[]) => readable(rows, (row) => row.call_session_id, decodeSession);
  const forget = forgetter(db);
  return {
    /**
     * Removes finished calls that ended before `endedBefore` (ms since the epoch), at most `limit`; answers how many. Those that ended
     * since `toldSince`, which the journal still tells of, are not stored again.
     */
    forget,
    /** By the whole id, or by its beginning when only one id begins so. */
    get(idOrBeginning: string): SessionLookup {
      const whole = one(idOrBeginning);
      if (whole.found === 'one' || idOrBeginning === '') return whole;
      const ids = beginning.all(idOrBeginning, idOrBeginning, SEVERAL);
      const [only] = ids;
      return ids.length > 1 ? { found: 'several', ids } : only === undefined ? { found: 'none' } : one(only);
    },

    /** Those that are there and can be read, in no order. */
    byIds: ({ ids }: { ids: readonly string[] }): readonly StoredSession[] =>
      read(several.all({ ids: JSON.stringify(ids) })).found,

    /** Latest first. */
    list(page: SessionPage): Readable<StoredSession> {
      const { where, values } = conditions(page);
      const rows = db.prepare<Binding[], KeptRow>(
        `SELECT ${KEPT_COLUMNS} FROM session ${where}
           ORDER BY started_at DESC, call_session_id DESC LIMIT ? OFFSET ?`,
      );
      return read(rows.all(...values, page.limit, page.offset));
    },

    /** How many of each source, direction and status; combinations that do not occur are left out. */
    counts(filter: SessionFilter): readonly SessionCount[] {
      const { where, values } = conditions(filter);
      return db
        .prepare<Binding[], SessionCount>(
          `SELECT source, direction, status, count(*) AS count FROM session ${where}
           GROUP BY source, direction, status ORDER BY source, direction, status`,
        )
        .all(...values);
    },
  };
}

function conditions(filter: SessionFilter): { readonly where: string; readonly values: readonly Binding[] } {
  const parts: (readonly [sql: string, ...values: Binding[]])[] = [];
  if (filter.since !== undefined) parts.push(['started_at >= ?', filter.since]);
  if (filter.until !== undefined) parts.push(['started_at < ?', filter.until]);
  if (filter.direction !== undefined) parts.push(['direction = ?', filter.direction]);
  if (filter.status !== undefined) parts.push(['status = ?', filter.status]);
  if (filter.source !== undefined) parts.push(['source = ?', filter.source]);
  if (filter.agent !== undefined) parts.push(['agent = ?', filter.agent]);
  if (filter.number !== undefined) parts.push(endOfNumber(filter.number));
  if (parts.length === 0) return { where: '', values: [] };
  return {
    where: `WHERE ${parts.map(([sql]) => sql).join(' AND ')}`,
    values: parts.flatMap(([, ...values]) => values),
  };
}

/** Reversed, the end of a number is a beginning, which the index finds. ":" is the character after "9". */
function endOfNumber(number: string): readonly [string, ...Binding[]] {
  const key = reversedDigits(number)?.replace(/0+$/, '') ?? '';
  if (key === '') return ['0'];
  return ['external_reversed >= ? AND external_reversed < ?', key, `${key}:`];
}

/** What is still on its way, or was parked and waits for somebody, is kept whatever its age. */
function forgetter(db: Connection) {
  type Row = { readonly id: number; readonly session_id: string; readonly ended_at: number };
  const old = db.prepare<[number, number], Row>(
    "SELECT id, session_id, ended_at FROM delivery WHERE ended_at < ? AND state IN ('delivered', 'skipped') LIMIT ?",
  );
  const deleteDelivery = db.prepare<[number]>('DELETE FROM delivery WHERE id = ?');
  const deleteSession = db.prepare<[string]>('DELETE FROM session WHERE call_session_id = ?');
  const gone = goneCalls(db);
  type Forgetting = { endedBefore: number; limit: number; toldSince?: number };
  return db.transaction(({ endedBefore, limit, toldSince = 0 }: Forgetting): number => {
    const rows = old.all(endedBefore, limit);
    for (const { id, session_id, ended_at } of rows) {
      if (ended_at >= toldSince) gone.note(session_id, ended_at);
      deleteDelivery.run(id);
      deleteSession.run(session_id);
    }
    return rows.length;
  });
}
