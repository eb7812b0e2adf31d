/** The log of a command that runs for a while, and the secrets that must not stand in it. */
import { type Credentials, readSecret } from '../../adapters/host/credentials.ts';
import { goesToJournal } from '../../adapters/host/journal.ts';
import { chooseFormat, createLog, type HostLog } from '../../adapters/host/log.ts';
import type { Config } from '../../config/schema.ts';
import { events } from '../events.ts';
import type { Secret, SecretRef } from '../secret.ts';

export function logOf(settings: Config['log']): HostLog {
  const { JOURNAL_STREAM: stream, ...others } = process.env;
  const env = goesToJournal(1, process.env) ? { ...others, JOURNAL_STREAM: stream } : others;
  const shape = chooseFormat(settings.format, env, process.stdout.isTTY === true);
  return createLog({ ...shape, level: settings.level, maskNumbers: settings.mask_numbers });
}

/** Reads secrets where the config says, hides them from the log, and warns once about each that is badly kept. */
export function secretReader(
  log: HostLog,
  credentials: Credentials = process.env.CREDENTIALS_DIRECTORY,
): (ref: SecretRef) => Secret {
  const warned = new Set<string>();
  return (ref) => {
    const { secret, warning } = readSecret(ref, credentials);
    log.hide(secret);
    if (warning !== null && !warned.has(warning)) {
      warned.add(warning);
      events.secret(log, warning);
    }
    return secret;
  };
}
