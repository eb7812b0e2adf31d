/** A world for the tests of delivery: a clock that is told to move, a CRM with a ledger, and a real store in memory. */
import { leadCacheModule } from '../../adapters/sqlite/caches.ts';
import { outboxModule, outboxOn } from '../../adapters/sqlite/outbox/outbox.ts';
import { sqliteOutbox } from '../../adapters/sqlite/outbox/port.ts';
import { permitsModule } from '../../adapters/sqlite/permits.ts';
import { sessionRow } from '../../adapters/sqlite/sessions/row.ts';
import { sessionStore } from '../../adapters/sqlite/sessions/store.ts';
import { userModule } from '../../adapters/sqlite/users.ts';
import type { CallRecord } from '../../src/call/record.ts';
import type { Condition } from '../../src/condition.ts';
import type {
  CallLog,
  CallLogBody,
  CallWritten,
  Crm,
  CrmUser,
  Directory,
  Landed,
  LandedQuery,
  Lead,
  OutcomeKind,
  Reply,
} from '../../src/delivery/crm.ts';
import { DEFAULT_POLICY, type DeliveryPolicy } from '../../src/delivery/policy.ts';
import { createDelivery, type Delivery } from '../../src/delivery/service.ts';
import type { DeliveryState, Step } from '../../src/delivery/states.ts';
import type { LeadCache, Outbox, UserStore } from '../../src/delivery/store.ts';
import { openPermits, type PermitOffice } from '../../src/permits/permits.ts';
import { type Asking, onPermit, type PermitStore, type Permits } from '../../src/permits/port.ts';
import type { Clock, Log } from '../../src/ports.ts';
import { memoryDatabase } from '../adapters/sqlite/support.ts';

/** Lets every promise that can settle do so. */
export const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Timer {
  readonly at: number;
  readonly seq: number;
  readonly run: () => void;
}

/** A clock that moves only when told to. Wall and monotonic time are separate. */
export class FakeClock implements Clock {
  // Not whole, as real clocks are.
  wall = Date.UTC(2026, 0, 5, 9, 0, 0) + 0.5;
  mono = 1_000_000.25;
  bootId = 'boot-1';
  timers: Timer[] = [];
  private seq = 0;

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.mono;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.mono + ms, seq: this.seq++, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Moves the time without running timers: a blocked event loop. */
  block(ms: number): void {
    this.mono += ms;
    this.wall += ms;
  }

  /** Moves the time; each timer runs at its moment, with all its consequences before the next. */
  async advance(ms: number): Promise<void> {
    const until = this.mono + ms;
    await flush();
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.timers) {
        if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.seq < next.seq)) next = timer;
      }
      if (next === undefined || next.at > until) break;
      const due = next;
      this.timers = this.timers.filter((other) => other !== due);
      this.block(Math.max(0, due.at - this.mono));
      due.run();
      await flush();
    }
    this.block(Math.max(0, until - this.mono));
    await flush();
  }
}

export const silent: Log = { write: () => undefined };

export function call(n: number, over: Partial<CallRecord> = {}): CallRecord {
  return {
    callSessionId: `pbx:1:${n}`,
    source: 'pbx',
    direction: 'Inbound',
    status: 'Answered',
    external: `09811000${String(n % 1000).padStart(3, '0')}`,
    externalE164: `+919811000${String(n % 1000).padStart(3, '0')}`,
    externalName: null,
    withheld: false,
    did: '08045678900',
    didE164: '+918045678900',
    trunk: 'PJSIP/trunk-in',
    queue: null,
    ringGroup: null,
    agent: '1001',
    agentDomain: null,
    agentsRung: ['1001'],
    responsible: over.agent === undefined ? '1001' : over.agent,
    agentsTalked: [],
    startedAt: 1000 * n,
    answeredAt: 1000 * n + 500,
    endedAt: 1000 * n + 60_500,
    endBetween: null,
    durationSeconds: 60,
    talkSeconds: 60,
    ringSeconds: 0,
    holdSeconds: 0,
    recording: null,
    recordings: over.recording == null ? [] : [over.recording],
    q850: 16,
    sip: null,
    flags: [],
    legs: 2,
    reasons: null,
    ...over,
  };
}

export function reply<T>(kind: OutcomeKind, value: T | null, message: string = kind): Reply<T> {
  const http = kind === 'unavailable' ? null : 200;
  return { kind, value, message, reached: true, exception: null, http, body: null, durationMs: 5 };
}

/**
 * What happens to a request. `lost`: carried out, and the answer is lost. `dropped`: not carried out, answer lost.
 * `crash`: carried out, and the program is killed at that moment. `slow`: carried out after 20 s. `unreachable`: no connection.
 */
export type Fate =
  | 'ok'
  | 'lost'
  | 'dropped'
  | 'crash'
  | 'rejected'
  | 'rate-limited'
  | 'denied'
  | 'unavailable'
  | 'unreachable'
  | 'slow'
  | 'hang';

interface Entry {
  readonly sessionId: string;
  readonly activityId: string;
  body: CallLogBody;
  readonly visibleAt: number;
  late: { recordingUrl: string | null; durationSeconds: number | null }[];
}

/** A CRM that keeps a ledger of everything it carried out, over all lives of the program. */
export class FakeCrm {
  readonly ledger: Entry[] = [];
  readonly arrivals: number[] = [];
  readonly requests: string[] = [];
  leads = new Map<string, Lead[]>();
  /** Those of a number of which a lookup shows only some. */
  everyLead = new Map<string, Lead[]>();
  /** What of the ledger is seen by a question about a call. */
  shows: (query: LandedQuery) => boolean = () => true;
  /** The activities that can be a call; `null`: those with its id. */
  looksLike: ((sessionId: string) => readonly string[]) | null = null;
  /** Questions about a call that would have to look through too many. */
  tooMany: (query: LandedQuery) => boolean = () => false;
  /** Numbers that are not in `leads` belong to nobody, or to a lead of their own. */
  everybodyIsKnown = false;
  /** Fields without which posts are taken; `null`: it takes all. */
  leftOut: readonly string[] | null = null;
  /** What a post is answered with, where that is not the id of the activity. */
  answeredId: (activityId: string) => string | null = (activityId) => activityId;
  users: CrmUser[] = [{ id: 'u-1001', name: 'Asha', email: 'asha@example.com', active: true, phones: ['1001'] }];
  latencyMs = 20;
  /** When a request without an answer is given up. */
  timeoutMs = 20;
  /** How long a new call log takes to be seen by `findLanded`. */
  lagMs = 1000;
  fate: (request: string, sessionId: string | null) => Fate = () => 'ok';
  readonly clock: FakeClock;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  logged(sessionId: string): number {
    return this.ledger.filter((entry) => entry.sessionId === sessionId).length;
  }

  private leadsOf(phone: string): Lead[] {
    const own = { id: `lead-${phone}`, name: null, ownerId: null, phone, mobile: null };
    return this.leads.get(phone) ?? (this.everybodyIsKnown ? [own] : []);
  }

  /** What the CRM shows of a call after all updates. */
  facts(sessionId: string): { recordingUrl: string | null } {
    const entry = this.ledger.find((one) => one.sessionId === sessionId);
    const posted = typeof entry?.body.ResourceURL === 'string' ? entry.body.ResourceURL : null;
    return { recordingUrl: entry?.late.findLast((late) => late.recordingUrl !== null)?.recordingUrl ?? posted };
  }

  /** The ports of one life of the program. `alive` false: nothing is answered. */
  ports(permits: Permits, life: { alive: boolean }): Crm {
    const carry = async <T>(name: string, sessionId: string | null, work: () => Reply<T>): Promise<Reply<T>> => {
      this.arrivals.push(this.clock.monotonic());
      this.requests.push(name);
      const fate = this.fate(name, sessionId);
      const carriedOut = fate === 'ok' || fate === 'lost' || fate === 'crash' || fate === 'slow';
      const done = carriedOut ? work() : null;
      if (fate === 'crash') life.alive = false;
      await new Promise<void>((resolve) => {
        if (fate === 'hang') return;
        const ms = fate === 'slow' ? 20_000 : fate === 'dropped' || fate === 'lost' ? this.timeoutMs : this.latencyMs;
        this.clock.after(ms, () => {
          if (life.alive) resolve();
        });
      });
      switch (fate) {
        case 'lost':
        case 'dropped':
          return name === 'post' ? reply<T>('uncertain', null, 'timeout') : reply<T>('unavailable', null);
        case 'rate-limited':
          permits.refused({ limit: 25, windowMs: 5000, retryAfterMs: null });
          return reply<T>(fate, null);
        case 'unreachable':
          return { ...reply<T>('unavailable', null), reached: false };
        case 'rejected':
        case 'denied':
        case 'unavailable':
          return reply<T>(fate, null);
        default:
          return done ?? reply<T>('unavailable', null);
      }
    };
    const request = <T>(name: string, sessionId: string | null, asking: Asking, work: () => Reply<T>) =>
      onPermit(permits, asking, async (leaves) => (leaves() ? await carry(name, sessionId, work) : null));
    const directory: Directory = {
      findLeads: (phone, asking) =>
        request(`lead ${phone}`, null, asking, () => reply('accepted', this.leadsOf(phone))),
      findEveryLead: (phone, asking) =>
        request(`every lead ${phone}`, null, asking, () =>
          reply('accepted', this.everyLead.get(phone) ?? this.leadsOf(phone)),
        ),
      captureLead: (phone, _source, asking) =>
        request(`capture ${phone}`, null, asking, () => {
          const id = `lead-${phone}`;
          this.leads.set(phone, [{ id, name: null, ownerId: null, phone, mobile: null }]);
          return reply('accepted', id);
        }),
      users: (asking) => request('users', null, asking, () => reply('accepted', this.users)),
    };
    const callLog: CallLog = {
      body: (record, resolution) => this.body(record, resolution),
      lateFacts: (record) => ({
        recordingUrl: record.recording,
        durationSeconds: record.talkSeconds,
        fields: record.recordings.length > 1 ? { recordings: record.recordings.join(' ') } : {},
      }),
      post: (body, asking) => {
        const sessionId = String(body.CallSessionId);
        return request<CallWritten>('post', sessionId, asking, () => {
          const { leftOut } = this;
          const activityId = `a-${this.ledger.length + 1}`;
          const visibleAt = this.clock.monotonic() + this.lagMs;
          this.ledger.push({ sessionId, activityId, body, visibleAt, late: [] });
          const told = { activityId: this.answeredId(activityId) };
          return reply('accepted', leftOut === null ? told : { ...told, leftOut });
        });
      },
      update: (activityId, late, asking) => {
        const sessionId = this.ledger.find((one) => one.activityId === activityId)?.sessionId ?? null;
        return request<{ readonly activityId: string | null }>('update', sessionId, asking, () => {
          const entry = this.ledger.find((one) => one.activityId === activityId);
          if (entry === undefined) return reply<{ readonly activityId: string | null }>('rejected', null);
          entry.late.push(late);
          return reply('accepted', { activityId });
        });
      },
      findLanded: (query, asking) =>
        request('find', query.record.callSessionId, asking, () => {
          if (this.tooMany(query)) return reply<Landed>('rejected', null, 'There are 3824 calls to look through');
          const found = this.ledger.filter(
            (one) =>
              (this.looksLike === null
                ? one.sessionId === query.record.callSessionId
                : this.looksLike(query.record.callSessionId).includes(one.activityId)) &&
              one.visibleAt <= this.clock.monotonic() &&
              this.shows(query),
          );
          return reply('accepted', { activityIds: found.map(({ activityId }) => activityId) });
        }),
      probe: (asking) => request('probe', null, asking, () => reply('accepted', { text: 'ok' })),
    };
    return { name: 'the CRM', directory, callLog };
  }

  /** The body of a call; a test may make it throw. */
  body: CallLog['body'] = (record, resolution) => ({
    CallSessionId: record.callSessionId,
    LeadId: resolution.leadId ?? '',
    UserId: resolution.userId ?? '',
    CallDuration: record.talkSeconds,
    ...(record.recording === null ? {} : { ResourceURL: record.recording }),
  });
}

interface StoreModules {
  readonly outbox: Outbox;
  readonly leads: LeadCache;
  readonly users: UserStore;
  readonly permits: PermitStore;
}

/** What the store does to the program: fails, or is the place of a crash after so many half calls. */
interface Trouble {
  error: Error | null;
  /** Fails for these only; `null`: for all. */
  refuses: ((method: string, args: unknown) => boolean) | null;
  crashIn: number | null;
}

/** The synchronous modules as the main thread sees them. A dead life gets no answers and changes nothing. */
function remote<T extends object>(module: object, life: { alive: boolean }, trouble: Trouble): T {
  const crash = (): boolean => {
    if (trouble.crashIn === null) return false;
    trouble.crashIn -= 1;
    if (trouble.crashIn > 0) return false;
    trouble.crashIn = null;
    life.alive = false;
    return true;
  };
  const never = (): Promise<never> => new Promise(() => undefined);
  const proxy = new Proxy(module, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (args: unknown) => {
        if (!life.alive || crash()) return never();
        if (trouble.error !== null && trouble.refuses?.(String(name), args) !== false) throw trouble.error;
        // Copied, as it is on its way to another thread and back.
        const result: unknown = structuredClone(method.call(target, structuredClone(args)));
        return crash() ? never() : result;
      };
    },
  });
  return proxy as T;
}

export interface Life {
  readonly delivery: Delivery;
  readonly store: StoreModules;
  readonly conditions: Condition[];
  /** Ends this life at once, as kill -9 does. */
  kill(): void;
  readonly alive: boolean;
}

export class World {
  readonly clock = new FakeClock();
  readonly crm = new FakeCrm(this.clock);
  readonly db = memoryDatabase();
  readonly trouble: Trouble = { error: null, refuses: null, crashIn: null };
  readonly random: () => number;
  log: Log = silent;
  /** For tests that look at each permit. */
  watched: (office: PermitOffice) => PermitOffice = (office) => office;
  private lives = 0;
  private readonly storeSession;

  constructor(random: () => number = () => 0.5) {
    this.random = random;
    this.storeSession = sessionStore(this.db, [outboxOn(() => this.clock.mono)]);
  }

  /** Stores finished calls as the journal does. */
  end(...records: readonly CallRecord[]): void {
    this.db.transaction(() => {
      for (const record of records) this.storeSession(sessionRow(record), Math.floor(this.clock.now()));
    })();
  }

  async live(policy: Partial<DeliveryPolicy> = {}): Promise<Life> {
    const life = { alive: true };
    const clock: Clock = {
      now: () => this.clock.now(),
      monotonic: () => this.clock.monotonic(),
      bootId: this.clock.bootId,
      after: (ms, run) =>
        this.clock.after(ms, () => {
          if (life.alive) run();
        }),
    };
    const store: StoreModules = {
      outbox: sqliteOutbox(remote(outboxModule(this.db), life, this.trouble)),
      leads: remote(leadCacheModule(this.db), life, this.trouble),
      users: remote(userModule(this.db), life, this.trouble),
      permits: remote(permitsModule(this.db), life, this.trouble),
    };
    const conditions: Condition[] = [];
    const whole = { ...DEFAULT_POLICY, ...policy };
    const onCondition = (condition: Condition): void => {
      conditions.push(condition);
    };
    const { random } = this;
    const owner = `life-${++this.lives}`;
    const common = { clock, random, onCondition, owner };
    const loading = openPermits({ ...common, store: store.permits, limit: whole.limit, crm: 'the CRM' });
    const office = await Promise.race([loading, flush().then(() => null)]);
    if (office === null) throw new Error('the crash came before there was a life');
    const permits = this.watched(office);
    const crm = this.crm.ports(permits, life);
    const delivery = createDelivery({ ...common, store, permits, crm, policy: whole, log: this.log, alone: false });
    // A crash during the start leaves a life that never gets ready.
    delivery.start().catch((error: unknown) => {
      throw error;
    });
    await flush();
    return {
      delivery,
      store,
      conditions,
      kill: () => {
        life.alive = false;
      },
      get alive() {
        return life.alive;
      },
    };
  }

  state(n: number): string | undefined {
    return this.db
      .prepare<[string], string>('SELECT state FROM delivery WHERE session_id = ?')
      .pluck()
      .get(`pbx:1:${n}`);
  }

  row(n: number): Record<string, unknown> {
    const row = this.db.prepare<[string]>('SELECT * FROM delivery WHERE session_id = ?').get(`pbx:1:${n}`);
    if (typeof row !== 'object' || row === null) throw new Error(`no delivery for call ${n}`);
    return { ...row };
  }

  rows(): {
    readonly session_id: string;
    readonly state: DeliveryState;
    readonly reason: string | null;
    readonly step: Step | null;
    readonly open_attempts: number;
  }[] {
    return this.db
      .prepare<
        [],
        {
          session_id: string;
          state: DeliveryState;
          reason: string | null;
          step: Step | null;
          open_attempts: number;
        }
      >(
        `SELECT session_id, state, reason, step,
          (SELECT count(*) FROM attempt a WHERE a.delivery_id = d.id AND a.outcome IS NULL) AS open_attempts
         FROM delivery d`,
      )
      .all();
  }

  stored(n: number): { readonly record: CallRecord } {
    const json = this.db
      .prepare<[string], string>('SELECT json FROM session WHERE call_session_id = ?')
      .pluck()
      .get(`pbx:1:${n}`);
    if (json === undefined) throw new Error(`no call ${n}`);
    return { record: JSON.parse(json) as CallRecord };
  }

  close(): void {
    this.db.close();
  }
}

/** A call that ended just now. */
export function fresh(world: World, n: number, over: Partial<CallRecord> = {}): CallRecord {
  const endedAt = Math.floor(world.clock.now());
  return call(n, { startedAt: endedAt - 61_000, answeredAt: endedAt - 60_000, endedAt, ...over });
}

/** The most arrivals in any closed window. */
export function worstWindow(times: readonly number[], windowMs: number): number {
  let worst = 0;
  let first = 0;
  times.forEach((time, i) => {
    while ((times[first] ?? time) < time - windowMs) first += 1;
    worst = Math.max(worst, i - first + 1);
  });
  return worst;
}
