/** What is read of the outbox: by the loop, and by an operator. */
import { DELIVERY_STATES, type DeliveryState, STEPS } from '../../../src/delivery/states.ts';
import type { Attempt, Delivery, Outbox, OutboxCounts, ReasonCount } from '../../../src/delivery/store.ts';
import { prepared } from '../thread/prepared.ts';
import type { Connection } from '../thread/rpc.ts';
import { conditions } from './filter.ts';
import { type AttemptRow, DELIVERY_COLUMNS, DELIVERY_FROM, type DeliveryRow, toAttempt, toDelivery } from './row.ts';

const DAY_MS = 24 * 3_600_000;

type Arg<M extends keyof Outbox> = Parameters<Outbox[M]>[0];

export function outboxQueries(db: Connection) {
  const attempts = db.prepare<[object], AttemptRow>(
    `SELECT a.* FROM attempt a JOIN delivery d ON d.id = a.delivery_id WHERE d.session_id = @sessionId ORDER BY a.number`,
  );
  return {
    nextDue: nextDue(db),
    counts: counter(db),
    select: selecting(db),
    attempts: ({ sessionId }: Arg<'attempts'>): readonly Attempt[] => attempts.all({ sessionId }).map(toAttempt),
  };
}

function nextDue(db: Connection) {
  const first = (step: string, failed: 0 | 1) =>
    `SELECT min(due_at) AS at FROM delivery
     WHERE step = '${step}' AND failed = ${failed} AND due_at > @now AND lease_until IS NULL`;
  const earliest = db
    .prepare<[object], number | null>(
      `SELECT min(at) FROM (${STEPS.flatMap((step) => [first(step, 0), first(step, 1)]).join(' UNION ALL ')}
       UNION ALL SELECT min(lease_until) FROM delivery WHERE lease_until > @now)`,
    )
    .pluck();
  return ({ now }: Arg<'nextDue'>): number | null => earliest.get({ now }) ?? null;
}

function counter(db: Connection) {
  const states = db.prepare<[], { state: DeliveryState; n: number }>(
    'SELECT state, count(*) AS n FROM delivery GROUP BY state',
  );
  const oldest = db
    .prepare<[], number | null>(
      `SELECT min(ended_at) FROM delivery WHERE state NOT IN ('delivered', 'parked', 'skipped')`,
    )
    .pluck();
  const updates = db.prepare<[], number>("SELECT count(*) FROM delivery WHERE step = 'update'").pluck();
  const reasons = db.prepare<[], ReasonCount>(
    `SELECT coalesce(reason, '') AS reason, count(*) AS count FROM delivery WHERE state = 'parked'
     GROUP BY reason ORDER BY count DESC LIMIT 20`,
  );
  // By the time of the calls, of which a day has a bounded number; the state alone would lead to all that were ever skipped.
  const skipped = db.prepare<[object], ReasonCount>(
    `SELECT coalesce(reason, '') AS reason, count(*) AS count FROM delivery INDEXED BY delivery_by_end
     WHERE ended_at > @since AND state = 'skipped' GROUP BY reason ORDER BY count DESC, reason LIMIT 20`,
  );
  return ({ now }: Arg<'counts'>): OutboxCounts => {
    const found = new Map(states.all().map(({ state, n }) => [state, n]));
    const count = (state: DeliveryState): number => found.get(state) ?? 0;
    return {
      states: Object.fromEntries(DELIVERY_STATES.map((state) => [state, count(state)])) as OutboxCounts['states'],
      oldestWaiting: oldest.get() ?? null,
      updatesWaiting: updates.get() ?? 0,
      parkedReasons: reasons.all(),
      skippedReasons: skipped.all({ since: Math.floor(now) - DAY_MS }),
    };
  };
}

function selecting(db: Connection) {
  const statement = prepared<DeliveryRow>(db);
  return ({ filter, after, limit }: Arg<'select'>): readonly Delivery[] => {
    const { where, values } = conditions(filter);
    const sql = `SELECT ${DELIVERY_COLUMNS} FROM ${DELIVERY_FROM} WHERE ${['d.id > ?', ...where].join(' AND ')} ORDER BY d.id LIMIT ?`;
    return statement(sql)
      .all(after, ...values, limit)
      .map(toDelivery);
  };
}
