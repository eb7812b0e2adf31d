/** Parked rows: how many there are of each code, and which of them an operator has taken note of. See `0009-parked.sql`. */
import type { ParkedCount, ParkedCounts } from '../../../src/delivery/parked/counts.ts';
import type { Outbox } from '../../../src/delivery/store.ts';
import type { Connection } from '../thread/rpc.ts';

/**
 * What a share of the recent calls is told from: those that began within a day, at most so many. Two hundred are few enough to be counted
 * at each `status` whatever is stored, and to show what began an hour ago where thousands of calls come a day; and enough for a tenth
 * of them to be no chance.
 */
const LATEST = { withinMs: 24 * 3_600_000, calls: 200 } as const;

/** Of each code one row, so they are put in order here. */
function byCode(db: Connection, where = ''): () => readonly ParkedCount[] {
  const read = db.prepare<[], ParkedCount>(`SELECT code, n AS count, fresh FROM parked_count ${where}`);
  return () => read.all().sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
}

/** Nothing here reads more than the latest rows. */
export function parkedCounter(db: Connection): (now: number) => ParkedCounts {
  const reasons = byCode(db);
  const last = db.prepare<[], { number: number; at: number | null }>(
    'SELECT number, at FROM acknowledgement WHERE id = 1',
  );
  const latestIn = (state: 'delivered' | 'parked', number: string) =>
    db
      .prepare<[number], readonly [startedAt: number, notedBefore: number | null]>(
        `SELECT started_at, ${number} FROM delivery d INDEXED BY delivery_by_state
         WHERE state = '${state}' AND started_at > ? ORDER BY started_at DESC LIMIT ${LATEST.calls}`,
      )
      .raw();
  const delivered = latestIn('delivered', 'NULL');
  const parked = latestIn('parked', '(SELECT number FROM parked p WHERE p.id = d.id)');
  return (now) => {
    const { number = 0, at = null } = last.get() ?? {};
    const since = Math.floor(now) - LATEST.withinMs;
    const latest = [...delivered.all(since), ...parked.all(since)].sort(([a], [b]) => b - a).slice(0, LATEST.calls);
    const fresh = latest.filter(([, before]) => before === number).length;
    return { reasons: reasons(), latest: { calls: latest.length, fresh }, acknowledgedAt: at };
  };
}

/** Rows keep the number of the acknowledgement before they were parked, so that none of them is written here. */
export function acknowledger(db: Connection) {
  const fresh = byCode(db, 'WHERE fresh > 0');
  const note = db.prepare<[object]>('UPDATE acknowledgement SET number = number + 1, at = @at WHERE id = 1');
  const none = db.prepare('UPDATE parked_count SET fresh = 0 WHERE fresh > 0');
  return db.transaction(({ at, seen }: Parameters<Outbox['acknowledge']>[0]): readonly ParkedCount[] | null => {
    const noted = fresh();
    if (noted.reduce((sum, one) => sum + one.fresh, 0) > (seen ?? Number.POSITIVE_INFINITY)) return null;
    note.run({ at: Math.floor(at) });
    none.run();
    return noted;
  }).immediate;
}
