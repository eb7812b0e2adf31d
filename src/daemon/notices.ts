/** What happened to the database, as conditions. */
import type { Notice } from '../../adapters/sqlite/upkeep/identity.ts';
import type { RaisedCondition, Severity } from '../health/conditions.ts';
import type { Store } from './answers/lookup.ts';

/** So long something that happened to the database is told, ms. */
const TOLD_MS = 7 * 86_400_000;

const SEVERITY: Readonly<Record<Notice['kind'], Severity>> = {
  damaged: 'error',
  lost: 'error',
  older: 'error',
  restored: 'notice',
  log: 'warning',
};

const codeOf = (kind: string): string => `database-${kind}`;

/** What happened to the database lately; of each kind the last. `now`: ms since the epoch. */
export async function noticeConditions(store: Pick<Store, 'upkeep'>, now: number): Promise<readonly RaisedCondition[]> {
  const notices = await store.upkeep.notices({ since: now - TOLD_MS });
  const last = new Map(notices.map((notice) => [notice.kind, notice]));
  return [...last.values()].map(({ kind, text, at }) => ({
    ...{ code: codeOf(kind), severity: SEVERITY[kind], text, source: null, lines: [], since: at },
  }));
}

export const NOTICE_CODES: readonly string[] = Object.keys(SEVERITY).map(codeOf);
