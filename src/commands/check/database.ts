/** The place of the database: for `check-config`, and before the daemon starts. */
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isReadOnly, readOnlyText } from '../../../adapters/host/read-only.ts';
import { lockOf } from '../../../adapters/sqlite/thread/hold.ts';
import { networkOf, onNetwork } from '../../../adapters/sqlite/thread/network.ts';
import type { Config } from '../../../config/schema.ts';
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
    const lock = lockOf(file === undefined ? path : realpathSync(path));
    if (!mayWrite(lock)) return { level: 'FAIL', about, text: lockText(lock, file === undefined ? folder : path) };
    return ok(about, `${path}${file === undefined ? ' (made at the first start)' : ''} can be written by this user`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    if (isReadOnly(error)) return { level: 'FAIL', about, text: readOnlyText(folder) };
    const text =
      code === 'ENOENT'
        ? `the folder ${folder} does not exist: make it for the user of logcalld, or correct [storage] path.`
        : `this user may not write ${path} (${code}): run the check as the user of logcalld, or give it the folder ${folder}.`;
    return { level: 'FAIL', about, text };
  }
}

/** Also where there is none: it is made then. */
function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
}

const lockText = (lock: string, like: string): string =>
  `this user may not write ${lock}, so the daemon cannot take the database: "sudo chown --reference=${like} ${lock}".`;

/** Can the daily backups be put into a folder of their own by this user? Nothing is found where they stand beside the database. */
export function checkBackups({ enabled, folder }: Config['storage']['backup']): Finding[] {
  if (!enabled || folder === null) return [];
  const about = 'daily backup';
  const remedy = 'make it for the user of logcalld (systemd/README.md), or correct [storage.backup] folder.';
  try {
    if (!statSync(folder).isDirectory())
      return [{ level: 'FAIL', about, text: `${folder} is not a folder: ${remedy}` }];
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return [ok(about, `${folder} can be written by this user`)];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    if (isReadOnly(error)) return [{ level: 'FAIL', about, text: readOnlyText(folder) }];
    const why = code === 'ENOENT' ? 'does not exist' : `may not be written by this user (${code})`;
    return [{ level: 'FAIL', about, text: `${folder} ${why}: ${remedy}` }];
  }
}
