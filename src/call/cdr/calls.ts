/** The calls that records tell of, folded and judged by the rules of all calls. */
import type { CallEvent, CallEventKind } from '../../telephony/call-event.ts';
import { type CallRules, CallTable, type FoldResult } from '../correlate.ts';
import type { OnFault } from '../live/ending.ts';
import type { Call } from '../live/state.ts';
import type { SourcePlan } from '../plan.ts';
import type { CallRecord } from '../record.ts';

/** A call as the CDR knows it. */
export interface CdrCall {
  readonly record: CallRecord;
  /** The ids under which events would have named it. */
  readonly ids: ReadonlySet<string>;
  /** The channels of which the records tell; its linked id may name another. */
  readonly channels: ReadonlySet<string>;
}

/** The calls that call detail records tell of. `onFault`: as of `CallTable`. */
export function callsOfCdr(
  events: readonly CallEvent[],
  source: string,
  plan: SourcePlan,
  rules: CallRules,
  onFault?: OnFault,
): CdrCall[] {
  const idOf = (record: CallRecord): string => record.callSessionId.slice(source.length + 1);
  const own = new Map<string, Pick<CdrCall, 'ids' | 'channels'>>();
  const table = new CallTable(source, plan, rules, onFault, undefined, ({ call }, { record }) => {
    own.set(idOf(record), ownIn(call));
  });
  const told = new Map<string, CallRecord>();
  const take = ({ ended }: FoldResult): void => {
    for (const record of ended) told.set(record.callSessionId, record);
  };
  const linked = new Map<string, Set<string>>();
  const unnamed = new Set<string>();
  const inOrder = [...events].sort(byTime).map(receivedAtOnce);
  for (const event of inOrder) {
    take(table.apply(event));
    if (event.kind !== 'channel-created') continue;
    const { linkedId } = event.facts;
    const all = (linked.get(linkedId) ?? new Set([linkedId])).add(event.channel);
    // A call is named by its linked id, or by a channel of it.
    for (const id of [linkedId, event.channel]) linked.set(id, all);
    if (event.facts.unnamed === true) unnamed.add(event.channel);
  }
  // Calls of which a channel goes on are not over, and not known wholly.
  take(table.advance(rules.graceMs + rules.externalGoneMs));
  return [...told.values()].map((record) => {
    const id = idOf(record);
    const alone = new Set([id]);
    const { ids, channels } = own.get(id) ?? { ids: alone, channels: alone };
    // Whether it was heard is asked by its ids; what has none of its own is told by those of all that has its linked id.
    const nameless = [...channels].some((channel) => unnamed.has(channel));
    return { record, channels, ids: nameless ? ids.union(linked.get(id) ?? ids) : ids };
  });
}

/** Its channels, without those of a call before it on the same line, which has the linked id. */
function ownIn({ key, otherKeys, channels: all }: Call): Pick<CdrCall, 'ids' | 'channels'> {
  const fresh = [...all].filter((channel) => !channel.carriedOver);
  const channels = new Set(fresh.flatMap(({ id, aliases }) => [id, ...aliases]));
  return { channels, ids: fresh.length < all.size ? channels : new Set([key, ...otherKeys, ...channels]) };
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
