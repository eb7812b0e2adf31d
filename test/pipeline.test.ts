/** The stages joined: what is stored when events are odd, the journal refuses, or the program stops and starts. */
import t from 'tap';
import { DEFAULT_RULES } from '../src/call/correlate.ts';
import { createPipeline } from '../src/pipeline.ts';
import type { Clock, CommitResult, EventSource, JournalBatch, SourceFrame } from '../src/ports.ts';
import type { CallEvent } from '../src/telephony/call-event.ts';
import { facts } from './support/facts.ts';
import { labPlan } from './support/recordings.ts';

const START = Date.parse('2026-11-22T10:00:00Z');

function created(channel: string, ms: number, at = START + ms, linkedId = channel): CallEvent {
  const told = facts('PJSIP/trunk-in', linkedId);
  return { kind: 'channel-created', source: 'pbx', at, receivedAt: START + ms, channel, facts: told };
}

function cleared(channel: string, ms: number): CallEvent {
  const clearing = { q850: 16, sip: null, text: null };
  return { kind: 'cleared', source: 'pbx', at: START + ms, receivedAt: START + ms, channel, clearing };
}

/** A clock moved by hand, a PBX that says what it is told to, a journal that can refuse. */
function bench(open: readonly CallEvent[] = [], lastFrameAt: number | null = null) {
  let now = START;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    bootId: 'boot',
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
  };
  const batches: JournalBatch[] = [];
  const faults: string[] = [];
  const told: string[] = [];
  const misread: unknown[] = [];
  const held: boolean[] = [];
  const listed: number[] = [];
  let refused: (batch: JournalBatch) => CommitResult['refused'] = () => [];
  let refusing = false;
  let deaf = false;
  let emit: (frame: SourceFrame) => void = () => {};
  const source: EventSource = {
    name: 'pbx',
    start(onFrame) {
      emit = onFrame;
    },
    stop: async () => {},
    list: () => listed.push(now),
    hold: (behind) => held.push(behind),
    status: () => ({
      ...{ name: 'pbx', state: 'connected', since: START, problem: null, frames: 0, unknownEvents: 0, faults: 0 },
      lastFrameAt: null,
    }),
  };
  const pipeline = createPipeline({
    sources: [{ source, plan: labPlan('asterisk') }],
    rules: DEFAULT_RULES,
    clock,
    journal: {
      async commit(batch): Promise<CommitResult> {
        if (refusing) throw new Error('full');
        batches.push(batch);
        return { inserted: batch.ended.map((record) => record.callSessionId), changed: [], refused: refused(batch) };
      },
      async *openEvents() {
        yield open;
      },
      async *recentEvents() {
        yield [];
      },
      storedCalls: async () => [],
      openChannels: async () =>
        open.flatMap((event) => ('channel' in event ? [{ source: event.source, channel: event.channel }] : [])),
      lastFrameAt: async () => lastFrameAt,
    },
    onStored(ended) {
      if (deaf) throw new Error('the display is gone');
      told.push(...ended.map((record) => record.callSessionId));
    },
    onRefused: () => true,
    onStatus: () => {},
    onFault: (_source, text) => faults.push(text),
    onMisread: (name, { endpoint }) => misread.push([name, endpoint]),
  });
  return {
    ...{ pipeline, batches, faults, told, misread, held, listed },
    /** Calls that the journal refuses from now on. */
    refuseCall(id: string): void {
      refused = ({ ended }) => ended.filter((one) => one.callSessionId === id).map(() => ({ id, why: 'odd' }));
    },
    timers: () => timers.length,
    hear(...events: readonly CallEvent[]): void {
      now = Math.max(now, ...events.map((event) => event.receivedAt));
      emit({ source: 'pbx', receivedAt: now, events, raw: null });
    },
    refuse(yes: boolean): void {
      refusing = yes;
    },
    deafen(): void {
      deaf = true;
    },
    /** Lets time pass, and what was promised meanwhile come true. */
    async pass(ms: number): Promise<void> {
      const until = now + ms;
      for (;;) {
        const next = timers.reduce<(typeof timers)[number] | null>((a, b) => (a === null || b.at < a.at ? b : a), null);
        if (next === null || next.at > until) break;
        timers = timers.filter((one) => one !== next);
        now = Math.max(now, next.at);
        next.run();
        await settled();
      }
      now = until;
      await settled();
    },
    events: () => batches.flatMap(({ frames }) => frames.flatMap(({ events }) => events)),
    opened: () => batches.flatMap((batch) => batch.opened.map(({ channel }) => channel)),
    released: () => batches.flatMap((batch) => batch.released.map(({ channel }) => channel)),
  };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test('channels of a PBX that the config does not have any more are released, which is told', async (t) => {
  const gone = { ...created('old', 0), source: 'renamed' };
  const { pipeline, pass, released, faults } = bench([gone, created('a', 0)]);
  await pipeline.start();
  await pass(100);
  t.same(released(), ['old']);
  t.match(faults, [/No \[\[source\]\] has this name any more: 1 open channels/]);
});

t.test('an event with a time that is none is told and left out; its frame and the others are kept', async (t) => {
  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e20]) {
    const { pipeline, hear, pass, events, faults, told } = bench();
    await pipeline.start();
    hear(created('odd', 0, odd), created('a', 0));
    hear(cleared('a', 1000));
    await pass(60_000);
    t.same(
      events().map((event) => ('channel' in event ? event.channel : null)),
      ['a', 'a'],
    );
    t.match(faults, [/channel-created.*left out.*at /]);
    t.strictSame(told, ['pbx-a']);
  }
});

t.test(
  'what the journal refused about channels goes with the next batch, also when nothing else happens',
  async (t) => {
    const { pipeline, hear, pass, refuse, opened, released, told, batches } = bench();
    await pipeline.start();
    refuse(true);
    hear(created('a', 0), created('b', 0));
    await settled();
    hear(cleared('a', 1000));
    await pass(4000);
    t.strictSame(batches, []);
    refuse(false);
    await pass(5000);
    t.strictSame(opened(), ['b'], 'not the one that is over by now');
    t.strictSame(released(), ['a']);
    t.strictSame(told, ['pbx-a'], 'the call that ended meanwhile is not lost');
  },
);

t.test('a timer that finds nothing to end does not drop what is owed', async (t) => {
  const { pipeline, hear, pass, refuse, opened } = bench();
  await pipeline.start();
  // The call goes on in another channel just when it was about to end.
  hear(created('x', 0), cleared('x', 0), created('y', 50, START + 50, 'x'));
  refuse(true);
  hear(created('a', 100));
  await settled();
  refuse(false);
  await pass(60_000);
  t.ok(opened().includes('a'));
});

t.test('the PBX is asked what lives before a silent call is given up', async (t) => {
  const { pipeline, hear, pass, listed, told } = bench();
  await pipeline.start();
  hear(created('quiet', 0));
  const day = DEFAULT_RULES.maxAgeMs;
  await pass(day - 660_000);
  t.strictSame(listed, []);
  await pass(120_000);
  t.equal(listed.length, 1);
  t.strictSame(told, []);
  await pass(660_000);
  t.strictSame(told, ['pbx-quiet'], 'it was not in the list');
  t.equal(listed.length, 1);
});

t.test('who is told of stored calls and fails does not end the program', async (t) => {
  const { pipeline, hear, pass, deafen, faults, batches } = bench();
  await pipeline.start();
  deafen();
  hear(created('a', 0), cleared('a', 0));
  await pass(60_000);
  t.equal(batches.flatMap(({ ended }) => ended).length, 1);
  t.match(faults, [/the display is gone/, /the display is gone/]);
});

t.test('an orderly stop is noted as the time from which nobody listened, and leaves no timer', async (t) => {
  const first = bench();
  await first.pipeline.start();
  first.hear(created('a', 0));
  await first.pass(600_000);
  await first.pipeline.stop();
  t.equal(first.timers(), 0);
  t.match(first.events().at(-1), { kind: 'source-lost', at: START + 600_000, orderly: true });

  const second = bench(first.events(), START + 600_000);
  await second.pass(3_600_000);
  await second.pipeline.start();
  const at = START + 3_600_000;
  second.hear({ kind: 'source-connected', source: 'pbx', at, receivedAt: at, boot: null, bootedAt: null });
  second.hear({ kind: 'snapshot-complete', source: 'pbx', at, receivedAt: at });
  await second.pass(60_000);
  const [record] = second.batches.flatMap(({ ended }) => ended);
  t.match(record, { callSessionId: 'pbx-a', endedAt: START + 600_000, flags: ['blind-interval', 'end-unknown'] });
});

t.test('an open channel whose beginning is not in the journal is released at the start', async (t) => {
  const { pipeline, pass, released } = bench([created('a', 0), cleared('headless', 10)], START);
  await pipeline.start();
  await pass(20);
  t.strictSame(released(), ['headless']);
  t.equal(pipeline.openChannels(), 1);
});

t.test(
  'after a crash the open calls are in doubt from the last frame on, and end there when the PBX lists them no more',
  async (t) => {
    const daemon = bench([created('a', 0)], START + 3000);
    await daemon.pass(5000);
    await daemon.pipeline.start();
    await daemon.pass(20);
    t.match(daemon.events(), [{ kind: 'source-lost', at: START + 3000 }]);
    const stamp = { source: 'pbx', at: START + 60_000, receivedAt: START + 60_000 };
    daemon.hear(
      { ...stamp, kind: 'source-connected', boot: null, bootedAt: null },
      { ...stamp, kind: 'snapshot-complete' },
    );
    await daemon.pass(10_000);
    t.strictSame(daemon.told, ['pbx-a']);
    const [ended] = daemon.batches.flatMap((batch) => batch.ended);
    t.ok((ended?.endedAt ?? 0) - (START + 3000) <= 1, 'not at the time of the restart');
    t.strictSame(ended?.flags, ['blind-interval', 'end-unknown']);
  },
);

t.test('a call that the journal refuses is told with its reason, and the next one is stored', async (t) => {
  const { pipeline, hear, pass, refuseCall, faults, batches } = bench();
  await pipeline.start();
  refuseCall('pbx-a');
  hear(created('a', 0), cleared('a', 1000), created('b', 0), cleared('b', 1000));
  await pass(60_000);
  t.same(
    batches.flatMap(({ ended }) => ended).map(({ callSessionId }) => callSessionId),
    ['pbx-a', 'pbx-b'],
  );
  t.same(faults, ['The call pbx-a could not be stored and was left out: odd']);
  t.equal(pipeline.openChannels(), 0);
});

t.test('an endpoint that is not what it is called is told with its source, when its call is over', async (t) => {
  const { pipeline, hear, pass, misread } = bench();
  await pipeline.start();
  const told = facts('PJSIP/1009', 'a', { context: 'from-pstn' });
  hear({ kind: 'channel-created', source: 'pbx', at: START, receivedAt: START, channel: 'a', facts: told });
  await pass(1000);
  t.strictSame(misread, []);
  hear(cleared('a', 2000));
  await pass(60_000);
  t.strictSame(misread, [['pbx', 'PJSIP/1009']]);
});
