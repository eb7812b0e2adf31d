/** Tells the log what becomes of each call on its way: one line for each step that matters to an operator. */
import type { Log, LogLevel } from '../ports.ts';
import { remedyOf, replayCommand, type Why } from './parked/reasons.ts';
import type { DeliveryState } from './states.ts';
import type { Delivery, Outbox, Settlement } from './store.ts';

/** States that are told. `pending` and `sending` are the ordinary way and say nothing new. */
const LINES: Readonly<Partial<Record<DeliveryState, readonly [level: LogLevel, event: string, text: string]>>> = {
  delivered: ['info', 'call-logged', 'Logged'],
  skipped: ['info', 'call-skipped', 'Not posted'],
  retrying: ['warn', 'call-retrying', 'Will be tried again'],
  uncertain: ['warn', 'call-uncertain', 'Not known whether it was logged; it will be looked for'],
  parked: ['warn', 'call-parked', 'Parked until somebody sends it again'],
};

/** A call that was stored as one that is not posted. */
export function tellSkipped(log: Log, call: string, { code, reason }: Why): void {
  log.write('info', 'call-skipped', `Not posted: ${reason}`, { call, code });
}

/** The same outbox; every step it makes is told after it is committed. `crm`: the name of the CRM. */
export function announcing(outbox: Outbox, crm: string, log: Log): Outbox {
  /** CallSessionIds of the rows under way. */
  const calls = new Map<number, string>();
  const learn = (rows: readonly Delivery[]): void => {
    for (const { id, sessionId } of rows) calls.set(id, sessionId);
  };
  const tell = ({ id, from, to: { state }, reason, code, activityId, leaseUntil }: Settlement): void => {
    const call = calls.get(id);
    const line = LINES[state];
    // Who takes it up again learns it again.
    if (leaseUntil === undefined) calls.delete(id);
    if (line === undefined || call === undefined) return;
    // A late recording that was written says nothing; one that was not, says why.
    if (from.state === state && reason === null) return;
    const [level, event, words] = line;
    const text = state === 'delivered' ? `${words} in ${crm}` : words;
    const helps =
      state === 'parked'
        ? ` What helps: ${remedyOf(code ?? null).helps}; then ${replayCommand(code ?? null, call)}.`
        : '';
    log.write(level, event, `${reason === null ? `${text}.` : `${text}: ${reason}`}${helps}`, {
      call,
      ...(activityId == null ? {} : { activity: activityId }),
      ...(code == null ? {} : { code }),
    });
  };
  return {
    ...outbox,
    async claim(args) {
      const taken = await outbox.claim(args);
      learn(taken.rows);
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
