/** The calls that records tell of, folded and judged by the rules of all calls. */
import type { CallEvent, CallEventKind } from '../../telephony/call-event.ts';
import { type CallRules, CallTable } from '../correlate.ts';
import type { OnFault } from '../live/ending.ts';
import type { SourcePlan } from '../plan.ts';
import type { CallRecord } from '../record.ts';

/** A call as the CDR knows it, with the ids under which events would have named it. */
export interface CdrCall {
  readonly record: CallRecord;
  readonly ids: ReadonlySet<string>;
}

/** The calls that call detail records tell of. `onFault`: as of `CallTable`. */
export function callsOfCdr(
  events: readonly CallEvent[],
  source: string,
  plan: SourcePlan,
  rules: CallRules,
  onFault?: OnFault,
): CdrCall[] {
  const table = new CallTable(source, plan, rules, onFault);
  const ids = new Map<string, Set<string>>();
  const inOrder = [...events].sort(byTime).map(receivedAtOnce);
  for (const event of inOrder) {
    table.apply(event);
    if (event.kind !== 'channel-created') continue;
    const { linkedId } = event.facts;
    const own = (ids.get(linkedId) ?? new Set([linkedId])).add(event.channel);
    // A call is named by its linked id, or by a channel of it.
    for (const id of [linkedId, event.channel]) ids.set(id, own);
  }
  // Calls of which a channel goes on are not over, and not known wholly.
  const { ended } = table.advance(rules.graceMs + rules.externalGoneMs);
  return ended.map((record) => {
    const id = record.callSessionId.slice(source.length + 1);
    return { record, ids: ids.get(id) ?? new Set([id]) };
  });
}

/** All records are known at one moment, 0 on the clock of arrival: none may end a call before the others are in. */
function receivedAtOnce(event: CallEvent): CallEvent {
  return { ...event, receivedAt: 0 };
}

/**
 * What must be known of a channel before the rest at the same moment, and what ends it. The channel that began a call is first; the
 * first of another run of the PBX comes after the end of all that were there before.
 */
const RANK: Readonly<Partial<Record<CallEventKind, number>>> = {
  'source-connected': -2,
  'channel-created': 0,
  wired: 1,
  linked: 1,
  'dial-started': 2,
  'bridge-left': 4,
  'hangup-requested': 5,
  cleared: 6,
  vanished: 7,
};

function byTime(a: CallEvent, b: CallEvent): number {
  return a.at - b.at || rankOf(a) - rankOf(b);
}

function rankOf(event: CallEvent): number {
  const first = event.kind === 'channel-created' && event.facts.linkedId === event.channel;
  return first ? -1 : (RANK[event.kind] ?? 3);
}
