/** Opens the database, and tells what was found of it: in the log, and as conditions until an operator has taken note of them. */

import { type Database, type OpenOptions, openDatabase } from '../../../adapters/sqlite/thread/database.ts';
import { events } from '../../events.ts';
import type { Conditions } from '../../health/conditions.ts';
import type { Clock, Log } from '../../ports.ts';
import type { Store } from '../answers/lookup.ts';
import { NOTICE_CODES, noticeConditions } from '../notices.ts';

interface StorageParts {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly conditions: Conditions;
}

const REVIEW_EVERY_MS = 3_600_000;

/** Rejects as `openDatabase` does. */
export async function openStorage(parts: StorageParts, options: OpenOptions): Promise<Database> {
  const { path, clock, log, conditions } = parts;
  const database = await openDatabase(path, options);
  for (const { level, text } of database.remarks) events.database(log, level, text);
  const notices = keepNotices({ store: database.remote, clock, log, conditions });
  database.beforeClose(async () => notices.stop());
  await notices.start();
  return database;
}

/** Tells what happened to the database from `start` on, which rejects when it cannot be read; later it is tried again each hour. */
export function keepNotices({
  store,
  clock,
  log,
  conditions,
}: Omit<StorageParts, 'path'> & { store: Pick<Store, 'upkeep'> }) {
  let cancel = (): void => {};
  let stopped = false;
  const review = async (): Promise<void> => {
    const raised = await noticeConditions(store, clock.now());
    for (const code of NOTICE_CODES) {
      const now = raised.find((one) => one.code === code);
      conditions.set(code, now?.text ?? null, now?.severity);
    }
  };
  const later = (): void => {
    if (stopped) return;
    cancel = clock.after(REVIEW_EVERY_MS, () => {
      review()
        .catch((error: unknown) => events.database(log, 'warn', String(error)))
        .finally(later);
    });
  };
  return {
    async start(): Promise<void> {
      await review();
      later();
    },
    stop(): void {
      stopped = true;
      cancel();
    },
  };
}

/** An operator has taken note of all of it. Answers how much there was. */
export async function acknowledge(
  { upkeep }: Pick<Store, 'upkeep'>,
  conditions: Conditions,
  at: number,
): Promise<number> {
  const count = await upkeep.acknowledge({ at });
  for (const code of NOTICE_CODES) conditions.set(code, null);
  return count;
}
