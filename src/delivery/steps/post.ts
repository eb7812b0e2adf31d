/**
 * Posts one call: permit, intent, request. The permit comes before the intent, so that a row is `sending` only while bytes may
 * be under way; the intent is durable before the first of them leaves. It leaves while the row is ours, or not at all: a program that was
 * stopped for longer finds that another one looks for the call.
 */
import { type Permit, PermitLapsed, PermitsClosed } from '../../permits/port.ts';
import { type CallLogBody, type CallWritten, type LateFacts, type Reply, without } from '../crm.ts';
import type { Position } from '../states.ts';
import { type AttemptResult, type Delivery, LEASE_MS, type Trigger } from '../store.ts';
import { answered, type Ran, type Run, resultOf, type StepParts, stored } from './step.ts';

const SENDING: Position = { state: 'sending', step: 'post' };

/**
 * Rejects when no body can be made of the call, with `StoreRefused` when the intent cannot be stored, with `PermitsClosed` or the reason of
 * the signal when there was no permit: nothing left then. Once bytes may have left, what goes wrong is told by the outcome.
 */
export async function post(parts: StepParts, run: Run): Promise<Ran> {
  const { crm, permits } = parts;
  const { row, asking } = run;
  const resolution = { leadId: row.leadId, userId: row.userId };
  // Before the permit: a body that cannot be made costs no request.
  const body = crm.callLog.body(row.record, resolution);
  const facts = crm.callLog.lateFacts(row.record);
  using permit = await permits.acquire(asking.priority, asking.signal, asking.ageMs);
  // Awaited here: the permit ends with this block.
  return await begun(parts, run, permit, body, facts);
}

async function begun(parts: StepParts, run: Run, permit: Permit, body: CallLogBody, facts: LateFacts): Promise<Ran> {
  const { crm, outbox, clock, steady, leads } = parts;
  const { row, owner, asking, heard } = run;
  const { id, revision, leadId, userId, tries } = row;
  const trigger: Trigger = row.trigger === 'replay' ? 'replay' : tries > 0 ? 'retry' : 'live';
  const intent = { ...{ id, owner, revision, trigger, body, facts }, resolution: { leadId, userId } };
  const waited = { permit: permit.id, permitWaitMs: permit.waitedMs, startedAt: clock.now() };
  const leaseUntil = steady() + LEASE_MS;
  const answer = await stored(outbox.begin({ ...intent, ...waited, leaseUntil }));
  if (answer === 'lost') return { from: row, outcome: { kind: 'lost' } };
  if (answer === 'changed') return { from: row, outcome: { kind: 'done', event: 'changed', reason: row.reason } };
  // No signal: from here on only an answer, or the end of the program, ends it.
  // A post that is refused for a field is made again without it, by a second request: neither leaves once the row is not ours.
  const isOurs = (): boolean => steady() < leaseUntil;
  const request = crm.callLog.post(body, { priority: asking.priority, permit, isOurs });
  const reply = await answered(request, 'uncertain', isUnsent);
  if (reply === 'unsent') return { from: SENDING, outcome: released() };
  heard(row.sessionId, reply);
  if (reply.kind === 'rejected') await forgetLead(leads, row);
  return { from: SENDING, outcome: outcomeOf(reply, writtenOf(reply.value?.leftOut, body, facts)) };
}

const isUnsent = (error: unknown): boolean => error instanceof PermitsClosed || error instanceof PermitLapsed;

function writtenOf(leftOut: readonly string[] | undefined, body: CallLogBody, facts: LateFacts) {
  if (leftOut === undefined) return undefined;
  const taken = Object.fromEntries(Object.entries(body).filter(([name]) => !leftOut.includes(name)));
  return { body: taken, facts: without(facts, leftOut) };
}

function outcomeOf(reply: Reply<CallWritten>, written: ReturnType<typeof writtenOf>): Ran['outcome'] {
  const attempt = resultOf(reply);
  const { message: reason } = reply;
  switch (reply.kind) {
    case 'accepted': {
      const activityId = reply.value?.activityId ?? null;
      return { kind: 'done', event: 'accepted', reason: null, activityId, certain: true, written, attempt };
    }
    case 'rejected':
      return { kind: 'done', event: 'rejected', code: 'rejected', reason, attempt };
    case 'uncertain':
      return { kind: 'failed', again: 'doubtful', exhausted: 'doubtful', reason, reply, attempt };
    case 'rate-limited':
    case 'denied':
    case 'unavailable':
      return {
        ...{ kind: 'failed', again: 'failed', exhausted: 'exhausted', code: 'post-failed', reason, reply, attempt },
        finally: `Given up after {n} attempts: ${reason}`,
      };
  }
}

/** A refused call may be refused for a lead that was merged or deleted. */
async function forgetLead(leads: StepParts['leads'], { record }: Delivery): Promise<void> {
  const number = record.externalE164 ?? record.external;
  // Without it the next call of this number asks as well, only later.
  if (number !== null) await leads.forget(number).catch(() => undefined);
}

const NOT_SENT: AttemptResult = {
  outcome: 'not-sent',
  http: null,
  exception: null,
  message: 'Delivery stopped before the first byte left.',
  answer: null,
  durationMs: 0,
};

function released(): Ran['outcome'] {
  return { kind: 'done', event: 'released', reason: null, attempt: NOT_SENT };
}
