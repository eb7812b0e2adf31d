/** Facts that came after the post (recording, corrected duration): the posted call log is updated, never a second made. */
import type { Landed, Reply } from './crm.ts';
import { judgeAside, type Parts, resultOf, thrown } from './parts.ts';
import { backoff } from './retry.ts';
import type { Delivery, LateFacts } from './store.ts';

const TOGETHER = 20;

/** Handles delivered rows that changed. Answers how many were handled; 0: none was due. */
export async function updateDue(parts: Parts): Promise<number> {
  const { outbox, steady, circuit } = parts;
  const rows = await outbox.changed({ now: steady(), limit: TOGETHER });
  for (const row of rows) {
    if (circuit.state === 'open' || circuit.state === 'denied') break;
    await update(parts, row);
  }
  return rows.length;
}

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

async function update(parts: Parts, row: Delivery): Promise<void> {
  const { outbox, callLog, clock, steady, policy, random } = parts;
  const facts = parts.lateFacts(row.record);
  const late = difference(row.posted, facts);
  const { id, revision } = row;
  const close = { id, revision, retryAt: null, facts, activityId: row.activityId, reason: null, attempt: null };
  if (late === null) {
    await outbox.updated({ ...close, now: clock.now() });
    return;
  }
  const startedAt = clock.now();
  const activity = row.activityId === null ? await findActivity(parts, row) : row.activityId;
  if (typeof activity !== 'string') {
    const retryAt = activity === null ? null : steady() + backoff(policy.retry, row.updateTries + 1, random);
    const reason = activity === null ? 'Late facts not sent: the posted call log was not found.' : activity.message;
    await outbox.updated({ ...close, now: clock.now(), retryAt, facts: row.posted, reason });
    return;
  }
  const reply = await callLog
    .update(activity, late, 'backlog')
    .catch((error: unknown): Reply<{ readonly activityId: string | null }> => thrown(error, 'unavailable'));
  // An update that failed does no harm when repeated, so `uncertain` is a failure like any other.
  await judgeAside(parts, reply);
  const done = reply.kind === 'accepted' || reply.kind === 'rejected';
  const now = clock.now();
  await outbox.updated({
    id,
    revision,
    now,
    retryAt: done ? null : steady() + backoff(policy.retry, row.updateTries + 1, random),
    facts: reply.kind === 'accepted' ? facts : row.posted,
    activityId: activity,
    reason: reply.kind === 'accepted' ? null : `Late facts not sent: ${reply.message}`,
    attempt: { startedAt, result: resultOf(reply) },
  });
}

/** The activity of a row that was delivered without learning its id; `null`: not there. */
async function findActivity(parts: Parts, row: Delivery): Promise<string | null | Reply<unknown>> {
  const query = {
    record: row.record,
    resolution: { leadId: row.leadId, userId: row.userId },
    body: row.body ?? {},
    firstAttemptAt: row.firstAttemptAt ?? row.createdAt,
  };
  const reply = await parts.callLog
    .findLanded([query], 'backlog')
    .catch((error: unknown): Reply<readonly Landed[]> => thrown(error, 'unavailable'));
  await judgeAside(parts, reply);
  if (reply.kind === 'accepted' || reply.kind === 'rejected') return reply.value?.[0]?.activityId ?? null;
  return reply;
}
