import { callBody } from '../../../adapters/leadsquared/call-body.ts';
import { type Client, type ClientOptions, createClient } from '../../../adapters/leadsquared/http/client.ts';
import { DEFAULT_POLICY } from '../../../adapters/leadsquared/policy.ts';
import { HOST_CLOCK } from '../../../adapters/leadsquared/sandbox/options.ts';
import type { Sandbox } from '../../../adapters/leadsquared/sandbox/sandbox.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import type { LandedQuery } from '../../../src/delivery/crm.ts';
import type { Asking, Permit, Permits, Priority, RateRefusal } from '../../../src/permits/port.ts';

export const LEAD = '11111111-1111-4111-8111-111111111111';
export const OTHER_LEAD = '22222222-2222-4222-8222-222222222222';
export const USER = '33333333-3333-4333-8333-333333333333';
export const STARTED = Date.parse('2026-03-24T09:09:52.700Z');

/** An answered inbound call of 83 s, 74 of them in conversation. */
export function record(changes: Partial<CallRecord> = {}): CallRecord {
  const { recording = '2026/03/24/in-09876543210-1774343392.17.wav' } = changes;
  return {
    callSessionId: 'hq-1774343392-1774343392.17',
    source: 'hq',
    direction: 'Inbound',
    status: 'Answered',
    external: '09876543210',
    externalE164: '+919876543210',
    externalName: 'Asha',
    withheld: false,
    did: '8041234567',
    didE164: '+918041234567',
    trunk: 'PJSIP/trunk-in',
    queue: 'sales',
    ringGroup: null,
    agent: '1001',
    agentDomain: null,
    responsible: changes.agent === undefined ? '1001' : changes.agent,
    agentsRung: ['1001'],
    agentsTalked: [{ ext: '1001', from: STARTED + 9_000, to: STARTED + 83_000 }],
    startedAt: STARTED,
    answeredAt: STARTED + 9_000,
    endedAt: STARTED + 83_000,
    durationSeconds: 74,
    talkSeconds: 70,
    ringSeconds: 9,
    holdSeconds: 4,
    recording,
    recordings: recording === null ? [] : [recording],
    q850: 16,
    sip: 200,
    flags: [],
    legs: 2,
    reasons: null,
    ...changes,
  };
}

export const LIVE: Asking = { priority: 'live' };
export const BACKLOG: Asking = { priority: 'backlog' };
export const BACKGROUND: Asking = { priority: 'background' };

/** Looked for among the calls of its lead; without one, among all. */
export function landedQuery(changes: Partial<CallRecord>, leadId: string | null, firstAttemptAt: number): LandedQuery {
  const call = record(changes);
  const resolution = { leadId, userId: USER };
  const leadIds = leadId === null ? null : [leadId];
  return { record: call, resolution, body: callBody(call, resolution, DEFAULT_POLICY), firstAttemptAt, leadIds };
}

/** A permit that tells how often it was started and ended. `starts`: whether its time is still there, start by start. */
export interface KeptPermit extends Permit {
  readonly starts: number;
  readonly ended: number;
}

export function keptPermit(id: number, starts: readonly boolean[] = [true]): KeptPermit {
  const told = { starts: 0, ended: 0 };
  return {
    id,
    until: Number.POSITIVE_INFINITY,
    waitedMs: 0,
    get used() {
      return starts.slice(0, told.starts).includes(true);
    },
    start: () => starts[told.starts++] ?? false,
    [Symbol.dispose]: () => void told.ended++,
    get starts() {
      return told.starts;
    },
    get ended() {
      return told.ended;
    },
  };
}

export interface OpenPermits extends Permits {
  readonly refusals: RateRefusal[];
  readonly priorities: Priority[];
  readonly given: KeptPermit[];
}

/** Permits that let everything pass and keep what they were told. */
export function openPermits(): OpenPermits {
  const refusals: RateRefusal[] = [];
  const priorities: Priority[] = [];
  const given: KeptPermit[] = [];
  return {
    refusals,
    priorities,
    given,
    async acquire(priority) {
      priorities.push(priority);
      const permit = keptPermit(given.length + 1);
      given.push(permit);
      return permit;
    },
    refused: (refusal) => void refusals.push(refusal),
  };
}

export function clientOf(sandbox: Sandbox, changes: Partial<ClientOptions> = {}): Client {
  const { url: host, accessKey, secretKey } = sandbox;
  return createClient({ host, accessKey, secretKey, permits: openPermits(), clock: HOST_CLOCK, ...changes });
}

/** A clock whose timers go off when the test says so. */
export function handClock() {
  const timers = new Map<() => void, number>();
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(ms: number, run: () => void) {
      // The same function may be given twice.
      const timer = () => run();
      timers.set(timer, ms);
      return () => void timers.delete(timer);
    },
    pending: () => timers.size,
    fireAll() {
      for (const run of [...timers.keys()]) run();
    },
    /** Those that were set for just this time. */
    fire(ms: number) {
      for (const [run, due] of [...timers]) if (due === ms) run();
    },
  };
}
