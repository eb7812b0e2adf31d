/** From the command line to a command and its exit status. */
import { visible } from '../telephony/visible.ts';
import { type Invocation, UsageError } from './command.ts';
import { COMMANDS, type CommandName } from './commands.ts';
import { EXIT, helpAll, helpFor } from './help.ts';
import { parseCommandLine } from './parse.ts';

/** Where a command writes: results to `out`, remarks and errors to `error`. Lines end with a line break. */
export interface Terminal {
  out(text: string): void;
  error(text: string): void;
  /** True when somebody looks at `error` on a screen, where a line can be written anew. */
  readonly screen?: boolean;
  /** Columns and lines of the screen that shows `out`; absent when that is none. */
  readonly size?: { readonly columns: number; readonly rows: number } | undefined;
  /** True when `out` is a screen that may show colours. */
  readonly colour?: boolean;
  /** True when `error` goes to the journal, where an error is an entry with its priority. */
  readonly journal?: boolean;
  /** True when whoever read `out` has gone: nothing more need be written. */
  readonly gone?: boolean;
}

/** What a command does; resolves with the exit status. */
export type CommandBody = (invocation: Invocation, terminal: Terminal) => Promise<number>;

const FALLBACK: CommandName = 'demo';

/**
 * Runs the command that `words` (the words after `logcalld`) ask for and resolves with the exit status. A command line
 * that is not understood costs one line and a hint. Errors of the command itself are left to the caller.
 */
export async function runCommandLine(
  words: readonly string[],
  bodies: Readonly<Record<CommandName, CommandBody>>,
  terminal: Terminal,
): Promise<number> {
  try {
    const parsed = parseCommandLine(words, COMMANDS, FALLBACK);
    if (parsed.kind === 'help') {
      terminal.out(parsed.command === null ? helpAll(COMMANDS, FALLBACK) : helpFor(parsed.command));
      return EXIT.ok;
    }
    const name = COMMANDS.find((command) => command.name === parsed.invocation.command.name)?.name ?? FALLBACK;
    const plain = parsed.invocation.flag('no-color') && terminal.colour === true;
    return await bodies[name](
      parsed.invocation,
      plain ? Object.create(terminal, { colour: { value: false } }) : terminal,
    );
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    terminal.error(`${visible(`logcalld: ${error.message} Try: ${error.hint}`)}\n`);
    return EXIT.usage;
  }
}
