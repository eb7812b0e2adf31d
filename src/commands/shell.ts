/** The config that a command is about. */
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { Invocation } from '../cli/command.ts';
import { DEFAULT_CONFIG } from '../cli/commands.ts';

/** Throws `ConfigError`. */
export function configOf(invocation: Invocation): Config {
  return loadConfig(invocation.value('config') ?? DEFAULT_CONFIG, { env: process.env });
}
