/** Since when a PBX was not heard, told at a start: also where the clock was set before, or while nothing ran. */
import t from 'tap';
import { DEFAULT_RULES } from '../src/call/correlate.ts';
import { createPipeline } from '../src/pipeline.ts';
import type { EventSource, Journal } from '../src/ports.ts';
import type { Gaps } from '../src/records/gaps.ts';
import { SAME_TIME } from '../src/records/pbx-time.ts';
import { FakeClock, flush } from './delivery/fakes.ts';
import { labPlan } from './support/recordings.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const nothingStored: Journal = {
  commit: async () => ({ inserted: [], changed: [], refused: [] }),
  async *openEvents() {},
  async *recentEvents() {},
  storedCalls: async () => [],
  openChannels: async () => [],
  lastFrameAt: async () => null,
};

/** Where the gap begins, ms before now. `noted`, `frames`: what is stored, ms before now (below 0: in the future), in order of arrival. */
async function gapBegins(noted: number | null, frames: readonly number[]): Promise<number | null> {
  const clock = new FakeClock();
  clock.wall = Math.floor(clock.wall);
  const now = clock.now();
  const source: EventSource = {
    name: 'pbx',
    start: () => {},
    stop: async () => {},
    hold: () => {},
    status: () => ({
      ...{ name: 'pbx', state: 'connecting', since: 0, problem: null, frames: 0, unknownEvents: 0, faults: 0 },
      lastFrameAt: null,
    }),
  };
  const journal: Journal = {
    ...nothingStored,
    lastFrameAt: async (_, until) => frames.map((ago) => now - ago).findLast((at) => at <= until) ?? null,
  };
  let begun: number | null = null;
  const gaps = {
    lastHeard: async () => (noted === null ? null : { at: now - noted, time: SAME_TIME }),
    heard: async () => {},
    list: async () => [],
    begin: async ({ at }: { at: number }) => {
      begun = now - at;
    },
  } as unknown as Gaps;
  const pipeline = createPipeline({
    ...{ sources: [{ source, plan: labPlan('asterisk') }], rules: DEFAULT_RULES, clock, journal, gaps },
    ...{ onStored: () => {}, onRefused: () => true, onStatus: () => {}, onFault: (_, text) => t.fail(text) },
  });
  await pipeline.start();
  await flush();
  await pipeline.stop();
  return begun;
}

const CASES: readonly (readonly [
  what: string,
  noted: number | null,
  frames: readonly number[],
  begins: number | null,
])[] = [
  ['never heard', null, [], null],
  ['a frame since the last note', 10 * SECOND, [HOUR, 3 * SECOND], 3 * SECOND],
  ['nothing since the last note', 10 * SECOND, [HOUR], 10 * SECOND],
  ['no note, of an older version', null, [HOUR, 3 * SECOND], 3 * SECOND],
  [
    'frames of a clock that was 30 days ahead, and right again',
    10 * SECOND,
    [DAY, -30 * DAY, 20 * SECOND],
    10 * SECOND,
  ],
  ['a last frame of a clock that was an hour ahead', HOUR, [2 * HOUR, 10 * SECOND], HOUR],
  ['the clock was set back while nothing ran', -HOUR, [2 * HOUR, 40 * SECOND, -HOUR, -HOUR], 40 * SECOND],
  ['the same, and no frame is older', -HOUR, [-2 * HOUR], DAY],
];

for (const [what, noted, frames, begins] of CASES) {
  t.test(what, async (t) => {
    t.equal(await gapBegins(noted, frames), begins);
  });
}

t.test('what the PBX tells of its clock now counts before what its last calls told', async (t) => {
  const clock = new FakeClock();
  let aheadMs: number | null = null;
  const source: EventSource = {
    ...{ name: 'pbx', start: () => {}, stop: async () => {}, hold: () => {} },
    status: () => ({
      ...{ name: 'pbx', state: 'connected', since: 0, problem: null, frames: 0, unknownEvents: 0, faults: 0 },
      ...{ lastFrameAt: null, aheadMs },
    }),
  };
  const noted: number[] = [];
  const gaps = {
    lastHeard: async () => ({ at: 0, time: { aheadMs: 2 * HOUR, ownTimes: true } }),
    list: async () => [],
    heard: async ({ time }: { time: { aheadMs: number } }) => void noted.push(time.aheadMs),
    begin: async () => {},
  } as unknown as Gaps;
  const pipeline = createPipeline({
    ...{ sources: [{ source, plan: labPlan('freeswitch') }], rules: DEFAULT_RULES, clock, gaps },
    ...{ onStored: () => {}, onRefused: () => true, onStatus: () => {}, onFault: (_, text) => t.fail(text) },
    journal: nothingStored,
  });
  await pipeline.start();
  await flush();
  t.strictSame(pipeline.timeOf('pbx'), { aheadMs: 2 * HOUR, ownTimes: true });
  aheadMs = -400;
  t.strictSame(pipeline.timeOf('pbx'), { aheadMs: 0, ownTimes: true }, 'its clock was set right meanwhile');
  noted.length = 0;
  await clock.advance(10_000);
  await flush();
  t.strictSame(noted, [0], 'the next life knows it');
  await pipeline.stop();
});
