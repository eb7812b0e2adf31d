/** What both sides know about the socket itself. */
import { connect } from 'node:net';
import { AccessError, isDenied } from './access.ts';

/** `sun_path` has 108 bytes with the NUL at its end (unix(7)). */
const MAX_PATH_BYTES = 107;

/** The socket cannot be where it is to be; only a change of the set-up helps. One sentence with the remedy. */
export class PlaceError extends Error {
  override readonly name = 'PlaceError';
}

/** Throws `PlaceError` when the name is too long for a Unix socket. */
export function checkPath(path: string): void {
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return;
  throw new PlaceError(
    `The control socket ${path} has a name of more than ${MAX_PATH_BYTES} bytes: set RUNTIME_DIRECTORY to a shorter folder.`,
  );
}

/** Whether somebody listens there. Rejects when this user may not even ask. */
export function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT' || error.code === 'ENOTSOCK') resolve(false);
      // A queue of connections that is full is a sign of life.
      else if (error.code === 'EAGAIN') resolve(true);
      else reject(notAllowed(path, error));
    });
  });
}

/** Why the socket cannot be used: `AccessError` where this user may not. */
export function notAllowed(path: string, error: NodeJS.ErrnoException): Error {
  return isDenied(error)
    ? new AccessError(path)
    : new Error(`The control socket ${path} cannot be used (${error.message}).`);
}
