/** Tells the log what becomes of each call on its way: one line for each step that matters to an operator. */
import type { Log, LogLevel } from '../ports.ts';
import type { DeliveryState } from './delivery.ts';
import type { Delivery, Outbox, Settlement } from './store.ts';

/** Steps that are told. `pending`, `resolving` and `sending` are the ordinary way and say nothing new. */
const LINES: Readonly<Partial<Record<DeliveryState, readonly [level: LogLevel, event: string, text: string]>>> = {
  delivered: ['info', 'call-logged', 'Logged in LeadSquared'],
  skipped: ['info', 'call-skipped', 'Not posted'],
  retrying: ['warn', 'call-retrying', 'Will be posted again'],
  uncertain: ['warn', 'call-uncertain', 'Not known whether it was logged; it will be looked for'],
  parked: ['warn', 'call-parked', 'Parked until somebody sends it again (logcalld replay)'],
};

function isUnderWay(state: DeliveryState): boolean {
  return state === 'resolving' || state === 'sending';
}

/** The same outbox; every step it makes is told after it is durable. */
export function announcing(outbox: Outbox, log: Log): Outbox {
  /** CallSessionIds of the rows under way; one that waits, a week perhaps, is learnt anew when it is taken up again. */
  const calls = new Map<number, string>();
  const learn = (rows: readonly Delivery[]) => {
    for (const { id, sessionId } of rows) calls.set(id, sessionId);
    return rows;
  };
  const tell = ({ id, to, reason, activityId }: Settlement): void => {
    const call = calls.get(id);
    const line = LINES[to];
    if (!isUnderWay(to)) calls.delete(id);
    if (line === undefined || call === undefined) return;
    const [level, event, text] = line;
    log.write(level, event, reason === null ? `${text}.` : `${text}: ${reason}`, {
      call,
      ...(activityId == null ? {} : { activity: activityId }),
    });
  };
  return {
    ...outbox,
    claim: async (args) => learn(await outbox.claim(args)),
    uncertain: async (args) => learn(await outbox.uncertain(args)),
    async settle(args) {
      const done = await outbox.settle(args);
      for (const [index, item] of args.items.entries()) {
        if (done[index] === true) tell(item);
        // Somebody else has moved it on.
        else calls.delete(item.id);
      }
      return done;
    },
  };
}
