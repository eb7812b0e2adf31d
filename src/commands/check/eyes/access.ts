/** What keeps a user from a file, and what to type so that it no longer does. */
import { accessSync, constants, lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isReadOnly, mountOf, readOnlyText } from '../../../../adapters/host/read-only.ts';
import { groupName } from '../../../../adapters/host/service/account.ts';
import type { Unit } from '../../../../adapters/host/service/unit.ts';
import type { Finding } from '../finding.ts';
import { BY_ROOT, type Eyes, isBystander } from './service.ts';

/** `connect`: to a socket, which takes the right to write to it. */
export type Want = 'read' | 'write' | 'connect';

interface Obstacle {
  readonly path: string;
  readonly stat: Stats;
  /** Its file system takes no writes, whoever asks. */
  readonly readOnly: boolean;
}

/** The first thing on the way to `path` that this process may not use as wanted; `null`: none, or it is not there. */
function obstacle(path: string, want: Want): Obstacle | null {
  const way = [path];
  while (dirname(way[0] ?? '/') !== way[0]) way.unshift(dirname(way[0] ?? '/'));
  for (const step of way) {
    const stat = statSync(step, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    const why = refusal(step, modeFor(step, path, want, stat));
    if (why !== null) return { path: step, stat, readOnly: isReadOnly(why) };
  }
  return null;
}

function modeFor(step: string, path: string, want: Want, stat: Stats): number {
  if (step !== path) return constants.X_OK;
  const enter = stat.isDirectory() ? constants.X_OK : 0;
  return (want === 'read' ? constants.R_OK : constants.R_OK | constants.W_OK) | enter;
}

/** `null`: it may be used so. */
function refusal(path: string, mode: number): unknown {
  try {
    accessSync(path, mode);
    return null;
  } catch (error) {
    return error;
  }
}

/**
 * Nothing where this user may use `path` so, or where it is not there. What somebody else than the user of an installed service may
 * not do tells nothing of the service: to give him the right would take it from that user.
 */
export function accessFindings(about: string, path: string, want: Want, eyes: Eyes): Finding[] {
  const hidden = hiddenBy(eyes.unit, path);
  if (hidden !== null) {
    const text = `${path}: the unit does not show the service what is below ${hidden.folder} (${hidden.setting}).`;
    const expected = 'a file below /etc/logcalld, or another place that it sees';
    return [{ level: 'FAIL', about, text, expected, ...moved(path, want) }];
  }
  if (want === 'write' && !writable(eyes.unit, path)) {
    const text = `${path}: the unit lets the service write into ${eyes.unit?.writable?.join(', ')} alone.`;
    // With the hyphen a disk that is away costs the backup, not the start: systemd refuses a unit whose path is not there.
    const lines = ['[Service]', `ReadWritePaths=-${path}`];
    return [{ level: 'FAIL', about, text, commands: ['sudo systemctl edit logcalld'], lines }];
  }
  const found = obstacle(path, want);
  if (found === null) return [];
  if (found.readOnly) return [readOnly(about, found.path)];
  if (isBystander(eyes))
    return [{ level: 'skip', about, text: `not looked at: user ${eyes.user} may not ${want} ${path}`, ...BY_ROOT }];
  return [refused(about, path, want, found, eyes)];
}

/** That the unit does not start the service while `path`, which it can do without, is away. */
export function neededFindings(about: string, path: string, { unit }: Eyes): Finding[] {
  return (unit?.needed ?? [])
    .map((folder) => folder.replace(/^\+/, ''))
    .filter((folder) => isBelow(path, folder))
    .map((folder) => ({
      ...{ level: 'warn', about, text: `${folder}: while it is away, as with its disk, the service does not start.` },
      expected: `ReadWritePaths=-${folder} in the unit, with a hyphen, in place of the line without`,
      commands: ['sudo systemctl edit logcalld'],
    }));
}

function readOnly(about: string, path: string): Finding {
  const commands = [`findmnt --target ${path}`, `sudo mount -o remount,rw ${mountOf(path)}`];
  return {
    level: 'FAIL',
    about,
    text: readOnlyText(path),
    expected: 'a file system that is mounted for writing',
    commands,
  };
}

function refused(
  about: string,
  path: string,
  want: Want,
  { path: at, stat }: Obstacle,
  { user, unit, account }: Eyes,
): Finding {
  const verb = want === 'connect' ? 'connect to' : want;
  const where = at === path ? '' : ` because of ${at}`;
  const text = `user ${user} may not ${verb} ${path}${where} (mode ${(stat.mode & 0o7777).toString(8)}).`;
  const expected = `what the user of the service may ${verb}`;
  const needed = at !== path ? 0o010 : (want === 'read' ? 0o040 : 0o060) | (stat.isDirectory() ? 0o010 : 0);
  const base: Finding = { level: 'FAIL', about, text, expected };
  const member = account?.groups.some(({ gid }) => gid === stat.gid) ?? false;
  // Its group may: so may the service as a member of it. The group of root opens more than this.
  if (unit !== null && !member && stat.gid !== 0 && (stat.mode & needed) === needed) {
    const lines = ['[Service]', `SupplementaryGroups=${groupName(stat.gid)}`];
    return { ...base, commands: ['sudo systemctl edit logcalld', 'sudo systemctl restart logcalld'], lines };
  }
  const letters = `${needed & 0o040 ? 'r' : ''}${needed & 0o020 ? 'w' : ''}${needed & 0o010 ? 'x' : ''}`;
  const group = account?.groups[0]?.name ?? user;
  if (want === 'write' && at === path && stat.isDirectory() && isOthers(at, account?.uid ?? null)) {
    const own = join(at, 'logcalld');
    return {
      ...{ level: 'FAIL', about, text: `${text.slice(0, -1)}, and others keep things there.` },
      expected: `a folder of its own in the config, such as ${own}`,
      commands: [`sudo install -d -o ${user} -g ${group} -m 0700 ${own}`],
    };
  }
  const commands =
    want === 'write' && at === path
      ? [`sudo chown ${user}:${group} ${at}`, `sudo chmod u+${letters} ${at}`]
      : [...(member ? [] : [`sudo chgrp ${group} ${at}`]), `sudo chmod g+${letters} ${at}`];
  return { ...base, commands };
}

/**
 * Whether a folder is there for others as well, so that it must not be given away: one of the system (hier(7)), or with things in it that
 * are not the service's. Files of root may be left of a run by hand. `uid`: of the service's user.
 */
function isOthers(folder: string, uid: number | null): boolean {
  if (dirname(dirname(folder)) === dirname(folder)) return true;
  try {
    return readdirSync(folder).some((name) => {
      const entry = lstatSync(join(folder, name));
      return entry.uid !== uid && (entry.uid !== 0 || !entry.isFile());
    });
  } catch {
    // Whoever shuts a folder off keeps it for one purpose.
    return false;
  }
}

/** The setting of the unit that hides `path`. */
function hiddenBy(unit: Unit | null, path: string): { readonly folder: string; readonly setting: string } | null {
  for (const [folder, setting] of unit?.hidden ?? []) if (isBelow(path, folder)) return { folder, setting };
  return null;
}

function writable(unit: Unit | null, path: string): boolean {
  return unit?.writable == null || unit.writable.some((folder) => isBelow(path, folder));
}

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

function moved(path: string, want: Want): Pick<Finding, 'commands'> {
  if (want !== 'read') return {};
  const name = path.split('/').at(-1) ?? '';
  return { commands: [`sudo install -m 640 -g logcalld ${path} /etc/logcalld/${name}`] };
}
