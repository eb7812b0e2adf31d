/**
 * Posts one call on a booked place: intent, request, result. `priority` is that of the booking. Rejects when the intent
 * could not be stored; nothing was sent then.
 */

import type { CallLogBody, Reply, Resolution } from './crm.ts';
import { type DeliveryEvent, next } from './delivery.ts';
import { type Booking, GateClosed } from './gate.ts';
import type { Leads } from './leads.ts';
import { judge, type Parts, resultOf, thrown } from './parts.ts';
import { backoff } from './retry.ts';
import { AT_ONCE, type AttemptResult, type Delivery, type Settlement, type Trigger } from './store.ts';

/** `moved`: the row was changed or taken by somebody else before the intent; nothing was sent. */
export type Posted = 'settled' | 'moved';

export async function post(
  parts: Parts,
  leads: Leads,
  row: Delivery,
  resolution: Resolution,
  booking: Booking,
  priority: 'live' | 'backlog',
): Promise<Posted> {
  const { outbox, callLog, clock, keep } = parts;
  const body = callLog.body(row.record, resolution);
  const trigger: Trigger = row.trigger === 'replay' ? 'replay' : row.tries > 0 ? 'retry' : 'live';
  let begun = false;
  try {
    begun = await outbox.begin({
      id: row.id,
      revision: row.revision,
      trigger,
      slot: booking.slot,
      slotWaitMs: booking.waitedMs,
      startedAt: clock.now(),
      body,
      resolution,
      facts: parts.lateFacts(row.record),
    });
  } finally {
    if (!begun) booking.release();
  }
  if (!begun) return 'moved';
  const reply = await request(parts, body, priority, booking);
  const settlement = reply === 'not-sent' ? released(row, clock.now()) : settle(parts, row, reply);
  if (reply !== 'not-sent' && reply.kind === 'rejected') await forgetLead(leads, row);
  await keep(() => outbox.settle({ items: [settlement] }));
  return 'settled';
}

async function request(
  { callLog }: Parts,
  body: CallLogBody,
  priority: 'live' | 'backlog',
  booking: Booking,
): Promise<Reply<{ readonly activityId: string | null }> | 'not-sent'> {
  try {
    return await callLog.post(body, priority);
  } catch (error) {
    return error instanceof GateClosed ? 'not-sent' : thrown(error, 'uncertain');
  } finally {
    booking.release();
  }
}

/** A refused call may be refused for a lead that was merged or deleted. */
async function forgetLead(leads: Leads, { record }: Delivery): Promise<void> {
  const number = record.externalE164 ?? record.external;
  if (number !== null) await leads.forget(number);
}

const NOT_SENT: AttemptResult = {
  outcome: 'not-sent',
  http: null,
  exception: null,
  message: 'Delivery stopped before the first byte left.',
  answer: null,
  durationMs: 0,
};

function released(row: Delivery, now: number): Settlement {
  const to = next('sending', 'released');
  return { id: row.id, from: 'sending', to, now, dueAt: AT_ONCE, reason: null, attempt: NOT_SENT };
}

/** What a reply does to the row and to the circuit. */
function settle(
  { circuit, clock, steady, policy, random }: Parts,
  row: Delivery,
  reply: Reply<{ readonly activityId: string | null }>,
): Settlement {
  judge(circuit, 'post', reply);
  // While the circuit is not closed a failure is the CRM's, not this call's. Without an answer it never is the call's.
  const burn =
    circuit.state === 'closed' && (reply.kind === 'uncertain' || (reply.kind === 'unavailable' && reply.http !== null));
  const spent = burn && row.attempts + 1 >= policy.retry.maxAttempts;
  const decision = decide(reply, spent);
  const wait =
    decision === 'failed'
      ? backoff(policy.retry, row.tries + 1, random)
      : decision === 'doubtful' && policy.uncertain === 'verify'
        ? policy.verifyAfterMs
        : 0;
  return {
    id: row.id,
    from: 'sending',
    to: next('sending', decision),
    now: clock.now(),
    dueAt: steady() + wait,
    reason: decision === 'accepted' ? null : reasonFor(decision, reply, row.attempts + 1),
    burn,
    ...(reply.kind === 'accepted' ? { activityId: reply.value?.activityId ?? null } : {}),
    attempt: resultOf(reply),
  };
}

function decide(reply: Reply<unknown>, spent: boolean): DeliveryEvent {
  switch (reply.kind) {
    case 'accepted':
      return 'accepted';
    case 'rejected':
      return 'rejected';
    case 'rate-limited':
    case 'denied':
      return 'refused';
    case 'unavailable':
      return spent ? 'exhausted' : 'failed';
    case 'uncertain':
      return 'doubtful';
  }
}

function reasonFor(decision: DeliveryEvent, reply: Reply<unknown>, attempts: number): string {
  return decision === 'exhausted' ? `Given up after ${attempts} attempts: ${reply.message}` : reply.message;
}
