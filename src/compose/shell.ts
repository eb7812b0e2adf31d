/** What the commands share: the config file, secrets, the log. */

import { readSecret } from '../../adapters/host/credentials.ts';
import { chooseFormat, createLog, type HostLog } from '../../adapters/host/log.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { Invocation } from '../cli/command.ts';
import { DEFAULT_CONFIG } from '../cli/commands.ts';
import type { Secret, SecretRef } from '../secret.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws `ConfigError`. */
export function configOf(invocation: Invocation): Config {
  return loadConfig(invocation.value('config') ?? DEFAULT_CONFIG, { env: process.env });
}

export function logOf(settings: Config['log']): HostLog {
  const shape = chooseFormat(settings.format, process.env, process.stdout.isTTY === true);
  return createLog({ ...shape, level: settings.level, maskNumbers: settings.mask_numbers });
}

/** Reads secrets where the config says, hides them from the log, and warns once about each that is badly kept. */
export function secretReader(log: HostLog): (ref: SecretRef) => Secret {
  const warned = new Set<string>();
  return (ref) => {
    const { secret, warning } = readSecret(ref, process.env.CREDENTIALS_DIRECTORY);
    log.hide(secret);
    if (warning !== null && !warned.has(warning)) {
      warned.add(warning);
      log.write('warn', 'secret', warning);
    }
    return secret;
  };
}

/** A line of the result. A reader that went away (`| head`) is no error. */
export function print(text: string): void {
  if (!process.stdout.listeners('error').includes(ignore)) process.stdout.on('error', ignore);
  process.stdout.write(`${text}\n`);
}

function ignore(): void {}

/** Remarks, apart from the result. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
