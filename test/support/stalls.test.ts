/** Windows of requests at a stand-in whose process stood still. */
import t from 'tap';
import { watchStalls, worstWindow } from './stalls.ts';

const every = (ms: number, from: number, to: number): number[] =>
  Array.from({ length: Math.ceil((to - from) / ms) }, (_, n) => from + n * ms);

t.test('what was read at the end of a stall came in its time; too many beside it are seen', async (t) => {
  const stall = { from: 10_000, to: 13_000 };
  // 10 a second; those of the stall are read in one moment.
  const told = [...every(100, 0, 10_000), ...every(1, 13_000, 13_030), ...every(100, 13_100, 20_000)];
  t.ok(worstWindow(told, 1000, []) > 30);
  t.equal(worstWindow(told, 1000, [stall]), 11);
  t.equal(worstWindow(told, 1000, [{ from: 1000, to: 1300 }, stall, { from: 19_000, to: 19_300 }]), 11);
  const bursts = [...told, ...every(1, 20_000, 20_040)];
  t.equal(worstWindow(bursts, 1000, [stall]), 49, 'after it');
  t.equal(worstWindow([...every(1, 5000, 5040), ...told.slice(60)], 1000, [stall]), 41, 'before it');
});

t.test('a process that stands still tells it before anything else', async (t) => {
  const stalls = watchStalls();
  const began = performance.now();
  while (performance.now() - began < 600) {}
  const ended = performance.now();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  const stall = stalls.find(({ to }) => to >= ended);
  t.ok(stall !== undefined && stall.from <= began);
});
