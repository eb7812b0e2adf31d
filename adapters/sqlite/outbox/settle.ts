/** The end of one step of one row, with the end of its attempt. */
import { afterChange, type Position, type Step } from '../../../src/delivery/states.ts';
import type { Outbox, Settled, Settlement } from '../../../src/delivery/store.ts';
import { type StorageError, storageError } from '../thread/errors.ts';
import type { Connection } from '../thread/rpc.ts';
import { unsynced } from '../thread/unsynced.ts';
import type { AttemptWriter } from './attempts.ts';
import { ATTEMPTS, DOUBT } from './row.ts';

/** Steps that begin with no failures each time they are entered; those of a post add up over its checks. */
const ANEW: ReadonlySet<Step> = new Set(['look-up', 'check', 'update']);

type Current = readonly [
  state: Position['state'],
  step: Position['step'],
  leaseOwner: string | null,
  sentRevision: number | null,
  revision: number,
  failures: number,
];

export function settler(db: Connection, attempts: AttemptWriter) {
  const current = db
    .prepare<[number], Current>(
      `SELECT d.state, d.step, d.lease_owner, d.sent_revision, s.revision, d.failures
       FROM delivery d JOIN session s ON s.call_session_id = d.session_id WHERE d.id = ?`,
    )
    .raw();
  const move = db.prepare<unknown[]>(
    `UPDATE delivery SET state = ?, step = ?, due_at = ?, reason = ?, code = ?, updated_at = ?, lease_owner = ?, lease_until = ?, failures = ?
     WHERE id = ?`,
  );
  const anew = columnOf(db, (column) => `${column} = 0`);
  const burn = columnOf(db, (column) => `${column} = ${column} + 1`);
  const found = db.prepare<[object]>('UPDATE delivery SET lead_id = @leadId, user_id = @userId WHERE id = @id');
  const activity = db.prepare<[object]>(
    'UPDATE delivery SET activity_id = coalesce(@activityId, activity_id) WHERE id = @id',
  );
  const delivered = db.prepare<[object]>(
    'UPDATE delivery SET delivered_at = @now, posted_facts = sent_facts, activity_id = @activityId WHERE id = @id',
  );
  const isAnothers = db
    .prepare<[object], number>('SELECT 1 FROM delivery WHERE activity_id = @activityId AND id <> @id LIMIT 1')
    .pluck();
  const release = db.prepare<[object]>('UPDATE delivery SET lease_owner = NULL, lease_until = NULL WHERE id = @id');
  const written = db.prepare<[object]>('UPDATE delivery SET body = @body, sent_facts = @facts WHERE id = @id');
  const posted = db.prepare<[object]>('UPDATE delivery SET posted_facts = @facts WHERE id = @id');
  const doubt = db.prepare<[object]>('UPDATE delivery SET doubtful = max(doubtful, @own) WHERE id = @id');
  const certain = db.prepare<[object]>('UPDATE delivery SET doubtful = @none WHERE id = @id');

  /**
   * Where the row goes: facts that are newer than those that were posted, or that the step was run with, are a step of their own.
   */
  function positionOf({ from, to, revision }: Settlement, sentRevision: number | null, newest: number): Position {
    const sent = from.state === 'sending' || from.state === 'uncertain' ? sentRevision : null;
    return newest > (sent ?? revision) ? (afterChange(to) ?? to) : to;
  }

  function one(item: Settlement): boolean {
    const { id, owner, from, now, reason } = item;
    const row = current.get(id);
    if (row === undefined) return false;
    const [state, step, leaseOwner, sentRevision, revision, before] = row;
    if (leaseOwner !== owner || state !== from.state || step !== from.step) return false;
    // Two calls that look alike, looked for side by side, found the same one: this one is looked for again.
    if (state === 'uncertain' && item.activityId != null && isAnothers.get({ id, activityId: item.activityId }) === 1) {
      release.run({ id });
      return false;
    }
    const to = positionOf(item, sentRevision, revision);
    // What the facts of the call sent elsewhere is not the next step that the worker goes on with.
    const moved = to.step !== item.to.step;
    const lease = moved ? undefined : item.leaseUntil;
    const failures = to.step !== from.step ? 0 : before + (item.failed === true ? 1 : 0);
    const leased = lease === undefined ? [null, null] : [owner, lease];
    const code = to.state === 'parked' || to.state === 'skipped' ? (item.code ?? null) : null;
    move.run(to.state, to.step, moved ? 0 : item.dueAt, reason, code, now, ...leased, failures, id);
    if (to.step !== null && to.step !== from.step && ANEW.has(to.step)) anew[to.step].run({ id });
    if (item.burn !== undefined) burn[item.burn].run({ id });
    if (item.found !== undefined) found.run({ id, ...item.found });
    if (item.written !== undefined) {
      const { body, facts } = item.written;
      written.run({ id, body: JSON.stringify(body), facts: JSON.stringify(facts) });
    }
    if (to.state === 'delivered' && from.state !== 'delivered') {
      delivered.run({ id, now, activityId: item.activityId ?? null });
    } else if (item.activityId !== undefined) activity.run({ id, activityId: item.activityId });
    if (item.updated !== undefined) {
      posted.run({ id, facts: item.updated.facts === null ? null : JSON.stringify(item.updated.facts) });
    }
    // Only an answer settles a doubt: the call was found, or looked for and not found.
    if (to.state === 'uncertain') doubt.run({ id, own: DOUBT.own });
    if (item.certain === true) certain.run({ id, none: DOUBT.none });
    if (item.attempt !== undefined) attempts.end(id, now, item.attempt, item.written?.body);
    if (item.attempted !== undefined) {
      attempts.add(id, item.attempted.step, item.attempted.startedAt, now, item.attempted.result);
    }
    return !moved || item.leaseUntil === undefined;
  }

  type Items = readonly Settlement[];
  const together = db.transaction((items: Items): readonly Settled[] => items.map(one)).immediate;
  // A transaction within a transaction is a savepoint.
  const alone = db.transaction(one);
  const each = db.transaction((items: Items): readonly Settled[] =>
    items.map((item) => {
      try {
        return alone(item);
      } catch (thrown) {
        // SQLite may have rolled back the whole transaction by itself; nothing may be committed after that.
        if (!db.inTransaction) throw thrown;
        return { refused: faultOf(thrown).message };
      }
    }),
  ).immediate;

  const betweenSteps = unsynced(db, together);

  return ({ items }: Parameters<Outbox['settle']>[0]): readonly Settled[] => {
    try {
      return items.every(goesOn) ? betweenSteps(items) : together(items);
    } catch (thrown) {
      faultOf(thrown);
      // One of them cannot be stored: that is this one's fault alone.
      return each(items);
    }
  };
}

/**
 * A row that goes on to its post under the same lease: what was found is durable with the intent, before anything leaves; without
 * it, it is looked for again.
 */
const goesOn = ({ to, leaseUntil, attempted }: Settlement): boolean =>
  to.step === 'post' && leaseUntil !== undefined && (attempted === undefined || attempted.step === 'look-up');

/** What is wrong with a row. Trouble of the file is thrown on. */
function faultOf(thrown: unknown): StorageError {
  const error = storageError(thrown);
  if (error.trouble !== 'program') throw error;
  return error;
}

function columnOf(db: Connection, set: (column: string) => string) {
  const write = (step: Step) => db.prepare<[object]>(`UPDATE delivery SET ${set(ATTEMPTS[step])} WHERE id = @id`);
  return { 'look-up': write('look-up'), post: write('post'), check: write('check'), update: write('update') } as const;
}
