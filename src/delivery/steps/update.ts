/** Facts that came after the post (recording, corrected duration): the posted call log is updated, never a second made. */
import { type LateFacts, without } from '../crm.ts';
import { landed } from './check.ts';
import { type Ran, type Run, resultOf, type StepParts } from './step.ts';

/** What differs from what the CRM has; `null` when nothing does. */
export function difference(posted: LateFacts | null, now: LateFacts): LateFacts | null {
  const recordingUrl = now.recordingUrl === (posted?.recordingUrl ?? null) ? null : now.recordingUrl;
  const durationSeconds = now.durationSeconds === (posted?.durationSeconds ?? null) ? null : now.durationSeconds;
  const fields = now.fields ?? {};
  if (JSON.stringify(fields) === JSON.stringify(posted?.fields ?? {})) {
    return recordingUrl === null && durationSeconds === null ? null : { recordingUrl, durationSeconds };
  }
  // An update has to hold one of the other two.
  const filled = now.recordingUrl === null ? now.durationSeconds : durationSeconds;
  return { recordingUrl: now.recordingUrl, durationSeconds: filled, fields };
}

export async function update(parts: StepParts, run: Run): Promise<Ran> {
  const { crm, clock } = parts;
  const { row, asking, heard } = run;
  const facts = crm.callLog.lateFacts(row.record);
  const late = difference(row.posted, facts);
  const told = { facts };
  if (late === null) return { from: row, outcome: { kind: 'done', event: 'updated', reason: null, updated: told } };
  const untold = { facts: row.posted };
  const startedAt = clock.now();
  let activityId = row.activityId;
  if (activityId === null) {
    // A row that was delivered without learning its id.
    const found = await landed(parts, row, asking);
    heard(row.sessionId, found);
    if (found.kind !== 'accepted' && found.kind !== 'rejected') return { from: row, outcome: failed(startedAt, found) };
    activityId = found.value?.activityIds[0] ?? null;
  }
  if (activityId === null) {
    const reason = 'Late facts not sent: the posted call log was not found.';
    return { from: row, outcome: { kind: 'done', event: 'updated', reason, updated: untold } };
  }
  const reply = await crm.callLog.update(activityId, late, asking);
  heard(row.sessionId, reply);
  const attempted = { step: 'update' as const, startedAt, result: resultOf(reply) };
  if (reply.kind === 'accepted' || reply.kind === 'rejected') {
    const reason = reply.kind === 'accepted' ? null : `Late facts not sent: ${reply.message}`;
    const updated = reply.kind === 'accepted' ? { facts: without(facts, reply.value?.leftOut) } : untold;
    return { from: row, outcome: { kind: 'done', event: 'updated', reason, activityId, updated, attempted } };
  }
  // An update that failed does no harm when repeated, so `uncertain` is a failure like any other.
  return { from: row, outcome: { ...failed(startedAt, reply), activityId } };
}

function failed(startedAt: number, reply: Parameters<typeof resultOf>[0]): Exclude<Ran['outcome'], { kind: 'lost' }> {
  const attempted = { step: 'update' as const, startedAt, result: resultOf(reply) };
  const reason = `Late facts not sent: ${reply.message}`;
  return {
    ...{ kind: 'failed', again: 'failed', exhausted: 'exhausted', reason, reply, attempted },
    finally: `Late facts not sent, given up after {n} attempts: ${reply.message}`,
  };
}
