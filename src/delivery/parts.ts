/** What the steps of delivery share. */

import type { CallRecord } from '../call/record.ts';
import type { Clock, Log } from '../ports.ts';
import type { Circuit } from './circuit.ts';
import type { CallLog, Reply } from './crm.ts';
import type { DeliveryGate } from './gate.ts';
import type { DeliveryPolicy } from './policy.ts';
import type { AttemptResult, Delivery, LateFacts, Outbox } from './store.ts';

export interface Parts {
  readonly outbox: Outbox;
  readonly callLog: CallLog;
  readonly gate: DeliveryGate;
  readonly clock: Clock;
  /**
   * The clock of due times: the wall clock of the start, going on without steps. What was put off for a minute is due after
   * a minute, however the wall clock is set meanwhile.
   */
  readonly steady: () => number;
  readonly random: () => number;
  readonly policy: DeliveryPolicy;
  readonly circuit: Circuit;
  readonly log: Log;
  /** The facts of a call that may come after its post. */
  readonly lateFacts: (record: CallRecord) => LateFacts;
  /** Repeats a write whose result must not be lost until the store takes it (full disk). */
  readonly keep: <T>(write: () => Promise<T>) => Promise<T>;
}

/** Tells the circuit what a reply says about the CRM as a whole. */
export function judge(circuit: Circuit, request: 'post' | 'read', reply: Reply<unknown>): void {
  switch (reply.kind) {
    case 'accepted':
    case 'rejected':
      circuit.worked(request);
      return;
    case 'rate-limited':
      circuit.worked('read');
      return;
    case 'denied':
      circuit.denied(reply.message);
      return;
    case 'unavailable':
    case 'uncertain':
      circuit.failed(request, reply.message);
  }
}

/**
 * The same for a check or a late update, which some accounts refuse by themselves (a right that the keys' user lacks, a plan
 * without the method): that must not stop the calls. Whether the account is refused, the probe tells.
 */
export async function judgeAside({ callLog, circuit, log }: Parts, reply: Reply<unknown>): Promise<void> {
  if (reply.kind !== 'denied') {
    judge(circuit, 'read', reply);
    return;
  }
  log.write('warn', 'crm-method-denied', `A check or update is put off, calls go on: ${reply.message}`);
  const probe = callLog.probe().catch((error: unknown): Reply<unknown> => thrown(error, 'unavailable'));
  judge(circuit, 'read', await probe);
}

export function resultOf(reply: Reply<unknown>): AttemptResult {
  const { kind: outcome, http, exception, message, body: answer, durationMs } = reply;
  return { outcome, http, exception, message, answer, durationMs };
}

/** An answer the adapter did not give: the port threw. */
export function thrown<T>(error: unknown, kind: 'uncertain' | 'unavailable'): Reply<T> {
  const message = error instanceof Error ? error.message : String(error);
  return { kind, value: null, message, exception: null, http: null, body: null, durationMs: 0 };
}

/** Live calls go before all others; what an operator sends again goes behind. */
export function priorityOf(row: Delivery, policy: DeliveryPolicy, now: number): 'live' | 'backlog' {
  return row.trigger === 'live' && row.record.endedAt > now - policy.liveForMs ? 'live' : 'backlog';
}
