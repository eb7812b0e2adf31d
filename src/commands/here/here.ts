/**
 * How this program is started here: as the service that is installed, or by hand with a config of its own, as in a trial. What texts tell
 * to type fits that: the core and the adapters, a daemon in another process as well, write `logcalld WORDS`, since they know no place;
 * whoever prints puts in what this installation needs. A trial that was told them as they stand would ask the installed service.
 */
import { UNIT, unitFor } from '../../../adapters/host/service/unit.ts';
import type { Terminal } from '../../cli/cli.ts';
import { type CommandSpec, type Invocation, UsageError } from '../../cli/command.ts';
import { COMMANDS, DEFAULT_CONFIG } from '../../cli/commands.ts';
import { namesOf } from '../../cli/parse.ts';
import { visible } from '../../telephony/visible.ts';
import { programName } from '../output.ts';

/** What is told to type, as it fits the place. */
export interface Here {
  /** Whether the installed unit runs with this config. */
  readonly service: boolean;
  /** Whether the config is one of its own, which no service would have: a trial. */
  readonly trial: boolean;
  /** A command of this program with this config, e.g. `sudo logcalld doctor`. */
  command(words: string): string;
  readonly start: string;
  /** As a part of a sentence. */
  readonly stop: string;
  /** After a change of the config or of a file that it names. */
  readonly restart: string;
  /** Where one that ended says why, as the end of a sentence. */
  readonly why: string;
  edit(file: string): string;
}

/** The config of a command. */
export const fileOf = (invocation: Invocation): string => invocation.value('config') ?? DEFAULT_CONFIG;

const SERVICE = UNIT.replace('.service', '');

/** `config`: its file, as the user names it. */
export function hereOf(config: string, env: Readonly<Record<string, string | undefined>> = process.env): Here {
  const program = programName();
  if (unitFor(config, env) !== null) {
    return {
      service: true,
      trial: false,
      command: (words) => `sudo ${program} ${words}`,
      start: `sudo systemctl start ${SERVICE}`,
      stop: `"sudo systemctl stop ${SERVICE}"`,
      restart: `sudo systemctl restart ${SERVICE}`,
      why: `look why it ended with "sudo journalctl -u ${SERVICE} -n 50"`,
      edit: (file) => `sudoedit ${file}`,
    };
  }
  const own = config === DEFAULT_CONFIG ? '' : ` --config ${/^[\w@%+=:,./-]+$/.test(config) ? config : `'${config}'`}`;
  const command = (words: string): string => `${program} ${words}${own}`;
  return {
    service: false,
    trial: own !== '',
    command,
    start: command('run'),
    stop: 'Ctrl-C in its terminal',
    restart: `${command('run')}    # after Ctrl-C where it runs`,
    why: 'see why it ended where it ran',
    edit: (file) => `nano ${file}`,
  };
}

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
