/** Opens the database, and tells what was found of it: in the log, and as conditions until an operator has taken note of them. */

import { type Database, type OpenOptions, openDatabase } from '../../adapters/sqlite/thread/database.ts';
import type { Notice } from '../../adapters/sqlite/upkeep/identity.ts';
import type { Conditions, RaisedCondition, Severity } from '../health/conditions.ts';
import type { Clock, Log } from '../ports.ts';
import type { Store } from './lookup.ts';

interface StorageParts {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly conditions: Conditions;
}

/** So long something that happened to the database is told, ms. */
const TOLD_MS = 7 * 86_400_000;
const REVIEW_EVERY_MS = 3_600_000;

const SEVERITY: Readonly<Record<Notice['kind'], Severity>> = {
  damaged: 'error',
  lost: 'error',
  older: 'error',
  restored: 'notice',
};

/** Rejects as `openDatabase` does. */
export async function openStorage(parts: StorageParts, options: OpenOptions): Promise<Database> {
  const { path, clock, log, conditions } = parts;
  const database = await openDatabase(path, options);
  for (const { level, text } of database.remarks) log.write(level, 'database', text);
  let cancel = (): void => {};
  const review = async (): Promise<void> => {
    const raised = await noticeConditions(database.remote, clock.now());
    for (const kind of Object.keys(SEVERITY)) {
      const code = codeOf(kind);
      const now = raised.find((one) => one.code === code);
      conditions.set(code, now?.text ?? null, now?.severity);
    }
  };
  const later = (): void => {
    cancel = clock.after(REVIEW_EVERY_MS, () => {
      review().then(later, (error: unknown) => log.write('warn', 'database', String(error)));
    });
  };
  database.beforeClose(async () => cancel());
  await review();
  later();
  return database;
}

const codeOf = (kind: string): string => `database-${kind}`;

/** What happened to the database lately; of each kind the last. `now`: ms since the epoch. */
export async function noticeConditions(store: Pick<Store, 'upkeep'>, now: number): Promise<readonly RaisedCondition[]> {
  const notices = await store.upkeep.notices({ since: now - TOLD_MS });
  const last = new Map(notices.map((notice) => [notice.kind, notice]));
  return [...last.values()].map(({ kind, text }) => ({
    ...{ code: codeOf(kind), severity: SEVERITY[kind], text, source: null, lines: [] },
  }));
}

/** An operator has taken note of all of it. Answers how much there was. */
export async function acknowledge(
  { upkeep }: Pick<Store, 'upkeep'>,
  conditions: Conditions,
  at: number,
): Promise<number> {
  const count = await upkeep.acknowledge({ at });
  for (const kind of Object.keys(SEVERITY)) conditions.set(codeOf(kind), null);
  return count;
}
