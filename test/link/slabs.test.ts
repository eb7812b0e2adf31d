/** Memory that is used again, and the batches in it. */
import t from 'tap';
import { decode } from '../../adapters/sqlite/journal/frames.ts';
import { prepare, release } from '../../adapters/sqlite/journal/runs.ts';
import { Slabs } from '../../src/link/slabs.ts';
import { answered, batch, frame } from '../adapters/sqlite/support.ts';

const FULL = 200 * 1024;

t.test('a slab that was given back is taken again; small and huge pieces are none', async (t) => {
  const slabs = new Slabs(2000);
  const first = slabs.take(FULL);
  const second = slabs.take(FULL);
  t.not(first.buffer, second.buffer, 'never the same to two');
  slabs.giveBack(first);
  const third = slabs.take(FULL + 1);
  t.equal(third.buffer, first.buffer);
  t.equal(third.length, FULL + 1);
  for (const length of [0, 1, 1000, 1_000_000]) {
    const piece = slabs.take(length);
    t.notOk(piece.buffer instanceof SharedArrayBuffer);
    t.equal(piece.length, length);
    slabs.giveBack(piece);
  }
  t.not(slabs.take(FULL).buffer, first.buffer);
});

t.test('pieces share a slab, which is free when all of them have come back', async (t) => {
  const slabs = new Slabs();
  const pieces = [100, 50_000, 50_000].map((length, n) => slabs.take(length).fill(n + 1));
  t.equal(new Set(pieces.map(({ buffer }) => buffer)).size, 1);
  t.same(
    pieces.map((piece) => [piece[0], piece.at(-1)]),
    [1, 2, 3].map((byte) => [byte, byte]),
  );
  const [first, second, third] = pieces;
  if (first === undefined || second === undefined || third === undefined) throw new Error('no pieces');
  slabs.giveBack(second);
  slabs.giveBack(first);
  const next = slabs.take(FULL);
  t.not(next.buffer, third.buffer, 'there is no room beside it');
  t.equal(third[0], 3);
  slabs.giveBack(third);
  slabs.giveBack(next);
  t.equal(slabs.take(FULL).buffer, next.buffer, 'the one that is being given out');
  t.equal(slabs.take(FULL).buffer, third.buffer);
  slabs.giveBack(new Uint8Array(10));
});

t.test('a batch keeps its bytes until it is stored, whatever the next one writes', async (t) => {
  const slabs = new Slabs();
  const of = (fill: number) => {
    const frames = [frame(answered('x', fill), Buffer.alloc(FULL, fill))];
    return prepare(batch({ frames }), undefined, undefined, slabs);
  };
  const read = (prepared: ReturnType<typeof of>) =>
    [...prepared.parts.values()].flatMap(({ packet }) => [...decode(packet?.bytes ?? new Uint8Array(0))]);
  const [one, two] = [of(1), of(2)];
  t.match(read(one), [{ at: 1, bytes: Buffer.alloc(FULL, 1) }]);
  t.match(read(two), [{ at: 2, bytes: Buffer.alloc(FULL, 2) }]);
  release(one, slabs);
  const three = of(3);
  t.match(read(two), [{ at: 2, bytes: Buffer.alloc(FULL, 2) }]);
  t.match(read(three), [{ at: 3, bytes: Buffer.alloc(FULL, 3) }]);
});
