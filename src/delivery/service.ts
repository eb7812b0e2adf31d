/** Delivery as the rest of the program sees it: put together here, from the outbox to the CRM. */
import { type OnCondition, onceEach } from '../condition.ts';
import { events } from '../events.ts';
import type { PermitOffice } from '../permits/permits.ts';
import type { PermitSnapshot } from '../permits/port.ts';
import type { Clock, Log } from '../ports.ts';
import { announcing, type LoggedCall } from './announce.ts';
import type { Crm } from './crm.ts';
import { type CircuitState, createHealth } from './health/health.ts';
import { createProbe } from './health/probe.ts';
import type { Standing } from './health/standing.ts';
import { createLeads } from './parties/leads.ts';
import { createResolve } from './parties/resolve.ts';
import { createUsers } from './parties/users.ts';
import type { DeliveryPolicy } from './policy.ts';
import { type ReplayReport, type ReplayRequest, replay } from './replay.ts';
import type { DeliveryStore, OutboxCounts } from './store.ts';
import { watchStore } from './stored.ts';
import { createWorker } from './worker.ts';

export interface DeliveryOptions {
  readonly store: DeliveryStore;
  /** Where the CRM adapter gets the permit for each of its requests. */
  readonly permits: PermitOffice;
  readonly crm: Crm;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly policy: DeliveryPolicy;
  readonly log: Log;
  readonly onCondition: OnCondition;
  /** Hears of each call that the CRM has now. */
  readonly onLogged?: (call: LoggedCall) => void;
  /** Names this life of this process: no other process, and no other life, has the same. */
  readonly owner: string;
  /** No other process works on this store (the daemon holds the database): leases that are left are of processes that ended. */
  readonly alone: boolean;
}

export interface DeliverySnapshot extends OutboxCounts {
  readonly circuit: CircuitState;
  readonly standing: Standing;
  /** What the CRM said when it failed; `null` while nothing is known to fail. */
  readonly cause: string | null;
  readonly paused: boolean;
  readonly permits: PermitSnapshot;
  /** Age of the oldest call not yet in a final state, ms; `null` when none waits. */
  readonly oldestMs: number | null;
  readonly users: { readonly count: number; readonly fetchedAt: number | null };
}

export interface Delivery {
  /** Takes up what is due and begins to work. */
  start(): Promise<void>;
  /** Calls ended or changed in the store. */
  notify(): void;
  /** The moment `ms` from now on the clock of due times (see `DeliveryStore`), whole ms. */
  dueIn(ms: number): number;
  /** Stops: up to `deadlineMs` for requests under way; what is not answered by then becomes uncertain. */
  drain(deadlineMs: number): Promise<void>;
  pause(): void;
  resume(): void;
  /**
   * Tries at once again after `denied`, an outage or a refusal for the rate, and fetches the users (after a reload). Resolves with
   * whether the users are new; where the CRM takes nothing they are not asked for.
   */
  retryNow(): Promise<boolean>;
  replay(request: ReplayRequest): Promise<ReplayReport>;
  snapshot(): Promise<DeliverySnapshot>;
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { store, permits, crm, random, policy, log, owner, alone } = options;
  const clock = wholeMs(options.clock);
  const onCondition = onceEach(options.onCondition);
  const outbox = announcing(store.outbox, crm.name, log, options.onLogged);
  let ahead: number | null = null;
  const steady = (): number => Math.floor(clock.monotonic() + (ahead ?? clock.now() - clock.monotonic()));

  const health = createHealth({
    crm: crm.name,
    onCondition,
    onChange(state, cause) {
      events.circuit(log, state, cause);
      probe.circuitChanged();
      worker.wake();
    },
  });
  const probe = createProbe({
    callLog: crm.callLog,
    control: (asking) => leads.control(asking),
    clock,
    random,
    health: () => health,
    onAnswer: () => worker.wake(),
  });
  const leads = createLeads({ directory: crm.directory, cache: store.leads, clock, policy: policy.lead });
  const users = createUsers({
    directory: crm.directory,
    crm: crm.name,
    store: store.users,
    clock,
    policy: policy.user,
    log,
    onCondition,
    onFresh: () => worker.wake(),
    onAnswer(reply) {
      if (reply.kind === 'accepted') health.reached();
      // Some accounts may not list users; whether it is the account, or the network, the probe tells.
      else if (reply.kind !== 'rate-limited') void probe.now();
    },
    allowed: () => health.state === 'closed',
  });
  const resolve = createResolve({ leads, users, userStore: store.users, policy, crm: crm.name });
  const parts = {
    crm,
    permits,
    outbox,
    leads,
    resolve,
    clock,
    steady,
    policy,
    health,
    probe,
    log,
    random,
    owner,
    onCondition,
    stored: watchStore(onCondition),
  };
  const worker = createWorker(parts, async () => {
    const open = { bootId: clock.bootId, wall: clock.now(), monotonic: clock.monotonic() };
    const latestMs = Math.max(policy.retry.capMs, policy.verifyAfterMs);
    ahead = await outbox.open({ ...open, checkMs: policy.verifyAfterMs, latestMs, alone });
  });

  return {
    async start() {
      await users.start();
      await worker.start();
    },
    dueIn: (ms) => Math.floor(steady() + Math.max(0, ms)),
    notify() {
      health.moreToTry();
      worker.wake();
    },
    async drain(deadlineMs) {
      users.stop();
      probe.stop();
      permits.close();
      await worker.drain(deadlineMs);
    },
    pause: () => worker.pause(),
    resume: () => worker.resume(),
    async retryNow() {
      permits.resume();
      await probe.now();
      worker.wake();
      return health.state === 'closed' && (await users.refresh());
    },
    async replay(request) {
      const done = await replay({ outbox, callLog: crm.callLog, clock, steady, policy }, request);
      health.moreToTry();
      worker.wake();
      return done;
    },
    async snapshot() {
      const now = clock.now();
      const counts = await outbox.counts({ now });
      return {
        ...counts,
        circuit: health.state,
        standing: health.standing,
        cause: health.cause,
        paused: worker.paused,
        permits: permits.snapshot(),
        oldestMs: counts.oldestWaiting === null ? null : Math.max(0, now - counts.oldestWaiting),
        users: { count: users.count, fetchedAt: users.fetchedAt },
      };
    },
  };
}

/** What is stored are whole milliseconds. */
function wholeMs(clock: Clock): Clock {
  const { bootId } = clock;
  return {
    bootId,
    now: () => Math.floor(clock.now()),
    monotonic: () => clock.monotonic(),
    after: (ms, run) => clock.after(ms, run),
  };
}
