/** Completion of command lines for bash and zsh, from the command table. */
import type { CommandSpec, OptionSpec } from '../../../src/cli/command.ts';
import { namesOf } from '../../../src/cli/parse.ts';

const MADE = '# Made by "npm run manual" from the command table: change that.';

const flags = ({ name, short }: OptionSpec): readonly string[] => [
  `--${name}`,
  ...(short === undefined ? [] : [`-${short}`]),
];

/** A command takes files where its arguments say so. */
const takesFiles = (command: CommandSpec): boolean => command.arguments?.includes('FILE') === true;

interface Facts {
  /** First words of command lines. */
  readonly first: readonly string[];
  /** Second words, by the first. */
  readonly second: ReadonlyMap<string, readonly string[]>;
  /** Options that are followed by a value, and those of them that name a file. */
  readonly valued: readonly string[];
  readonly files: readonly string[];
}

function factsOf(commands: readonly CommandSpec[]): Facts {
  const names = commands.flatMap(namesOf);
  const second = new Map<string, string[]>();
  for (const name of names) {
    const [one = '', two] = name.split(' ');
    if (two !== undefined) second.set(one, [...(second.get(one) ?? []), two]);
  }
  const options = commands.flatMap((command) => command.options ?? []);
  const distinct = (some: readonly OptionSpec[]): readonly string[] => [...new Set(some.flatMap(flags))];
  return {
    first: [...new Set(names.map((name) => name.split(' ')[0] ?? ''))],
    second,
    valued: distinct(options.filter(({ value }) => value !== undefined)),
    files: distinct(options.filter(({ value }) => value === 'FILE')),
  };
}

/** For bash; without the package bash-completion as well. */
export function bashCompletion(commands: readonly CommandSpec[]): string {
  const { first, second, valued, files } = factsOf(commands);
  const branches = commands.map((command) => {
    const patterns = namesOf(command).map((name) => `"${name}"`);
    const words = (command.options ?? []).flatMap((option) => flags(option).slice(0, 1));
    return `    ${patterns.join(' | ')}) words='${[...words, '--help'].join(' ')}'${takesFiles(command) ? ' files=yes' : ''} ;;`;
  });
  const seconds = [...second].map(([one, words]) => `    ${one}) second='${words.join(' ')}' ;;`);
  return `${MADE}
_logcalld() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} word words='' second='' files='' skip='' plain=()
  COMPREPLY=()
  case $previous in
    ${files.join(' | ')})
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    ${valued.filter((one) => !files.includes(one)).join(' | ')}) return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [ -n "$skip" ]; then skip=''; continue; fi
    case $word in
      ${valued.join(' | ')}) skip=yes ;;
      -*) ;;
      *) plain+=("$word") ;;
    esac
  done
  if [ \${#plain[@]} = 0 ]; then
    mapfile -t COMPREPLY < <(compgen -W '${[...first, 'help', '--help'].join(' ')}' -- "$current")
    return
  fi
  case \${plain[0]} in
${seconds.join('\n')}
  esac
  [ \${#plain[@]} = 1 ] || { case " $second " in *" \${plain[1]} "*) plain[0]+=" \${plain[1]}" second='' ;; esac; }
  case \${plain[0]} in
${branches.join('\n')}
    *) words='--help' ;;
  esac
  case $current in
    -*) second='' files='' ;;
    *) words='' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$second $words" -- "$current")
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _logcalld logcalld
`;
}

/** A word and what it is, for _describe. */
const described = (word: string, meaning: string): string =>
  `'${word.replaceAll(':', '\\:')}:${meaning.replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`;

export function zshCompletion(commands: readonly CommandSpec[]): string {
  const { first, second, valued, files } = factsOf(commands);
  const summaryOf = (name: string): string =>
    commands.find((command) => namesOf(command).includes(name))?.summary ??
    commands.find((command) => command.name.startsWith(`${name} `))?.summary ??
    '';
  const branches = commands.map((command) => {
    const words = (command.options ?? []).map((option) => described(`--${option.name}`, option.help));
    const all = [...words, described('--help', 'show the options')].join(' ');
    return `  (${namesOf(command)
      .map((name) => name.replaceAll(' ', '\\ '))
      .join('|')}) options=(${all})${takesFiles(command) ? ' files=yes' : ''} ;;`;
  });
  const seconds = [...second].map(
    ([one, words]) =>
      `  (${one}) second=(${words.map((two) => described(two, summaryOf(`${one} ${two}`))).join(' ')}) ;;`,
  );
  return `#compdef logcalld
${MADE}
local -a plain options second commands
local word skip files
case \${words[CURRENT-1]} in
  (${files.join('|')}) _files; return ;;
  (${valued.filter((one) => !files.includes(one)).join('|')}) return 1 ;;
esac
for word in "\${(@)words[2,CURRENT-1]}"; do
  if [[ -n $skip ]]; then skip=; continue; fi
  case $word in
    (${valued.join('|')}) skip=yes ;;
    (-*) ;;
    (*) plain+=("$word") ;;
  esac
done
if (( \${#plain} == 0 )); then
  commands=(${[...first, 'help'].map((name) => described(name, name === 'help' ? 'show how a command is used' : summaryOf(name))).join(' ')})
  _describe command commands
  return
fi
case \${plain[1]} in
${seconds.join('\n')}
esac
if (( \${#plain} > 1 )) && (( \${second[(I)\${plain[2]}:*]} )); then
  plain[1]+=" \${plain[2]}"
  second=()
fi
case \${plain[1]} in
${branches.join('\n')}
esac
if [[ \${words[CURRENT]} == -* ]]; then
  _describe option options
else
  (( \${#second} )) && _describe command second
  [[ -n $files ]] && _files
fi
`;
}
