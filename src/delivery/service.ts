/** Delivery as the rest of the program sees it: put together here, from the outbox to the CRM. */
import type { CallRecord } from '../call/record.ts';
import type { Clock, Log } from '../ports.ts';
import { announcing } from './announce.ts';
import { type CircuitState, createCircuit } from './circuit.ts';
import { type OnCondition, onceEach } from './condition.ts';
import type { CallLog, Directory } from './crm.ts';
import { createDispatcher } from './dispatch.ts';
import type { DeliveryGate, GateSnapshot } from './gate.ts';
import { createLeads } from './leads.ts';
import { judge, type Parts } from './parts.ts';
import type { DeliveryPolicy } from './policy.ts';
import { createProbe } from './probe.ts';
import { type ReplayReport, type ReplayRequest, replay } from './replay.ts';
import { createResolve } from './resolve.ts';
import type { DeliveryStore, LateFacts, OutboxCounts } from './store.ts';
import { createUsers } from './users.ts';

export interface DeliveryOptions {
  readonly store: DeliveryStore;
  /** The gate that the CRM adapter sends through. */
  readonly gate: DeliveryGate;
  readonly directory: Directory;
  readonly callLog: CallLog;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly policy: DeliveryPolicy;
  readonly log: Log;
  readonly onCondition: OnCondition;
  /** What the CRM is told about recordings and duration, as in the body. Default: recordings as they are, talk seconds. */
  readonly lateFacts?: (record: CallRecord) => LateFacts;
}

export interface DeliverySnapshot extends OutboxCounts {
  readonly circuit: CircuitState;
  /** Why the circuit is not closed. */
  readonly cause: string | null;
  readonly paused: boolean;
  readonly gate: GateSnapshot;
  /** Age of the oldest call not yet in a final state, ms; `null` when none waits. */
  readonly oldestMs: number | null;
  readonly users: { readonly count: number; readonly fetchedAt: number | null };
}

export interface Delivery {
  /** Takes up what the last run left and begins to work. */
  start(): Promise<void>;
  /** Calls ended or changed in the store. */
  notify(): void;
  /** Stops: up to `deadlineMs` for requests under way; what is not answered by then becomes uncertain. */
  drain(deadlineMs: number): Promise<void>;
  pause(): void;
  resume(): void;
  /** Tries at once again after `denied` or an outage, and fetches the users (after a reload). */
  retryNow(): Promise<void>;
  replay(request: ReplayRequest): Promise<ReplayReport>;
  snapshot(): Promise<DeliverySnapshot>;
}

const KEEP_RETRY_MS = 1000;

export function createDelivery(options: DeliveryOptions): Delivery {
  const { store, gate, directory, callLog, random, policy, log } = options;
  const clock = wholeMs(options.clock);
  const onCondition = onceEach(options.onCondition);
  let stopping = false;

  const circuit = createCircuit((state, cause) => {
    report(onCondition, state, cause);
    log.write(state === 'closed' ? 'notice' : 'warn', 'crm-circuit', `CRM circuit ${state}`, { cause });
    probe.circuitChanged();
    dispatcher.wake();
  });
  const probe = createProbe({ callLog, clock, random, circuit: () => circuit });

  async function keep<T>(write: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (stopping) throw error;
        const why = error instanceof Error ? error.message : String(error);
        log.write('error', 'delivery-store', `A result could not be stored and is kept in memory: ${why}`);
        await new Promise<void>((resolve) => clock.after(KEEP_RETRY_MS, resolve));
      }
    }
  }

  const lateFacts = options.lateFacts ?? plainFacts;
  const outbox = announcing(store.outbox, log);
  const offset = clock.now() - clock.monotonic();
  const steady = (): number => Math.floor(clock.monotonic() + offset);
  const parts: Parts = { outbox, callLog, gate, clock, steady, random, policy, circuit, log, lateFacts, keep };
  const leads = createLeads({
    directory,
    cache: store.leads,
    clock,
    policy: policy.lead,
    onReply: (reply) => judge(circuit, 'read', reply),
  });
  const users = createUsers({
    directory,
    store: store.users,
    clock,
    policy: policy.user,
    log,
    onCondition,
    onFresh: () => dispatcher.wake(),
    allowed: () => circuit.state === 'closed',
  });
  const resolve = createResolve({ leads, users, userStore: store.users, clock, policy });
  const dispatcher = createDispatcher(parts, leads, resolve);

  return {
    async start() {
      await users.start();
      await dispatcher.start();
    },
    notify: () => dispatcher.wake(),
    async drain(deadlineMs) {
      stopping = true;
      users.stop();
      probe.stop();
      await dispatcher.drain(deadlineMs);
    },
    pause: () => dispatcher.pause(),
    resume: () => dispatcher.resume(),
    async retryNow() {
      await probe.now();
      if (circuit.state === 'closed') await users.refresh();
    },
    async replay(request) {
      const done = await replay(parts, request);
      dispatcher.wake();
      return done;
    },
    async snapshot() {
      const now = clock.now();
      const counts = await outbox.counts({ now });
      return {
        ...counts,
        circuit: circuit.state,
        cause: circuit.cause,
        paused: dispatcher.paused,
        gate: gate.snapshot(),
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

function plainFacts(record: CallRecord): LateFacts {
  const fields = record.recordings.length > 1 ? { recordings: record.recordings.join(' ') } : {};
  return { recordingUrl: record.recording, durationSeconds: record.talkSeconds, fields };
}

/** One alarm for each outage, cleared when calls go through again. */
function report(onCondition: OnCondition, state: CircuitState, cause: string | null): void {
  if (state === 'open') {
    onCondition({
      code: 'crm-unavailable',
      raised: true,
      severity: 'error',
      text: 'LeadSquared is unavailable; calls are kept and sent when it is back. If other machines reach LeadSquared, check the network of this one.',
    });
  }
  if (state === 'denied') {
    onCondition({
      code: 'crm-denied',
      raised: true,
      severity: 'error',
      text: `LeadSquared refuses the account (${cause ?? 'no reason given'}); calls are kept. Correct host or keys and restart; after a change in LeadSquared, reload.`,
    });
  }
  if (state === 'closed') {
    for (const code of ['crm-unavailable', 'crm-denied'] as const) {
      onCondition({ code, raised: false, severity: 'error', text: 'LeadSquared takes calls again.' });
    }
  }
}
