/** `logcalld gaps`: when the PBXs were not heard, and what became of the calls of that time. */
import type { CallRow } from '../../../adapters/sqlite/sessions/list.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { parseSpan } from '../../cli/when.ts';
import { type Gap, settledHow } from '../../records/gaps.ts';
import { goingOn, settlement } from '../../records/text.ts';
import { wholeNumber } from '../calls/selection.ts';
import { ask } from '../control.ts';
import { columns, cut, external, type Privacy, print, privacy, type Times, tell, timesOf } from '../output.ts';
import { lasted } from './gap-line.ts';
import { refuseUnknownSource } from './sources.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 499;
const REASON_WIDTH = 140;

export async function gaps(invocation: Invocation, terminal: Terminal): Promise<number> {
  const now = Date.now();
  const utc = invocation.flag('utc');
  const times = timesOf(utc);
  const span = { since: invocation.value('since'), until: invocation.value('until') };
  const limit = invocation.value('limit');
  const shown = limit === null ? DEFAULT_LIMIT : wholeNumber('--limit', limit, MAX_LIMIT);
  const query = {
    ...{ source: invocation.value('source') ?? undefined, ...parseSpan(span, now, utc) },
    limit: shown + 1,
    calls: invocation.flag('calls'),
  };
  const secrecy = privacy(invocation.flag('numbers'));
  const { gaps: answer } = await ask(invocation, terminal, 'gaps', query);
  if (answer.length === 0) await refuseUnknownSource(invocation);
  // One more than is shown tells whether there are more.
  const found = answer.slice(0, shown);
  if (invocation.flag('json')) for (const gap of found) print(terminal, JSON.stringify(secrecy.value(gap)));
  else if (found.length === 0) tell(terminal, 'No gaps.');
  else {
    print(terminal, `Times are ${times.zone(found[0]?.beganAt ?? now)}.`);
    for (const gap of found) for (const line of paragraph(gap, now, secrecy, times)) print(terminal, line);
  }
  if (answer.length > shown) tell(terminal, `Only the latest ${shown} are shown; --limit shows more.`);
  return EXIT.ok;
}

/** A gap takes some lines: its reason is a sentence. */
function paragraph(
  gap: Gap & { readonly calls?: readonly CallRow[] },
  now: number,
  secrecy: Privacy,
  times: Times,
): readonly string[] {
  const calls = (gap.calls ?? []).map((call) => callCells(call, secrecy, times));
  return [
    `${times.dateTime(gap.beganAt)}  ${gap.source} not heard for ${lasted(gap, now)}; ${goingOn(gap)}; ${settlement(gap)}`,
    `    ${cut(secrecy.text(gap.reason), REASON_WIDTH)}`,
    ...columns(calls),
  ];
}

function callCells({ record, state }: CallRow, secrecy: Privacy, times: Times): readonly string[] {
  return [
    `    ${times.dateTime(record.startedAt)}`,
    `${record.direction} ${record.status}`,
    external(record, secrecy),
    `agent ${record.agent ?? '-'}`,
    state ?? '-',
    settledHow(record),
    record.callSessionId,
  ];
}
