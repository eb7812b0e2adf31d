/** The config that a command is about. */
import { refuseStranger } from '../../adapters/control/access.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { Invocation } from '../cli/command.ts';
import { fileOf } from './here/here.ts';

/** With its file, as the user names it. Throws `ConfigError`. */
export function configOf(invocation: Invocation): Config & { readonly file: string } {
  const file = fileOf(invocation);
  // What is wrong for the service, which must not be started again and again, is no fault of the config for a command.
  if (invocation.command.name !== 'run') refuseStranger(file);
  return { ...loadConfig(file, { env: process.env, offline: invocation.command.name === 'inspect' }), file };
}
