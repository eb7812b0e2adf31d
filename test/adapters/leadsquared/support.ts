import { callBody } from '../../../adapters/leadsquared/call-body.ts';
import { type Client, type ClientOptions, createClient } from '../../../adapters/leadsquared/http/client.ts';
import { DEFAULT_POLICY } from '../../../adapters/leadsquared/policy.ts';
import { HOST_CLOCK } from '../../../adapters/leadsquared/sandbox/options.ts';
import type { Sandbox } from '../../../adapters/leadsquared/sandbox/sandbox.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import type { Gate, LandedQuery, Priority, RateRefusal } from '../../../src/delivery/crm.ts';

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

export function landedQuery(changes: Partial<CallRecord>, leadId: string | null, firstAttemptAt: number): LandedQuery {
  const call = record(changes);
  const resolution = { leadId, userId: USER };
  return { record: call, resolution, body: callBody(call, resolution, DEFAULT_POLICY), firstAttemptAt };
}

export interface OpenGate extends Gate {
  readonly refusals: RateRefusal[];
  readonly priorities: Priority[];
}

/** A gate that lets everything pass and keeps what it was told. */
export function openGate(): OpenGate {
  const refusals: RateRefusal[] = [];
  const priorities: Priority[] = [];
  return {
    refusals,
    priorities,
    run(priority, send) {
      priorities.push(priority);
      return send();
    },
    refused: (refusal) => void refusals.push(refusal),
  };
}

export function clientOf(sandbox: Sandbox, changes: Partial<ClientOptions> = {}): Client {
  const { url: host, accessKey, secretKey } = sandbox;
  return createClient({ host, accessKey, secretKey, gate: openGate(), clock: HOST_CLOCK, ...changes });
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
