/** Logging in to AMI. */
import { createHash } from 'node:crypto';
import { AmiActionError } from './actions.ts';
import type { AmiConnection } from './connection.ts';
import { type LinkFailure, loginRefused, noChallenge } from './problem.ts';

export interface Credentials {
  readonly username: string;
  readonly secret: string;
  /** `md5`: the secret never crosses the wire. `plain`: sent as it is. */
  readonly auth: 'md5' | 'plain';
  /** Send the secret as it is when the server offers no MD5 challenge. */
  readonly plainFallback: boolean;
  /** Event classes to be sent, e.g. `on` or `system,call,agent,cdr,user`. */
  readonly eventMask: string;
}

/**
 * Logs in. The event mask travels with the login: with `brokeneventsaction = yes` in manager.conf Asterisk does not
 * answer a separate `Events` action. Rejects with a `LinkFailure` when Asterisk says no, else with the action's error.
 */
export async function login(connection: AmiConnection, credentials: Credentials, deadlineMs: number): Promise<void> {
  const { username, secret, eventMask } = credentials;
  const proof = await proofOf(connection, credentials, deadlineMs);
  const fields = [['Username', username], ...(proof ?? [['Secret', secret] as const]), ['Events', eventMask]] as const;
  try {
    await connection.action('Login', fields, deadlineMs);
  } catch (error) {
    throw refusal(error, (message) => loginRefused(connection.where, username, message));
  }
}

/** Fields that prove the secret without showing it; `null` when it is to be sent as it is. */
async function proofOf(connection: AmiConnection, credentials: Credentials, deadlineMs: number) {
  if (credentials.auth === 'plain') return null;
  try {
    const answer = await connection.action('Challenge', [['AuthType', 'MD5']], deadlineMs);
    const challenge = answer.get('Challenge');
    if (challenge !== undefined) {
      const key = createHash('md5')
        .update(challenge + credentials.secret)
        .digest('hex');
      return [['AuthType', 'MD5'] as const, ['Key', key] as const];
    }
    if (credentials.plainFallback) return null;
    throw noChallenge(connection.where, 'no Challenge header in its answer');
  } catch (error) {
    if (credentials.plainFallback && error instanceof AmiActionError && error.failure === 'refused') return null;
    throw refusal(error, (message) => noChallenge(connection.where, message));
  }
}

function refusal(error: unknown, failure: (message: string) => LinkFailure): unknown {
  if (!(error instanceof AmiActionError) || error.failure !== 'refused') return error;
  return failure(error.response?.get('Message') ?? 'no reason given');
}
