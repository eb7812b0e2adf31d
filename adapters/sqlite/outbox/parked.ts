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

const BY_CODE = 'SELECT code, n AS count, fresh FROM parked_count ORDER BY n DESC, code';

/** Nothing here reads more than the latest rows. */
export function parkedCounter(db: Connection): (now: number) => ParkedCounts {
  const reasons = db.prepare<[], ParkedCount>(BY_CODE);
  const last = db.prepare<[], number | null>('SELECT at FROM acknowledgement').pluck();
  const of = (state: 'delivered' | 'parked', fresh: string) =>
    `SELECT * FROM (SELECT started_at AS at, ${fresh} AS fresh FROM delivery INDEXED BY delivery_by_state
       WHERE state = '${state}' AND started_at > @since ORDER BY started_at DESC LIMIT ${LATEST.calls})`;
  const latest = db.prepare<[object], ParkedCounts['latest']>(
    `SELECT count(*) AS calls, coalesce(sum(fresh), 0) AS fresh FROM (
       SELECT fresh FROM (${of('delivered', '0')} UNION ALL ${of('parked', 'parked_in = (SELECT number FROM acknowledgement)')})
       ORDER BY at DESC LIMIT ${LATEST.calls})`,
  );
  return (now) => ({
    reasons: reasons.all(),
    latest: latest.get({ since: Math.floor(now) - LATEST.withinMs }) ?? { calls: 0, fresh: 0 },
    acknowledgedAt: last.get() ?? null,
  });
}

/** Rows keep the number of the acknowledgement before they were parked, so that none of them is written here. */
export function acknowledger(db: Connection) {
  const fresh = db.prepare<[], ParkedCount>(`SELECT * FROM (${BY_CODE}) WHERE fresh > 0`);
  const note = db.prepare<[object]>('UPDATE acknowledgement SET number = number + 1, at = @at');
  const none = db.prepare('UPDATE parked_count SET fresh = 0');
  return db.transaction(({ at }: Parameters<Outbox['acknowledge']>[0]): readonly ParkedCount[] => {
    const noted = fresh.all();
    note.run({ at: Math.floor(at) });
    none.run();
    return noted;
  }).immediate;
}
