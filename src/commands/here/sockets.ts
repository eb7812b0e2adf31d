/** Where the daemon of a database listens, or will. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Place } from '../place.ts';
import { type Starting, startingAt } from './starting.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Its name. */
export const SOCKET = 'control.sock';
/** What `RuntimeDirectory=logcalld` of the unit makes; a command on a terminal has no `RUNTIME_DIRECTORY`. */
const RUNTIME_OF_UNIT = '/run/logcalld';

/** Where the daemon listens: in systemd's runtime folder, else beside the database. */
export function controlPath(place: Pick<Place, 'storage'>, env: Environment): string {
  const runtime = env.RUNTIME_DIRECTORY?.split(':')[0];
  return join(runtime === undefined || runtime === '' ? dirname(place.storage.path) : runtime, SOCKET);
}

/** Where a daemon on this database may listen. */
export const socketsOf = (place: Pick<Place, 'storage'>, env: Environment): ReadonlySet<string> =>
  new Set([controlPath(place, env), join(dirname(place.storage.path), SOCKET), join(RUNTIME_OF_UNIT, SOCKET)]);

/** The daemon on this database that does not answer yet; `null`: none is known to start. */
export function startingOn(place: Pick<Place, 'storage'>, env: Environment = process.env): Starting | null {
  return startingAt(socketsOf(place, env), (database) => isSameFile(database, place.storage.path));
}

/** By device and inode, so that other names and other mounts of a folder count as the same; by name where one cannot be seen. */
export function isSameFile(a: string, b: string): boolean {
  try {
    const [one, other] = [statSync(a), statSync(b)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return a === b;
  }
}
