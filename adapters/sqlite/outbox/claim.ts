/** Taking rows under a lease; runs in the database thread. */
import { afterChange, next, type Position, STEPS, type Step } from '../../../src/delivery/states.ts';
import type { Delivery, Outbox } from '../../../src/delivery/store.ts';
import type { Connection } from '../thread/rpc.ts';
import { type AttemptWriter, INTERRUPTED } from './attempts.ts';
import { DELIVERY_COLUMNS, DELIVERY_FROM, type DeliveryRow, toDelivery } from './row.ts';

type Arg = Parameters<Outbox['claim']>[0];

/** What a row is put in order by. */
interface Order {
  readonly by: 'ended_at' | 'due_at' | 'failures';
  readonly latestFirst?: boolean;
}

type Placed = DeliveryRow & { readonly place: number };
type Bound = Pick<Arg, 'now' | 'liveSince' | 'liveAfter'> & { readonly except: string };
type Choose = (steps: readonly Step[], limit: number, bound: Bound) => readonly DeliveryRow[];

/**
 * The first due rows of one class that nobody works on. One statement for each step: each reads an index in its order and stops
 * at the limit, however many rows wait at other steps or for another time; the few that are found are put in order here.
 */
function firstOf(db: Connection, of: readonly Step[], where: string, { by, latestFirst = false }: Order): Choose {
  const statements = of.map((step) => ({
    step,
    read: db.prepare<[object], Placed>(
      `SELECT ${DELIVERY_COLUMNS}, d.${by} AS place FROM ${DELIVERY_FROM}
       WHERE d.step = '${step}' AND ${where} AND d.lease_owner IS NULL AND ${by === 'due_at' ? '' : '+'}d.due_at <= @now
         AND d.id NOT IN (SELECT value FROM json_each(@except))
       ORDER BY d.${by} ${latestFirst ? 'DESC' : 'ASC'} LIMIT @limit`,
    ),
  }));
  return (steps, limit, bound) => {
    if (limit <= 0) return [];
    const rows = statements.flatMap(({ step, read }) => (steps.includes(step) ? read.all({ ...bound, limit }) : []));
    return rows.sort((a, b) => (latestFirst ? b.place - a.place : a.place - b.place)).slice(0, limit);
  };
}

export function claimer(db: Connection, attempts: AttemptWriter) {
  const toPost = ['look-up', 'post'] as const;
  const fresh = "d.state = 'pending' AND d.intent = 'live'";
  const live = firstOf(db, toPost, `${fresh} AND d.ended_at > @liveSince AND d.created_at >= @liveAfter`, {
    by: 'ended_at',
    latestFirst: true,
  });
  // Two orders, by call time within each: what was never sent before what an operator sends again.
  const backlog = firstOf(db, toPost, `${fresh} AND d.ended_at <= @liveSince`, { by: 'ended_at' });
  const replays = firstOf(db, toPost, "d.state = 'pending' AND d.intent = 'replay'", { by: 'ended_at' });
  const aside = firstOf(db, ['check', 'update'], 'd.failed = 0', { by: 'due_at' });
  // What failed once is not held up by what fails again and again.
  const retry = firstOf(db, STEPS, 'd.failed = 1', { by: 'failures' });
  const lease = db.prepare<[object]>(
    'UPDATE delivery SET lease_owner = @owner, lease_until = @leaseUntil WHERE id = @id',
  );
  const lapse = lapser(db, attempts);

  return db.transaction((args: Arg): { rows: readonly Delivery[]; interrupted: number } => {
    const { wanted, steps, now, liveSince, liveAfter, owner, leaseUntil } = args;
    const interrupted = lapse(args);
    const bound = { now, liveSince, liveAfter, except: JSON.stringify(args.except) };
    const older = backlog(steps, wanted.backlog, bound);
    const rows = [
      ...live(steps, wanted.live, bound),
      ...older,
      ...replays(steps, wanted.backlog - older.length, bound),
      ...aside(steps, wanted.aside, bound),
      ...retry(steps, wanted.retry, bound),
    ];
    for (const { id } of rows) lease.run({ id, owner, leaseUntil });
    return { rows: rows.map((row) => ({ ...toDelivery(row), leaseOwner: owner })), interrupted };
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
