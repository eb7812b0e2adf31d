/** The standard streams, and how an error ends there. */
import { SecretError } from '../../adapters/host/credentials.ts';
import { errorEntries, goesToJournal } from '../../adapters/host/journal.ts';
import { ConfigError } from '../../config/problem.ts';
import type { Terminal } from '../cli/cli.ts';
import { EXIT } from '../cli/help.ts';
import { visible, visibleLines } from '../telephony/visible.ts';

/** The daemon cannot start before the operator changes something: a restart by systemd would meet the same. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/** A line of the result. A reader that went away (`| head`) is no error. */
export function print(text: string): void {
  processTerminal.out(`${visible(text)}\n`);
}

/** The standard streams of this process. */
export const processTerminal: Terminal = {
  out: (text) => write(process.stdout, text),
  error: (text) => write(process.stderr, text),
  screen: process.stderr.isTTY === true,
  get size() {
    const { isTTY, columns, rows } = process.stdout;
    return isTTY === true ? { columns, rows } : undefined;
  },
  // https://no-color.org: present and not empty, whatever it is.
  colour: process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
  journal: goesToJournal(2, process.env),
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
  if (terminal.journal === true) terminal.error(errorEntries(message, Date.now()));
  else terminal.error(mend ? `${visibleLines(message)}\n` : `${visible(`logcalld: ${message}`)}\n`);
  return mend || error instanceof SetupError ? EXIT.config : EXIT.failed;
}
