/** Keeps the mark of an open database up to date. */
import type { Connection } from '../thread/rpc.ts';
import { counterOf } from './identity.ts';
import { type Mark, type Suspicion, writeMark } from './mark.ts';
import { walName } from './wal.ts';

export interface Keeper {
  /** Something may have been stored. */
  touched(): void;
  /** The connection is another one, or the log begins anew. */
  renewed(db: Connection): void;
  /** The next start looks at every page. */
  suspect(reason: string): void;
  /** Before it is closed. */
  closing(): void;
  /** The database is closed. */
  closed(): void;
}

/** What is told of the counter and the time is so old at most, ms. */
const EVERY_MS = 10_000;

/** A mark that cannot be written (a full disk) is written later; it is behind the database then, which speaks against nothing. */
export function keepMark(
  real: string,
  opened: { readonly db: Connection; readonly id: string; readonly mark: Mark | null },
  now: () => number,
): Keeper {
  let counter = counterOf(opened.db);
  const before = opened.mark;
  let mark: Mark = {
    ...{
      id: opened.id,
      state: 'open',
      wal: walName(real),
      counter: counter(),
      at: now(),
      suspect: null,
      replaced: null,
    },
    cleared: before?.suspect ?? before?.cleared ?? null,
  };

  const write = (change: Partial<Mark>, durable: boolean): void => {
    mark = { ...mark, ...change, at: now() };
    try {
      writeMark(real, mark, durable);
    } catch {
      // The last one stands.
    }
  };

  write({}, true);
  return {
    touched() {
      if (Math.abs(now() - mark.at) < EVERY_MS) return;
      write({ counter: counter(), wal: walName(real) }, false);
    },
    renewed(db) {
      counter = counterOf(db);
      write({ counter: counter(), wal: walName(real) }, true);
    },
    suspect(reason) {
      const suspect: Suspicion = { reason, at: now() };
      write({ suspect }, true);
    },
    closing() {
      mark = { ...mark, counter: counter() };
    },
    closed() {
      const wal = walName(real);
      write({ state: wal === null ? 'closed' : 'open', wal }, true);
    },
  };
}
