/** One connection of the client, from its beginning to its end. */
import type { AmiConnection } from './connection.ts';
import type { AmiPacket } from './packet.ts';
import { LinkFailure } from './problem.ts';

/** What is known of one connection. */
export interface Visit {
  readonly connection: AmiConnection;
  /** It takes over from another connection, of which the PBX has told that it is booted. */
  readonly renews: boolean;
  /** Events that came before `onConnected`; `null` after it. */
  held: [AmiPacket, number][] | null;
  heldBytes: number;
  greeting: string;
  loggedIn: boolean;
  /** The connection is closed. */
  over: boolean;
  /** What ends the waiting for the login's turn or for `FullyBooted`. */
  cancel: () => void;
  cancelPulse: () => void;
}

/** One that has just begun. */
export function visitOf(connection: AmiConnection, renews: boolean): Visit {
  const timers = { cancel: () => {}, cancelPulse: () => {} };
  return { connection, renews, held: [], heldBytes: 0, greeting: '', loggedIn: false, over: false, ...timers };
}

/** Nothing of it is waited for any more. */
export function end(visit: Visit): void {
  visit.cancel();
  visit.cancelPulse();
}

/** Asterisk answers Goodbye and closes; whether it does so is of no interest, only that it had its second. */
export async function leave({ connection, loggedIn }: Visit): Promise<void> {
  if (loggedIn) await connection.action('Logoff', [], 1_000).catch(() => {});
  connection.close(new LinkFailure('network', 'the client was closed.'));
}
