/** `logcalld(8)`, from the command table. */
import type { CommandSpec, OptionSpec } from '../../../src/cli/command.ts';
import { EXIT, EXIT_MEANINGS } from '../../../src/cli/help.ts';
import { namesOf } from '../../../src/cli/parse.ts';
import { bold, item, macro, page, plain } from './roff.ts';

/** Places of an installation. */
const FILES: readonly (readonly [path: string, holds: string])[] = [
  ['/etc/logcalld/logcalld.toml', 'The config, see logcalld.toml(5).'],
  ['/etc/logcalld/credentials', 'The secrets, one file each, for root alone.'],
  ['/var/lib/logcalld', 'The database with the calls, and its backups.'],
  ['/run/logcalld/control.sock', 'Where the commands ask the daemon. Members of the group logcalld may.'],
  ['/usr/share/doc/logcalld/README.service.md', 'How it is installed, upgraded and looked after.'],
];

export function commandsPage(commands: readonly CommandSpec[]): string {
  return page('logcalld', 8, 'System Administration', [
    '.SH NAME',
    'logcalld \\- logs every call of an Asterisk or FreeSWITCH PBX to LeadSquared',
    '.SH SYNOPSIS',
    `${bold('logcalld')} \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]`,
    '.SH DESCRIPTION',
    'A daemon beside the PBX. It listens to its call events, ties all legs of a call into one session, keeps it in',
    'a database and posts it to LeadSquared once.',
    'systemd runs it as',
    `${bold('logcalld.service')};`,
    'the other commands ask it, or look into its database.',
    '.SH COMMANDS',
    ...commands.flatMap(section),
    '.SH EXIT STATUS',
    ...Object.values(EXIT).flatMap((status) => item(bold(String(status)), `${plain(EXIT_MEANINGS[status])}.`)),
    '.SH FILES',
    ...FILES.flatMap(([path, holds]) => item(`\\fI${plain(path)}\\fR`, plain(holds))),
    '.SH SEE ALSO',
    `${bold('logcalld.toml')}(5), ${bold('journalctl')}(1), ${bold('systemctl')}(1)`,
  ]);
}

function section(command: CommandSpec): readonly string[] {
  const others = namesOf(command).slice(1);
  const summary = `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`;
  return [
    macro('SS', ['logcalld', command.name, command.arguments].filter(Boolean).join(' ')),
    plain(summary),
    ...(command.details === undefined ? [] : command.details.split('\n').map(plain)),
    ...(others.length === 0 ? [] : ['.br', `Also: ${others.map((name) => bold(`logcalld ${name}`)).join(', ')}.`]),
    ...(command.options ?? []).flatMap(option),
  ];
}

function option(spec: OptionSpec): readonly string[] {
  const names = [spec.short === undefined ? null : `-${spec.short}`, `--${spec.name}`].flatMap((one) => one ?? []);
  const value = spec.value === undefined ? '' : ` \\fI${plain(spec.value)}\\fR`;
  return item(`${names.map(bold).join(', ')}${value}`, plain(spec.help));
}
