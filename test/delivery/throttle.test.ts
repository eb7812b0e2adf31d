/** The limiter over simulated days: never over the limit in any closed window, and the budget used. */
import t from 'tap';
import { createAllowance } from '../../src/delivery/allowance.ts';
import { createTurns } from '../../src/delivery/fairness.ts';
import { DEFAULT_POLICY, type LimitPolicy } from '../../src/delivery/policy.ts';
import { createLimiter, type Limiter, type Place } from '../../src/delivery/throttle.ts';
import { worstWindow } from './fakes.ts';

const LIMIT = DEFAULT_POLICY.limit;
const FRESH = { used: [], blockedUntil: Number.NEGATIVE_INFINITY, tuning: null };

/** A small generator with a seed: the same run every time. */
function mulberry(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let x = Math.imul(a ^ (a >>> 15), 1 | a);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Network {
  /** ms from start to arrival at the server, and from there to the answer. */
  there(): number;
  back(): number;
}

/**
 * Always somebody waiting. Answers the starts as we see them and the arrivals as the server does. `disturbed`: every half
 * hour the program is stopped for up to 3 s, every hour it is killed and remembers of each start only that it was before
 * its cover ran out.
 */
function saturate(limit: LimitPolicy, hours: number, network: Network, disturbed = false) {
  let limiter = createLimiter(limit, FRESH);
  const starts: number[] = [];
  const arrivals: number[] = [];
  let ends: { at: number; place: Place }[] = [];
  const until = hours * 3_600_000;
  let halfHour = 1;
  let now = 0;
  while (now < until) {
    if (disturbed && now > halfHour * 1_800_000) {
      now += (halfHour * 331) % 3000;
      halfHour += 1;
      if (halfHour % 2 === 0) {
        const used = starts.slice(-limit.requests).map((start) => start + 1000);
        limiter = createLimiter(limit, { ...FRESH, used });
        ends = [];
      }
    }
    ends.sort((a, b) => a.at - b.at);
    const free = limiter.freeAt(now);
    const end = ends[0];
    if (end !== undefined && end.at <= Math.max(now, free)) {
      ends.shift();
      now = Math.max(now, end.at);
      limiter.done(end.place, now);
      continue;
    }
    now = Math.max(now, free);
    const place = limiter.take(now);
    const there = network.there();
    starts.push(now);
    arrivals.push(now + there);
    ends.push({ at: now + there + network.back(), place });
  }
  arrivals.sort((a, b) => a - b);
  const fill = starts.length / ((limit.requests * until) / limit.windowMs);
  return { starts, arrivals, fill };
}

t.test('a day with pauses and restarts: 25 in any closed 5 s, 99 % of the budget', async (t) => {
  const { starts, fill } = saturate(LIMIT, 24, { there: () => 20, back: () => 20 }, true);
  t.equal(worstWindow(starts, LIMIT.windowMs), 25);
  t.ok(fill >= 0.99, `fill ${fill}`);
});

t.test('networks with jitter and stalls: never over the limit at the server', async (t) => {
  const random = mulberry(7);
  const exponential = (mean: number) => -mean * Math.log(1 - random());
  const stall = () => (random() < 0.001 ? 200 + 2800 * random() : 0);
  const networks: Record<string, Network> = {
    LAN: { there: () => 1 + 3 * random(), back: () => 1 + 3 * random() },
    WAN: { there: () => 40 + exponential(8) + stall(), back: () => 60 + exponential(8) + stall() },
    far: { there: () => 150 + exponential(30) + stall(), back: () => 150 + exponential(30) + stall() },
  };
  for (const [name, network] of Object.entries(networks)) {
    for (const strict of [true, false]) {
      const { arrivals, fill } = saturate({ ...LIMIT, strict }, 3, network);
      const worst = worstWindow(arrivals, LIMIT.windowMs);
      t.ok(worst <= 25, `${name} ${strict ? 'strict' : 'normal'}: worst ${worst}, fill ${fill.toFixed(4)}`);
      if (strict) t.ok(fill >= 0.97, `${name} strict fill ${fill}`);
    }
  }
});

t.test('a request that leaves late (new connection) holds its place longer', async (t) => {
  const limiter = createLimiter({ ...LIMIT, requests: 1 }, FRESH);
  const times = (latency: number, now: number): number => {
    const place = limiter.take(now);
    if (limiter.freeAt(now + latency - 1) !== Number.POSITIVE_INFINITY) t.fail('a request under way holds its place');
    limiter.done(place, now + latency);
    return limiter.freeAt(now + latency);
  };
  let now = 0;
  for (let i = 0; i < 25; i++) now = times(20, now);
  t.equal(times(20, now) - now, 5025, 'as usual');
  t.equal(times(1500, now) - now, 1500 - 20 - 12.5 + 5025, 'slow to leave or slow to come back');
});

t.test('a refusal that names a limit is believed; one at our own limit means that others share it', async (t) => {
  const limiter = createLimiter(LIMIT, FRESH);
  const refusal = { limit: null, windowMs: null, retryAfterMs: null };
  limiter.refused({ ...refusal, limit: 10, windowMs: 5000 }, 100_000, () => 0);
  t.match(limiter.tuning, { requests: 10, windowMs: 5000, guardMs: 50, strict: true, ceiling: 10 });
  t.equal(limiter.freeAt(100_000), 105_000, 'held for a window');
  limiter.refused({ ...refusal, limit: 10, windowMs: 5000 }, 100_010, () => 0);
  t.equal(limiter.tuning.requests, 10, 'answers to requests sent before say nothing new');
  limiter.refused({ ...refusal, limit: 10, windowMs: 5000 }, 120_000, () => 0);
  t.equal(limiter.tuning.requests, 7);
  limiter.refused({ ...refusal, retryAfterMs: 60_000 }, 120_001, () => 0);
  t.equal(limiter.freeAt(120_001), 180_001, 'Retry-After holds everything');
});

t.test('it recovers slowly: to the named limit first, beyond it after a day', async (t) => {
  const limiter = createLimiter(LIMIT, FRESH);
  limiter.refused({ limit: 10, windowMs: 5000, retryAfterMs: null }, 0, () => 0);
  limiter.refused({ limit: 10, windowMs: 5000, retryAfterMs: null }, 60_000, () => 0);
  t.equal(limiter.tuning.requests, 7);
  let now = 60_000;
  const pass = (minutes: number): void => {
    for (let i = 0; i < minutes; i++) {
      now += 60_000;
      limiter.recover(now);
    }
  };
  pass(9);
  t.equal(limiter.tuning.requests, 7, 'not within ten minutes');
  pass(60);
  t.equal(limiter.tuning.requests, 10);
  pass(20 * 60);
  t.match(limiter.tuning, { requests: 10, guardMs: 25, strict: false });
  pass(10 * 60);
  t.match(limiter.tuning, { requests: 25, ceiling: null });
});

t.test('what was learned is kept over a restart, as far as it is tighter than the configuration', async (t) => {
  const tuning = { requests: 10, windowMs: 5000, guardMs: 200, strict: true, ceiling: 10 };
  t.match(createLimiter(LIMIT, { ...FRESH, tuning }).tuning, tuning);
  t.match(createLimiter({ ...LIMIT, requests: 5 }, { ...FRESH, tuning }).tuning, { requests: 5, guardMs: 200 });
});

t.test('live before backlog before housekeeping, and nobody starves', async (t) => {
  const turns = createTurns();
  const waiting = { live: 100, backlog: 100, background: 100 };
  const served = { live: 0, backlog: 0, background: 0 };
  for (let i = 0; i < 1000; i++) {
    const pick = turns.pick(waiting, i * 200, 190);
    if (pick === null || typeof pick === 'number') throw new Error('somebody waits');
    served[pick] += 1;
    turns.served(pick, waiting, i * 200);
  }
  t.same(served, { live: 761, backlog: 199, background: 40 });
});

t.test('the backlog is spread over the window, live calls never wait for its pace', async (t) => {
  const turns = createTurns();
  const backlog = { live: 0, backlog: 9, background: 0 };
  turns.served('backlog', backlog, 1000);
  t.equal(turns.pick(backlog, 1040, 190), 150);
  t.equal(turns.pick({ ...backlog, live: 1 }, 1040, 190), 'live');
  t.equal(turns.pick(backlog, 1190, 190), 'backlog');
  t.equal(turns.pick({ live: 0, backlog: 0, background: 0 }, 1190, 190), null);
});

t.test('the allowance of a day: a tenth for live calls, a clock set back forgets nothing', async (t) => {
  const noon = Date.UTC(2026, 0, 5, 12);
  const allowance = createAllowance(100, null);
  allowance.spend(0);
  t.same([allowance.left(noon, false), allowance.left(noon, true)], [90, 100]);
  allowance.spend(95);
  t.same([allowance.left(noon, false), allowance.left(noon, true)], [0, 5]);
  t.equal(allowance.left(noon - 86_400_000, true), 5, 'set back by a day');
  t.equal(allowance.left(noon, true), 100, 'a new day after that');
  t.equal(allowance.untilTomorrow(noon), 43_200_000);
  t.equal(createAllowance(null, null).left(noon, false), Number.POSITIVE_INFINITY);
  t.equal(createAllowance(100, { day: '2026-01-05', used: 99 }).left(noon, true), 1, 'kept over a restart');
});

t.test('what an earlier run may have used counts', async (t) => {
  const used = Array.from({ length: 25 }, () => 990);
  const limiter: Limiter = createLimiter(LIMIT, { used, blockedUntil: 0, tuning: null });
  t.equal(limiter.freeAt(1000), 990 + 5025);
  t.equal(limiter.freeSlots(1000), 0);
});
