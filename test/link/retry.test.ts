import fc from 'fast-check';
import t from 'tap';
import { isLoopback, type LinkFailureKind, retryDelayMs } from '../../src/link/retry.ts';

const longest = (kind: LinkFailureKind, local: boolean, failures: number) =>
  retryDelayMs(kind, failures, local, 1 - Number.EPSILON);

t.test('a PBX that restarts is found within a second on the same host, within three on a network', async (t) => {
  const bounds = (local: boolean) => [1, 2, 3, 4, 5, 6, 1_000].map((n) => longest('unreachable', local, n));
  t.same(bounds(true), [100, 200, 400, 800, 800, 800, 800]);
  t.same(bounds(false), [250, 500, 1_000, 2_000, 3_000, 3_000, 3_000]);
});

t.test('a PBX that takes logins and drops them is approached more slowly', async (t) => {
  t.same(
    [1, 2, 3, 4, 5, 6, 7].map((n) => longest('dropped', true, n)),
    [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000],
  );
  t.equal(longest('dropped', false, 50), 15_000);
});

t.test('a refused login: a few seconds on the same host, thinning out on a network', async (t) => {
  t.same(
    [1, 2, 3].map((n) => longest('refused', true, n)),
    [5_000, 5_000, 5_000],
  );
  t.same(
    [1, 2, 3, 4, 5].map((n) => longest('refused', false, n)),
    [5_000, 10_000, 20_000, 30_000, 30_000],
  );
});

t.test('never at once, never longer than its bound', async () => {
  const kinds = fc.constantFrom<LinkFailureKind>('unreachable', 'dropped', 'refused');
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(kinds, fc.nat(), fc.boolean(), random, (kind, failures, local, chance) => {
      const delay = retryDelayMs(kind, failures, local, chance);
      const bound = longest(kind, local, failures);
      return delay >= Math.floor(bound / 2) && delay <= bound;
    }),
  );
});

t.test('what is this machine itself', async (t) => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    'pbx.localhost',
    '127.0.0.1',
    '127.1',
    '127.8.9.10',
    '::1',
    '[::1]',
    '::ffff:127.0.0.1',
  ])
    t.equal(isLoopback(host), true, host);
  for (const host of [
    'pbx.example.com',
    '10.0.0.1',
    '1127.0.0.1',
    'localhost.example.com',
    '127.example.com',
    '::2',
    '0.0.0.0',
  ])
    t.equal(isLoopback(host), false, host);
});
