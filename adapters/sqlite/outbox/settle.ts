/** One transition of one row, with the end of its attempt. */
import type { Outbox, Settlement } from '../../../src/delivery/store.ts';
import type { Connection } from '../thread/rpc.ts';
import type { AttemptWriter } from './attempts.ts';

export function settler(db: Connection, attempts: AttemptWriter) {
  const move = db.prepare<[object]>(
    `UPDATE delivery SET state = @to, due_at = @dueAt, reason = @reason, updated_at = @now, attempts = attempts + @burn
     WHERE id = @id AND state = @from`,
  );
  // Facts that changed while the post was under way are late facts from the first moment.
  const delivered = db.prepare<[object]>(
    `UPDATE delivery SET activity_id = @activityId, delivered_at = @now, posted_facts = sent_facts, update_tries = 0,
       update_due_at = CASE
         WHEN (SELECT revision FROM session WHERE call_session_id = delivery.session_id) > sent_revision THEN 0 END
     WHERE id = @id`,
  );
  const doubt = db.prepare<[object]>('UPDATE delivery SET doubtful = @doubtful WHERE id = @id');

  function one({ id, from, to, now, dueAt, reason, burn, activityId, attempt, check }: Settlement): boolean {
    const moved = move.run({ id, from, to, now, dueAt, reason, burn: burn === true ? 1 : 0 });
    if (moved.changes !== 1) return false;
    if (to === 'delivered') delivered.run({ id, now, activityId: activityId ?? null });
    if (to === 'uncertain') doubt.run({ id, doubtful: 1 });
    // Only an answer settles a doubt: the call was found, or looked for and not found.
    if (to === 'delivered' || check !== undefined) doubt.run({ id, doubtful: 0 });
    if (attempt !== undefined) attempts.end(id, now, attempt);
    if (check !== undefined) attempts.add(id, 'verify', check.startedAt, now, check.result);
    return true;
  }

  return db.transaction(({ items }: Parameters<Outbox['settle']>[0]): readonly boolean[] => items.map(one)).immediate;
}
