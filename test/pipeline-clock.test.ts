/** Clocks that are set while calls go on, and a program that stands still: from the clock of the machine to what is stored. */
import t from 'tap';
import { createClock } from '../adapters/host/clock.ts';
import { DEFAULT_RULES } from '../src/call/correlate.ts';
import type { CallRecord } from '../src/call/record.ts';
import { createPipeline } from '../src/pipeline.ts';
import type { ClockNews } from '../src/ports.ts';
import { type CallEvent, channelOf } from '../src/telephony/call-event.ts';
import { facts } from './support/facts.ts';
import { handMachine } from './support/hand-machine.ts';
import { handSource } from './support/hand-source.ts';
import { labPlan } from './support/recordings.ts';
import type { Told } from './support/told.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SPANS = [HOUR, -HOUR, 30 * DAY, -30 * DAY];

type Machine = ReturnType<typeof handMachine>;

/** One life of the daemon, on a machine, with what the lives before it stored. `pbxClock`: the PBX's own, where it tells times. */
function life(machine: Machine, stored: CallEvent[] = [], pbxClock: (() => number) | null = null) {
  let lastFrameAt: number | null = null;
  const clock = createClock({ bootId: 'boot', machine: machine.clocks });
  const ended: CallRecord[] = [];
  const news: ClockNews[] = [];
  const open = new Set<string>();
  const { source, emit } = handSource(() => ({ state: 'connected', since: START, lastFrameAt }));
  const kept = stored.filter((event) => channelOf(event) === null || !isOver(stored, channelOf(event)));
  const pipeline = createPipeline({
    sources: [{ source, plan: labPlan('asterisk') }],
    rules: DEFAULT_RULES,
    clock,
    journal: {
      async commit(batch) {
        for (const { events } of batch.frames) stored.push(...events);
        for (const { channel } of batch.opened) open.add(channel);
        for (const { channel } of batch.released) open.delete(channel);
        ended.push(...batch.ended);
        return { inserted: [], changed: [], refused: [] };
      },
      async *openEvents() {
        yield kept;
      },
      async *recentEvents() {
        yield [];
      },
      storedCalls: async () => [],
      openChannels: async () => [],
      lastFrameAt: async () => null,
    },
    onStored: () => {},
    onRefused: () => false,
    onStatus: () => {},
    onFault: (_source, text) => {
      throw new Error(text);
    },
    onClock: (one) => news.push(one),
  });
  const hear = (told: Told): void => {
    const receivedAt = clock.now();
    const event = { ...told, source: 'pbx', at: pbxClock?.() ?? receivedAt, receivedAt } as CallEvent;
    emit({ source: 'pbx', receivedAt, events: [event], raw: null });
  };
  const clearing = { q850: 16, sip: null, text: null };
  return {
    ...{ pipeline, ended, news, stored, clock },
    /** The PBX answers a question. */
    answer(): void {
      lastFrameAt = clock.now();
    },
    begin(id: string): void {
      hear({ kind: 'channel-created', channel: id, facts: facts('PJSIP/trunk-in', id) });
      const phone = facts('PJSIP/1001', id, { initiator: 'pbx', dialled: null });
      hear({ kind: 'channel-created', channel: `${id}-phone`, facts: phone });
    },
    talk(id: string): void {
      for (const channel of [`${id}-phone`, id]) hear({ kind: 'answered', channel });
      for (const channel of [`${id}-phone`, id])
        hear({ kind: 'bridge-entered', channel, bridge: id, bridgeKind: 'talk' });
    },
    end(id: string): void {
      for (const channel of [id, `${id}-phone`]) hear({ kind: 'cleared', channel, clearing });
    },
    async pass(ms: number): Promise<void> {
      machine.pass(ms);
      await new Promise<void>((resolve) => setImmediate(resolve));
    },
  };
}

function isOver(stored: readonly CallEvent[], channel: string | null): boolean {
  return stored.some((event) => event.kind === 'cleared' && event.channel === channel);
}

t.test(
  'the wall clock is set in mid-call, and the PBX tells no times: lengths are right, the call is marked',
  async (t) => {
    for (const by of SPANS) {
      const machine = handMachine(START);
      const { pipeline, begin, talk, end, pass, ended, news } = life(machine);
      await pipeline.start();
      begin('a');
      await pass(5_000);
      talk('a');
      await pass(7_000);
      machine.set(by);
      await pass(1_000);
      t.match(news, [{ kind: 'stepped', by }]);
      await pass(2_000);
      end('a');
      begin('b');
      await pass(3_000);
      end('b');
      await pass(5_000);
      t.match(
        ended,
        [
          { callSessionId: 'pbx-a', durationSeconds: 10, ringSeconds: 5, talkSeconds: 10, flags: ['clock-stepped'] },
          { callSessionId: 'pbx-b', flags: [] },
        ],
        `by ${by}`,
      );
      t.match(ended[0], { startedAt: START + by, endedAt: START + by + 15_000 }, 'by the clock as it goes now');
      t.equal(pipeline.openChannels(), 0);
      await pipeline.stop();
    }
  },
);

t.test('where the PBX tells times of its own, our clock changes nothing of its calls', async (t) => {
  for (const by of SPANS) {
    const machine = handMachine(START);
    const pbx = () => START - 2 * HOUR + Math.floor(machine.clocks.monotonic());
    const { pipeline, begin, talk, end, pass, ended } = life(machine, [], pbx);
    await pipeline.start();
    begin('a');
    await pass(5_000);
    talk('a');
    machine.set(by);
    await pass(10_000);
    end('a');
    await pass(5_000);
    t.match(ended, [{ durationSeconds: 10, ringSeconds: 5, flags: [] }], `by ${by}`);
    t.equal(ended[0]?.startedAt, START - 2 * HOUR + 7_000);
    await pipeline.stop();
  }
});

t.test('a call of which nothing is heard does not end with a step, and its grace is as long as ever', async (t) => {
  for (const by of SPANS) {
    const machine = handMachine(START);
    const { pipeline, begin, end, pass, ended } = life(machine);
    await pipeline.start();
    begin('a');
    begin('b');
    end('b');
    await pass(1_000);
    machine.set(by);
    await pass(900);
    t.strictSame(ended, [], `by ${by}`);
    await pass(200);
    t.match(ended, [{ callSessionId: 'pbx-b' }]);
    await pass(HOUR);
    t.equal(pipeline.openChannels(), 2);
    await pipeline.stop();
  }
});

t.test('a restart comes to the same: the step is part of what was heard', async (t) => {
  for (const by of SPANS) {
    const machine = handMachine(START);
    const before = life(machine);
    await before.pipeline.start();
    before.begin('a');
    await before.pass(5_000);
    before.talk('a');
    await before.pass(7_000);
    machine.set(by);
    await before.pass(1_000);
    before.begin('b');
    await before.pass(1_000);
    const after = life(machine, [...before.stored]);
    await after.pipeline.start();
    const both = [before, after];
    for (const one of both) one.end('a');
    await after.pass(5_000);
    t.strictSame(after.ended, before.ended, `by ${by}`);
    t.match(after.ended, [{ durationSeconds: 9, flags: ['clock-stepped'] }]);
    for (const one of both) await one.pipeline.stop();
  }
});

t.test('a standstill: what is heard right after it is marked, and nothing else', async (t) => {
  const machine = handMachine(START);
  const { pipeline, begin, talk, end, pass, ended, news } = life(machine);
  await pipeline.start();
  begin('a');
  begin('b');
  await pass(5_500);
  machine.stop(20_000);
  talk('a');
  t.match(news, [{ kind: 'stalled' }]);
  await pass(3_000);
  talk('b');
  begin('c');
  await pass(10_000);
  for (const id of ['a', 'b', 'c']) end(id);
  await pass(5_000);
  const flags = Object.fromEntries(ended.map((record) => [record.callSessionId, record.flags]));
  t.strictSame(flags, { 'pbx-a': ['heard-late'], 'pbx-b': [], 'pbx-c': [] });
  t.equal(news.length, 1);
  await pipeline.stop();
});

t.test('times of the PBX are right after a standstill as well', async (t) => {
  const machine = handMachine(START);
  const { pipeline, begin, end, pass, ended } = life(machine, [], () => START + Math.floor(machine.clocks.monotonic()));
  await pipeline.start();
  begin('a');
  machine.stop(20_000);
  end('a');
  await pass(5_000);
  t.match(ended, [{ flags: [] }]);
  await pipeline.stop();
});

t.test('an orderly stop: calls are known to live until the PBX was heard last', async (t) => {
  const machine = handMachine(START);
  const { pipeline, begin, answer, pass, stored } = life(machine);
  await pipeline.start();
  begin('a');
  await pass(60_000);
  answer();
  await pass(9_000);
  await pipeline.stop();
  t.match(stored.at(-1), { kind: 'source-lost', at: START + 60_000, receivedAt: START + 69_000, orderly: true });
});
