/** `logcalld backfill`: what the PBX's own records tell of a time, by hand. */
import type { BackfillAnswer } from '../../../adapters/control/api.ts';
import type { Terminal } from '../../cli/cli.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { parseSpan } from '../../cli/when.ts';
import type { SkippedRecords } from '../../records/port.ts';
import { table } from '../capture/inspect.ts';
import { reachRunning } from '../control.ts';
import { count, cut, dateTime, print, privacy, tell } from '../output.ts';
import { placeOf } from '../place.ts';
import { progress } from '../progress.ts';

export async function backfill(invocation: Invocation, terminal: Terminal): Promise<number> {
  const now = Date.now();
  const source = invocation.value('source');
  const given = invocation.value('since');
  if (source === null || given === null) {
    throw new UsageError('backfill needs --source and --since.', 'logcalld backfill --source pbx --since 2h --dry-run');
  }
  const { since = now, until = now } = parseSpan({ since: given, until: invocation.value('until') }, now);
  const dryRun = invocation.flag('dry-run');
  const json = invocation.flag('json');
  const secrecy = privacy(invocation.flag('numbers'));
  const daemon = await reachRunning(await placeOf(invocation), 'it is what stores the calls');
  const shown = progress(terminal);
  const created = new Set<string>();
  const completed = new Set<string>();
  const erased = new Set<string>();
  const skipped = new Map<string, number>();
  let from = since;
  let keptBy: BackfillAnswer['keptBy'] = null;
  for (let cursor: string | null = null; ; ) {
    const request = { source, since: Math.floor(since), until: Math.floor(until), dryRun };
    const page: BackfillAnswer = await daemon.call('backfill', { ...request, ...(cursor === null ? {} : { cursor }) });
    ({ since: from, keptBy } = page);
    shown.clear();
    for (const [what, records, seen] of [
      ['new', page.created, created],
      ['completed', page.completed, completed],
    ] as const) {
      for (const record of records) {
        if (seen.has(record.callSessionId)) continue;
        seen.add(record.callSessionId);
        if (json) print(terminal, JSON.stringify(secrecy.value({ what, record })));
        else print(terminal, `${what.padEnd(9)}  ${table(record, secrecy)}`);
      }
    }
    for (const id of page.erased) erased.add(id);
    for (const { count: some, why } of page.skipped as readonly SkippedRecords[]) {
      skipped.set(why, (skipped.get(why) ?? 0) + some);
    }
    shown.at(0, `${page.place}: read up to ${dateTime(page.upTo)} ...`);
    if (page.cursor === null || terminal.gone === true) break;
    cursor = page.cursor;
  }
  shown.clear();
  for (const [why, some] of skipped) tell(terminal, `${count(some, 'record')} left out: ${cut(why, 200)}`);
  if (erased.size > 0) tell(terminal, `${count(erased.size, 'call')} left out, as the number was erased.`);
  if (from > since) {
    const what =
      keptBy === 'calls'
        ? `Calls that ended before ${dateTime(from)} are kept no longer ([storage] retention.calls)`
        : `What was heard before ${dateTime(from)} is kept no longer ([storage] retention.journal)`;
    tell(terminal, `${what}, so nothing before was filled.`);
  }
  const done = `${count(created.size, 'call')} that nobody heard, ${completed.size} completed.`;
  tell(terminal, dryRun ? `${done} Nothing was stored: leave --dry-run out to store them.` : done);
  return EXIT.ok;
}
