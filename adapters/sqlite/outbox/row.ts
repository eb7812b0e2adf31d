/** Rows of `delivery` and `attempt` as the core sees them. */
import type { CallLogBody, LateFacts } from '../../../src/delivery/crm.ts';
import type { DeliveryState, Step } from '../../../src/delivery/states.ts';
import type { Attempt, AttemptResult, Delivery, Trigger } from '../../../src/delivery/store.ts';
import { decodeRecord } from '../sessions/row.ts';

/** The columns every reader selects, in the order of `DeliveryRow`. */
export const DELIVERY_COLUMNS = `d.id, d.session_id, d.destination, d.state, d.step, s.json, s.revision, d.intent,
  d.look_up_attempts, d.post_attempts, d.check_attempts, d.update_attempts, d.failures, d.tries, d.reason, d.due_at, d.lease_owner,
  d.lead_id, d.user_id, d.activity_id, d.body, d.posted_facts, d.doubtful, d.first_attempt_at, d.last_attempt_at, d.delivered_at,
  d.created_at, d.updated_at, d.code, d.named`;

export const DELIVERY_FROM = 'delivery d JOIN session s ON s.call_session_id = d.session_id';

/** The column that counts the failures of each step. */
export const ATTEMPTS: Readonly<Record<Step, string>> = {
  'look-up': 'look_up_attempts',
  post: 'post_attempts',
  check: 'check_attempts',
  update: 'update_attempts',
};

/** What `delivery.doubtful` says: whose post may have arrived. */
export const DOUBT = { none: 0, own: 1, elsewhere: 2 } as const;

/** Read with `raw()`: strings and numbers alone, which are cheap to make and to hand to another thread. */
export type DeliveryRow = readonly [
  id: number,
  sessionId: string,
  destination: string,
  state: DeliveryState,
  step: Step | null,
  record: string,
  revision: number,
  intent: 'live' | 'replay',
  lookUpAttempts: number,
  postAttempts: number,
  checkAttempts: number,
  updateAttempts: number,
  failures: number,
  tries: number,
  reason: string | null,
  dueAt: number,
  leaseOwner: string | null,
  leadId: string | null,
  userId: string | null,
  activityId: string | null,
  body: string | null,
  postedFacts: string | null,
  doubtful: number,
  firstAttemptAt: number | null,
  lastAttemptAt: number | null,
  deliveredAt: number | null,
  createdAt: number,
  updatedAt: number,
  code: string | null,
  named: number,
];

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
  const [id, sessionId, destination, state, step, record, revision, trigger, lookUp, post, check, update, ...more] =
    row;
  const [failures, tries, reason, dueAt, leaseOwner, leadId, userId, activityId, body, posted, doubtful, ...times] =
    more;
  const [firstAttemptAt, lastAttemptAt, deliveredAt, createdAt, updatedAt, code, named] = times;
  return {
    ...{ id, sessionId, destination, state, step, revision, trigger, failures, tries, reason, dueAt, leaseOwner },
    code,
    ...{ leadId, userId, activityId, firstAttemptAt, lastAttemptAt, deliveredAt, createdAt, updatedAt },
    record: decodeRecord(record),
    attempts: { 'look-up': lookUp, post, check, update },
    body: body === null ? null : (JSON.parse(body) as CallLogBody),
    posted: posted === null ? null : (JSON.parse(posted) as LateFacts),
    doubtful: doubtful !== DOUBT.none,
    elsewhere: doubtful === DOUBT.elsewhere,
    named: named === 1,
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
