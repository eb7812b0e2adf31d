/** The place of the database: for `check-config`, and before the daemon starts. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { networkOf, onNetwork } from '../../../adapters/sqlite/thread/network.ts';
import { type Finding, ok } from './finding.ts';

/** Can the database be made, or written, by this user? */
export function checkDatabase(path: string): Finding {
  const folder = dirname(path);
  const about = 'database';
  try {
    if (!statSync(folder).isDirectory())
      return { level: 'FAIL', about, text: `${folder} is not a folder: correct [storage] path.` };
    const network = networkOf(existsSync(path) ? path : folder);
    if (network !== null) return { level: 'FAIL', about, text: `${path}: ${onNetwork(network)}` };
    accessSync(folder, constants.W_OK | constants.X_OK);
    const file = statSync(path, { throwIfNoEntry: false });
    if (file !== undefined) accessSync(path, constants.R_OK | constants.W_OK);
    return ok(about, `${path}${file === undefined ? ' (made at the first start)' : ''} can be written by this user`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    const text =
      code === 'ENOENT'
        ? `the folder ${folder} does not exist: make it for the user of logcalld, or correct [storage] path.`
        : `this user may not write ${path} (${code}): run the check as the user of logcalld, or give it the folder ${folder}.`;
    return { level: 'FAIL', about, text };
  }
}
