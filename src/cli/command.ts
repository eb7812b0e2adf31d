/** What a command of the command line is, apart from what it does. */

export interface OptionSpec {
  /** Long name without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** Word for the value in the help, e.g. `FILE`; without it the option is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly many?: boolean;
  readonly help: string;
}

export interface CommandSpec {
  /** One or two words: `run`, `calls show`. */
  readonly name: string;
  /** Other names, e.g. `calls` for `calls list`. */
  readonly aliases?: readonly string[];
  /** One line. */
  readonly summary: string;
  /** Arguments as the help shows them: `FILE...`, `[ID...]`; optional in brackets, several with dots. */
  readonly arguments?: string;
  readonly options?: readonly OptionSpec[];
  /** More text for `logcalld help COMMAND`. */
  readonly details?: string;
}

/** A command line that was understood. */
export interface Invocation {
  readonly command: CommandSpec;
  readonly arguments: readonly string[];
  /** Value of an option, `null` when it was not given. */
  value(name: string): string | null;
  /** All values of an option that may be given several times. */
  values(name: string): readonly string[];
  /** Whether a switch was given. */
  flag(name: string): boolean;
}

/** A command line that was not understood: one sentence, and what to try. */
export class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}
