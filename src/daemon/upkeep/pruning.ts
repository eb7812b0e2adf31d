/** Removes what is kept no longer, some rows at a time. */
import type { SqliteJournal } from '../../../adapters/sqlite/journal/port.ts';
import type { Config } from '../../../config/schema.ts';
import type { Clock } from '../../ports.ts';
import type { Store } from '../answers/lookup.ts';

export interface PruningOptions {
  readonly retention: Config['storage']['retention'];
  readonly journal: Pick<SqliteJournal, 'prune'>;
  readonly store: Pick<Store, 'sessions' | 'gaps' | 'erasures'>;
  readonly clock: Clock;
  /** Done before each round. */
  readonly before: () => void;
  readonly onFault: (why: string) => void;
}

/** Rows removed in one go: a few ms of the database thread. */
const ROWS = 2000;
const SEGMENTS = 200;
const EVERY_MS = 600_000;

/** Begins; the answer stops it. */
export function keepPruning(options: PruningOptions): { stop(): void } {
  const { retention, journal, store, clock } = options;
  let cancel = (): void => {};
  let stopped = false;
  const prune = async (): Promise<void> => {
    options.before();
    const now = clock.now();
    const oldest = { before: now - retention.journal, maxBytes: retention.journal_max, limit: SEGMENTS };
    while ((await journal.prune(oldest)).more);
    const old = { endedBefore: now - retention.calls, limit: ROWS };
    const toldSince = now - retention.journal;
    while ((await store.sessions.forget({ ...old, toldSince })) >= ROWS);
    await store.gaps.forget(old);
    await store.erasures.forget(old);
    await store.erasures.forgetGone({ endedBefore: Math.min(old.endedBefore, toldSince) });
  };
  const later = (): void => {
    // One under way at the stop must not plan the next: its timer would keep the process from ending.
    if (stopped) return;
    cancel = clock.after(EVERY_MS, () => {
      prune()
        .catch((error: unknown) => options.onFault(`Old events could not be removed: ${String(error)}`))
        .finally(later);
    });
  };
  later();
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}
