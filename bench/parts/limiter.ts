/**
 * The same arrivals through three limiters of 25 requests in 5 s, on a simulated clock: ours, p-throttle, and p-throttle in
 * strict mode. Shown: the most requests in any closed 5 s as we send them and as the server gets them, and how much of the
 * budget was used.
 */
import pThrottle from 'p-throttle';
import { DEFAULT_LIMIT as LIMIT } from '../../src/permits/port.ts';
import { createWindow, type Entry } from '../../src/permits/window.ts';
import { Scene } from '../../test/permits/support.ts';
import type { Line, Options } from '../support/report.ts';

const WINDOW = LIMIT.windowMs;
const MINUTES = 30;
const FILL = { on: 'value', least: 99 } as const;
const WORST = { on: 'value', most: LIMIT.requests } as const;

interface Schedule {
  readonly name: string;
  /** When requests come, ms. */
  readonly arrivals: readonly number[];
  /** Fill is only meaningful when there is always more to send. */
  readonly saturated: boolean;
}

interface Measured {
  readonly starts: readonly number[];
  readonly received: readonly number[];
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

function schedules(): readonly Schedule[] {
  const random = generator(11);
  const end = MINUTES * 60_000;
  const backlog = Array.from({ length: Math.ceil((end / WINDOW) * LIMIT.requests) }, () => 0);
  const bursts: number[] = [];
  for (let at = 0; at < end; at += 3000 + 9000 * random()) {
    for (let i = 0; i < 40 * random(); i++) bursts.push(at + 200 * random());
  }
  // A trickle that lines up badly with fixed windows: few requests, a pause, then many at once.
  const edges: number[] = [];
  for (let at = 0; at < end; at += 20_000) {
    edges.push(at);
    for (let i = 0; i < 60; i++) edges.push(at + 4900 + i);
  }
  const sorted = (times: number[]) => times.sort((a, b) => a - b);
  return [
    { name: 'backlog', arrivals: backlog, saturated: true },
    { name: 'bursts', arrivals: sorted(bursts), saturated: false },
    { name: 'window edges', arrivals: sorted(edges), saturated: false },
  ];
}

/** Time from start to arrival, and from there to the answer: some ms of jitter, and now and then a stall. */
function network(): { there(): number; back(): number } {
  const random = generator(5);
  const one = (): number => 40 - 8 * Math.log(1 - random()) + (random() < 0.001 ? 200 + 1800 * random() : 0);
  return { there: one, back: one };
}

function ours(schedule: Schedule, strict: boolean): Measured {
  const fresh = { used: [], blockedUntil: Number.NEGATIVE_INFINITY, tuning: null };
  const limiter = createWindow({ ...LIMIT, strict }, fresh);
  const { there, back } = network();
  const starts: number[] = [];
  const received: number[] = [];
  const ends: { at: number; entry: Entry }[] = [];
  let now = 0;
  for (const arrival of schedule.arrivals) {
    now = Math.max(now, arrival);
    for (;;) {
      ends.sort((a, b) => a.at - b.at);
      const end = ends[0];
      const free = limiter.freeAt(now);
      if (end === undefined || end.at > Math.max(now, free)) {
        now = Math.max(now, free);
        break;
      }
      ends.shift();
      now = Math.max(now, end.at);
      limiter.done(end.entry, now);
    }
    const entry = limiter.take(now);
    const reached = now + there();
    starts.push(now);
    received.push(reached);
    ends.push({ at: reached + back(), entry });
  }
  return { starts, received };
}

/** p-throttle reads `Date.now` and sets timers; both are simulated for the time of the run. */
async function theirs(schedule: Schedule, strict: boolean): Promise<Measured> {
  const { there } = network();
  const starts: number[] = [];
  const received: number[] = [];
  const clock = simulatedTime();
  try {
    const send = pThrottle({ limit: LIMIT.requests, interval: WINDOW, strict })(() => {
      starts.push(clock.now());
      received.push(clock.now() + there());
    });
    const calls: Promise<void>[] = [];
    for (const arrival of schedule.arrivals) {
      clock.at(arrival, () => calls.push(Promise.resolve(send())));
    }
    await clock.run();
    await Promise.all(calls);
  } finally {
    clock.restore();
  }
  return { starts, received };
}

/** Replaces `Date.now`, `setTimeout` and `clearTimeout` until restored. */
function simulatedTime() {
  const real = { now: Date.now, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const origin = 1_700_000_000_000;
  let now = 0;
  let seq = 0;
  let timers: { at: number; seq: number; run: () => void }[] = [];
  const at = (time: number, run: () => void): number => {
    seq += 1;
    const timer = { at: Math.max(now, time), seq, run };
    let index = timers.length;
    while (index > 0 && (timers[index - 1]?.at ?? 0) > timer.at) index -= 1;
    timers.splice(index, 0, timer);
    return seq;
  };
  Date.now = () => origin + now;
  // Timers of Node count whole ms.
  Object.assign(globalThis, {
    setTimeout: (run: () => void, ms = 0) => at(now + Math.max(1, Math.floor(ms)), run),
    clearTimeout: (id: unknown) => {
      timers = timers.filter((timer) => timer.seq !== id);
    },
  });
  return {
    now: () => now,
    at,
    async run(): Promise<void> {
      for (let timer = timers.shift(); timer !== undefined; timer = timers.shift()) {
        now = timer.at;
        timer.run();
        if (timers[0]?.at !== now) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    restore(): void {
      Date.now = real.now;
      Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    },
  };
}

function worst(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  let first = 0;
  sorted.forEach((time, i) => {
    while ((sorted[first] ?? time) < time - WINDOW) first += 1;
    most = Math.max(most, i - first + 1);
  });
  return most;
}

/** Requests sent, as a part of what the limit would have allowed in the same time. */
function fill({ starts }: Measured): number {
  const last = starts.at(-1) ?? 0;
  return starts.length / (LIMIT.requests * (Math.floor(last / WINDOW) + 1));
}

/** Hours without a pause, a restart every 20 minutes, an event loop that stands still now and then, a wall clock that steps. */
async function restarted(minutes: number): Promise<{ readonly worst: number; readonly fill: number }> {
  const scene = new Scene();
  for (let minute = 0; minute < minutes; minute += 20) {
    const permits = await scene.open();
    scene.saturate(permits, 12);
    await scene.clock.advance(600_000);
    scene.clock.wall += minute % 40 === 0 ? 3_600_000 : -86_400_000;
    scene.clock.block(minute % 100 === 0 ? 700 : 40);
    await scene.clock.advance(600_000);
    permits.close();
  }
  const allowed = (LIMIT.requests * minutes * 60_000) / WINDOW;
  return { worst: worst(scene.arrivals), fill: scene.arrivals.length / allowed };
}

export async function run({ short, print, table }: Options): Promise<Line[]> {
  const rows: Record<string, string | number>[] = [];
  const results = new Map<string, Measured>();
  for (const schedule of schedules()) {
    const measured: [string, Measured][] = [
      ['logcalld', ours(schedule, false)],
      ['logcalld strict', ours(schedule, true)],
      ['p-throttle', await theirs(schedule, false)],
      ['p-throttle strict', await theirs(schedule, true)],
    ];
    for (const [limiter, result] of measured) {
      results.set(`${schedule.name} ${limiter}`, result);
      rows.push({
        arrivals: schedule.name,
        limiter,
        requests: result.starts.length,
        'worst sent': worst(result.starts),
        'worst received': worst(result.received),
        fill: schedule.saturated ? `${(100 * fill(result)).toFixed(2)} %` : '-',
      });
    }
  }
  print(`${LIMIT.requests} requests in ${WINDOW / 1000} s, ${MINUTES} simulated minutes, worst closed window`);
  table(rows);
  const of = (limiter: string): Measured[] =>
    [...results].flatMap(([key, result]) => (key.endsWith(` ${limiter}`) ? [result] : []));
  const worstOf = (limiter: string): number =>
    Math.max(...of(limiter).flatMap(({ starts, received }) => [worst(starts), worst(received)]));
  const fillOf = (limiter: string): number => {
    const backlog = results.get(`backlog ${limiter}`);
    return backlog === undefined ? Number.NaN : 100 * fill(backlog);
  };
  const lives = await restarted(short ? 120 : 480);
  return [
    {
      measure: 'fill with a backlog, beside p-throttle',
      unit: '%',
      value: fillOf('logcalld'),
      baseline: fillOf('p-throttle'),
      bar: FILL,
    },
    {
      measure: 'worst window, beside p-throttle',
      unit: 'requests',
      value: worstOf('logcalld'),
      baseline: worstOf('p-throttle'),
      bar: WORST,
    },
    { measure: 'fill with restarts and a blocked loop', unit: '%', value: 100 * lives.fill, bar: FILL },
    { measure: 'worst window with restarts and a blocked loop', unit: 'requests', value: lives.worst, bar: WORST },
  ];
}
