/** What is stored together, when, and what happens when it is refused or too much. */
import t from 'tap';
import { gatherBatches } from '../src/batches.ts';
import type { FoldResult } from '../src/call/correlate.ts';
import type { CommitResult, JournalBatch, SourceFrame } from '../src/ports.ts';
import { answered, frame, record } from './adapters/sqlite/support.ts';

const NOTHING = { ended: [], opened: [], released: [], carried: [] };

function bench() {
  let timers: { readonly ms: number; readonly run: () => void }[] = [];
  const asked: { readonly batch: JournalBatch; settle(error?: Error): void }[] = [];
  const stored: string[] = [];
  const pressure: boolean[] = [];
  const open = new Set<string>();
  let now = 0;
  const batches = gatherBatches({
    clock: {
      monotonic: () => now,
      after(ms, run) {
        const timer = { ms, run };
        timers.push(timer);
        return () => {
          timers = timers.filter((one) => one !== timer);
        };
      },
    },
    journal: {
      commit: (batch) =>
        new Promise<CommitResult>((resolve, reject) => {
          const result = { inserted: batch.ended.map((one) => one.callSessionId), changed: [], refused: [] };
          asked.push({ batch, settle: (error) => (error === undefined ? resolve(result) : reject(error)) });
        }),
    },
    isOpen: ({ channel }) => open.has(channel),
    onStored: (ended) => stored.push(...ended.map((one) => one.callSessionId)),
    onRefused: (error) => !(error instanceof Error && error.message === 'for good'),
    onPressure: (behind) => pressure.push(behind),
  });
  return {
    hear(n: number, result: Partial<FoldResult> = {}) {
      batches.folded('pbx', { ...NOTHING, ...result });
      batches.said(said(n));
    },
    ...{ batches, asked, stored, pressure, open },
    waits: () => timers.map(({ ms }) => ms),
    pass(ms: number) {
      now += ms;
    },
    fire(ms: number) {
      const due = timers.filter((one) => one.ms === ms);
      timers = timers.filter((one) => one.ms !== ms);
      for (const { run } of due) run();
    },
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const said = (n: number, bytes = 10): SourceFrame => frame(answered('x', n), Buffer.alloc(bytes));

t.test('events wait some ms for others', async (t) => {
  const { batches, asked, waits, fire } = bench();
  for (let n = 1; n <= 5; n++) batches.said(said(n));
  await turn();
  t.equal(asked.length, 0);
  t.same(waits(), [20]);
  fire(20);
  t.same(
    asked[0]?.batch.frames.map(({ receivedAt }) => receivedAt),
    [1, 2, 3, 4, 5],
  );
});

t.test('in a flood of calls each waits some ms for others', async (t) => {
  const { hear, asked, waits, fire, pass } = bench();
  const end = async (n: number, times: number): Promise<void> => {
    for (let one = 0; one < times; one++) {
      hear(n, { ended: [record(`${n}-${one}`)] });
      await turn();
    }
  };
  await end(1, 60);
  const atOnce = asked.length;
  t.ok(atOnce >= 40 && atOnce < 44, `at once: ${atOnce}`);
  t.same(waits(), [20]);
  pass(20);
  fire(20);
  t.equal(asked[atOnce]?.batch.ended.length, 60 - atOnce, 'the others together');
  // Thirteen a second, as in a call centre that is busy, never wait.
  pass(1000);
  const before = asked.length;
  for (let n = 2; n < 100; n++) {
    pass(77);
    await end(n, 1);
  }
  t.equal(asked.length - before, 98);
});

t.test('a call that ended waits for nothing but what came with it', async (t) => {
  const { hear, asked, stored, waits } = bench();
  hear(1, { opened: ['a'] });
  hear(2, { ended: [record('one')], released: ['a'] });
  hear(3);
  await turn();
  t.equal(asked.length, 1);
  t.match(asked[0]?.batch, {
    frames: [{ receivedAt: 1 }, { receivedAt: 2 }, { receivedAt: 3 }],
    opened: [{ source: 'pbx', channel: 'a' }],
    released: [{ source: 'pbx', channel: 'a' }],
    ended: [{ callSessionId: 'one' }],
  });
  t.same(waits(), []);
  t.same(stored, [], 'not before it is stored');
  asked[0]?.settle();
  await turn();
  t.same(stored, ['one']);
});

t.test('much is stored without waiting for more, and nothing is asked when there is nothing', async (t) => {
  const { batches, asked } = bench();
  batches.folded('pbx', NOTHING);
  batches.release('pbx', []);
  await batches.drain();
  t.equal(asked.length, 0);
  for (let n = 0; n < 5; n++) batches.said(said(n, 50_000));
  await turn();
  t.equal(asked.length, 1);
});

t.test('what was said is kept, though its memory is used again', async (t) => {
  const { batches, asked, fire } = bench();
  const [small, large] = [Buffer.alloc(10), Buffer.alloc(200_000)];
  for (const byte of [1, 2]) batches.said(frame(answered('x', byte), small.fill(byte)));
  batches.said(frame(answered('x', 3), large.fill(3)));
  large.fill(4);
  // The batch is full, and this is too large for what is kept for one.
  batches.said(frame(answered('x', 4), large));
  small.fill(5);
  large.fill(5);
  t.same(
    asked[0]?.batch.frames.map(({ raw }) => [raw?.length, raw?.[0], raw?.at(-1)]),
    [
      [10, 1, 1],
      [10, 2, 2],
      [200_000, 3, 3],
      [200_000, 4, 4],
    ],
  );
  batches.said(frame(answered('x', 6), small.fill(6)));
  fire(20);
  t.same([...(asked[1]?.batch.frames[0]?.raw ?? [])], [...Buffer.alloc(10, 6)]);
});

t.test('while too much waits, the sources are held back, until most of it is stored', async (t) => {
  const { batches, asked, pressure } = bench();
  for (let n = 0; n < 30; n++) {
    batches.said(said(n, 1_000_000));
    await turn();
  }
  t.same(pressure, [true]);
  for (const { settle } of asked.slice(0, 25)) settle();
  await turn();
  t.same(pressure, [true], '5 MB are still much: it would go to and fro');
  for (const { settle } of asked.slice(25)) settle(new Error('full'));
  await turn();
  t.same(pressure, [true, false], 'what is refused waits no more either');
});

t.test('what a refused batch said about calls goes before what is said next', async (t) => {
  const { hear, batches, asked, open, stored, waits, fire } = bench();
  hear(1, { ended: [record('one')], opened: ['a', 'b'], released: ['z'] });
  await turn();
  open.add('b');
  asked[0]?.settle(new Error('full'));
  await turn();
  t.same(waits(), [5000], 'also when nothing else happens');
  hear(2, { ended: [record('two')], opened: ['c'], released: ['b'] });
  await turn();
  t.same(waits(), []);
  const channels = (some: readonly { readonly channel: string }[] | undefined) => some?.map(({ channel }) => channel);
  t.same(channels(asked[1]?.batch.opened), ['b', 'c'], 'not one that is over');
  t.same(channels(asked[1]?.batch.released), ['z', 'b']);
  t.equal(asked[1]?.batch.frames.length, 1, 'its frames are lost');
  asked[1]?.settle();
  await turn();
  t.same(stored, ['one', 'two']);
  hear(3);
  fire(20);
  const drained = batches.drain();
  asked[2]?.settle(new Error('full'));
  await drained;
  t.same(waits(), [], 'no timer is left');
});

t.test('what was refused is offered when its time has come and at the end, though other events linger', async (t) => {
  const { hear, batches, asked, stored, waits, fire } = bench();
  hear(1, { ended: [record('one')] });
  await turn();
  asked[0]?.settle(new Error('full'));
  await turn();
  hear(2);
  fire(5000);
  t.match(asked[1]?.batch, { ended: [{ callSessionId: 'one' }], frames: [{ receivedAt: 2 }] });
  asked[1]?.settle(new Error('full'));
  await turn();
  hear(3);
  const drained = batches.drain();
  t.match(asked[2]?.batch, { ended: [{ callSessionId: 'one' }], frames: [{ receivedAt: 3 }] });
  asked[2]?.settle(new Error('full'));
  await drained;
  t.same([batches.unstored, waits()], [1, []], 'no timer is left');
  const again = batches.drain();
  asked[3]?.settle();
  await again;
  t.same([stored, batches.unstored], [['one'], 0]);
});

t.test('a call that was refused for good is counted, and not offered again', async (t) => {
  const { hear, batches, asked, waits } = bench();
  hear(1, { ended: [record('one')] });
  await turn();
  asked[0]?.settle(new Error('for good'));
  await batches.drain();
  t.same([batches.unstored, asked.length, waits()], [1, 1, []]);
});

t.test('calls that are in memory alone are counted, once each, until they are stored', async (t) => {
  const { hear, batches, asked } = bench();
  hear(1, { ended: [record('a')] });
  await turn();
  t.equal(batches.unstored, 1, 'it is being stored');
  asked[0]?.settle(new Error('full'));
  await turn();
  t.equal(batches.unstored, 1, 'it was refused, and is owed');
  hear(2, { ended: [record('b'), record('a')] });
  await turn();
  t.equal(batches.unstored, 2);
  asked[1]?.settle();
  await turn();
  t.equal(batches.unstored, 0);
});
