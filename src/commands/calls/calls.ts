/** `logcalld calls list` and `calls show`. */
import { MAX_ITEMS } from '../../../adapters/control/api.ts';
import type { CallRow } from '../../../adapters/sqlite/sessions/calls.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { ask } from '../control.ts';
import { columns, cut, dateTime, external, type Privacy, print, privacy, tell } from '../output.ts';
import { configOf } from '../shell.ts';
import { directionOf, selectionOf, wholeNumber } from './selection.ts';
import { showCall } from './show.ts';

const DEFAULT_LIMIT = 50;
const HEADER = ['TIME', 'DIRECTION', 'STATUS', 'NUMBER', 'AGENT', 'SEC', 'DELIVERY', 'CALL', 'REASON'];
const RIGHT = [5];
const REASON_WIDTH = 110;

export async function callsList(invocation: Invocation, terminal: Terminal): Promise<number> {
  const given = invocation.value('limit');
  const limit = given === null ? DEFAULT_LIMIT : wholeNumber('--limit', given, MAX_ITEMS - 1);
  const direction = invocation.value('direction');
  const query = {
    ...selectionOf(invocation, Date.now()),
    ...(direction === null ? {} : { direction: directionOf(direction) }),
    limit: limit + 1,
  };
  const rows = await ask(configOf(invocation), terminal, 'calls', query);
  const secrecy = privacy(invocation.flag('numbers'));
  const shown = rows.slice(0, limit);
  if (invocation.flag('json')) for (const row of shown) print(terminal, JSON.stringify(secrecy.value(row)));
  else if (shown.length > 0) for (const line of table(shown, secrecy)) print(terminal, line);
  else tell(terminal, 'No calls.');
  if (rows.length > limit) tell(terminal, `Only the newest ${limit} are shown; --limit shows more.`);
  return EXIT.ok;
}

export function table(rows: readonly CallRow[], secrecy: Privacy): readonly string[] {
  return columns([HEADER, ...rows.map((row) => cells(row, secrecy))], RIGHT);
}

function cells({ record, state, reason }: CallRow, secrecy: Privacy): readonly string[] {
  return [
    dateTime(record.startedAt),
    record.direction.toLowerCase(),
    record.status,
    external(record, secrecy),
    record.agent ?? '-',
    String(record.durationSeconds),
    state ?? '-',
    record.callSessionId,
    cut(secrecy.text(reason ?? ''), REASON_WIDTH),
  ];
}

export async function callsShow(invocation: Invocation, terminal: Terminal): Promise<number> {
  const [id = ''] = invocation.arguments;
  const config = configOf(invocation);
  const details = await ask(config, terminal, 'call', { id });
  const secrecy = privacy(invocation.flag('numbers'));
  if (invocation.flag('json')) print(terminal, JSON.stringify(secrecy.value(details)));
  else for (const line of showCall(config, details, secrecy, invocation.flag('body'))) print(terminal, line);
  return EXIT.ok;
}
