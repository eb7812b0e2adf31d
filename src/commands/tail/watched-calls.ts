/** The calls that `tail` has heard of: which line is of which call, and which of them were asked for. */
import { partyOf } from '../../call/known/side.ts';
import type { SourcePlan } from '../../call/plan.ts';
import type { CallRecord } from '../../call/record.ts';
import { channelIdOf, namesIn } from '../../call/timeline.ts';
import type { CallEvent, ChannelId } from '../../telephony/call-event.ts';

/** What a call has to have; all of it where both are given. */
export interface Wanted {
  /** The end of a number, digits only; `null`: any. */
  readonly number: string | null;
  readonly agent: string | null;
}

/** A call that goes on. */
export interface WatchedCall {
  /** The id that the PBX gave to it first. */
  readonly key: string;
  readonly ids: Set<string>;
  readonly live: Set<string>;
  number: boolean;
  agent: boolean;
  /** What was said before it was known whether it is one that was asked for, each with its lines. */
  readonly held: (readonly string[])[];
}

/** What is held back of one call. */
const HELD = 100;

const endsIn = (number: string | null | undefined, end: string): boolean =>
  number?.replace(/\D/g, '').endsWith(end) === true;

export class WatchedCalls {
  private readonly calls = new Map<string, WatchedCall>();
  private readonly wanted: Wanted;

  constructor(wanted: Wanted) {
    this.wanted = wanted;
  }

  /** The call of an event, `null` where it is about the source. */
  of(event: CallEvent, plan: SourcePlan): WatchedCall | null {
    const ids = namesIn(event);
    const [first] = ids;
    if (first === undefined || !('channel' in event)) return null;
    const known = new Set(ids.flatMap((id) => this.calls.get(id) ?? []));
    const [call = this.fresh(event, first)] = known;
    for (const other of known) if (other !== call) this.join(call, other);
    for (const id of ids) this.name(call, id);
    this.learn(call, event, plan);
    if (event.kind === 'cleared' || event.kind === 'vanished') call.live.delete(event.channel);
    if (call.live.size === 0) for (const id of call.ids) this.calls.delete(id);
    return call;
  }

  /** A call that was going on before anything was heard of it here, with its channels that go on. */
  known(record: CallRecord, channels: readonly ChannelId[]): void {
    const { number, agent } = this.wanted;
    const wanted = this.wants(record);
    const call: WatchedCall = {
      ...{ key: channelIdOf(record), ids: new Set(), live: new Set(channels), held: [] },
      ...{ number: number === null || wanted, agent: agent === null || wanted },
    };
    for (const id of [call.key, ...channels]) this.name(call, id);
  }

  /** The lines that may be shown now, those of this event last. */
  shown(call: WatchedCall, lines: readonly string[]): readonly string[] {
    if (!this.passes(call)) {
      call.held.push(lines);
      if (call.held.length > HELD) call.held.shift();
      return [];
    }
    return [...call.held.splice(0), lines].flat();
  }

  passes({ number, agent }: Pick<WatchedCall, 'number' | 'agent'>): boolean {
    return number && agent;
  }

  /** Whether a finished call is one that was asked for. */
  wants(record: CallRecord): boolean {
    const { number, agent } = this.wanted;
    const numbers = [record.external, record.externalE164, record.did, record.didE164];
    const agents = [
      record.agent,
      record.responsible,
      ...record.agentsRung,
      ...record.agentsTalked.map(({ ext }) => ext),
    ];
    return this.passes({
      number: number === null || numbers.some((one) => endsIn(one, number)),
      agent: agent === null || agents.includes(agent),
    });
  }

  private fresh(event: CallEvent, first: string): WatchedCall {
    const created = event.kind === 'channel-created' || event.kind === 'snapshot-channel';
    const key = created ? event.facts.linkedId : first;
    const { number, agent } = this.wanted;
    return { key, ids: new Set(), live: new Set(), number: number === null, agent: agent === null, held: [] };
  }

  private name(call: WatchedCall, id: string): void {
    call.ids.add(id);
    this.calls.set(id, call);
  }

  private join(call: WatchedCall, other: WatchedCall): void {
    for (const id of other.ids) this.name(call, id);
    for (const id of other.live) call.live.add(id);
    call.number ||= other.number;
    call.agent ||= other.agent;
    call.held.push(...other.held.splice(0));
  }

  private learn(call: WatchedCall, event: CallEvent, plan: SourcePlan): void {
    const { number, agent } = this.wanted;
    const created = event.kind === 'channel-created' || event.kind === 'snapshot-channel';
    if ('channel' in event) call.live.add(event.channel);
    if (number !== null) call.number ||= numbersIn(event).some((one) => endsIn(one, number));
    if (agent !== null && created) call.agent ||= partyOf(plan, event.facts).ext === agent;
  }
}

function numbersIn(event: CallEvent): readonly (string | null)[] {
  switch (event.kind) {
    case 'channel-created':
    case 'snapshot-channel':
      return [event.facts.caller.number, event.facts.dialled];
    case 'dial-started':
      return [event.number, event.presented];
    case 'identity':
      return [event.caller.number];
    case 'initiated':
      return [event.dialled];
    default:
      return [];
  }
}
