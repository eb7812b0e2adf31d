/** A simulated time of the program between two PBXs and a CRM, and what must be true of it at each step and at its end. */
import { createHash } from 'node:crypto';
import { createClock } from '../../adapters/host/clock.ts';
import type { Delivery } from '../../src/delivery/service.ts';
import type { Log } from '../../src/ports.ts';
import { memoryDatabase } from '../adapters/sqlite/support.ts';
import { FakeCrm, type Fate } from '../delivery/fakes.ts';
import type { Placed } from '../faults/calls/exchange.ts';
import type { Expected, Template } from '../faults/calls/template.ts';
import { type Chance, chanceOf } from '../faults/support/chance.ts';
import { SimClock } from './clock.ts';
import { beginLife, POLICY } from './life.ts';
import { SimPbx } from './pbx.ts';
import { recordsOf } from './records.ts';
import { Counter, type Seen } from './seen.ts';
import { type Disk, simDatabase } from './store.ts';
import { type Climate, type CrmWeather, FAIR, forecast, type Trouble } from './weather.ts';

export interface SimResult {
  readonly seed: number;
  /** Of all that happened, in order: two runs of one seed have the same. */
  readonly trace: string;
  readonly steps: number;
  readonly lives: number;
  /** Calls of customers; those of which something was stored; those that were told wholly. */
  readonly calls: number;
  readonly known: number;
  readonly whole: number;
  readonly requests: number;
  /** What happened, by kind. */
  readonly seen: Seen;
  /** What must not be, a sentence each. */
  readonly violations: readonly string[];
}

export type Templates = Readonly<Record<'asterisk' | 'freeswitch', readonly Template[]>>;

/** After the last trouble all must be delivered within: a retry waits for half an hour, a probe for a quarter. */
const HEALS_MS = 8 * 3_600_000;
const PIECE_MS = 600_000;
const START_MS = 400;
const CUSTOMERS = 300;
/** The farthest first, ms. */
const SET_BY = [
  { above: 86_400_000, kind: 'clock set by 30 days' },
  { above: 60_000, kind: 'clock set by an hour' },
] as const;

export class SimWorld {
  readonly clock = new SimClock();
  readonly crm = new FakeCrm(this.clock);
  readonly pbxs: Readonly<Record<'asterisk' | 'freeswitch', SimPbx>>;
  readonly violations: string[] = [];
  readonly #db = memoryDatabase();
  readonly #disk: Disk = { state: 'sound', slowMs: 0, crashIn: null };
  readonly #hash = createHash('sha256');
  readonly #chance: Chance;
  readonly #templates: Templates;
  readonly #known = new Set<string>();
  readonly #began: number;
  #weather: CrmWeather = FAIR;
  #life = { alive: false };
  #lives = 0;
  #downMs = START_MS;
  #boot = { id: 'boot-1', from: 0 };
  #arrivals = 0;
  #posted = 0;
  #first = 0;
  #steps = 0;
  readonly #counter = new Counter();
  /** Of the life that is alive, once it works. */
  #delivery: Delivery | null = null;

  constructor(seed: number, templates: Templates) {
    this.#chance = chanceOf(seed);
    this.#templates = templates;
    this.pbxs = { asterisk: new SimPbx('asterisk', this.clock), freeswitch: new SimPbx('freeswitch', this.clock) };
    this.crm.everybodyIsKnown = true;
    const fates = this.#chance.part('fates');
    this.crm.fate = (request) => this.#fate(request, fates);
    this.#began = this.clock.monotonic();
  }

  #note(what: string): void {
    this.#hash.update(`${(this.clock.monotonic() - this.#began).toFixed(3)} ${what}\n`);
  }

  #wrong(what: string): void {
    this.violations.push(`${Math.round((this.clock.monotonic() - this.#began) / 1000)} s: ${what}`);
  }

  #fate(request: string, chance: Chance): Fate {
    const { fates, share } = this.#weather;
    const fate = chance.is(share) ? chance.pick(fates) : 'ok';
    this.#note(`request ${request} ${fate}`);
    if (fate !== 'ok' && fate !== 'hang') this.#counter.add(`CRM ${fate}`);
    if (fate === 'crash') queueMicrotask(() => this.#over(START_MS));
    return fate;
  }

  /** Begins the next life. */
  #start(): void {
    const life = { alive: true };
    this.#life = life;
    this.#lives += 1;
    const owner = `life-${this.#lives}`;
    this.#note(owner);
    const { clock } = this;
    const { id, from } = this.#boot;
    const monotonic = (): number => clock.monotonic() - from;
    const own = createClock({
      bootId: id,
      machine: {
        // Whole, as Date.now() is.
        wall: () => Math.floor(clock.now()),
        monotonic,
        sinceBoot: monotonic,
        after: (ms, run) => clock.after(ms, () => life.alive && run()),
      },
    });
    const database = simDatabase({
      db: this.#db,
      disk: this.#disk,
      clock,
      alive: () => life.alive,
      crash: () => {
        // In the middle of what it does: what follows happens to nobody.
        life.alive = false;
        queueMicrotask(() => this.#over(this.#downMs));
      },
      note: (what) => this.#note(what),
      chance: this.#chance.part(`disk ${this.#lives}`),
      counter: this.#counter,
    });
    const log: Log = {
      write: (level, event, text) => this.#note(`${level} ${event} ${text}`),
    };
    const delays = this.#chance.part(`login ${this.#lives}`);
    beginLife({
      owner,
      clock: own,
      random: this.#chance.part(owner).next,
      database,
      crm: this.crm,
      sources: Object.values(this.pbxs).map((pbx) => ({
        source: pbx.source(() => life.alive, delays.whole(20, 400), own),
        places: [recordsOf(pbx)],
      })),
      log,
      life,
      onReady: (delivery) => {
        if (life.alive) this.#delivery = delivery;
      },
      onFatal: (why) => {
        this.#note(`fatal ${why}`);
        this.#over(START_MS);
      },
    }).catch((error: unknown) => {
      // A start that fails ends the program, which is started again.
      this.#note(`start failed ${String(error)}`);
      this.#counter.add('start that failed');
      if (life.alive) this.#over(START_MS * 5);
    });
  }

  /** This life is over, and the next begins in so long. */
  #over(downMs: number): void {
    const over = this.#life;
    if (this.#ended === over) return;
    this.#ended = over;
    over.alive = false;
    this.#delivery = null;
    this.#disk.crashIn = null;
    for (const pbx of Object.values(this.pbxs)) pbx.gone();
    this.#look();
    this.clock.after(downMs, () => this.#start());
  }
  #ended: object | null = null;

  /** Takes note of the calls of which something is stored. */
  #look(): void {
    const ids = this.#db
      .prepare<[], string>(
        "SELECT call_session_id FROM session UNION ALL SELECT source || '-' || channel FROM open_channel",
      )
      .pluck();
    for (const id of ids.iterate()) this.#known.add(id);
  }

  #happen(trouble: Trouble, chance: Chance): void {
    this.#note(JSON.stringify(trouble));
    switch (trouble.kind) {
      case 'call': {
        const pbx = this.pbxs[trouble.pbx];
        pbx.place(chance.pick(this.#templates[trouble.pbx]), String(1000 + chance.whole(0, CUSTOMERS)));
        // What cannot be stored is gone when the program ends.
        if (this.#disk.state !== 'sound') pbx.disturb();
        return;
      }
      case 'kill':
        if (trouble.reboot) {
          const from = this.clock.monotonic() - chance.whole(10_000, 60_000);
          this.#boot = { id: `${this.#boot.id}+`, from };
        }
        this.#counter.add(trouble.reboot ? 'reboot' : 'kill');
        this.#over(trouble.reboot ? Math.max(trouble.downMs, 20_000) : trouble.downMs);
        return;
      case 'crash-in':
        this.#disk.crashIn = trouble.crash;
        this.#downMs = trouble.downMs;
        return;
      case 'link':
        if (this.pbxs[trouble.pbx].heard) this.#counter.add('link lost');
        this.pbxs[trouble.pbx].lose(trouble.forMs, trouble.noticedMs);
        return;
      case 'pbx-crash':
        this.#counter.add('PBX killed');
        this.pbxs[trouble.pbx].crash(trouble.forMs);
        return;
      case 'crm':
        this.#sky(trouble.weather);
        this.clock.after(trouble.forMs, () => this.#sky(FAIR));
        return;
      case 'disk':
        this.#disk.state = trouble.state;
        this.#disk.slowMs = trouble.slowMs;
        for (const pbx of Object.values(this.pbxs)) pbx.troubled(true);
        this.clock.after(trouble.forMs, () => this.#sound());
        return;
      case 'stall':
        for (const pbx of Object.values(this.pbxs)) pbx.disturb();
        if (this.#life.alive) this.#counter.add('program stopped');
        this.clock.block(trouble.ms);
        return;
      case 'step': {
        const { ms, both, forMs } = trouble;
        this.#counter.add(SET_BY.find(({ above }) => Math.abs(ms) > above)?.kind ?? 'clock set by seconds');
        this.#setClock(ms, both);
        this.clock.after(forMs, () => this.#setClock(-ms, both));
        return;
      }
      case 'drift':
        this.#counter.add('clock drifts');
        this.clock.drift = trouble.rate;
        this.clock.after(trouble.forMs, () => {
          this.clock.drift = 0;
        });
        return;
      case 'pbx-clock': {
        const { ms, forMs } = trouble;
        const pbx = this.pbxs[trouble.pbx];
        this.#counter.add('clock of a PBX set by 2 h');
        pbx.set(ms);
        this.clock.after(forMs, () => pbx.set(-ms));
      }
    }
  }

  #setClock(ms: number, both: boolean): void {
    this.#note(`clock ${ms}`);
    for (const pbx of Object.values(this.pbxs)) {
      pbx.setBeside();
      if (both) pbx.set(ms);
    }
    this.clock.wall += ms;
  }

  #sound(): void {
    this.#disk.state = 'sound';
    for (const pbx of Object.values(this.pbxs)) pbx.troubled(false);
  }

  #sky(weather: CrmWeather): void {
    this.#weather = weather;
    this.crm.latencyMs = weather.latencyMs;
    this.crm.timeoutMs = weather.timeoutMs;
  }

  /** What must be true after each step. */
  check(): void {
    this.#steps += 1;
    const { arrivals, ledger } = this.crm;
    const { requests, windowMs } = POLICY.limit;
    for (; this.#arrivals < arrivals.length; this.#arrivals += 1) {
      const at = arrivals[this.#arrivals] ?? 0;
      while ((arrivals[this.#first] ?? at) < at - windowMs) this.#first += 1;
      const within = this.#arrivals - this.#first + 1;
      if (within > requests) this.#wrong(`${within} requests in one window`);
    }
    for (; this.#posted < ledger.length; this.#posted += 1) {
      const id = ledger[this.#posted]?.sessionId ?? '';
      const times = this.crm.logged(id);
      if (times > 1) this.#wrong(`${id} is logged ${times} times`);
    }
  }

  async run(climate: Climate): Promise<void> {
    const chance = this.#chance.part('choice');
    for (const { at, trouble } of forecast(climate, this.#chance.part('weather'))) {
      this.clock.after(at, () => this.#happen(trouble, chance));
    }
    this.#start();
    await this.clock.advance(climate.hours * 3_600_000, () => this.check());
    await this.#heal();
  }

  async #heal(): Promise<void> {
    this.#sound();
    this.#disk.crashIn = null;
    this.#sky(FAIR);
    for (let waited = 0; waited < HEALS_MS; waited += PIECE_MS) {
      if (waited > 0) this.#replayParked();
      await this.clock.advance(PIECE_MS, () => this.check());
      if (waited > 0 && this.#owed().length === 0) return;
    }
    for (const what of this.#owed().slice(0, 20)) this.#wrong(what);
  }

  /** What the operator does in the end: what the CRM refused, or nothing is known of, is sent again. */
  #replayParked(): void {
    if (this.#db.prepare("SELECT 1 FROM delivery WHERE state = 'parked' LIMIT 1").get() === undefined) return;
    this.#delivery?.replay({ filter: { states: ['parked'] }, force: false, dryRun: false }).then(
      ({ count }) => this.#counter.add('parked call sent again', count),
      () => undefined,
    );
  }

  #owed(): string[] {
    const rows = this.#db
      .prepare<[], { id: string; state: string; step: string | null; reason: string | null }>(
        "SELECT session_id AS id, state, step, reason FROM delivery WHERE step IS NOT NULL OR state = 'parked'",
      )
      .all()
      .map(({ id, state, reason }) => `${id} is left ${state}: ${reason ?? 'no reason'}`);
    const channels = this.#db
      .prepare<[], string>("SELECT source || '-' || channel FROM open_channel")
      .pluck()
      .all()
      .map((channel) => `${channel} is open for good`);
    return [...rows, ...channels];
  }

  /** Judges all of it; to be called once, at the end. */
  result(seed: number): SimResult {
    this.#look();
    const calls = Object.values(this.pbxs).flatMap((pbx) =>
      pbx.exchange.placed.flatMap((placed) =>
        placed.calls.map((call, at) => ({
          ...{ call, placed, source: pbx.pbx },
          whole: !pbx.disturbed.has(placed),
          // Of the first call of a recording the first frame tells the beginning.
          stored: at === 0 && pbx.stored.has(placed),
          // What the PBX wrote to its end is filled, heard or not.
          recorded: placed.told === placed.template.length && pbx.isFindable(placed),
        })),
      ),
    );
    const posted = calls.filter(({ call }) => call.posted);
    const isKnown = ({ id }: Expected): boolean => this.#known.has(id);
    for (const { call, whole, stored, recorded, ...of } of posted) {
      const logged = this.crm.logged(call.id) > 0 || (!whole && !stored && this.#isLoggedByLeg(of));
      if (!logged && (stored || isKnown(call) || recorded))
        this.#wrong(`${call.id} was lost${recorded ? ', though the PBX has its record' : ''}${this.#stateOf(call.id)}`);
      if (whole) this.#compare(call);
    }
    const sound = this.#db.pragma('integrity_check', { simple: true });
    if (sound !== 'ok') this.#wrong(`integrity_check: ${String(sound)}`);
    const trace = this.#hash.digest('hex');
    const [{ crm }, lives, steps] = [this, this.#lives, this.#steps];
    this.#db.close();
    return {
      ...{ seed, trace, steps, lives },
      calls: posted.length,
      known: posted.filter(({ call }) => isKnown(call)).length,
      whole: posted.filter(({ whole }) => whole).length,
      requests: crm.arrivals.length,
      seen: this.#counter.seen,
      violations: this.violations,
    };
  }

  /** A call has the id of a later leg where that was heard before the list in which the first one stood. */
  #isLoggedByLeg({ source, placed }: { source: string; placed: Placed }): boolean {
    const { copy, template, calls } = placed;
    if (calls.filter(({ posted }) => posted).length > 1) return false;
    const ids = this.#db
      .prepare<[string, string, number, number], string>(
        'SELECT call_session_id FROM session WHERE source = ? AND external LIKE ? AND ended_at > ? AND started_at < ?',
      )
      .pluck()
      .all(source, `%${copy.customer}`, copy.beganAt, copy.beganAt + template.length / copy.speed);
    return ids.some((id) => this.crm.logged(id) > 0);
  }

  #stateOf(id: string): string {
    const row = this.#db
      .prepare<[string], { state: string; reason: string | null }>(
        'SELECT state, reason FROM delivery WHERE session_id = ?',
      )
      .get(id);
    return row === undefined ? ': it has no row' : ` (${row.state}: ${row.reason ?? 'no reason'})`;
  }

  /** A call that was heard from its beginning to its end is told as it was. */
  #compare({ id, record }: Expected): void {
    const json = this.#db
      .prepare<[string], string>('SELECT json FROM session WHERE call_session_id = ?')
      .pluck()
      .get(id);
    if (json === undefined) {
      this.#wrong(`${id} was heard wholly and is not stored`);
      return;
    }
    const told = JSON.parse(json) as Expected['record'];
    for (const fact of ['direction', 'status', 'agent', 'durationSeconds'] as const) {
      const [wanted, found] = [record[fact], told[fact]];
      const near = typeof wanted === 'number' && typeof found === 'number' && Math.abs(wanted - found) <= 1;
      if (wanted !== found && !near) this.#wrong(`${id}: ${fact} is ${found}, and was ${wanted}`);
    }
  }
}

/** A time of its own for one seed, from its beginning to its end. */
export async function simulate(seed: number, climate: Climate, templates: Templates): Promise<SimResult> {
  const world = new SimWorld(seed, templates);
  const unhandled: string[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(String(reason));
  process.on('unhandledRejection', onUnhandled);
  try {
    await world.run(climate);
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
  for (const reason of unhandled) world.violations.push(`a rejection that nobody handled: ${reason}`);
  return world.result(seed);
}
