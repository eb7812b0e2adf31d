/** `logcalld calls list`. */
import type { CallsAnswer, ListedCall, RequestOf } from '../../../adapters/control/api.ts';
import type { Terminal } from '../../cli/cli.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { asking } from '../control.ts';
import { type Privacy, print, privacy, tell, timesOf } from '../output.ts';
import { progress } from '../progress.ts';
import { refuseUnknownSource } from '../records/sources.ts';
import { callTable } from './rows.ts';
import { callsWanted, wholeNumber } from './selection.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000_000;
/** Calls in one request. */
const PAGE = 100;
/** Of the objects that `--json` prints: grows by one when a field goes or changes its meaning. README.md has the table. */
export const CONTRACT = 1;

/** Shows calls below those shown before. */
export type Show = (rows: readonly ListedCall[]) => void;

export async function callsList(invocation: Invocation, terminal: Terminal): Promise<number> {
  const given = invocation.value('limit');
  const limit = given === null ? DEFAULT_LIMIT : wholeNumber('--limit', given, MAX_LIMIT);
  const order = invocation.flag('arrival') ? ('arrival' as const) : undefined;
  const query = { ...callsWanted(invocation, Date.now()), order };
  const secrecy = privacy(invocation.flag('numbers'));
  const times = timesOf(invocation.flag('utc'));
  const show = invocation.flag('json') ? asJson(terminal, secrecy) : callTable(terminal, secrecy, times);
  const cursor = invocation.value('cursor');
  if (invocation.flag('watch')) {
    if (cursor !== null || query.until !== undefined || query.during !== undefined)
      throw new UsageError('--watch shows what comes from now on.', 'logcalld calls --watch, without a time or place');
    return (await import('./watch.ts')).watch(invocation, terminal, query, Math.min(limit, PAGE), show);
  }
  return asking(invocation, terminal, async (asker) => {
    const found = await pages(terminal, limit, { from: cursor, order }, show, (page) =>
      asker.call('calls', { ...query, ...page }),
    );
    if (found === 0) {
      await refuseUnknownSource(invocation);
      tell(terminal, cursor === null ? 'No calls.' : 'No more calls.');
    }
    return EXIT.ok;
  });
}

/** Shows up to `limit` calls; answers how many there were. */
async function pages(
  terminal: Terminal,
  limit: number,
  { from, order }: { readonly from: string | null; readonly order: 'arrival' | undefined },
  show: Show,
  ask: (page: Pick<RequestOf<'calls'>, 'limit' | 'cursor'>) => Promise<CallsAnswer>,
): Promise<number> {
  const shown = progress(terminal);
  let left = limit;
  for (let cursor = from, first = true; ; first = false) {
    // One more than is shown tells whether there are more.
    const page = await ask({ limit: Math.min(left + 1, PAGE), ...(cursor === null ? {} : { cursor }) });
    shown.clear();
    if (first && page.meant.length > 0) tell(terminal, `Calls of ${page.meant.join(', ')}:`);
    const rows = page.rows.slice(0, left);
    if (rows.length > 0) show(rows);
    left -= rows.length;
    const more = page.rows.length > rows.length;
    if (more)
      tell(terminal, `Only the ${order === 'arrival' ? 'first' : 'newest'} ${limit} are shown; --limit shows more.`);
    if (more || !page.more || terminal.gone === true) return limit - left;
    cursor = page.cursor;
    if (rows.length === 0) shown.at(0, 'Still looking ...');
  }
}

const asJson =
  (terminal: Terminal, secrecy: Privacy): Show =>
  (rows) => {
    for (const row of rows) print(terminal, JSON.stringify({ contract: CONTRACT, ...Object(secrecy.value(row)) }));
  };
