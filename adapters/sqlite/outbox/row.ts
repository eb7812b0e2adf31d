/** Rows of `delivery` and `attempt` as the core sees them. */
import type { CallLogBody, LateFacts } from '../../../src/delivery/crm.ts';
import type { DeliveryState, Step } from '../../../src/delivery/states.ts';
import type { Attempt, AttemptResult, Delivery, Trigger } from '../../../src/delivery/store.ts';
import { decodeRecord } from '../sessions/row.ts';

/** The columns every reader of deliveries selects. */
export const DELIVERY_COLUMNS = `d.id, d.session_id, d.destination, d.state, d.step, s.json AS record, s.revision, d.intent,
  d.look_up_attempts, d.post_attempts, d.check_attempts, d.update_attempts, d.failures, d.tries, d.reason, d.due_at, d.lease_owner,
  d.lead_id, d.user_id, d.activity_id, d.body, d.posted_facts, d.doubtful, d.first_attempt_at, d.last_attempt_at, d.delivered_at,
  d.created_at, d.updated_at`;

export const DELIVERY_FROM = 'delivery d JOIN session s ON s.call_session_id = d.session_id';

/** The column that counts the failures of each step. */
export const ATTEMPTS: Readonly<Record<Step, string>> = {
  'look-up': 'look_up_attempts',
  post: 'post_attempts',
  check: 'check_attempts',
  update: 'update_attempts',
};

export interface DeliveryRow {
  readonly id: number;
  readonly session_id: string;
  readonly destination: string;
  readonly state: DeliveryState;
  readonly step: Step | null;
  readonly record: string;
  readonly revision: number;
  readonly intent: 'live' | 'replay';
  readonly look_up_attempts: number;
  readonly post_attempts: number;
  readonly check_attempts: number;
  readonly update_attempts: number;
  readonly failures: number;
  readonly tries: number;
  readonly reason: string | null;
  readonly due_at: number;
  readonly lease_owner: string | null;
  readonly lead_id: string | null;
  readonly user_id: string | null;
  readonly activity_id: string | null;
  readonly body: string | null;
  readonly posted_facts: string | null;
  readonly doubtful: number;
  readonly first_attempt_at: number | null;
  readonly last_attempt_at: number | null;
  readonly delivered_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface AttemptRow {
  readonly number: number;
  readonly step: Step;
  readonly trigger_: Trigger;
  readonly permit: number | null;
  readonly permit_wait_ms: number | null;
  readonly started_at: number;
  readonly finished_at: number | null;
  readonly body: string | null;
  readonly body_hash: string | null;
  readonly outcome: AttemptResult['outcome'] | null;
  readonly http: number | null;
  readonly exception: string | null;
  readonly message: string | null;
  readonly answer: string | null;
  readonly duration_ms: number | null;
}

export function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    sessionId: row.session_id,
    destination: row.destination,
    state: row.state,
    step: row.step,
    record: decodeRecord(row.record),
    revision: row.revision,
    trigger: row.intent,
    attempts: {
      'look-up': row.look_up_attempts,
      post: row.post_attempts,
      check: row.check_attempts,
      update: row.update_attempts,
    },
    failures: row.failures,
    tries: row.tries,
    reason: row.reason,
    dueAt: row.due_at,
    leaseOwner: row.lease_owner,
    leadId: row.lead_id,
    userId: row.user_id,
    activityId: row.activity_id,
    body: row.body === null ? null : (JSON.parse(row.body) as CallLogBody),
    posted: row.posted_facts === null ? null : (JSON.parse(row.posted_facts) as LateFacts),
    doubtful: row.doubtful === 1,
    firstAttemptAt: row.first_attempt_at,
    lastAttemptAt: row.last_attempt_at,
    deliveredAt: row.delivered_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function toAttempt(row: AttemptRow): Attempt {
  const result: AttemptResult | null =
    row.outcome === null
      ? null
      : {
          outcome: row.outcome,
          http: row.http,
          exception: row.exception,
          message: row.message ?? '',
          answer: row.answer,
          durationMs: row.duration_ms ?? 0,
        };
  return {
    number: row.number,
    step: row.step,
    trigger: row.trigger_,
    permit: row.permit,
    permitWaitMs: row.permit_wait_ms,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    body: row.body === null ? null : (JSON.parse(row.body) as CallLogBody),
    bodyHash: row.body_hash,
    result,
  };
}
