/** What stands in the database file: whether this version of the program may use it. */
import { existsSync } from 'node:fs';
import { schemaProblem } from '../../../adapters/sqlite/thread/read-only.ts';
import type { Check } from './checks.ts';
import type { Finding } from './finding.ts';

const ELSEWHERE = {
  start: 'nothing can be typed that mends it: what helps is another version of logcalld, or a backup.',
  work: 'nothing needs to be typed before: what the next start did is told by "logcalld status", with what is left to do.',
} as const;

/**
 * Nothing when all is well. `stage` `start`: what keeps the daemon from starting; `work`: what it copes with. Apart from `database.ts`,
 * which the daemon asks before it starts: this one needs SQLite.
 */
export function checkSchema(path: string, stage: Check['stage']): readonly Finding[] {
  const problem = existsSync(path) ? schemaProblem(path) : null;
  if (problem === null || problem.refused !== (stage === 'start')) return [];
  return [{ level: 'FAIL', about: 'database', text: problem.text, elsewhere: ELSEWHERE[stage] }];
}
