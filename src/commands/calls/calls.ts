/** `logcalld calls list`. */
import type { CallsAnswer } from '../../../adapters/control/api.ts';
import type { CallRow } from '../../../adapters/sqlite/sessions/list.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { asking } from '../control.ts';
import { columns, cut, dateTime, external, type Privacy, print, privacy, tell } from '../output.ts';
import { progress } from '../progress.ts';
import { refuseUnknownSource } from '../records/sources.ts';
import { directionOf, selectionOf, wholeNumber } from './selection.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000_000;
/** Calls in one request. */
const PAGE = 100;
const HEADER = ['TIME', 'DIRECTION', 'STATUS', 'NUMBER', 'AGENT', 'SEC', 'DELIVERY', 'CALL', 'REASON'];
const RIGHT = [5];
const REASON_WIDTH = 110;

export async function callsList(invocation: Invocation, terminal: Terminal): Promise<number> {
  const given = invocation.value('limit');
  const limit = given === null ? DEFAULT_LIMIT : wholeNumber('--limit', given, MAX_LIMIT);
  const direction = invocation.value('direction');
  const query = {
    ...selectionOf(invocation, Date.now()),
    ...(direction === null ? {} : { direction: directionOf(direction) }),
  };
  const secrecy = privacy(invocation.flag('numbers'));
  const show = invocation.flag('json') ? asJson(terminal, secrecy) : asTable(terminal, secrecy);
  return asking(invocation, terminal, async (asker) => {
    const shown = progress(terminal);
    let left = limit;
    for (let cursor: string | null = null; ; ) {
      // One more than is shown tells whether there are more.
      const page: CallsAnswer = await asker.call('calls', {
        ...query,
        limit: Math.min(left + 1, PAGE),
        ...(cursor === null ? {} : { cursor }),
      });
      shown.clear();
      const rows = page.rows.slice(0, left);
      if (rows.length > 0) show(rows);
      left -= rows.length;
      const more = page.rows.length > rows.length;
      if (more) tell(terminal, `Only the newest ${limit} are shown; --limit shows more.`);
      if (more || page.cursor === null || terminal.gone === true) break;
      cursor = page.cursor;
      if (rows.length === 0) shown.at(0, 'Still looking ...');
    }
    if (left === limit) {
      await refuseUnknownSource(invocation);
      tell(terminal, 'No calls.');
    }
    return EXIT.ok;
  });
}

const asJson = (terminal: Terminal, secrecy: Privacy) => (rows: readonly CallRow[]) => {
  for (const row of rows) print(terminal, JSON.stringify(secrecy.value(row)));
};

/** Page by page: a column grows where a later page needs more room. */
function asTable(terminal: Terminal, secrecy: Privacy): (rows: readonly CallRow[]) => void {
  const widths: number[] = [];
  let header: readonly string[][] = [[...HEADER]];
  return (rows) => {
    const page = [...header, ...rows.map((row) => cells(row, secrecy))];
    header = [];
    for (const line of columns(page, RIGHT, widths)) print(terminal, line);
  };
}

function cells({ record, state, code, reason }: CallRow, secrecy: Privacy): string[] {
  return [
    dateTime(record.startedAt),
    record.direction.toLowerCase(),
    record.status,
    external(record, secrecy),
    record.agent ?? '-',
    String(record.durationSeconds),
    state ?? '-',
    record.callSessionId,
    cut(secrecy.text([code, reason].filter(Boolean).join(': ')), REASON_WIDTH),
  ];
}
