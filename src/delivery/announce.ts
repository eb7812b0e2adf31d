/** Tells the log what becomes of each call on its way: one line for each step that matters to an operator. */
import { events, isTold } from '../events.ts';
import type { Log } from '../ports.ts';
import { remedyOf, replayCommand } from './parked/reasons.ts';
import type { Delivery, Outbox, Settlement, UnreadableRow } from './store.ts';

/** A call that the CRM has now. `latencyMs`: since its end. `replayed`: an operator sent it again. */
export interface LoggedCall {
  readonly latencyMs: number;
  readonly replayed: boolean;
}

/** The same outbox; every step it makes is told after it is committed. `crm`: the name of the CRM. */
export function announcing(
  outbox: Outbox,
  crm: string,
  log: Log,
  onLogged: (call: LoggedCall) => void = () => {},
): Outbox {
  /** The rows under way; `record` and `trigger` of those that can be read. */
  const calls = new Map<number, UnreadableRow | Delivery>();
  const learn = (rows: readonly (UnreadableRow | Delivery)[]): void => {
    for (const row of rows) calls.set(row.id, row);
  };
  const tell = ({ id, from, to: { state }, reason, code, activityId, leaseUntil, now }: Settlement): void => {
    const row = calls.get(id);
    // Who takes it up again learns it again.
    if (leaseUntil === undefined) calls.delete(id);
    if (row === undefined || !isTold(state)) return;
    // A late recording that was written says nothing; one that was not, says why.
    if (from.state === state && reason === null) return;
    const helps =
      state === 'parked'
        ? ` What helps: ${remedyOf(code ?? null).helps}; then ${replayCommand(code ?? null, row.sessionId)}.`
        : '';
    const told = { call: row.sessionId, reason, helps, crm, activity: activityId ?? null, code: code ?? null };
    events.callMoved(log, state, told);
    if (state !== 'delivered' || from.state === 'delivered' || !('record' in row)) return;
    onLogged({ latencyMs: Math.max(0, now - row.record.endedAt), replayed: row.trigger === 'replay' });
  };
  return {
    ...outbox,
    async claim(args) {
      const taken = await outbox.claim(args);
      learn(taken.rows);
      learn(taken.unreadable);
      return taken;
    },
    async settle(args) {
      const done = await outbox.settle(args);
      for (const [index, item] of args.items.entries()) {
        const fate = done[index];
        if (fate === true) tell(item);
        // Somebody else has moved it on.
        else if (fate === false) calls.delete(item.id);
      }
      return done;
    },
  };
}
