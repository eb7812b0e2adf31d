/** The disk of the database, and its backups. */
import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { lastByName } from '../../../adapters/sqlite/backups/automatic.ts';
import { megabytes } from '../../../adapters/sqlite/backups/megabytes.ts';
import { LEAVE } from '../../../adapters/sqlite/backups/steps.ts';
import type { Config } from '../../../config/schema.ts';
import { type Finding, info, ok } from '../check/finding.ts';
import type { Here } from '../here/here.ts';
import { length } from '../output.ts';

/** Two of the daily ones are missing by then, ms. */
const OLD_MS = 48 * 3_600_000;

export async function storageFindings(
  { path, backup }: Config['storage'],
  now: number,
  here: Here,
): Promise<Finding[]> {
  const backups = backup.enabled ? await backupFindings(path, backup.folder, now, here) : [withoutBackup()];
  return [diskFinding(path), ...backups];
}

/** Room for a backup beside it is what the daemon needs at least. */
function diskFinding(path: string): Finding {
  const about = 'disk';
  const { bavail, bsize } = statfsSync(dirname(path));
  const free = bavail * bsize;
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const text = `${megabytes(free)} free on the disk of ${path}, which has ${megabytes(bytes)}`;
  if (free > 2 * bytes + LEAVE) return ok(about, text);
  const expected = `twice the database and ${megabytes(LEAVE)} more, for backups and for calls while LeadSquared is away`;
  return { level: 'warn', about, text: `${text}.`, expected, commands: [`df -h ${dirname(path)}`] };
}

async function backupFindings(path: string, folder: string | null, now: number, here: Here): Promise<Finding[]> {
  const about = 'daily backup';
  if (!existsSync(path)) return [info(about, 'none yet: logcalld has not run with this config')];
  const last = await lastByName({ path, folder, at: now });
  const beside = here.service ? '/var/backups/' : '';
  const commands = [here.command(`backup ${beside}logcalld-$(date +%F).db`)];
  if (last === null) {
    const text = 'none yet: the daemon makes one at night and looks at every page of it. One by hand does the same.';
    return [{ level: 'info', about, text, commands }];
  }
  const age = now - last.at;
  const text = `${last.path}, ${length(age)} old, ${megabytes(last.bytes)}; every page of it was read and checked`;
  if (age <= OLD_MS) return [ok(about, text)];
  return [
    {
      level: 'warn',
      about,
      text: `the last one is ${length(age)} old: ${last.path}.`,
      expected: 'one a day',
      commands,
    },
  ];
}

const withoutBackup = (): Finding => info('daily backup', 'switched off ([storage.backup] enabled)');
