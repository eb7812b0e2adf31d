/** Opens the database, and tells what was found of it: in the log, and as conditions until an operator has taken note of them. */

import { existsSync, statSync } from 'node:fs';
import { lastByName } from '../../../adapters/sqlite/backups/automatic.ts';
import { type Database, type OpenOptions, openDatabase } from '../../../adapters/sqlite/thread/database.ts';
import { markFileOf } from '../../../adapters/sqlite/upkeep/mark.ts';
import { events } from '../../events.ts';
import type { Conditions } from '../../health/conditions.ts';
import type { Clock, Log } from '../../ports.ts';
import type { Store } from '../answers/lookup.ts';
import { NOTICE_CODES, noticeConditions } from '../notices.ts';

interface StorageParts {
  readonly path: string;
  /** Where its automatic backups go; `null`: beside it. */
  readonly folder: string | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly conditions: Conditions;
}

const REVIEW_EVERY_MS = 3_600_000;

/** Rejects as `openDatabase` does. */
export async function openStorage(parts: StorageParts, options: OpenOptions): Promise<Database> {
  const { path, folder, clock, log, conditions } = parts;
  const begun = isMissing(path);
  let review = async (): Promise<void> => {};
  const database = await openDatabase(path, options);
  try {
    for (const { level, text } of database.remarks) events.database(log, level, text);
    const notices = keepNotices({ store: database.remote, clock, log, conditions });
    database.beforeClose(async () => notices.stop());
    await notices.start();
    review = notices.review;
  } catch (error) {
    // It would keep the process from ending. What keeps it from starting is what is told.
    await database.close().catch(() => {});
    throw error;
  }
  // Not waited for: a folder on another machine may not answer. One that cannot be read is told when a backup is due.
  if (begun) tellBackup().catch(() => {});
  return database;

  async function tellBackup(): Promise<void> {
    const at = Math.floor(clock.now());
    const found = await lastByName({ path, folder, at });
    if (found === null) return;
    const { text } = await database.remote.upkeep.noteBackup({ copy: found.path, copiedAt: found.at, at });
    events.database(log, 'error', text);
    await review();
  }
}

/** Nothing says that there was a database; where its mark does, the opening of it sees to it. */
function isMissing(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0 && !existsSync(markFileOf(path));
}

/** Tells what happened to the database from `start` on, which rejects when it cannot be read; later it is tried again each hour. */
export function keepNotices({
  store,
  clock,
  log,
  conditions,
}: Omit<StorageParts, 'path' | 'folder'> & { store: Pick<Store, 'upkeep'> }) {
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
    review,
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
