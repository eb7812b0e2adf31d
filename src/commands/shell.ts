/** The config that a command is about. */
import { refuseStranger } from '../../adapters/control/access.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { Invocation } from '../cli/command.ts';
import { DEFAULT_CONFIG } from '../cli/commands.ts';

/** Throws `ConfigError`. */
export function configOf(invocation: Invocation): Config {
  const file = invocation.value('config') ?? DEFAULT_CONFIG;
  // What is wrong for the service, which must not be started again and again, is no fault of the config for a command.
  if (invocation.command.name !== 'run') refuseStranger(file);
  return loadConfig(file, { env: process.env });
}
