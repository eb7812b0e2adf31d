/** Where the daemon and the commands meet: the socket's place, and who answers when the daemon does not run. */
import { dirname, join } from 'node:path';
import { AccessError } from '../../adapters/control/access.ts';
import type { Replies, RequestName, RequestOf } from '../../adapters/control/api.ts';
import { type ControlClient, connectControl } from '../../adapters/control/client.ts';
import { ControlError } from '../../adapters/control/refusal.ts';
import { readHolder } from '../../adapters/sqlite/thread/holder.ts';
import type { Terminal } from '../cli/cli.ts';
import type { Invocation } from '../cli/command.ts';
import type { Readers } from '../daemon/answers/lookup.ts';
import { silent } from '../daemon/answers/silent.ts';
import { VERSION } from '../daemon/version.ts';
import { hereOf } from './here/here.ts';
import { controlPath, type Environment, isSameFile, SOCKET, socketsOf, startingOn } from './here/sockets.ts';
import { type Starting, startingText } from './here/starting.ts';
import { type Place, placeOf } from './place.ts';

export { controlPath, type Environment, startingOn };

/**
 * The daemon on this database; `null` when none answers. Who holds the database says where it listens; else the usual places
 * are tried. The folder of the database may be closed to a member of the group, who asks over the other socket. Rejects with one
 * sentence when this user may not ask, or may neither ask nor look.
 */
export async function reach(place: Place, env: Environment = process.env): Promise<ControlClient | null> {
  const { path } = place.storage;
  const named = readHolder(path)?.socket ?? null;
  const own = named === null ? null : await holderAt(named, place);
  if (own !== null) return own;
  const beside = join(dirname(path), SOCKET);
  let closed = false;
  for (const socket of socketsOf(place, env)) {
    if (socket === named) continue;
    try {
      const daemon = await connectControl(socket, VERSION, () => hereOf(place.file).restart);
      if (daemon !== null && isSameFile(daemon.database, path)) return daemon;
    } catch (error) {
      if (!(error instanceof AccessError) || socket !== beside) throw error;
      closed = true;
    }
  }
  const starting = closed ? startingOn(place, env) : null;
  if (closed) throw new Error(starting === null ? notHere(dirname(path), place) : startingText(starting));
  return null;
}

/** To somebody who may ask the daemon, but not look into its files: there is no daemon to ask. */
const notHere = (folder: string, { file }: Place): string =>
  `logcalld is not running, and this user may not look into ${folder}: "${hereOf(file).start}" starts it, with sudo this command reads the database.`;

/** The daemon at the socket that the holder of the database named, unless that was left by one that is gone. */
async function holderAt(socket: string, place: Place): Promise<ControlClient | null> {
  const { path } = place.storage;
  let daemon: ControlClient | null;
  try {
    daemon = await connectControl(socket, VERSION, () => hereOf(place.file).restart);
  } catch (error) {
    if (await isHeld(path)) throw error;
    return null;
  }
  if (daemon === null || isSameFile(daemon.database, path)) return daemon;
  // The lock is beside this very database: whoever is named there has it, by whatever name.
  return (await isHeld(path)) ? daemon : null;
}

/** Asked only where the daemon's own answer does not settle it. */
async function isHeld(path: string): Promise<boolean> {
  const { heldBy } = await import('../../adapters/sqlite/thread/hold.ts');
  return heldBy(path).held;
}

/** A start takes seconds, more on a slow machine; it is waited for so long, and looked for so often, ms. */
const START_WITHIN_MS = 10_000;
const AGAIN_MS = 100;

/** The same for what only the daemon can do. One that is starting is waited for, for `withinMs`. */
export async function reachRunning(place: Place, what: string, withinMs = START_WITHIN_MS): Promise<ControlClient> {
  const daemon = await reachStarted(place, withinMs);
  if (daemon !== null) return daemon;
  await place.checkRest?.();
  const { heldBy } = await import('../../adapters/sqlite/thread/hold.ts');
  const held = heldBy(place.storage.path);
  if (held.held) throw new Error(silent(held.holder));
  throw new Error(`logcalld is not running with this config, and ${what}. Start it: ${hereOf(place.file).start}`);
}

/** One that is starting is waited for. `null`: none runs, nor is one starting. Rejects when it does not answer in time. */
export async function reachStarted(place: Place, withinMs = START_WITHIN_MS): Promise<ControlClient | null> {
  const daemon = await waitedFor(place, withinMs);
  if (daemon !== null && 'since' in daemon) throw new Error(startingText(daemon));
  return daemon;
}

/** The same; what is still starting when the time is over is answered as such. */
async function waitedFor(place: Place, withinMs: number): Promise<ControlClient | Starting | null> {
  const until = Date.now() + withinMs;
  for (;;) {
    const starting = startingOn(place);
    const late = Date.now() >= until;
    try {
      const daemon = await reach(place);
      if (daemon !== null || starting === null) return daemon;
      if (late) return starting;
    } catch (error) {
      // One that has its socket already says by itself that it is not ready.
      const unready = starting !== null || (error instanceof ControlError && error.status === 503);
      if (late || !unready) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** Answers questions that change nothing. */
export interface Asker {
  call<N extends keyof Readers & RequestName>(name: N, input: RequestOf<N>): Promise<Replies[N]>;
}

/**
 * Hands over the daemon, one that is starting when it has started; else, and when that takes longer than `withinMs`, the database file,
 * which is looked into without changing it, and says so.
 */
export async function asking<T>(
  invocation: Invocation,
  terminal: Terminal,
  use: (asker: Asker) => Promise<T>,
  withinMs = START_WITHIN_MS,
): Promise<T> {
  const daemon = await waitedFor(await placeOf(invocation), withinMs);
  if (daemon !== null && 'call' in daemon) return use(daemon);
  const { beside } = await import('./beside.ts');
  return beside(invocation, terminal, use);
}

/** The same for one question. */
export function ask<N extends keyof Readers & RequestName>(
  invocation: Invocation,
  terminal: Terminal,
  name: N,
  input: RequestOf<N>,
): Promise<Replies[N]> {
  return asking(invocation, terminal, (asker) => asker.call(name, input));
}
