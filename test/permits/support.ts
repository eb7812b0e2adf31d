/** Permits over a real store in memory, with a clock that is told to move and a disk that can be slow or full. */
import { permitsModule } from '../../adapters/sqlite/permits.ts';
import type { Condition } from '../../src/condition.ts';
import { openPermits, type PermitOffice } from '../../src/permits/permits.ts';
import { DEFAULT_LIMIT, type LimitPolicy, onPermit, type PermitStore, type Priority } from '../../src/permits/port.ts';
import { memoryDatabase } from '../adapters/sqlite/support.ts';
import { FakeClock } from '../delivery/fakes.ts';

/** The permits of the database, on a disk that takes `latencyMs` for each commit. */
export class Store implements PermitStore {
  readonly db = memoryDatabase();
  latencyMs = 0;
  error: Error | null = null;
  commits = 0;
  private readonly clock: FakeClock;
  private readonly module = permitsModule(this.db);

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  async load(args: Parameters<PermitStore['load']>[0]) {
    return this.module.load(args);
  }

  async reserve(args: Parameters<PermitStore['reserve']>[0]) {
    if (this.latencyMs > 0) await new Promise<void>((resolve) => this.clock.after(this.latencyMs, resolve));
    if (this.error !== null) throw this.error;
    this.commits += 1;
    return this.module.reserve(args);
  }

  async tune(args: Parameters<PermitStore['tune']>[0]) {
    this.module.tune(args);
  }

  /** Until when each permit on record may be used. */
  until(): readonly number[] {
    return this.db.prepare<[], number>('SELECT until FROM permit').pluck().all();
  }
}

export class Scene {
  readonly clock = new FakeClock();
  readonly store = new Store(this.clock);
  readonly conditions: Condition[] = [];
  readonly arrivals: number[] = [];
  latencyMs = 20;
  private lives = 0;

  /** A life of a process of its own. */
  open(over: Partial<LimitPolicy> = {}): Promise<PermitOffice> {
    const { clock, store } = this;
    const onCondition = (condition: Condition): void => {
      this.conditions.push(condition);
    };
    const limit = { ...DEFAULT_LIMIT, ...over };
    const owner = `life-${++this.lives}`;
    return openPermits({ store, clock, random: () => 0.5, limit, owner, crm: 'the CRM', onCondition });
  }

  /** Open, and the first window is over. */
  async warm(over: Partial<LimitPolicy> = {}): Promise<PermitOffice> {
    const permits = await this.open(over);
    await this.clock.advance(6000);
    return permits;
  }

  send = (): Promise<void> => {
    this.arrivals.push(this.clock.monotonic());
    return new Promise((resolve) => this.clock.after(this.latencyMs, resolve));
  };

  /** Makes one request as the adapters do. */
  async request(permits: PermitOffice, priority: Priority, send: () => Promise<void> = this.send): Promise<void> {
    await onPermit(permits, { priority }, async (leaves) => {
      if (!leaves()) return null;
      await send();
      return {};
    });
  }

  /** Keeps `n` requests waiting until the permits are closed. */
  saturate(permits: PermitOffice, n: number, priority: Priority = 'backlog', send = this.send): void {
    const again = (): void => {
      this.request(permits, priority, send).then(again, () => undefined);
    };
    for (let i = 0; i < n; i++) again();
  }
}
