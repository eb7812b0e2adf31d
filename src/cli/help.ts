/** Texts of `logcalld --help`, made from the command table. */
import type { CommandSpec, OptionSpec } from './command.ts';
import { namesOf } from './parse.ts';

/** What the numbers mean that logcalld ends with. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** The program itself has a fault: EX_SOFTWARE of sysexits.h. */
  software: 70,
  /** The config is wrong, or another daemon has the database; systemd does not restart on it. */
  config: 78,
} as const;

/** The same in words. */
export const EXIT_MEANINGS: Readonly<Record<(typeof EXIT)[keyof typeof EXIT], string>> = {
  [EXIT.ok]: 'done',
  [EXIT.failed]: 'failed',
  [EXIT.usage]: 'wrong command line',
  [EXIT.software]: 'a fault of logcalld itself',
  [EXIT.config]: 'wrong config, or a database that cannot be used',
};

/** Help about everything. */
export function helpAll(commands: readonly CommandSpec[], fallback: string): string {
  const rows = commands.map((command): [string, string] => [
    [command.name, command.arguments].filter(Boolean).join(' '),
    command.name === fallback ? `${command.summary} (the default)` : command.summary,
  ]);
  return [
    'logcalld logs every call of an Asterisk or FreeSWITCH PBX to LeadSquared.',
    '',
    'Usage: logcalld COMMAND [OPTIONS]',
    '',
    ...table(rows),
    '',
    '"logcalld COMMAND --help" shows the options of a command.',
    'Colours are for terminals; NO_COLOR=1 in the environment or --no-color leaves them out.',
    'Exit status:',
    ...table(Object.values(EXIT).map((status) => [String(status), EXIT_MEANINGS[status]])),
    '',
  ].join('\n');
}

/** Help about one command. */
export function helpFor(command: CommandSpec): string {
  const others = namesOf(command).slice(1);
  const usage = ['logcalld', command.name, command.options === undefined ? '' : '[OPTIONS]', command.arguments ?? ''];
  return [
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`,
    '',
    `Usage: ${usage.filter(Boolean).join(' ')}`,
    ...(others.length === 0 ? [] : [`Also:  ${others.map((name) => `logcalld ${name}`).join(', ')}`]),
    ...(command.options === undefined ? [] : ['', ...table(command.options.map(optionRow))]),
    ...(command.details === undefined ? [] : ['', command.details]),
    '',
  ].join('\n');
}

function optionRow(option: OptionSpec): [string, string] {
  const short = option.short === undefined ? '    ' : `-${option.short}, `;
  const value = option.value === undefined ? '' : ` ${option.value}`;
  return [`${short}--${option.name}${value}`, option.help];
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
