/**
 * PBXs with something that never ends, and the call that comes to them again and again: what such a call leaves behind shows in
 * the size of what is remembered after many of them.
 */
import { readCapture } from '../../adapters/host/capture.ts';
import type { SourcePlan } from '../../src/call/plan.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { readers, scenarios } from './recordings.ts';
import { answers, calls, ends, leave, meet, on, planWith, rings, talk } from './told.ts';

export interface Lasting {
  readonly name: string;
  readonly pbx: 'asterisk' | 'freeswitch';
  readonly plan: SourcePlan;
  /** What is there from the beginning and does not end. */
  readonly before: readonly CallEvent[];
  /** The events of the call with this number, all later than those of the call before. */
  call(number: number): readonly CallEvent[];
}

/** From one call to the next, ms: longer than phones may go on before the call of an outside party is reported. */
const PERIOD_MS = 60_000;
const AGENTS = 50;

/** The same events later, on channels and in bridges of other names. */
function again(events: readonly CallEvent[], names: ReadonlyMap<string, string>, ms: number): CallEvent[] {
  const renamed = (value: unknown): unknown => {
    if (typeof value === 'string') return names.get(value) ?? value;
    if (Array.isArray(value)) return value.map(renamed);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        name === 'order' && Array.isArray(one) ? later(one) : renamed(one),
      ]),
    );
  };
  const later = ([second, counter]: readonly unknown[]) => [Number(second) + ms / 1000, counter];
  return events.map((event) => {
    const { at, receivedAt } = event;
    return { ...(renamed(event) as CallEvent), at: at + ms, receivedAt: receivedAt + ms };
  });
}

function bridgesAndChannels(events: readonly CallEvent[]): Set<string> {
  return new Set(
    events.flatMap((event) => [
      ...('channel' in event ? [event.channel] : []),
      ...('bridge' in event && event.bridge !== null ? [event.bridge] : []),
    ]),
  );
}

/** A recording in which agents log in before the first customer calls, played for many agents and customers. */
async function recorded(set: string, name: string, pbx: Lasting['pbx'], agents: number): Promise<Lasting> {
  const scenario = scenarios().find((one) => one.set === set && one.name === name);
  if (scenario === undefined) throw new Error(`there is no recording ${set}/${name}`);
  const { frames } = await readCapture(new URL('events.jsonl.gz', scenario.directory).pathname);
  const all = frames.flatMap((frame) => [...(readers[pbx]?.(frame.raw, 'pbx', frame.receivedAt) ?? [])]);
  const told = all.filter((event) => 'channel' in event).map(({ ...event }) => event);
  const [agent] = told.flatMap((event) => ('channel' in event ? event.channel : []));
  const isNext = (event: CallEvent) => event.kind === 'channel-created' && event.channel !== agent;
  const isLogout = (event: CallEvent) => event.kind === 'hangup-requested' && event.channel === agent;
  const first = told.findIndex(isNext);
  const customer = told[first];
  if (agent === undefined || customer === undefined || !('channel' in customer)) throw new Error('nobody calls');
  const end = told.findIndex((event) => event.kind === 'cleared' && event.channel === customer.channel);
  const next = told.findIndex((event, index) => index > end && (isNext(event) || isLogout(event)));
  const [login, part] = [told.slice(0, first), told.slice(first, next)];
  const own = (number: number) => new Map([[agent, `${agent}-${number}`]]);
  const passing = [...bridgesAndChannels(part)].filter((id) => id !== agent && !bridgesAndChannels(login).has(id));
  return {
    name: `${set}/${name}`,
    pbx,
    plan: scenario.plan,
    before: Array.from({ length: agents }, (_, number) => again(login, own(number), number)).flat(),
    call: (number) => {
      const names = [...own(number % agents), ...passing.map((id) => [id, `${id}-${number}`] as const)];
      return again(part, new Map(names), (number + 1) * PERIOD_MS);
    },
  };
}

/** A customer and two phones in one bridge; he leaves, and they go on for longer than that is waited for. */
const threeParties: Lasting = {
  name: 'a customer leaves two phones to each other',
  pbx: 'asterisk',
  plan: planWith(),
  before: [],
  call: (number) => {
    const [at, c, a, b] = [number * 2 * PERIOD_MS, `c${number}`, `a${number}`, `b${number}`];
    return [
      ...calls(at, c, 'PJSIP/trunk-in'),
      ...rings(at + 10, a, 'PJSIP/1001', c),
      ...rings(at + 20, b, 'PJSIP/1002', c),
      ...talk(at + 1000, c, a, b),
      ...leave(at + 5000, `${c}~${a}~${b}`, c),
      ...ends(at + 5000, c),
      ...ends(at + PERIOD_MS, a, b),
    ].flat();
  },
};

/** Two phones talk for good; customers are put through to them. */
const neverEmpty: Lasting = {
  name: 'customers in a bridge that is never empty',
  pbx: 'asterisk',
  plan: planWith(),
  before: [
    ...calls(0, 'x', 'PJSIP/1001', { dialled: '1002' }),
    ...rings(10, 'y', 'PJSIP/1002', 'x', { number: '1002' }),
    ...answers(20, 'y', 'x'),
    ...meet(30, 'room', 'x', 'y'),
  ].flat(),
  call: (number) => {
    const [at, c] = [(number + 1) * PERIOD_MS, `c${number}`];
    return [
      ...calls(at, c, 'PJSIP/trunk-in'),
      ...answers(at + 10, c),
      ...meet(at + 1000, 'room', c),
      // Of a phone of which nothing is heard for a day the end was missed.
      ...answers(at + 1000, 'x', 'y'),
      ...leave(at + 5000, 'room', c),
      ...ends(at + 5000, c),
    ].flat();
  },
};

const joins = (ms: number, channel: string) =>
  on(ms, { kind: 'bridge-entered', channel, bridge: 'room', bridgeKind: 'conference' });

/** A room in which there always is somebody: each agent goes when the next one has come, and customers meet them. */
const conference: Lasting = {
  name: 'a conference that is never empty',
  pbx: 'freeswitch',
  plan: planWith('', 'IN', 'freeswitch'),
  before: [...calls(0, 'a-1', 'sofia/internal/1001', { dialled: '600' }), joins(10, 'a-1')].flat(),
  call: (number) => {
    const [at, a, c] = [(number + 1) * PERIOD_MS, `a${number}`, `c${number}`];
    return [
      ...calls(at, c, 'sofia/gateway/trunk', { dialled: '600' }),
      joins(at + 10, c),
      ...calls(at + 1000, a, 'sofia/internal/1001', { dialled: '600' }),
      joins(at + 1010, a),
      ...leave(at + 5000, 'room', c),
      ...ends(at + 5000, c),
      ...leave(at + 20_000, 'room', `a${number - 1}`),
      ...ends(at + 20_000, `a${number - 1}`),
    ].flat();
  },
};

/** All of them. */
export async function lastingPbxs(): Promise<Lasting[]> {
  const pool = await recorded('asterisk-16-sip', 'agent_pool_queue', 'asterisk', AGENTS);
  const nailedUp = await recorded('freeswitch-1.11', 'nailed_up_agent_two_customers', 'freeswitch', 1);
  return [pool, nailedUp, threeParties, neverEmpty, conference];
}
