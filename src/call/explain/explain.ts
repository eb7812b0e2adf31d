/** Calls explained from what a PBX said of them: the fold of the daemon, with an ear for each judgement. */
import type { CallEvent } from '../../telephony/call-event.ts';
import { type CallRules, CallTable } from '../correlate.ts';
import type { SourcePlan } from '../plan.ts';
import { type Account, accountOf, accountOfRecord } from './account.ts';

export interface Explained extends Account {
  /** True for a call that was not over with the last event: what is told of it may change. */
  readonly goingOn: boolean;
}

/**
 * The calls that these events make, in order of their judgements; a call that was judged again (its recording came late) is told as it
 * was last. `until`: the end of what is known, ms since the epoch, by the clock of arrival; calls that are not over by then are told
 * as they stand; `unconfirmed`: what is thought of those that were open when the link was lost. Throws nothing: an event that cannot be folded in is left out, as in the daemon.
 */
export function explainCalls(
  events: Iterable<CallEvent>,
  source: string,
  plan: SourcePlan,
  rules: CallRules,
  until: number,
  unconfirmed: 'go on' | 'ended' = 'go on',
): Explained[] {
  const found = new Map<string, Explained>();
  let goingOn = false;
  const table = new CallTable(
    source,
    plan,
    rules,
    () => {},
    () => {},
    (of, judged) => {
      const account = accountOf(of, judged);
      found.set(account.record.callSessionId, { ...account, goingOn });
    },
  );
  for (const event of events) keep(found, table.apply(event).ended);
  keep(found, table.advance(until).ended);
  if (unconfirmed === 'ended') keep(found, table.endUnconfirmed());
  goingOn = true;
  table.live(until);
  return [...found.values()];
}

/** What was added late (a recording), or follows from a call that was explained (what is left behind), has no judgement of its own. */
function keep(found: Map<string, Explained>, ended: readonly Explained['record'][]): void {
  for (const record of ended) {
    const known = found.get(record.callSessionId);
    const account = known ?? { ...accountOfRecord(record), goingOn: false };
    found.set(record.callSessionId, { ...account, record });
  }
}
