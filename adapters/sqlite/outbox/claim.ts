/** Taking rows under a lease; runs in the database thread. */
import { afterChange, next, type Position, STEPS, type Step } from '../../../src/delivery/states.ts';
import type { Outbox } from '../../../src/delivery/store.ts';
import type { Connection } from '../thread/rpc.ts';
import { type AttemptWriter, INTERRUPTED } from './attempts.ts';
import { DELIVERY_COLUMNS, type DeliveryRow } from './row.ts';

type Arg = Parameters<Outbox['claim']>[0];

type Placed = readonly [id: number, place: number];
type Bound = Pick<Arg, 'now' | 'liveSince' | 'liveAfter'> & { readonly except: string };
type Choose = (steps: readonly Step[], limit: number, bound: Bound) => readonly number[];

const FREE = 'd.lease_owner IS NULL AND d.id NOT IN (SELECT value FROM json_each(@except))';

/**
 * The first due rows of one class that nobody works on. One statement for each step: each reads an index in its order and stops
 * at the limit, however many rows wait at other steps or for another time; the few that are found are put in order here.
 */
function firstOf(
  db: Connection,
  of: readonly Step[],
  sqlOf: (step: Step) => string,
  order: 'latest first' | 'lowest first' = 'lowest first',
): Choose {
  const statements = of.map((step) => ({ step, read: db.prepare<[object], Placed>(sqlOf(step)).raw() }));
  return (steps, limit, bound) => {
    if (limit <= 0) return [];
    const rows = statements.flatMap(({ step, read }) => (steps.includes(step) ? read.all({ ...bound, limit }) : []));
    rows.sort(([, a], [, b]) => (order === 'latest first' ? b - a : a - b));
    return rows.slice(0, limit).map(([id]) => id);
  };
}

/** Calls that never failed, in the order of their ends. */
const byEnd =
  (where: string, order = 'ASC') =>
  (step: Step): string =>
    `SELECT d.id, d.ended_at FROM delivery d
     WHERE d.step = '${step}' AND d.state = 'pending' AND ${where} AND +d.due_at <= @now AND ${FREE}
     ORDER BY d.ended_at ${order} LIMIT @limit`;

const byDue = (step: Step): string =>
  `SELECT d.id, d.due_at FROM delivery d
   WHERE d.step = '${step}' AND d.failed = 0 AND d.due_at <= @now AND ${FREE}
   ORDER BY d.due_at LIMIT @limit`;

/**
 * What failed seldom first, then by due time. From one number of failures to the next, so that those that wait for their time are
 * passed over, however many they are.
 */
function byFailures(step: Step): string {
  const least = `SELECT min(failures) FROM delivery WHERE step = '${step}' AND failed = 1`;
  return `WITH RECURSIVE level (failures) AS (
      ${least} UNION ALL SELECT (${least} AND failures > level.failures) FROM level WHERE level.failures IS NOT NULL)
    SELECT d.id, d.failures FROM level CROSS JOIN delivery d INDEXED BY delivery_again
    WHERE d.step = '${step}' AND d.failed = 1 AND d.failures = level.failures AND d.due_at <= @now AND ${FREE} LIMIT @limit`;
}

export interface ClaimedRows {
  readonly rows: readonly DeliveryRow[];
  readonly interrupted: number;
}

export function claimer(db: Connection, attempts: AttemptWriter) {
  const toPost = ['look-up', 'post'] as const;
  const liveCalls = "d.intent = 'live' AND d.ended_at > @liveSince AND d.created_at >= @liveAfter";
  const live = firstOf(db, toPost, byEnd(liveCalls, 'DESC'), 'latest first');
  // Two orders, by call time within each: what was never sent before what an operator sends again.
  const backlog = firstOf(db, toPost, byEnd("d.intent = 'live' AND d.ended_at <= @liveSince"));
  const replays = firstOf(db, toPost, byEnd("d.intent = 'replay'"));
  const aside = firstOf(db, ['check', 'update'], byDue);
  // What failed once is not held up by what fails again and again.
  const retry = firstOf(db, STEPS, byFailures);
  const lease = db.prepare<[object]>(
    'UPDATE delivery SET lease_owner = @owner, lease_until = @leaseUntil WHERE id IN (SELECT value FROM json_each(@ids))',
  );
  const read = db
    .prepare<[object], DeliveryRow>(
      `SELECT ${DELIVERY_COLUMNS} FROM json_each(@ids) CROSS JOIN delivery d ON d.id = value
       CROSS JOIN session s ON s.call_session_id = d.session_id`,
    )
    .raw();
  const lapse = lapser(db, attempts);

  return db.transaction((args: Arg): ClaimedRows => {
    const { wanted, steps, now, liveSince, liveAfter, owner, leaseUntil } = args;
    const interrupted = lapse(args);
    const bound = { now, liveSince, liveAfter, except: JSON.stringify(args.except) };
    const older = backlog(steps, wanted.backlog, bound);
    const chosen = [
      ...live(steps, wanted.live, bound),
      ...older,
      ...replays(steps, wanted.backlog - older.length, bound),
      ...aside(steps, wanted.aside, bound),
      ...retry(steps, wanted.retry, bound),
    ];
    if (chosen.length === 0) return { rows: [], interrupted };
    const ids = JSON.stringify(chosen);
    lease.run({ ids, owner, leaseUntil });
    return { rows: read.all({ ids }), interrupted };
  }).immediate;
}

/** Rows whose lease ran out are free again. Answers how many posts were left without an answer. */
function lapser(db: Connection, attempts: AttemptWriter) {
  const lapsed = db.prepare<[object], Position & { id: number }>(
    `SELECT id, state, step FROM delivery WHERE lease_until <= @now AND id NOT IN (SELECT value FROM json_each(@except))`,
  );
  const to = next({ state: 'sending', step: 'post' }, 'doubtful');
  const doubtful = db.prepare<[object]>(
    `UPDATE delivery SET state = @state, step = @step, due_at = @checkAt, doubtful = 1, check_attempts = 0, failures = 0, reason = @reason,
       lease_owner = NULL, lease_until = NULL WHERE id = @id`,
  );
  const release = db.prepare<[object]>(
    'UPDATE delivery SET state = @state, step = @step, lease_owner = NULL, lease_until = NULL WHERE id = @id',
  );
  return ({ now, checkAt, except }: Arg): number => {
    let interrupted = 0;
    for (const { id, ...at } of lapsed.all({ now, except: JSON.stringify(except) })) {
      if (at.state !== 'sending') {
        // While it was leased, newer facts left the row alone: what was looked up may be of older ones.
        release.run({ id, ...((at.step === 'post' ? afterChange(at) : null) ?? at) });
        continue;
      }
      doubtful.run({ id, ...to, checkAt, reason: INTERRUPTED.message });
      attempts.end(id, now, INTERRUPTED);
      interrupted += 1;
    }
    return interrupted;
  };
}
