/** The legs of a call side by side on one time axis: who rang, talked, held, waited, and when. For pictures. */
import { type BridgeKind, type CallEvent, type ChannelId, channelOf } from '../telephony/call-event.ts';
import { partyOf } from './known/side.ts';
import type { SourcePlan } from './plan.ts';
import type { CallRecord } from './record.ts';
import { namesOf } from './timeline.ts';

/**
 * `calling`: it called and nobody has answered. `ringing`: it is called. `waiting`: in a queue, on music, parked. `up`: answered, by
 * an announcement or alone. `talking`: connected with another leg. `held`: it has put the others on hold.
 */
export type SpanKind = 'calling' | 'ringing' | 'waiting' | 'up' | 'talking' | 'held';

/** Times: ms since the epoch. */
export interface LegSpan {
  readonly kind: SpanKind;
  readonly from: number;
  readonly to: number;
}

export interface Leg {
  readonly channel: ChannelId | null;
  /** Extension, or name of the trunk. */
  readonly who: string;
  readonly side: 'trunk' | 'extension';
  readonly spans: readonly LegSpan[];
  /** Moments: `transfers`, `hangs up` ... */
  readonly marks: readonly { readonly at: number; readonly what: string }[];
}

export interface Ladder {
  readonly from: number;
  readonly to: number;
  /** In the order in which they began. */
  readonly legs: readonly Leg[];
}

interface Drawn {
  readonly channel: ChannelId;
  readonly isWire: boolean;
  readonly side: 'trunk' | 'extension';
  readonly spans: LegSpan[];
  readonly marks: { at: number; what: string }[];
  called: boolean;
  kind: SpanKind;
  since: number;
  answered: boolean;
  held: boolean;
  waiting: boolean;
  bridge: { readonly id: string; readonly kind: BridgeKind } | null;
  over: boolean;
  /** Its spans are complete. */
  closed: boolean;
}

/** `events`: those of one call, in order. `null`: they name no leg. */
export function ladderOf(events: readonly CallEvent[], plan: SourcePlan): Ladder | null {
  const names = namesOf(events, plan);
  const drawn = new Map<ChannelId, Drawn>();
  for (const event of events) {
    const channel = channelOf(event);
    if (channel === null) continue;
    const one = drawn.get(channel) ?? begun(event, plan);
    if (one === null) continue;
    drawn.set(channel, one);
    change(one, event);
    // Whom somebody hears depends on who else is in the bridge.
    for (const other of drawn.values()) if (!other.closed) move(other, kindNow(other, drawn.values()), event.at);
    if (one.over && !one.closed) end(one, event.at);
  }
  const seen = [...drawn.values()].filter(({ isWire }) => !isWire);
  if (seen.length === 0) return null;
  const last = Math.max(...events.map(({ at }) => at));
  for (const one of seen) if (!one.closed) end(one, last);
  const legs = seen.map(
    ({ channel, side, spans, marks }): Leg => ({ channel, who: names.get(channel) ?? channel, side, spans, marks }),
  );
  return within(legs);
}

/** Of a call that no event tells of any more: what its record says. */
export function ladderOfRecord(record: CallRecord): Ladder {
  const { startedAt, answeredAt, endedAt, agentsTalked, agentsRung, trunk, direction, agent } = record;
  const outside: LegSpan[] = [
    { kind: direction === 'Inbound' ? 'calling' : 'ringing', from: startedAt, to: answeredAt ?? endedAt },
    ...(answeredAt === null ? [] : [{ kind: 'talking' as const, from: answeredAt, to: endedAt }]),
  ];
  const talked = Map.groupBy(agentsTalked, ({ ext }) => ext);
  const silent = [...new Set([...agentsRung, ...(agent === null ? [] : [agent])])].filter((ext) => !talked.has(ext));
  const inside = [
    ...[...talked].map(([ext, talks]) => ({
      who: ext,
      spans: talks.map(({ from, to }): LegSpan => ({ kind: 'talking', from, to })),
    })),
    ...silent.map((who) => ({
      who,
      spans: [
        { kind: direction === 'Inbound' ? 'ringing' : 'calling', from: startedAt, to: answeredAt ?? endedAt } as const,
      ],
    })),
  ].map((one): Leg => ({ ...one, channel: null, side: 'extension', marks: [] }));
  const first = direction === 'Internal' ? [] : [{ who: trunk ?? 'outside', spans: outside }];
  const legs = [...first.map((one): Leg => ({ ...one, channel: null, side: 'trunk', marks: [] })), ...inside];
  return { from: startedAt, to: endedAt, legs };
}

function within(legs: readonly Leg[]): Ladder {
  const spans = legs.flatMap((leg) => leg.spans);
  return {
    from: Math.min(...spans.map(({ from }) => from)),
    to: Math.max(...spans.map(({ to }) => to)),
    legs: legs.filter((leg) => leg.spans.length > 0),
  };
}

function begun(event: CallEvent, plan: SourcePlan): Drawn | null {
  if (event.kind !== 'channel-created' && event.kind !== 'snapshot-channel') return null;
  const { facts } = event;
  const { side } = partyOf(plan, facts);
  const called = facts.initiator === 'pbx';
  const answered = event.kind === 'snapshot-channel' && event.answered;
  return {
    ...{ channel: event.channel, isWire: facts.wire !== null, side: side === 'extension' ? side : 'trunk', called },
    ...{ spans: [], marks: [], kind: called ? 'ringing' : 'calling', answered, held: false, waiting: false },
    since: event.kind === 'snapshot-channel' ? (event.createdAt ?? event.at) : event.at,
    bridge: event.kind === 'snapshot-channel' && event.bridge !== null ? { id: event.bridge, kind: 'talk' } : null,
    ...{ over: false, closed: false },
  };
}

function change(one: Drawn, event: CallEvent): void {
  const mark = (what: string): void => void one.marks.push({ at: event.at, what });
  switch (event.kind) {
    case 'dial-started':
      one.called = true;
      // What was told of it before is the same moment for people.
      if (one.spans.length === 0) one.kind = 'ringing';
      break;
    case 'answered':
      one.answered = true;
      break;
    case 'bridge-entered':
      one.answered = true;
      one.bridge = { id: event.bridge, kind: event.bridgeKind };
      break;
    case 'bridge-left':
      if (one.bridge?.id === event.bridge) one.bridge = null;
      break;
    case 'held':
      one.held = true;
      break;
    case 'retrieved':
      one.held = false;
      break;
    case 'queued':
      one.waiting = true;
      break;
    case 'dequeued':
      one.waiting = false;
      break;
    case 'transferred':
      mark(`transfers (${event.manner})`);
      break;
    case 'picked-up':
      mark('picks up');
      break;
    case 'parked':
      mark('is parked');
      break;
    case 'voicemail-reached':
      mark('mailbox');
      break;
    case 'hangup-requested':
      if (event.by !== 'pbx') mark('hangs up');
      break;
    case 'cleared':
    case 'vanished':
      one.over = true;
      break;
    default:
  }
}

function kindNow(one: Drawn, all: Iterable<Drawn>): SpanKind {
  if (!one.answered) return one.waiting ? 'waiting' : one.called ? 'ringing' : 'calling';
  const { bridge } = one;
  if (bridge === null) return one.waiting ? 'waiting' : 'up';
  if (bridge.kind === 'holding') return 'waiting';
  if (one.held) return 'held';
  // The others may be in calls of their own.
  if (bridge.kind === 'conference') return 'talking';
  for (const other of all) if (other !== one && !other.over && other.bridge?.id === bridge.id) return 'talking';
  return one.waiting ? 'waiting' : 'up';
}

function move(one: Drawn, kind: SpanKind, at: number): void {
  if (kind === one.kind) return;
  close(one, at);
  one.kind = kind;
}

/** A moment too short to be seen is none: a PBX moves channels between bridges without anybody noticing. */
function close(one: Drawn, at: number): void {
  const before = one.spans.at(-1);
  if (at > one.since && before?.kind === one.kind && before.to === one.since) {
    one.spans[one.spans.length - 1] = { ...before, to: at };
  } else if (at > one.since) one.spans.push({ kind: one.kind, from: one.since, to: at });
  one.since = Math.max(at, one.since);
}

function end(one: Drawn, at: number): void {
  close(one, at);
  // It was there, though for no time.
  if (one.spans.length === 0) one.spans.push({ kind: one.kind, from: one.since, to: one.since });
  one.closed = true;
}
