/** The limit over simulated days: never over the limit in any closed window, and the budget used. */
import t from 'tap';
import { DEFAULT_LIMIT as LIMIT, type LimitPolicy } from '../../src/permits/port.ts';
import { createWindow, type Entry, HOLD_MAX_MS } from '../../src/permits/window.ts';
import { worstWindow } from '../delivery/fakes.ts';
import { amount } from '../support/runs.ts';

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
  let window = createWindow(limit, FRESH);
  const starts: number[] = [];
  const arrivals: number[] = [];
  let ends: { at: number; entry: Entry }[] = [];
  const until = hours * 3_600_000;
  let halfHour = 1;
  let now = 0;
  while (now < until) {
    if (disturbed && now > halfHour * 1_800_000) {
      now += (halfHour * 331) % 3000;
      halfHour += 1;
      if (halfHour % 2 === 0) {
        const used = starts.slice(-limit.requests).map((start) => start + 1000);
        window = createWindow(limit, { ...FRESH, used });
        ends = [];
      }
    }
    ends.sort((a, b) => a.at - b.at);
    const free = window.freeAt(now);
    const end = ends[0];
    if (end !== undefined && end.at <= Math.max(now, free)) {
      ends.shift();
      now = Math.max(now, end.at);
      window.done(end.entry, now);
      continue;
    }
    now = Math.max(now, free);
    const entry = window.take(now);
    const there = network.there();
    starts.push(now);
    arrivals.push(now + there);
    ends.push({ at: now + there + network.back(), entry });
  }
  arrivals.sort((a, b) => a - b);
  const fill = starts.length / ((limit.requests * until) / limit.windowMs);
  return { starts, arrivals, fill };
}

t.test('hours with pauses and restarts: 25 in any closed 5 s, 99 % of the budget', async (t) => {
  const { starts, fill } = saturate(LIMIT, amount(6, 24), { there: () => 20, back: () => 20 }, true);
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
      const { arrivals, fill } = saturate({ ...LIMIT, strict }, amount(1, 6), network);
      const worst = worstWindow(arrivals, LIMIT.windowMs);
      t.ok(worst <= 25, `${name} ${strict ? 'strict' : 'normal'}: worst ${worst}, fill ${fill.toFixed(4)}`);
      if (strict) t.ok(fill >= 0.97, `${name} strict fill ${fill}`);
    }
  }
});

t.test('a request that leaves late (new connection) holds its entry longer', async (t) => {
  const window = createWindow({ ...LIMIT, requests: 1 }, FRESH);
  const times = (latency: number, now: number): number => {
    const entry = window.take(now);
    t.equal(window.freeAt(now + latency - 1), now + 2 * 5025, 'a request under way holds its entry');
    window.done(entry, now + latency);
    return window.freeAt(now + latency);
  };
  let now = 0;
  for (let i = 0; i < 25; i++) now = times(20, now);
  t.equal(times(20, now) - now, 5025, 'as usual');
  t.equal(times(1500, now) - now, 1500 - 20 - 12.5 + 5025, 'slow to leave or slow to come back');
});

t.test('a request without an answer holds its entry for two windows, strict: until its answer', async (t) => {
  const span = LIMIT.windowMs + LIMIT.guardMs;
  const window = createWindow({ ...LIMIT, requests: 1 }, FRESH);
  const hung = window.take(0);
  t.equal(window.freeAt(100), 2 * span);
  t.equal(window.free(2 * span - 1), 0);
  t.equal(window.free(2 * span), 1);
  window.take(2 * span);
  window.done(hung, 2 * span + 100);
  t.equal(window.freeAt(2 * span + 100), 4 * span, 'its late answer gives nothing back, and takes nothing');

  const strict = createWindow({ ...LIMIT, requests: 1, strict: true }, FRESH);
  const entry = strict.take(0);
  t.equal(strict.freeAt(100_000), Number.POSITIVE_INFINITY);
  strict.done(entry, 100_000);
  t.equal(strict.freeAt(100_000), 100_000 + span);
});

t.test('a refusal that names a limit is believed; one at our own limit means that others share it', async (t) => {
  const window = createWindow(LIMIT, FRESH);
  const refusal = { limit: null, windowMs: null, retryAfterMs: null };
  window.refused({ ...refusal, limit: 10, windowMs: 5000 }, 100_000, () => 0);
  t.match(window.tuning, { requests: 10, windowMs: 5000, guardMs: 50, strict: true, ceiling: 10 });
  t.equal(window.freeAt(100_000), 105_000, 'held for a window');
  window.refused({ ...refusal, limit: 10, windowMs: 5000 }, 100_010, () => 0);
  t.equal(window.tuning.requests, 10, 'answers to requests sent before say nothing new');
  window.refused({ ...refusal, limit: 10, windowMs: 5000 }, 120_000, () => 0);
  t.equal(window.tuning.requests, 7);
  window.refused({ ...refusal, retryAfterMs: 60_000 }, 120_001, () => 0);
  t.equal(window.freeAt(120_001), 180_001, 'Retry-After holds everything');
  t.equal(window.free(120_001), 0);
});

t.test('a Retry-After of a day is not believed', async (t) => {
  const window = createWindow(LIMIT, FRESH);
  window.refused({ limit: null, windowMs: null, retryAfterMs: 86_400_000 }, 1000, () => 0.9);
  t.equal(window.freeAt(1000), 1000 + HOLD_MAX_MS);
  window.refused({ limit: null, windowMs: null, retryAfterMs: 0 }, 2000, () => 0);
  t.equal(window.freeAt(2000), 1000 + HOLD_MAX_MS, 'a shorter one later takes nothing back');
  window.reset(3000);
  t.match([window.freeAt(3000), window.tuning], [3000, { requests: 25, strict: false }], 'an operator does');
});

/** A minute at a time. */
function pass(window: ReturnType<typeof createWindow>, from: number, minutes: number): number {
  let now = from;
  for (let i = 0; i < minutes * 60; i++) {
    now += 1000;
    window.recover(now);
  }
  return now;
}

t.test('it recovers within ten minutes, from the worst as well', async (t) => {
  const window = createWindow(LIMIT, FRESH);
  let now = 0;
  for (let i = 0; i < 12; i++) {
    window.refused({ limit: null, windowMs: null, retryAfterMs: null }, now, () => 0);
    now += 20_000;
  }
  t.match(window.tuning, { requests: 1, guardMs: 1000, strict: true });
  now = pass(window, now, 1);
  t.ok(window.tuning.requests <= 5 && window.tuning.strict, 'not at once');
  pass(window, now, 9);
  t.strictSame(window.tuning, { requests: 25, windowMs: 5000, guardMs: 25, strict: false, ceiling: null });
});

t.test('a limit that was named is kept for a day', async (t) => {
  const window = createWindow(LIMIT, FRESH);
  window.refused({ limit: 10, windowMs: 5000, retryAfterMs: null }, 0, () => 0);
  window.refused({ limit: 10, windowMs: 5000, retryAfterMs: null }, 60_000, () => 0);
  t.equal(window.tuning.requests, 7);
  let now = pass(window, 60_000, 10);
  t.match(window.tuning, { requests: 10, guardMs: 25, strict: false, ceiling: 10 });
  now = pass(window, now, 23 * 60);
  t.match(window.tuning, { requests: 10 });
  pass(window, now, 70);
  t.match(window.tuning, { requests: 25, ceiling: null });
});

t.test('what was learned is kept over a restart, as far as it is tighter than the configuration', async (t) => {
  const tuning = { requests: 10, windowMs: 5000, guardMs: 200, strict: true, ceiling: 10 };
  t.match(createWindow(LIMIT, { ...FRESH, tuning }).tuning, tuning);
  t.match(createWindow({ ...LIMIT, requests: 5 }, { ...FRESH, tuning }).tuning, { requests: 5, guardMs: 200 });
});

t.test('what an earlier run may have used counts', async (t) => {
  const used = Array.from({ length: 25 }, () => 990);
  const window = createWindow(LIMIT, { used, blockedUntil: 0, tuning: null });
  t.equal(window.freeAt(1000), 990 + 5025);
  t.equal(window.free(1000), 0);
});

t.test('permits of other processes hold their entries until they could have been used last', async (t) => {
  const window = createWindow({ ...LIMIT, requests: 3 }, FRESH);
  window.done(window.take(1000), 1000);
  window.others([1500, 1200]);
  t.same([window.free(1600), window.held(1600)], [0, 1]);
  t.equal(window.freeAt(1600), 1000 + 5025);
  t.same([window.free(6100), window.free(6300), window.free(6600)], [1, 2, 3]);
  window.others([]);
  t.equal(window.free(1600), 3);
});

t.test('the pace at which there is always room again', async (t) => {
  const window = createWindow({ ...LIMIT, requests: 4 }, FRESH);
  t.equal(window.evenPace(0), 0, 'nothing is taken');
  for (const at of [0, 1000]) window.done(window.take(at), at);
  // Two are free, a third entry comes at 5,025, a fourth at 6,025.
  t.equal(window.evenPace(1000), (5025 - 1000) / 3);
  t.equal(window.evenPace(5000), (6025 - 5000) / 4);
  window.take(1000);
  t.equal(window.evenPace(1000), (5025 - 1000) / 2, 'what is held for longer than a window is missing');
  t.equal(window.evenPace(6030), (1000 + 2 * 5025 - 6030) / 4, 'until it comes free within the next one');
  window.take(6100);
  window.take(6100);
  t.equal(window.evenPace(6100), 5025 / 2, 'and the rest, free now or again within a window, is spread over it');
});

/**
 * A program on a loaded machine, minutes of which it runs in time and minutes late: its timers go off up to 200 ms late, and
 * so does all that it sends or hears. Always somebody waiting. Answers what arrives at the server.
 */
function loaded(tell: boolean): readonly number[] {
  const random = mulberry(11);
  const window = createWindow(LIMIT, FRESH);
  const arrivals: number[] = [];
  let ends: { at: number; entry: Entry }[] = [];
  let now = 0;
  const late = () => (Math.floor(now / 60_000) % 2 === 1 ? 100 + 100 * random() : 0);
  while (now < 3_600_000) {
    ends.sort((a, b) => a.at - b.at);
    const free = window.freeAt(now);
    const end = ends[0];
    if (end !== undefined && end.at <= Math.max(now, free)) {
      ends = ends.slice(1);
      now = Math.max(now, end.at);
      window.done(end.entry, now);
      continue;
    }
    // The timer was set for `free`, and tells how late it is.
    const timer = late();
    now = Math.max(now, free) + timer;
    if (tell) window.late(timer, now);
    if (window.freeAt(now) > now) continue;
    const entry = window.take(now);
    const arrival = now + late() + 20;
    arrivals.push(arrival);
    ends.push({ at: arrival + 20 + late(), entry });
  }
  return arrivals.sort((a, b) => a - b);
}

t.test('a program that runs late goes a little slower instead of one request too far', async (t) => {
  t.ok(worstWindow(loaded(false), LIMIT.windowMs) > 25, 'without a measure of it the server sees too many');
  const told = loaded(true);
  t.equal(worstWindow(told, LIMIT.windowMs), 25);
  t.ok(told.length >= 0.88 * 25 * 720, `${told.length} of ${25 * 720}`);
});

t.test('where the program runs late, its answer times say nothing about the network', async (t) => {
  const window = createWindow({ ...LIMIT, requests: 1 }, FRESH);
  const slow = (now: number): number => {
    window.done(window.take(now), now + 400);
    return window.freeAt(now + 400) - window.spanMs - now;
  };
  for (let i = 0; i < 25; i++) window.done(window.take(i * 6000), i * 6000 + 20);
  t.equal(slow(200_000), 400 - 20 - 12.5);
  window.late(150, 210_000);
  t.equal(slow(210_000), 400 - 12.5);
});

t.test('lateness counts for half a minute, and what is within the guard is none', async (t) => {
  const window = createWindow(LIMIT, FRESH);
  window.late(12, 1000);
  t.equal(window.spanMs, 5025);
  window.late(150.2, 2000);
  t.equal(window.spanMs, 5025 + 151);
  window.late(20, 20_000);
  t.equal(window.spanMs, 5025 + 151, 'the greatest counts');
  window.free(49_999);
  t.equal(window.spanMs, 5025 + 151);
  window.free(50_000);
  t.equal(window.spanMs, 5025);
  window.late(60_000, 60_000);
  t.equal(window.spanMs, 5025 + 2000, 'a machine that slept is no reason to stand still');
});

t.test('a stop that several timers tell of counts once', async (t) => {
  const window = createWindow({ ...LIMIT, requests: 1 }, FRESH);
  window.take(0);
  // From 1000 to 1400, and from 3000 to 3100.
  for (const now of [1400, 1401, 1402]) window.late(now - 1000, now);
  for (const now of [3100, 3100]) window.late(now - 3000, now);
  t.equal(window.freeAt(3100), 2 * window.spanMs + 402 + 100);
});
