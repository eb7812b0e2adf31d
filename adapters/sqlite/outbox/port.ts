/** The `Outbox` of the core on top of the database thread. */
import type { Delivery, Outbox, UnreadableRow } from '../../../src/delivery/store.ts';
import type { Remote } from '../thread/rpc.ts';
import type { outboxModule } from './outbox.ts';
import { toDelivery } from './row.ts';

/** Rows cross the border of the thread flat; what they say is read on this side, by whoever works on them. */
export function sqliteOutbox(remote: Remote<typeof outboxModule>): Outbox {
  return {
    ...remote,
    async claim(args) {
      const claimed = await remote.claim(args);
      const rows: Delivery[] = [];
      const unreadable: UnreadableRow[] = [];
      for (const row of claimed.rows) {
        try {
          rows.push(toDelivery(row));
        } catch {
          const [id, sessionId, , state, step, , revision] = row;
          unreadable.push({ id, sessionId, state, step, revision });
        }
      }
      return { ...claimed, rows, unreadable };
    },
  };
}
