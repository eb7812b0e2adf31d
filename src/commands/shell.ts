/** What the commands share: the config file, secrets, the log. */

import { PlaceError } from '../../adapters/control/socket.ts';
import { readSecret, SecretError } from '../../adapters/host/credentials.ts';
import { chooseFormat, createLog, type HostLog } from '../../adapters/host/log.ts';
import { StorageError } from '../../adapters/sqlite/thread/errors.ts';
import { loadConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import type { Config } from '../../config/schema.ts';
import type { Terminal } from '../cli/cli.ts';
import type { Invocation } from '../cli/command.ts';
import { DEFAULT_CONFIG } from '../cli/commands.ts';
import { EXIT } from '../cli/help.ts';
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

/** The daemon cannot start before the operator changes something: a restart by systemd would meet the same. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/** An error of the start as a `SetupError` where it is one, else as it is. */
export function setupError(error: unknown): unknown {
  const unusable = error instanceof StorageError && error.trouble === 'unusable' && !error.code.startsWith('WORKER_');
  return unusable || error instanceof PlaceError ? new SetupError(error.message, { cause: error }) : error;
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
  processTerminal.out(`${text}\n`);
}

/** The standard streams of this process. */
export const processTerminal: Terminal = {
  out: (text) => write(process.stdout, text),
  error: (text) => write(process.stderr, text),
  screen: process.stderr.isTTY === true,
  get gone() {
    return outClosed;
  },
};

function write(stream: NodeJS.WriteStream, text: string): void {
  const listener = stream === process.stdout ? outEnded : ignore;
  if (!stream.listeners('error').includes(listener)) stream.on('error', listener);
  stream.write(text);
}

let outClosed = false;

function outEnded(): void {
  outClosed = true;
}

function ignore(): void {}

/** Tells what went wrong and answers the exit status. For errors that the user can mend the message is all there is to say. */
export function reportError(error: unknown, terminal: Terminal): number {
  const message = error instanceof Error ? error.message : String(error);
  const mend = error instanceof ConfigError || error instanceof SecretError;
  terminal.error(mend ? `${message}\n` : `logcalld: ${message}\n`);
  return mend || error instanceof SetupError ? EXIT.config : EXIT.failed;
}
