/** What stands in the database file: whether this version of the program may use it. */
import { existsSync } from 'node:fs';
import { schemaProblem } from '../../../adapters/sqlite/thread/read-only.ts';
import type { Finding } from './finding.ts';

/** Nothing when all is well. Apart from `database.ts`, which the daemon asks before it starts: this one needs SQLite. */
export function checkSchema(path: string): readonly Finding[] {
  const problem = existsSync(path) ? schemaProblem(path) : null;
  if (problem === null) return [];
  const elsewhere = 'nothing can be typed that mends it: what helps is another version of logcalld, or a backup.';
  return [{ level: 'FAIL', about: 'database', text: problem, elsewhere }];
}
