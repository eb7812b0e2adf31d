/** What the daemon does not start without, looked at together before it opens anything. */
import { SecretError } from '../../../adapters/host/credentials.ts';
import { checkPolicy } from '../../../adapters/leadsquared/call-body.ts';
import { ConfigError } from '../../../config/problem.ts';
import type { Config } from '../../../config/schema.ts';
import { loadUsers } from '../../../config/users.ts';
import { callLogPolicyOf } from '../../daemon/settings.ts';
import type { Secret, SecretRef } from '../../secret.ts';
import { SetupError } from '../terminal.ts';
import { secretsOf } from './eyes/secrets.ts';

/**
 * Throws what is wrong with the users file (`ConfigError`), the templates (`SetupError`) and the secrets, all of it at once: `SecretError`
 * where it is these, too.
 */
export function refuseIncomplete(config: Config, readSecret: (ref: SecretRef) => Secret): void {
  const { file } = config.leadsquared.user;
  const names = config.source.map(({ name }) => name);
  const tries = [
    ...(file === null ? [] : [() => loadUsers(file, names)]),
    () => checkBody(config),
    ...secretsOf(config).map((ref) => () => readSecret(ref)),
  ];
  const wrong = tries.flatMap(problemOf);
  const [first, ...others] = wrong;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  throw new SecretError(wrong.map(({ message }) => message).join('\n'), { cause: first });
}

function checkBody(config: Config): void {
  try {
    checkPolicy(callLogPolicyOf(config));
  } catch (error) {
    throw new SetupError(`[leadsquared.body]: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function problemOf(attempt: () => unknown): Error[] {
  try {
    attempt();
    return [];
  } catch (error) {
    if (error instanceof ConfigError || error instanceof SecretError || error instanceof SetupError) return [error];
    throw error;
  }
}
