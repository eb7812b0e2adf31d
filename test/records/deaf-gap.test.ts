/** A PBX that is deaf is not heard, though its link stands: that is a gap, too. */
import t from 'tap';
import type { SourceStatus } from '../../src/ports.ts';
import type { Gap, Gaps } from '../../src/records/gaps.ts';
import { watchGaps } from '../../src/records/watch.ts';
import { FakeClock, flush } from '../delivery/fakes.ts';

const HEARD: SourceStatus = {
  ...{ name: 'pbx', state: 'connected', since: 1_000, problem: null, frames: 1, unknownEvents: 0, faults: 0 },
  ...{ lastFrameAt: 1_000, deaf: null, callHeardAt: 5_000 },
};
const DEAF: SourceStatus = { ...HEARD, deaf: { text: 'It tells nothing.', lines: [] } };

/** The watch with a store that notes what is asked of it. */
function watching(stored: readonly Partial<Gap>[] = []) {
  const told: (readonly [what: string, at: number])[] = [];
  const ended: Gap[] = [];
  const doubts: (number | null)[] = [];
  let open = stored[0]?.state === 'open';
  const gaps = {
    async begin({ at, reason }: { at: number; reason: string }) {
      if (!open) told.push([reason, at]);
      open = true;
    },
    async end({ at }: { at: number }) {
      if (!open) return null;
      open = false;
      told.push(['end', at]);
      return { endedAt: at } as Gap;
    },
    async heard() {},
    lastHeard: async () => null,
    list: async () => stored,
  } as unknown as Gaps;
  const watch = watchGaps({
    ...{ gaps, clock: new FakeClock(), statuses: () => [HEARD], stored: async () => true, liveOf: () => 0 },
    onEnded: (gap) => ended.push(gap),
    onDoubt: (_, since) => doubts.push(since),
    onFault: (_, text) => t.fail(text),
  });
  const link = (kind: 'source-lost' | 'source-connected' | 'snapshot-complete' | 'cleared', at: number): void =>
    watch.note({
      ...{ source: 'pbx', at, receivedAt: at, kind, orderly: false, reason: 'the link', bootedAt: null },
    } as unknown as Parameters<typeof watch.note>[0]);
  return { watch, told, ended, doubts, link };
}

const REASON = 'the PBX told nothing of its calls';

t.test('from the last call that was heard until one is heard again', async (t) => {
  const { watch, told, ended } = watching();
  for (const status of [HEARD, DEAF, DEAF, { ...HEARD, callHeardAt: 90_000 }, HEARD]) watch.status(status);
  await flush();
  t.same(told, [
    [REASON, 5_000],
    ['end', 90_000],
  ]);
  t.equal(ended.length, 1, 'so its records are read, and it is told');
});

t.test('where no call was heard yet, since the link stands', async (t) => {
  const { watch, told } = watching();
  watch.status({ ...DEAF, callHeardAt: null });
  await flush();
  t.same(told, [[REASON, 1_000]]);
});

t.test('a list of channels ends no gap of a PBX that is deaf, nor does a call the gap of a lost link', async (t) => {
  const { watch, told, link } = watching();
  watch.status(DEAF);
  link('source-lost', 10_000);
  link('source-connected', 11_000);
  link('snapshot-complete', 12_000);
  await flush();
  t.same(told, [[REASON, 5_000]], 'still deaf');
  link('source-lost', 20_000);
  link('source-connected', 21_000);
  watch.status({ ...HEARD, callHeardAt: 21_500 });
  await flush();
  t.equal(told.length, 1, 'who is there is not known yet');
  link('snapshot-complete', 22_000);
  await flush();
  t.same(told.at(-1), ['end', 22_000]);
});

t.test('after a restart it is deaf until a call is heard, whatever its list says', async (t) => {
  const { watch, told, doubts, link } = watching([{ state: 'open', reason: REASON, beganAt: 700 }]);
  await watch.start(['pbx']);
  t.same(doubts, [700]);
  for (const [kind, at] of [
    ['source-lost', 1_000],
    ['source-connected', 2_000],
    ['snapshot-complete', 3_000],
  ] as const)
    link(kind, at);
  watch.status(HEARD);
  await flush();
  t.same([told, doubts], [[], [700]], 'the gap goes on, and is in doubt');
  link('cleared', 9_000);
  await flush();
  t.same([told, doubts], [[['end', 9_000]], [700, null]]);
  await watch.stop();
});

t.test('the same, and then it is seen to be deaf still: told by that, and the gap goes on', async (t) => {
  const { watch, told, doubts } = watching([{ state: 'open', reason: REASON, beganAt: 700 }]);
  await watch.start(['pbx']);
  watch.status(DEAF);
  await flush();
  t.same([told, doubts], [[], [700, null]]);
  await watch.stop();
});

t.test('a gap that is over, or of a lost link, says nothing of the events', async (t) => {
  for (const gap of [
    { state: 'waiting', reason: REASON },
    { state: 'open', reason: 'the link' },
  ] as const) {
    const { watch, doubts } = watching([{ ...gap, beganAt: 700 }]);
    await watch.start(['pbx']);
    t.same(doubts, []);
    await watch.stop();
  }
});
