/**
 * After a database was lost, or taken back to an earlier moment: what may have been posted since is looked for in the CRM before it is
 * posted. That is every call of which that moment did not know that it was posted, and every call that began before the new beginning and
 * is stored only afterwards (from the records of the PBX, say).
 */
import { next } from '../../../src/delivery/states.ts';
import { DOUBT } from '../outbox/row.ts';
import type { Connection } from '../thread/rpc.ts';
import { DOUBT_WAIT_MS, remember, remembered } from './identity.ts';

const REASON = 'The database was taken back to an earlier moment: the call may have been posted since.';

/**
 * Part of a transaction. `until`: calls that began by then may have been posted, ms since the epoch; `at`: now. Answers how many calls are
 * looked for first.
 */
export function doubtAll(db: Connection, until: number, at: number): number {
  const move = db.prepare<[object]>(
    `UPDATE delivery SET state = @to, step = @toStep, due_at = 0, reason = @reason, doubtful = ${DOUBT.elsewhere}, check_attempts = 0, failures = 0,
       lease_owner = NULL, lease_until = NULL WHERE state = @state AND step = @step`,
  );
  let count = 0;
  for (const state of ['pending', 'retrying'] as const) {
    for (const step of ['look-up', 'post'] as const) {
      const to = next({ state, step }, 'doubtful');
      count += move.run({ state, step, to: to.state, toStep: to.step, reason: REASON }).changes;
    }
  }
  // A post from here without an answer: the database that is lost may have learned it, or posted the call again.
  const unsettled = db.prepare(
    `UPDATE delivery SET doubtful = ${DOUBT.elsewhere} WHERE state IN ('sending', 'uncertain')`,
  );
  count += unsettled.run().changes;
  // Sent again by an operator meanwhile, perhaps.
  db.exec(`UPDATE delivery SET doubtful = ${DOUBT.elsewhere} WHERE state IN ('parked', 'skipped')`);
  // As at a start of the machine: leases end, each check waits its time, and the requests of the last seconds are not known.
  db.exec("DELETE FROM boot_clock; UPDATE limiter SET boot = ''");
  remember(db, 'doubt', { until: Math.floor(until), waitMs: DOUBT_WAIT_MS }, at);
  return count;
}

/** Part of a transaction. A doubt that reaches further stays. */
export function raiseDoubt(db: Connection, { until, at }: { readonly until: number; readonly at: number }): void {
  const before = remembered(db, 'doubt');
  if (before !== null && before.until >= until) return;
  remember(db, 'doubt', { until: Math.ceil(until), waitMs: before?.waitMs ?? DOUBT_WAIT_MS }, at);
}
