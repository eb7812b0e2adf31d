/** `logcalld users`: which LeadSquared user each extension belongs to, unmatched first. */
import type { UserLine } from '../../adapters/control/api.ts';
import type { Terminal } from '../cli/cli.ts';
import type { Invocation } from '../cli/command.ts';
import { EXIT } from '../cli/help.ts';
import { nameOf } from '../delivery/parties/extension.ts';
import { ask } from './control.ts';
import { columns, count, cut, print, type Times, tell, timesOf } from './output.ts';
import { configOf } from './shell.ts';

const header = (zone: string) => [
  'EXTENSION',
  'PBX',
  'USER',
  'NAME',
  'NOT POSTED',
  'LOOKED UP',
  `LAST CALL (${zone})`,
  'NOTE',
];

/** What the numbers are, and what they are not. */
const COUNTED = [
  'NOT POSTED: calls that are parked or skipped for want of a user.',
  'LOOKED UP: how often a user was looked for to post a call. Skipped and internal calls are not among them; all calls of one: "logcalld calls --agent EXTENSION".',
];

export async function users(invocation: Invocation, terminal: Terminal): Promise<number> {
  const { lines, count: known, fetchedAt } = await ask(invocation, terminal, 'users', {});
  if (invocation.flag('json')) {
    for (const line of lines) print(terminal, JSON.stringify(line));
    return EXIT.ok;
  }
  const times = timesOf(invocation.flag('utc'));
  const zone = times.zone(fetchedAt ?? Date.now());
  const table = [header(zone), ...lines.map((line) => cells(line, times))];
  if (lines.length > 0) for (const line of columns(table, [4, 5], [], terminal.size?.columns)) print(terminal, line);
  else tell(terminal, 'No extension is in a users file, and none took part in a call yet.');
  const missing = lines.filter(({ match }) => match === 'none').length;
  print(terminal, '');
  if (lines.length > 0) for (const line of COUNTED) print(terminal, line);
  print(
    terminal,
    fetchedAt === null
      ? 'The users of LeadSquared were not fetched yet.'
      : `${count(lines.length, 'extension')}, ${missing} without a user. LeadSquared has ${count(known, 'user')} (fetched ${times.dateTime(fetchedAt)}).`,
  );
  if (missing > 0) print(terminal, `Next: ${nextStep(configOf(invocation).leadsquared.user.file)}`);
  return EXIT.ok;
}

function nextStep(file: string | null): string {
  const write =
    file === null
      ? 'write a users file (see users.example.csv), name it in [leadsquared.user] file'
      : `add them to ${file}, or correct them there`;
  return `${write}, and restart logcalld; for users new in LeadSquared "logcalld reload" is enough. Calls parked for want of them: "logcalld replay --reason no-user".`;
}

function cells(line: UserLine, times: Times): readonly string[] {
  const { extension, source, domain, match, userId, email, name, calls, lastAt, note, held } = line;
  return [
    cut(nameOf({ extension, domain }), 40),
    source ?? 'any',
    match === 'known' ? cut(email ?? userId ?? '-', 40) : '-',
    cut(name ?? '-', 30),
    String(held.parked + held.skipped),
    String(calls),
    lastAt === null ? '-' : times.dateTime(lastAt),
    cut(note, 80),
  ];
}
