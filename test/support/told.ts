/** Short ways to tell the events of a call, and the calls that follow from them. Times: ms from one fixed moment. */
import { parseConfig } from '../../config/load.ts';
import { type CallRules, CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { SourcePlan } from '../../src/call/plan.ts';
import type { CallRecord, Reasons } from '../../src/call/record.ts';
import { planOf } from '../../src/daemon/settings.ts';
import type { CallEvent, ChannelFacts, Clearing, DialResult } from '../../src/telephony/call-event.ts';
import { facts } from './facts.ts';

export const START = Date.parse('2026-11-22T10:00:00Z');

export type Told = CallEvent extends infer E
  ? E extends CallEvent
    ? Omit<E, 'source' | 'at' | 'receivedAt'>
    : never
  : never;

/** Any event. */
export function on(ms: number, told: Told): CallEvent {
  return { ...told, source: 'pbx', at: START + ms, receivedAt: START + ms } as CallEvent;
}

/** A plan by a config; `settings`: lines of the source, nothing is said about endpoints where none is. */
export function planWith(settings = '', country = 'IN', type = 'asterisk'): SourcePlan {
  const user = type === 'asterisk' ? "username = 'logcalld'" : '';
  const crm = "[leadsquared]\nhost = 'api-in21.leadsquared.com'\n";
  const text = `[[source]]\ntype = '${type}'\nname = 'pbx'\n${user}\ncountry = '${country}'\n${settings}\n${crm}`;
  const [source] = parseConfig(text, '/etc/logcalld/logcalld.toml').source;
  if (source === undefined) throw new Error('the config has no source');
  return planOf(source);
}

const plain = planWith();

/** A customer, or a phone named by digits, calls in: `c` is its channel and its call. A phone shows its extension. */
export function calls(ms: number, channel: string, endpoint: string, more: Partial<ChannelFacts> = {}): CallEvent[] {
  const own = /\/(\d+)$/.exec(endpoint)?.[1];
  const caller = own === undefined ? {} : { caller: { number: own, name: null } };
  return [on(ms, { kind: 'channel-created', channel, facts: facts(endpoint, channel, { ...caller, ...more }) })];
}

interface Dialled extends Partial<ChannelFacts> {
  /** What was sent to it; the PBX may tell only the name of the endpoint. */
  readonly number?: string | null;
  readonly presented?: string | null;
  /** Where in the dialplan the dialling channel was. */
  readonly from?: { readonly context: string | null; readonly exten: string | null };
}

/** The PBX calls an endpoint for the channel `by`, which is of the call of the same name unless `linkedId` says another. */
export function rings(
  ms: number,
  channel: string,
  endpoint: string,
  by: string | null,
  more: Dialled = {},
): CallEvent[] {
  const { number = null, presented = null, from, ...rest } = more;
  const called = { initiator: 'pbx', dialled: null, caller: { number: null, name: null } } as const;
  const linkedId = rest.linkedId ?? by ?? channel;
  return [
    on(ms, { kind: 'channel-created', channel, facts: facts(endpoint, linkedId, { ...called, ...rest }) }),
    on(ms, { kind: 'dial-started', channel, by, number, presented, ...(from === undefined ? {} : { from }) }),
  ];
}

export function answers(ms: number, ...channels: readonly string[]): CallEvent[] {
  return channels.map((channel) => on(ms, { kind: 'answered', channel }));
}

/** They answer and are connected in a bridge of their own. */
export function talk(ms: number, ...channels: readonly string[]): CallEvent[] {
  return [...answers(ms, ...channels), ...meet(ms, channels.join('~'), ...channels)];
}

export function meet(ms: number, bridge: string, ...channels: readonly string[]): CallEvent[] {
  return channels.map((channel) => on(ms, { kind: 'bridge-entered', channel, bridge, bridgeKind: 'talk' }));
}

export function leave(ms: number, bridge: string, ...channels: readonly string[]): CallEvent[] {
  return channels.map((channel) => on(ms, { kind: 'bridge-left', channel, bridge }));
}

export function dialEnds(
  ms: number,
  channel: string,
  by: string | null,
  result: DialResult,
  forwardedTo: string | null = null,
): CallEvent[] {
  return [on(ms, { kind: 'dial-ended', channel, by, result, forwardedTo })];
}

const NORMAL: Clearing = { q850: 16, sip: null, text: null };

export function hangsUp(ms: number, channel: string, by?: 'pbx'): CallEvent[] {
  return [on(ms, { kind: 'hangup-requested', channel, clearing: NORMAL, ...(by === undefined ? {} : { by }) } as Told)];
}

/** The channels end, with normal clearing. */
export function ends(ms: number, ...channels: readonly string[]): CallEvent[] {
  return channels.flatMap((channel) => endsWith(ms, channel, {}));
}

export function endsWith(ms: number, channel: string, clearing: Partial<Clearing>): CallEvent[] {
  return [on(ms, { kind: 'cleared', channel, clearing: { ...NORMAL, ...clearing } })];
}

/** All calls of these events, in order of their ends. */
export function recordsOf(
  events: readonly (readonly CallEvent[])[],
  plan: SourcePlan = plain,
  rules: Partial<CallRules> = {},
): CallRecord[] {
  const table = new CallTable('pbx', plan, { ...DEFAULT_RULES, ...rules });
  const ended = events.flat().flatMap((event) => table.apply(event).ended);
  return [...ended, ...table.advance(Number.MAX_SAFE_INTEGER).ended];
}

/** What is concluded of one call, as `value (rule)`. */
export function concluded(record: CallRecord | undefined, what: keyof Reasons): string {
  const reason = record?.reasons?.[what];
  return reason == null ? 'no call' : `${reason.value} (${reason.rule})`;
}
