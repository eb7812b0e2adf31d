/** The gate with its memory: over restarts, reboots, clock steps, pauses and slow disks. */
import t from 'tap';
import type { Condition } from '../../src/delivery/condition.ts';
import type { Priority } from '../../src/delivery/crm.ts';
import { type DeliveryGate, GateClosed, openGate } from '../../src/delivery/gate.ts';
import { DEFAULT_POLICY, type LimitPolicy } from '../../src/delivery/policy.ts';
import type { SlotMemory, SlotStore } from '../../src/delivery/store.ts';
import { FakeClock, flush, worstWindow } from './fakes.ts';

const LIMIT = DEFAULT_POLICY.limit;

/** Slots on a disk that takes `latencyMs` for each commit. */
class FakeSlots implements SlotStore {
  memory: SlotMemory | null = null;
  latencyMs = 0;
  error: Error | null = null;
  commits = 0;
  private next = 1;
  private learned: SlotMemory['tuning'] = null;
  private readonly clock: FakeClock;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  async load(): Promise<SlotMemory | null> {
    return this.memory;
  }

  async reserve(args: Parameters<SlotStore['reserve']>[0]): Promise<readonly number[]> {
    if (this.latencyMs > 0) await new Promise<void>((resolve) => this.clock.after(this.latencyMs, resolve));
    if (this.error !== null) throw this.error;
    this.commits += 1;
    const { bootId, until, count, day, usedToday, forgetBefore } = args;
    const kept = this.memory?.bootId === bootId ? this.memory.slots.filter((t) => t >= forgetBefore) : [];
    const slots = [...kept, ...Array.from({ length: count }, () => until)];
    this.memory = { bootId, slots, day, usedToday, tuning: this.learned };
    return Array.from({ length: count }, () => this.next++);
  }

  async tune({ tuning }: Parameters<SlotStore['tune']>[0]): Promise<void> {
    this.learned = tuning;
    if (this.memory !== null) this.memory = { ...this.memory, tuning };
  }
}

class Scene {
  readonly clock = new FakeClock();
  readonly slots = new FakeSlots(this.clock);
  readonly conditions: Condition[] = [];
  readonly arrivals: number[] = [];
  latencyMs = 20;

  open(over: Partial<LimitPolicy> = {}): Promise<DeliveryGate> {
    const { clock, slots } = this;
    const onCondition = (condition: Condition): void => {
      this.conditions.push(condition);
    };
    return openGate({ store: slots, clock, random: () => 0.5, limit: { ...LIMIT, ...over }, onCondition });
  }

  /** An opened gate whose first window is over. */
  async warm(over: Partial<LimitPolicy> = {}): Promise<DeliveryGate> {
    const gate = await this.open(over);
    await this.clock.advance(6000);
    return gate;
  }

  send = (): Promise<void> => {
    this.arrivals.push(this.clock.monotonic());
    return new Promise((resolve) => this.clock.after(this.latencyMs, resolve));
  };

  /** Keeps `n` requests waiting until the gate is closed. */
  saturate(gate: DeliveryGate, n: number, priority: Priority = 'backlog'): void {
    const again = (): void => {
      gate.run(priority, this.send).then(again, () => undefined);
    };
    for (let i = 0; i < n; i++) again();
  }
}

t.test('hours without a pause, with restarts, pauses and clock steps', async (t) => {
  const scene = new Scene();
  const hours = 3;
  let rounds = 0;
  for (let minute = 0; minute < hours * 60; minute += 20) {
    const gate = await scene.open();
    scene.saturate(gate, 12);
    await scene.clock.advance(600_000);
    scene.clock.wall += rounds % 2 === 0 ? 3_600_000 : -86_400_000;
    scene.clock.block(rounds % 5 === 0 ? 700 : 40);
    await scene.clock.advance(600_000);
    gate.close();
    rounds += 1;
  }
  const worst = worstWindow(scene.arrivals, LIMIT.windowMs);
  const fill = scene.arrivals.length / ((25 * hours * 3_600_000) / 5000);
  t.equal(worst, 25);
  t.ok(fill >= 0.99, `fill ${fill} over ${rounds} lives`);
});

t.test('a restart never breaches, whenever it comes', async (t) => {
  for (let ms = 0; ms < 6000; ms += 97) {
    const scene = new Scene();
    const first = await scene.warm({ concurrency: 50 });
    scene.saturate(first, 40, 'live');
    await scene.clock.advance(ms);
    // The old life is gone at once: what it had under way is never answered.
    scene.latencyMs = 1e9;
    first.close();
    const second = await scene.open({ concurrency: 50 });
    scene.saturate(second, 40, 'live');
    await scene.clock.advance(6000);
    const worst = worstWindow(scene.arrivals, LIMIT.windowMs);
    if (worst > 25) t.fail(`${worst} in a window with a restart after ${ms} ms`);
  }
  t.pass();
});

t.test('strict: the answers of the last run are not known, so a window passes', async (t) => {
  const scene = new Scene();
  const gate = await scene.warm({ strict: true });
  scene.saturate(gate, 1);
  await scene.clock.advance(100);
  gate.close();
  const before = scene.arrivals.length;
  const from = scene.clock.monotonic();
  scene.saturate(await scene.open({ strict: true }), 1);
  await scene.clock.advance(6000);
  t.ok((scene.arrivals[before] ?? 0) >= from + 5000);
});

t.test('after a reboot, or when the memory is of another one, a whole window passes', async (t) => {
  const scene = new Scene();
  const gate = await scene.warm();
  scene.saturate(gate, 1);
  await scene.clock.advance(1000);
  gate.close();
  for (const bootId of ['boot-2', 'boot-3']) {
    scene.clock.bootId = bootId;
    if (bootId === 'boot-3') scene.clock.mono = 5.5;
    const from = scene.clock.monotonic();
    const next = await scene.open();
    const before = scene.arrivals.length;
    scene.saturate(next, 1);
    await scene.clock.advance(6000);
    t.ok((scene.arrivals[before] ?? 0) >= from + 5000, bootId);
    next.close();
  }
  // The same boot id, and times that cannot be: the clock began anew.
  const mad = scene.slots.memory;
  if (mad === null) return t.fail('the gate remembers');
  scene.slots.memory = { ...mad, slots: [scene.clock.monotonic() + 10_000_000] };
  const from = scene.clock.monotonic();
  const last = await scene.open();
  const before = scene.arrivals.length;
  scene.saturate(last, 1);
  await scene.clock.advance(6000);
  t.ok((scene.arrivals[before] ?? 0) >= from + 5000, 'impossible times');
});

t.test('the slot is stored before the request starts, also on a slow disk, and the budget is used', async (t) => {
  const scene = new Scene();
  scene.slots.latencyMs = 80;
  const gate = await scene.open();
  const start = scene.clock.monotonic() + 5025;
  const uncovered: number[] = [];
  const again = (): void => {
    const send = (): Promise<void> => {
      const now = scene.clock.monotonic();
      const covering = (scene.slots.memory?.slots ?? []).filter((until) => until >= now).length;
      if (covering === 0) uncovered.push(now);
      return scene.send();
    };
    gate.run('backlog', send).then(again, () => undefined);
  };
  for (let i = 0; i < 8; i++) again();
  await scene.clock.advance(605_025);
  const fill = scene.arrivals.length / ((25 * (scene.clock.monotonic() - start)) / 5000);
  t.same(uncovered, []);
  t.ok(fill >= 0.99, `fill ${fill}`);
  t.equal(worstWindow(scene.arrivals, 5000), 25);
  t.ok(scene.slots.commits < scene.arrivals.length / 2, `${scene.slots.commits} commits`);
});

t.test('a slot that comes too late, because the program was stopped meanwhile, is not used', async (t) => {
  const scene = new Scene();
  scene.slots.latencyMs = 10;
  const gate = await scene.warm();
  gate.run('live', scene.send).catch(() => undefined);
  await flush();
  // Between asking the disk and its answer the whole machine sleeps.
  scene.clock.block(60_000);
  await scene.clock.advance(1);
  t.equal(scene.arrivals.length, 0, 'the cover had run out');
  t.equal(scene.slots.commits, 1);
  await scene.clock.advance(100);
  t.equal(scene.arrivals.length, 1);
  t.equal(scene.slots.commits, 2, 'another one was taken');
});

t.test('a booking that is used too late starts anew at the head of the queue', async (t) => {
  const scene = new Scene();
  const gate = await scene.warm({ concurrency: 1 });
  const booking = await gate.turn('live');
  const other = gate.run('live', scene.send).then(() => 'other');
  t.equal(booking.used, true, 'a request of the same priority may take it');
  await scene.clock.advance(100);
  t.equal(await other, 'other');
  const late = await gate.turn('live');
  scene.saturate(gate, 3, 'backlog');
  scene.clock.block(30_000);
  const order: string[] = [];
  const covers: boolean[] = [];
  const send = async (): Promise<void> => {
    order.push('late');
    covers.push((scene.slots.memory?.slots ?? []).some((until) => until >= scene.clock.monotonic()));
  };
  gate.run('live', send).catch(() => undefined);
  await scene.clock.advance(1000);
  t.same([order, covers], [['late'], [true]]);
  late.release();
  t.equal(gate.snapshot().underWay <= 1, true, 'released once only');
});

t.test('a booking that is not used gives its place back', async (t) => {
  const scene = new Scene();
  const gate = await scene.warm({ requests: 1, concurrency: 1 });
  const booking = await gate.turn('backlog');
  const sent = gate.run('live', scene.send);
  await scene.clock.advance(60_000);
  t.equal(scene.arrivals.length, 0);
  booking.release();
  booking.release();
  await scene.clock.advance(100);
  await sent;
  t.equal(scene.arrivals.length, 1);
  t.equal(gate.snapshot().underWay, 0);
});

t.test('a live call finds a place at once while a backlog uses the whole budget', async (t) => {
  const scene = new Scene();
  const gate = await scene.warm();
  scene.saturate(gate, 12);
  await scene.clock.advance(60_000);
  let worst = 0;
  for (let i = 0; i < 200; i++) {
    const from = scene.clock.monotonic();
    const sent = new Promise<void>((resolve) => {
      gate.run('live', async () => resolve()).catch(() => undefined);
    });
    let wait = -1;
    sent.then(() => {
      wait = scene.clock.monotonic() - from;
    }, t.fail);
    await scene.clock.advance(1013);
    if (wait < 0) t.fail('a live call waited over a second');
    worst = Math.max(worst, wait);
  }
  t.ok(worst <= 500, `the longest wait was ${worst} ms`);
});

t.test('at most so many requests are under way', async (t) => {
  const scene = new Scene();
  scene.latencyMs = 1000;
  const gate = await scene.warm({ concurrency: 3 });
  scene.saturate(gate, 10, 'live');
  await scene.clock.advance(500);
  t.equal(scene.arrivals.length, 3);
  await scene.clock.advance(600);
  t.equal(scene.arrivals.length, 6);
});

t.test('the cap of a day holds, is said once, and ends at midnight UTC', async (t) => {
  const scene = new Scene();
  const gate = await scene.warm({ perDay: 50 });
  scene.saturate(gate, 5, 'backlog');
  await scene.clock.advance(3_600_000);
  t.equal(scene.arrivals.length, 45, 'a tenth is kept');
  scene.saturate(gate, 5, 'live');
  await scene.clock.advance(3_600_000);
  t.equal(scene.arrivals.length, 50);
  const caps = scene.conditions.filter((condition) => condition.code === 'crm-daily-cap');
  t.same(
    caps.map((condition) => condition.raised),
    [true],
  );
  await scene.clock.advance(14 * 3_600_000);
  t.equal(scene.arrivals.length, 100, 'the next day');
});

t.test('a store that fails stops requests, says so, and goes on by itself', async (t) => {
  const scene = new Scene();
  const gate = await scene.warm();
  scene.slots.error = new Error('database or disk is full');
  scene.saturate(gate, 1);
  await scene.clock.advance(10_000);
  t.equal(scene.arrivals.length, 0);
  t.match(scene.conditions, [
    { code: 'delivery-store', raised: true, severity: 'error', text: /full.*Check the disk/ },
  ]);
  scene.slots.error = null;
  await scene.clock.advance(1500);
  t.ok(scene.arrivals.length > 0);
  t.match(scene.conditions.at(-1), { code: 'delivery-store', raised: false });
});

t.test('Retry-After holds everything, nothing is spent meanwhile', async (t) => {
  const scene = new Scene();
  const gate = await scene.warm();
  gate.refused({ limit: null, windowMs: null, retryAfterMs: 30_000 });
  scene.saturate(gate, 3, 'live');
  await scene.clock.advance(29_000);
  t.equal(scene.arrivals.length, 0);
  t.ok(gate.snapshot().heldMs > 0);
  await scene.clock.advance(3000);
  t.ok(scene.arrivals.length > 0);
  t.match(scene.slots.memory?.tuning, { strict: true });
});

t.test('closing rejects what waits, lets booked requests go, and takes nothing more', async (t) => {
  const scene = new Scene();
  const gate = await scene.warm({ requests: 1 });
  const booking = await gate.turn('live');
  const waiting = gate.run('backlog', scene.send);
  const turn = gate.turn('backlog');
  gate.close();
  await t.rejects(waiting, GateClosed);
  await t.rejects(turn, GateClosed);
  const sent = gate.run('live', scene.send);
  await scene.clock.advance(100);
  await sent;
  t.equal(booking.used, true);
  await t.rejects(gate.run('live', scene.send), GateClosed);
  await t.rejects(gate.turn('live'), GateClosed);
});
