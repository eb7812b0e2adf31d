/**
 * What a start must still know of calls that are over: the PBX tells the names of their recordings, or the end of a leg once more,
 * some time after them. What was said lately is folded again, apart from the live calls, and tells which channel belonged to which
 * call; the record of a call is the one that is stored, whatever the present rules would make of it.
 */
import { type CallRules, CallTable } from './call/correlate.ts';
import type { SourcePlan } from './call/plan.ts';
import type { Journal } from './ports.ts';

/** So far back, ms, and so many bytes of what each PBX said: a PBX tells late facts within minutes. */
const WITHIN_MS = 15 * 60_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** Makes `table` remember the calls of its source that were finished lately. `now`: ms since the epoch. */
export async function rememberLately(
  journal: Pick<Journal, 'recentEvents' | 'storedCalls'>,
  table: CallTable,
  { plan, rules, now }: { readonly plan: SourcePlan; readonly rules: CallRules; readonly now: number },
): Promise<void> {
  // What cannot be taken in or judged was told when it came.
  const past = new CallTable(table.source, plan, rules, () => {});
  for await (const events of journal.recentEvents(table.source, { since: now - WITHIN_MS, maxBytes: MAX_BYTES })) {
    for (const event of events) past.apply(event);
  }
  past.advance(now);
  table.remember(past, await journal.storedCalls(past.reported()));
}
