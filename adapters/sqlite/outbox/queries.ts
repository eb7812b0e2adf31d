/** What is read of the outbox: by the loop, and by an operator. */

import type { ReasonCount } from '../../../src/delivery/parked/counts.ts';
import { DELIVERY_STATES } from '../../../src/delivery/states.ts';
import type { Attempt, Delivery, Outbox, OutboxCounts } from '../../../src/delivery/store.ts';
import { readableRows } from '../sessions/row.ts';
import { prepared } from '../thread/prepared.ts';
import type { Connection } from '../thread/rpc.ts';
import { conditions } from './filter.ts';
import { parkedCounter } from './parked.ts';
import { type AttemptRow, DELIVERY_COLUMNS, DELIVERY_FROM, type DeliveryRow, toAttempt, toDelivery } from './row.ts';

const DAY_MS = 24 * 3_600_000;
/** As in `delivery_reason.span`. */
const SPAN_MS = 600_000;
/** Sentences of skipped rows that are told, those with the most rows. */
const SENTENCES = 20;
/** Of each reason of parked rows. */
const SENTENCES_EACH = 5;

type Arg<M extends keyof Outbox> = Parameters<Outbox[M]>[0];

export function outboxQueries(db: Connection) {
  const attempts = db.prepare<[object], AttemptRow>(
    `SELECT a.* FROM attempt a JOIN delivery d ON d.id = a.delivery_id WHERE d.session_id = @sessionId ORDER BY a.number`,
  );
  return {
    counts: counter(db),
    select: selecting(db),
    attempts: ({ sessionId }: Arg<'attempts'>): readonly Attempt[] => attempts.all({ sessionId }).map(toAttempt),
  };
}

export function nextDueOf(db: Connection): (now: number) => number | null {
  const earliest = db
    .prepare<[object], number | null>(
      `SELECT min(at) FROM (
         SELECT min(due_at) AS at FROM delivery INDEXED BY delivery_due
           WHERE step IS NOT NULL AND due_at > 0 AND due_at > @now AND lease_until IS NULL
         UNION ALL SELECT min(lease_until) FROM delivery WHERE lease_until > @now)`,
    )
    .pluck();
  return (now) => earliest.get({ now }) ?? null;
}

/** Counts are kept by triggers, see `0006-indexes.sql`; nothing here reads more than a few rows of the outbox. */
function counter(db: Connection) {
  const counts = db.prepare<[], readonly [name: string, n: number]>('SELECT name, n FROM delivery_count').raw();
  const waiting = (step: 'look-up' | 'post', intent: 'live' | 'replay') =>
    `SELECT min(ended_at) AS at FROM delivery WHERE state = 'pending' AND step = '${step}' AND intent = '${intent}'`;
  const oldest = db
    .prepare<[], number | null>(
      `SELECT min(at) FROM (
         ${waiting('look-up', 'live')} UNION ALL ${waiting('look-up', 'replay')}
         UNION ALL ${waiting('post', 'live')} UNION ALL ${waiting('post', 'replay')}
         UNION ALL SELECT min(ended_at) FROM delivery WHERE state IN ('retrying', 'sending', 'uncertain'))`,
    )
    .pluck();
  const parked = db.prepare<[string], ReasonCount>(
    `SELECT code, reason, n AS count FROM delivery_reason INDEXED BY delivery_reason_by_code
     WHERE state = 'parked' AND coalesce(code, 'other') = ? ORDER BY n DESC LIMIT ${SENTENCES_EACH}`,
  );
  // Of the ten minutes in which the day begins row by row, then by the counts.
  const skipped = db.prepare<[object], ReasonCount>(
    `SELECT max(code) AS code, reason, sum(n) AS count FROM (
       SELECT code, coalesce(reason, '') AS reason, 1 AS n FROM delivery INDEXED BY delivery_done
         WHERE ended_at > @since AND ended_at < (@span + 1) * ${SPAN_MS} AND state IN ('delivered', 'skipped') AND state = 'skipped'
       UNION ALL SELECT code, reason, n FROM delivery_reason WHERE state = 'skipped' AND span > @span)
     GROUP BY reason ORDER BY count DESC, reason LIMIT ${SENTENCES}`,
  );
  const parkedCounts = parkedCounter(db);
  return ({ now }: Arg<'counts'>): OutboxCounts => {
    const kept = new Map(counts.all());
    const since = Math.floor(now) - DAY_MS;
    const waiting = parkedCounts(now);
    return {
      states: Object.fromEntries(
        DELIVERY_STATES.map((state) => [state, kept.get(state) ?? 0]),
      ) as OutboxCounts['states'],
      oldestWaiting: oldest.get() ?? null,
      updatesWaiting: kept.get('update') ?? 0,
      parked: waiting,
      parkedReasons: waiting.reasons.flatMap(({ code }) => parked.all(code)).sort((a, b) => b.count - a.count),
      skippedReasons: skipped.all({ since, span: Math.floor(since / SPAN_MS) }),
    };
  };
}

/** A row of which what is stored cannot be read is left out, as others are asked for with it. */
function selecting(db: Connection) {
  const statement = prepared<DeliveryRow>(db);
  return ({ filter, after, limit }: Arg<'select'>): readonly Delivery[] => {
    const { where, values } = conditions(filter);
    const sql = `SELECT ${DELIVERY_COLUMNS} FROM ${DELIVERY_FROM} WHERE ${['d.id > ?', ...where].join(' AND ')} ORDER BY d.id LIMIT ?`;
    const found: Delivery[] = [];
    for (let begin = after; found.length < limit; ) {
      const wanted = limit - found.length;
      const rows = statement(sql)
        .raw()
        .all(begin, ...values, wanted);
      found.push(...readableRows(rows, toDelivery));
      const last = rows.at(-1);
      if (last === undefined || rows.length < wanted) break;
      [begin] = last;
    }
    return found;
  };
}
