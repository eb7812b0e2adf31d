/** The calls that are due are found without looking at every call, and are those that a look at every call would find. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { type CallRules, CallTable, DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { ApplyContext } from '../../../src/call/live/context.ts';
import { dueAt } from '../../../src/call/live/deadline.ts';
import { Queue } from '../../../src/call/live/queue.ts';
import type { Call } from '../../../src/call/live/state.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { facts } from '../../support/facts.ts';
import { runs } from '../../support/runs.ts';
import { on, planWith, START, type Told } from '../../support/told.ts';

/** Looks at every call each time, in the order in which they became known. */
class Walk {
  readonly #context: ApplyContext;
  readonly #rules: CallRules;

  constructor(context: ApplyContext, rules: CallRules) {
    this.#context = context;
    this.#rules = rules;
  }

  get next(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#calls().map((call) => dueAt(call, this.#rules)));
  }

  note(): void {}

  noteAll(): void {}

  endDue(now: number, end: (call: Call) => void): void {
    for (const call of this.#calls()) {
      if (this.#context.calls.has(call.key) && now >= dueAt(call, this.#rules)) end(call);
    }
  }

  #calls(): Call[] {
    return [...new Set(this.#context.calls.values())];
  }
}

const plan = planWith("extensions = ['PJSIP/10{ext}']");

function tables(rules: CallRules) {
  const table = new CallTable('pbx', plan, rules, () => {});
  const walking = new CallTable('pbx', plan, rules, () => {});
  const { context } = walking as unknown as { readonly context: ApplyContext };
  const walk = new Walk(context, rules);
  Object.assign(walking, { waiting: walk });
  return { table, walking, walk };
}

const channel = fc.nat(15).map((number) => `c${number}`);
const bridge = fc
  .constantFrom('talk', 'conference', 'conference')
  .chain((bridgeKind) =>
    fc.record({ bridge: fc.constantFrom(`${bridgeKind} 1`, `${bridgeKind} 2`), bridgeKind: fc.constant(bridgeKind) }),
  ) as fc.Arbitrary<{ bridge: string; bridgeKind: 'talk' | 'conference' }>;
const clearing = { q850: 16, sip: null, text: null };

const made: fc.Arbitrary<Told> = fc
  .record({
    channel,
    linkedId: channel,
    endpoint: fc.constantFrom('PJSIP/1001', 'PJSIP/1002', 'PJSIP/carrier', 'Local/1001@ring', 'PJSIP/asha'),
    initiator: fc.constantFrom('endpoint', 'pbx', null),
    wire: fc.constantFrom('w1', 'w2'),
    number: fc.constantFrom('09845012345', '1001', null),
    dialled: fc.constantFrom('1002', '08041110001', null),
  })
  .map(({ channel, linkedId, endpoint, initiator, wire, number, dialled }) => ({
    kind: 'channel-created',
    channel,
    facts: facts(endpoint, linkedId, {
      initiator,
      dialled,
      caller: { number, name: null },
      wire: endpoint.startsWith('Local/') ? wire : null,
    }),
  }));

const cleared: fc.Arbitrary<Told> = channel.map((one) => ({ kind: 'cleared', channel: one, clearing }));

const told: fc.Arbitrary<Told> = fc.oneof(
  { weight: 8, arbitrary: made },
  { weight: 7, arbitrary: cleared },
  { weight: 2, arbitrary: channel.map((one): Told => ({ kind: 'answered', channel: one })) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(channel, bridge)
      .map(
        ([one, { bridge: id, bridgeKind }]): Told => ({ kind: 'bridge-entered', channel: one, bridge: id, bridgeKind }),
      ),
  },
  fc.tuple(channel, bridge).map(([one, { bridge: id }]): Told => ({ kind: 'bridge-left', channel: one, bridge: id })),
  fc
    .tuple(channel, fc.option(channel), fc.constantFrom('09845012345', '1001', null))
    .map(([one, by, number]): Told => ({ kind: 'dial-started', channel: one, by, number, presented: null })),
  fc.tuple(channel, channel).map(([one, target]): Told => ({ kind: 'picked-up', channel: one, target })),
  fc.tuple(channel, channel).map(([one, other]): Told => ({ kind: 'wired', channel: one, other })),
  fc
    .tuple(channel, channel)
    .map(([one, other]): Told => ({ kind: 'linked', channel: one, linkedIds: [other], channels: [] })),
  channel.map((one): Told => ({ kind: 'vanished', channel: one })),
  fc
    .tuple(channel, fc.constantFrom<'endpoint' | 'pbx'>('endpoint', 'pbx'))
    .map(([one, initiator]): Told => ({ kind: 'initiated', channel: one, initiator, fact: 'told', dialled: null })),
  fc.constantFrom<Told>(
    { kind: 'source-lost', orderly: false, reason: 'gone' },
    { kind: 'source-connected', boot: null, bootedAt: null },
    { kind: 'snapshot-complete' },
  ),
);

/** An event, or only time that passes; ms since what was before, which may be a clock that is set back. */
const step = fc.record({
  after: fc.oneof(
    { weight: 20, arbitrary: fc.constant(1) },
    { weight: 6, arbitrary: fc.constantFrom(0, 500, 2000, 5000, 30_000) },
    { weight: 1, arbitrary: fc.constantFrom(90_000, -20_000) },
  ),
  told: fc.option(told, { freq: 8 }),
});

const rules = fc.record({
  graceMs: fc.constantFrom(0, 2000, 60_000),
  externalGoneMs: fc.constantFrom(0, 5000, 30_000),
  maxAgeMs: fc.constantFrom(40_000, 24 * 3_600_000),
});

t.test('whatever happens, the same calls end at the same time and in the same order', async (t) => {
  let ended = 0;
  fc.assert(
    fc.property(rules, fc.array(step, { minLength: 20, maxLength: 100, size: 'max' }), (waits, steps) => {
      const { table, walking, walk } = tables({ ...DEFAULT_RULES, ...waits });
      let now = 0;
      for (const { after, told } of [...steps, { after: 1e9, told: null }, { after: 1e9, told: null }]) {
        now += after;
        const event: CallEvent | null = told === null ? null : on(now, told);
        const [mine, other] = [table, walking].map((one) =>
          event === null ? one.advance(START + now) : one.apply(event),
        );
        assert.deepEqual(mine, other);
        assert.ok(table.nextDeadline() <= walk.next, `${table.nextDeadline()} is later than ${walk.next}`);
        ended += other?.ended.length ?? 0;
      }
    }),
    runs(400, 5000),
  );
  t.ok(ended > 250, `${ended} calls ended`);
});

t.test('a queue gives its items by their keys, however they were moved', async () => {
  const change = fc.record({ item: fc.nat(20), key: fc.option(fc.nat(50), { freq: 4 }) });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const queue = new Queue<number>();
      const model = new Map<number, number>();
      for (const { item, key } of changes) {
        if (key === null) {
          queue.delete(item);
          model.delete(item);
        } else {
          queue.set(item, key);
          model.set(item, key);
        }
        assert.equal(queue.least, Math.min(Number.POSITIVE_INFINITY, ...model.values()));
        assert.equal(queue.keyOf(item), model.get(item));
      }
      const keys: (number | undefined)[] = [];
      for (let item = queue.take(); item !== undefined; item = queue.take()) keys.push(model.get(item));
      assert.deepEqual(
        keys,
        [...model.values()].sort((a, b) => a - b),
      );
    }),
  );
});
