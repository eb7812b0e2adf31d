/** What a user who may not use logcalld has to do. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';

/** This user may not use a file or the control socket. One sentence with the remedy. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
  readonly path: string;

  /** `path`: what may not be used, a file or a socket. */
  constructor(path: string) {
    super(`This user may not use ${path}: ${howToGetIn(path)}`);
    this.path = path;
  }
}

export const isDenied = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');

/** A config that this user may not read is no wrong config: throws `AccessError`, which says who may. */
export function refuseStranger(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    if (isDenied(error)) throw new AccessError(resolve(file));
  }
}

/** By the group that the file, or the folder that hides it, belongs to. */
function howToGetIn(path: string): string {
  const group = groupOf(path);
  if (group === null) return 'use sudo, or the user that runs logcalld.';
  const name = userName();
  if (group.members.includes(name)) {
    return `${name} is in the group ${group.name} from the next login on: log in anew, or use sudo.`;
  }
  return `"sudo usermod -aG ${group.name} ${name}" and a new login allow it, or use sudo.`;
}

interface Group {
  readonly name: string;
  readonly members: readonly string[];
}

/** Of the first that can be looked at, the file or a folder above it; `null`: root's, without a name, or its members may not either. */
function groupOf(path: string): Group | null {
  try {
    const { gid, mode } = statSync(path);
    if (gid === 0 || (mode & 0o050) === 0) return null;
    return groups().get(gid) ?? null;
  } catch {
    return dirname(path) === path ? null : groupOf(dirname(path));
  }
}

/** group(5): `name:password:gid:members`. */
function groups(): ReadonlyMap<number, Group> {
  const lines = readFileSync('/etc/group', 'utf8').split('\n');
  return new Map(
    lines.map((line) => {
      const [name = '', , gid, members = ''] = line.split(':');
      return [Number(gid), { name, members: members.split(',') }];
    }),
  );
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without a line in passwd(5).
    return 'NAME';
  }
}
