/** What stands in the database file: whether this version of the program may use it. */
import { existsSync } from 'node:fs';
import { schemaProblem } from '../../../adapters/sqlite/thread/read-only.ts';
import type { Finding } from './finding.ts';

/** Nothing when all is well. Apart from `database.ts`, which the daemon asks before it starts: this one needs SQLite. */
export function checkSchema(path: string): readonly Finding[] {
  const problem = existsSync(path) ? schemaProblem(path) : null;
  return problem === null ? [] : [{ level: 'FAIL', about: 'database', text: problem }];
}
