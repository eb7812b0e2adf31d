/** Command line to invocation. */
import { parseArgs } from 'node:util';
import { nearest } from '../../config/problem.ts';
import { type CommandSpec, type Invocation, type OptionSpec, UsageError } from './command.ts';

const HELP: OptionSpec = { name: 'help', short: 'h', help: 'show this help' };
const NO_COLOUR: OptionSpec = { name: 'no-color', help: 'print without colours' };

/** `help`: print the help of a command, or of all (`null`). */
export type Parsed =
  | { readonly kind: 'run'; readonly invocation: Invocation }
  | { readonly kind: 'help'; readonly command: CommandSpec | null };

/**
 * Reads the words after `logcalld`. No words at all mean the command `fallback`.
 * Throws `UsageError` for anything that is not in `commands`.
 */
export function parseCommandLine(words: readonly string[], commands: readonly CommandSpec[], fallback: string): Parsed {
  const [first] = words;
  if (first === undefined) return parseFor(find(commands, [fallback]).command, []);
  if (first === '--help' || first === '-h' || first === 'help') {
    const about = words.slice(1).filter((word) => !word.startsWith('-'));
    return { kind: 'help', command: about.length === 0 ? null : find(commands, about).command };
  }
  const { command, used } = find(commands, words);
  return parseFor(command, words.slice(used));
}

/** All names a command answers to. */
export function namesOf(command: CommandSpec): readonly string[] {
  return [command.name, ...(command.aliases ?? [])];
}

function find(commands: readonly CommandSpec[], words: readonly string[]): { command: CommandSpec; used: number } {
  for (const used of [2, 1]) {
    const name = words.slice(0, used).join(' ');
    const command = words.length >= used ? commands.find((each) => namesOf(each).includes(name)) : undefined;
    if (command === undefined) continue;
    const [word] = words.slice(used);
    refuseWrongVerb(commands, name, word);
    return { command, used };
  }
  const [word = ''] = words;
  if (word.startsWith('-')) throw new UsageError(`${word} is given without a command.`, 'logcalld --help');
  const verbs = commands.filter((each) => each.name.startsWith(`${word} `));
  const guess = verbs[0]?.name ?? nearest(word, commands.flatMap(namesOf));
  throw new UsageError(`There is no command ${word}.`, guess === null ? 'logcalld --help' : `logcalld ${guess}`);
}

/** `calls shwo ID` must not become `calls list` with the argument `shwo`. */
function refuseWrongVerb(commands: readonly CommandSpec[], name: string, word: string | undefined): void {
  if (word === undefined || word.startsWith('-') || name.includes(' ')) return;
  const verbs = commands.flatMap(namesOf).filter((each) => each.startsWith(`${name} `));
  if (verbs.length === 0) return;
  const guess = nearest(
    word,
    verbs.map((each) => each.slice(name.length + 1)),
  );
  throw new UsageError(
    `There is no command ${name} ${word}.`,
    guess === null ? `logcalld ${name} --help` : `logcalld ${name} ${guess}`,
  );
}

function parseFor(command: CommandSpec, words: readonly string[]): Parsed {
  const options = [...(command.options ?? []), NO_COLOUR, HELP];
  const { values, tokens, positionals } = parseArgs({
    args: [...words],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      options.map(({ name, short, value }) => [
        name,
        { type: value === undefined ? 'boolean' : 'string', multiple: true, ...(short === undefined ? {} : { short }) },
      ]),
    ),
  });
  if (values.help !== undefined) return { kind: 'help', command };
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = options.find(({ name }) => name === token.name);
    checkOption(command, option, options, token);
    given.set(token.name, [...(given.get(token.name) ?? []), token.value ?? '']);
  }
  for (const [name, list] of given) {
    const option = options.find((each) => each.name === name);
    if (list.length > 1 && option?.value !== undefined && option.many !== true) {
      throw new UsageError(`--${name} is given ${list.length} times.`, tryHelp(command));
    }
  }
  checkArguments(command, positionals);
  return {
    kind: 'run',
    invocation: {
      command,
      arguments: positionals,
      value: (name) => given.get(name)?.[0] ?? null,
      values: (name) => given.get(name) ?? [],
      flag: (name) => given.has(name),
    },
  };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function checkOption(
  command: CommandSpec,
  option: OptionSpec | undefined,
  all: readonly OptionSpec[],
  token: OptionToken,
): void {
  if (option === undefined) {
    const guess = nearest(
      token.name,
      all.map(({ name }) => name),
    );
    throw new UsageError(
      `logcalld ${command.name} has no option ${token.rawName}.`,
      guess === null ? `logcalld ${command.name} --help` : `logcalld ${command.name} --${guess}`,
    );
  }
  if (option.value === undefined) {
    if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value.`, tryHelp(command));
    return;
  }
  const swallowed = token.inlineValue !== true && token.value?.startsWith('-') === true && token.value !== '-';
  if (token.value === undefined || token.value === '' || swallowed) {
    throw new UsageError(`${token.rawName} needs a value (${option.value}).`, tryHelp(command));
  }
}

function checkArguments(command: CommandSpec, given: readonly string[]): void {
  const wanted = command.arguments ?? '';
  if (wanted === '' && given.length > 0) {
    throw new UsageError(`logcalld ${command.name} takes no argument, but ${given[0]} is given.`, tryHelp(command));
  }
  if (wanted !== '' && !wanted.startsWith('[') && given.length === 0) {
    throw new UsageError(`logcalld ${command.name} needs ${wanted}.`, tryHelp(command));
  }
  if (wanted !== '' && !wanted.includes('...') && given.length > 1) {
    throw new UsageError(
      `logcalld ${command.name} takes one ${wanted}, but ${given.length} are given.`,
      tryHelp(command),
    );
  }
}

function tryHelp(command: CommandSpec): string {
  return `logcalld ${command.name} --help`;
}
