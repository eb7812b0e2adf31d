/** A start after which phones go on whose call was reported before: what is left of it is no call of that customer once more. */
import t from 'tap';
import { DEFAULT_RULES } from '../src/call/correlate.ts';
import type { CallRecord } from '../src/call/record.ts';
import { createPipeline } from '../src/pipeline.ts';
import { type CallEvent, channelOf } from '../src/telephony/call-event.ts';
import { FakeClock, flush } from './delivery/fakes.ts';
import { facts } from './support/facts.ts';
import { handSource } from './support/hand-source.ts';
import { labPlan } from './support/recordings.ts';
import { calls, ends, leave, on, rings, START, talk } from './support/told.ts';

const CUSTOMER = '+919845012345';

/** What the journal keeps from one life to the next. */
interface Kept {
  readonly events: CallEvent[];
  readonly open: Set<string>;
}

function life({ events: stored, open }: Kept, clock: FakeClock) {
  const ended: CallRecord[] = [];
  const { source, emit } = handSource(() => ({ state: 'connected', since: START, lastFrameAt: null }));
  const pipeline = createPipeline({
    ...{ sources: [{ source, plan: labPlan('asterisk') }], rules: DEFAULT_RULES, clock },
    journal: {
      async commit(batch) {
        for (const { events } of batch.frames) stored.push(...events);
        for (const { channel } of batch.opened) open.add(channel);
        for (const { channel } of batch.released) open.delete(channel);
        ended.push(...batch.ended);
        return { inserted: [], changed: [], refused: [] };
      },
      async *openEvents() {
        yield stored.filter((event) => channelOf(event) === null || open.has(channelOf(event) ?? ''));
      },
      async *recentEvents() {},
      storedCalls: async () => [],
      openChannels: async () => [...open].map((channel) => ({ source: 'pbx', channel })),
      lastFrameAt: async () => stored.at(-1)?.receivedAt ?? null,
    },
    ...{ onStored: () => {}, onRefused: () => false, onStatus: () => {} },
    onFault: (_source, text) => t.fail(text),
  });
  return {
    ...{ pipeline, ended },
    async hear(events: readonly CallEvent[]): Promise<void> {
      for (const event of events) {
        await clock.advance(Math.max(0, event.receivedAt - clock.now()));
        emit({ source: 'pbx', receivedAt: event.receivedAt, events: [event], raw: null });
      }
      await flush();
    },
  };
}

const row = (ms: number, channel: string): CallEvent =>
  on(ms, {
    ...{ kind: 'snapshot-channel', channel, createdAt: null, answered: true, answeredAt: null, bridge: null },
    facts: facts('PJSIP/1001', 'c', { initiator: 'pbx', dialled: null, caller: { number: '1001', name: null } }),
  });

/** The customer has hung up, and his agent stays on the line; after a restart, or without one. */
async function told(restart: boolean, afterwards: readonly (readonly CallEvent[])[]): Promise<CallRecord[]> {
  const clock = new FakeClock();
  clock.wall = START;
  const kept: Kept = { events: [], open: new Set() };
  const before = life(kept, clock);
  await before.pipeline.start();
  await before.hear([on(0, { kind: 'source-connected', boot: null, bootedAt: null })]);
  const call = [calls(0, 'c', 'PJSIP/trunk-in', { caller: { number: CUSTOMER, name: null } })];
  call.push(rings(100, 'a', 'PJSIP/1001', 'c', { presented: CUSTOMER }), talk(5000, 'a', 'c'));
  call.push(leave(60_000, 'a~c', 'c'), ends(60_000, 'c'), leave(60_100, 'a~c', 'a'));
  await before.hear(call.flat());
  await clock.advance(40_000);
  await flush();
  t.match(before.ended, [{ callSessionId: 'pbx-c', direction: 'Inbound', external: CUSTOMER }]);
  const after = restart ? life(kept, clock) : before;
  if (restart) {
    // Killed: nothing tells that it ends.
    await after.pipeline.start();
    await after.hear([
      on(101_000, { kind: 'source-connected', boot: null, bootedAt: null }),
      row(101_000, 'a'),
      on(101_010, { kind: 'snapshot-complete' }),
    ]);
  }
  await after.hear(afterwards.flat());
  await clock.advance(10_000);
  await flush();
  const ended = restart ? after.ended : after.ended.slice(1);
  for (const one of new Set([before, after])) await one.pipeline.stop();
  return ended;
}

t.test('the agent alone: nothing more of the customer is told', async (t) => {
  for (const restart of [false, true]) t.same(await told(restart, [ends(200_000, 'a')]), [], `restart: ${restart}`);
});

t.test('the agent rings a colleague: a call of these two', async (t) => {
  const colleague = [rings(110_000, 'b', 'PJSIP/1002', 'a', { linkedId: 'c', presented: CUSTOMER })];
  const all = [...colleague, talk(112_000, 'b', 'a'), ends(150_000, 'b', 'a')];
  for (const restart of [false, true]) {
    const what = `restart: ${restart}`;
    t.match(await told(restart, all), [{ callSessionId: 'pbx-b', direction: 'Internal' }], what);
  }
});
