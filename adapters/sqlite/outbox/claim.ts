/** Taking rows under a lease; runs in the database thread. */
import { afterChange, next, type Position, STEPS, type Step } from '../../../src/delivery/states.ts';
import type { Claimed, Outbox } from '../../../src/delivery/store.ts';
import type { Connection } from '../thread/rpc.ts';
import { unsynced } from '../thread/unsynced.ts';
import { type AttemptWriter, INTERRUPTED } from './attempts.ts';
import { DELIVERY_COLUMNS, type DeliveryRow, DOUBT } from './row.ts';

type Arg = Parameters<Outbox['claim']>[0];

/** A row and what it is put in order by. */
type Placed = readonly [id: number, place: number];
type ToPost = 'look-up' | 'post';
/**
 * Rows of a step in the order of an index; no more of them are read than are asked for, however many wait. A generator: nothing
 * may be asked of the database while a statement is read from, so one begins when the one before has ended.
 */
type Line<S extends Step> = (step: S, args: Arg) => Iterable<Placed>;

/** The first of each line that are not excepted, as many as are wanted of all; each line is in this order. */
function firstOf(
  lines: readonly Iterable<Placed>[],
  limit: number,
  except: ReadonlySet<number>,
  order: 'latest first' | 'lowest first' = 'lowest first',
): readonly number[] {
  const found = lines.flatMap((line) => take(line, limit, except));
  found.sort(([, a], [, b]) => (order === 'latest first' ? b - a : a - b));
  return found.slice(0, limit).map(([id]) => id);
}

function take(line: Iterable<Placed>, limit: number, except: ReadonlySet<number>): readonly Placed[] {
  const found: Placed[] = [];
  if (limit <= 0) return found;
  for (const row of line) {
    if (except.has(row[0])) continue;
    found.push(row);
    if (found.length === limit) break;
  }
  return found;
}

/** Calls that never failed, in the order of their ends. */
function byEnd(db: Connection, where: string, values: (args: Arg) => readonly number[], order = ''): Line<ToPost> {
  const read = db
    .prepare<unknown[], Placed>(
      `SELECT id, ended_at FROM delivery INDEXED BY delivery_waiting
       WHERE step = ? AND state = 'pending' AND ${where} AND due_at <= ? AND lease_owner IS NULL ORDER BY ended_at ${order}`,
    )
    .raw();
  return function* line(step, args) {
    yield* read.iterate(step, ...values(args), args.now);
  };
}

function byDue(db: Connection): Line<'check' | 'update'> {
  const of = (step: Step) =>
    db
      .prepare<unknown[], Placed>(
        `SELECT id, due_at FROM delivery
         WHERE step = '${step}' AND failed = 0 AND due_at <= ? AND lease_owner IS NULL ORDER BY due_at`,
      )
      .raw();
  const read = { check: of('check'), update: of('update') };
  return function* line(step, { now }) {
    yield* read[step].iterate(now);
  };
}

/**
 * What failed seldom first, then by due time. From one number of failures to the next, so that those that wait for their time are
 * passed over, however many they are.
 */
function byFailures(db: Connection): Line<Step> {
  const least = db
    .prepare<[Step, number], number | null>(
      'SELECT min(failures) FROM delivery INDEXED BY delivery_again WHERE step = ? AND failed = 1 AND failures > ?',
    )
    .pluck();
  const read = db
    .prepare<unknown[], Placed>(
      `SELECT id, failures FROM delivery INDEXED BY delivery_again
       WHERE step = ? AND failed = 1 AND failures = ? AND due_at <= ? AND lease_owner IS NULL ORDER BY due_at`,
    )
    .raw();
  return function* line(step, { now }) {
    for (let failures = least.get(step, -1); failures != null; failures = least.get(step, failures))
      yield* read.iterate(step, failures, now);
  };
}

/** With rows as `toDelivery` reads them. */
export type ClaimedRows = Omit<Claimed, 'rows' | 'unreadable'> & { readonly rows: readonly DeliveryRow[] };

export function claimer(db: Connection, attempts: AttemptWriter, nextDue: (now: number) => number | null) {
  const live = byEnd(
    db,
    "intent = 'live' AND ended_at > ? AND created_at >= ?",
    ({ liveSince, liveAfter }) => [liveSince, liveAfter],
    'DESC',
  );
  // Two orders, by call time within each: what was never sent before what an operator sends again.
  const backlog = byEnd(db, "intent = 'live' AND ended_at <= ?", ({ liveSince }) => [liveSince]);
  const replays = byEnd(db, "intent = 'replay'", () => []);
  const aside = byDue(db);
  // What failed once is not held up by what fails again and again.
  const retry = byFailures(db);
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

  let turn = 0;
  /** One of each line after the other, over all claims: late facts of many calls hold up no check, nor checks of many late facts. */
  const inTurns = (
    lines: readonly Iterable<Placed>[],
    limit: number,
    except: ReadonlySet<number>,
  ): readonly number[] => {
    const queues = lines.map((line) => take(line, limit, except).map(([id]) => id));
    const chosen: number[] = [];
    while (chosen.length < limit && queues.some(({ length }) => length > 0)) {
      const id = queues[turn++ % queues.length]?.shift();
      if (id !== undefined) chosen.push(id);
    }
    return chosen;
  };

  const claim = db.transaction((args: Arg): ClaimedRows => {
    const { wanted, steps, owner, leaseUntil } = args;
    const interrupted = lapse(args);
    const except = new Set(args.except);
    const linesOf = <S extends Step>(line: Line<S>, of: readonly S[]) =>
      of.filter((step) => steps.includes(step)).map((step) => line(step, args));
    const toPost = (line: Line<ToPost>) => linesOf(line, ['look-up', 'post']);
    const older = firstOf(toPost(backlog), wanted.backlog, except);
    const chosen = [
      ...firstOf(toPost(live), wanted.live, except, 'latest first'),
      ...older,
      ...firstOf(toPost(replays), wanted.backlog - older.length, except),
      ...inTurns(linesOf(aside, ['check', 'update']), wanted.aside, except),
      ...firstOf(linesOf(retry, STEPS), wanted.retry, except),
    ];
    if (chosen.length === 0) return { rows: [], interrupted, nextDue: nextDue(args.now) };
    const ids = JSON.stringify(chosen);
    lease.run({ ids, owner, leaseUntil });
    return { rows: read.all({ ids }), interrupted, nextDue: nextDue(args.now) };
  }).immediate;
  // A lease is over when the machine starts again (`open`), and what its end says is said then.
  return unsynced(db, claim);
}

/** Rows whose lease ran out are free again. Answers how many posts were left without an answer. */
function lapser(db: Connection, attempts: AttemptWriter) {
  const lapsed = db.prepare<[number], Position & { id: number }>(
    'SELECT id, state, step FROM delivery WHERE lease_until <= ?',
  );
  const to = next({ state: 'sending', step: 'post' }, 'doubtful');
  const doubtful = db.prepare<[object]>(
    `UPDATE delivery SET state = @state, step = @step, due_at = @checkAt, doubtful = max(doubtful, ${DOUBT.own}), check_attempts = 0, failures = 0,
       reason = @reason, lease_owner = NULL, lease_until = NULL WHERE id = @id`,
  );
  const release = db.prepare<[object]>(
    'UPDATE delivery SET state = @state, step = @step, lease_owner = NULL, lease_until = NULL WHERE id = @id',
  );
  return ({ now, checkAt, except }: Arg): number => {
    let interrupted = 0;
    for (const { id, ...at } of lapsed.all(now)) {
      if (except.includes(id)) continue;
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
