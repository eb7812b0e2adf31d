/**
 * Commands that texts tell to type, as they fit the place. The core and the adapters, a daemon in another process as well, write them as
 * `logcalld WORDS`, since they know no place; whoever prints puts in what this installation needs. A trial that was told them as they
 * stand would ask the installed service.
 */
import type { Terminal } from '../../cli/cli.ts';
import { type CommandSpec, type Invocation, UsageError } from '../../cli/command.ts';
import { COMMANDS } from '../../cli/commands.ts';
import { namesOf } from '../../cli/parse.ts';
import { visible } from '../../telephony/visible.ts';
import { fileOf, type Here, hereOf } from './here.ts';

/** They read files that a member of the group may not read. */
const FOR_ROOT = new Set(['backup', 'restore', 'salvage', 'sessions rederive']);

/** Whether a command is about an installation: "inspect" takes no more of its config than how numbers are read. */
export const isOfPlace = ({ name, options = [] }: CommandSpec): boolean =>
  name !== 'inspect' && options.some((option) => option.name === 'config');

const ALL: readonly CommandSpec[] = COMMANDS;
const NAMES = ALL.filter(isOfPlace)
  .flatMap(namesOf)
  .sort((a, b) => b.length - a.length);
/** Not what names its config already, nor a path. */
const TOLD = new RegExp(`(?<![\\w./-])(sudo )?logcalld (${NAMES.join('|')})(?![\\w-])(?![^"\\n]*? --config )`, 'g');

/** The text with each told command as `here` needs it. */
export function fitted(text: string, here: () => Here): string {
  return text.replace(TOLD, (told: string, sudo: string | undefined, name: string) => {
    const place = here();
    if (!place.service) return visible(place.command(name));
    return sudo === undefined && FOR_ROOT.has(name) ? `sudo ${told}` : told;
  });
}

/** The place of a command, looked at once, and only when it is asked for. */
export function placeOfCommand(invocation: Invocation): () => Here {
  let place: Here | null = null;
  return () => {
    place ??= hereOf(fileOf(invocation));
    return place;
  };
}

/** Fits what is printed. What programs read stays as it is. */
export function fittedTerminal(terminal: Terminal, invocation: Invocation): Terminal {
  const here = placeOfCommand(invocation);
  const forPrograms = invocation.flag('json');
  return Object.create(terminal, {
    out: { value: (text: string) => terminal.out(forPrograms ? text : fitted(text, here)) },
    error: { value: (text: string) => terminal.error(fitted(text, here)) },
  });
}

/** Fits a sentence and the lines below it. */
export function fittedLines<T extends { readonly text: string; readonly lines?: readonly string[] }>(
  told: T,
  here: () => Here,
): T {
  const { text, lines } = told;
  const fit = (one: string): string => fitted(one, here);
  return { ...told, text: fit(text), ...(lines === undefined ? {} : { lines: lines.map(fit) }) };
}

/** The same error with a message that fits. */
export function fittedError(error: unknown, invocation: Invocation): unknown {
  const here = placeOfCommand(invocation);
  if (error instanceof UsageError) return new UsageError(fitted(error.message, here), fitted(error.hint, here));
  if (error instanceof Error) error.message = fitted(error.message, here);
  return error;
}
