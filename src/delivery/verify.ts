/** Calls whose post may or may not have arrived: looks for many of them at once, then delivered or posted again. */
import type { Landed, Reply } from './crm.ts';
import { type DeliveryEvent, next } from './delivery.ts';
import { judgeAside, type Parts, resultOf, thrown } from './parts.ts';
import { backoff } from './retry.ts';
import { AT_ONCE, type Delivery, type Settlement } from './store.ts';

/** Settled together by one check. */
const TOGETHER = 200;
const ASK_AGAIN_MS = 15_000;

/** Handles the uncertain rows that are due. Answers how many were handled; 0: none was due. */
export async function verifyDue(parts: Parts): Promise<number> {
  const { outbox, steady, policy } = parts;
  const rows = await outbox.uncertain({ now: steady(), limit: TOGETHER });
  if (rows.length === 0) return 0;
  if (policy.uncertain === 'verify') await check(parts, rows);
  else await outbox.settle({ items: rows.map((row) => byPolicy(parts, row)) });
  return rows.length;
}

function byPolicy(parts: Parts, row: Delivery): Settlement {
  const { clock, policy } = parts;
  const now = clock.now();
  if (policy.uncertain === 'hold') {
    const reason = `It is not known whether this call was logged (${row.reason ?? 'no answer'}); look in LeadSquared, then replay if it is not there.`;
    return { id: row.id, from: 'uncertain', to: next('uncertain', 'held'), now, dueAt: AT_ONCE, reason };
  }
  return again(parts, row, row.reason ?? 'No answer.');
}

async function check(parts: Parts, rows: readonly Delivery[]): Promise<void> {
  const { outbox, callLog, clock, policy } = parts;
  const startedAt = clock.now();
  const queries = rows.map((row) => ({
    record: row.record,
    resolution: { leadId: row.leadId, userId: row.userId },
    body: row.body ?? {},
    firstAttemptAt: row.firstAttemptAt ?? row.createdAt,
  }));
  const live = rows.some((row) => row.record.endedAt > startedAt - policy.liveForMs);
  const reply = await callLog
    .findLanded(queries, live ? 'live' : 'backlog')
    .catch((error: unknown): Reply<readonly Landed[]> => thrown(error, 'unavailable'));
  const now = clock.now();
  if (reply.kind === 'rejected' && rows.length > 1) {
    // One row that the CRM cannot be asked about must not stop the others.
    const half = Math.ceil(rows.length / 2);
    await check(parts, rows.slice(0, half));
    await check(parts, rows.slice(half));
    return;
  }
  await judgeAside(parts, reply);
  const result = resultOf(reply);
  const items = rows.map((row, i): Settlement => {
    const found = reply.kind === 'accepted' ? (reply.value?.[i] ?? null) : null;
    if (found === null) return unanswered(parts, row, reply);
    const checked = { startedAt, result: { ...result, message: sentence(found) } };
    if (found.activityId === null) return { ...again(parts, row, 'Not found in LeadSquared.'), check: checked };
    const to = next('uncertain', 'landed');
    const { id } = row;
    return {
      id,
      from: 'uncertain',
      to,
      now,
      dueAt: AT_ONCE,
      reason: null,
      activityId: found.activityId,
      check: checked,
    };
  });
  await outbox.settle({ items });
}

function sentence({ activityId }: Landed): string {
  return activityId === null ? 'Looked for: not in LeadSquared.' : `Looked for: found as activity ${activityId}.`;
}

/** Surely not there: another post, or parked when it was tried often enough. */
function again({ clock, steady, policy, random }: Parts, row: Delivery, why: string): Settlement {
  const spent = row.attempts >= policy.retry.maxAttempts;
  const event: DeliveryEvent = spent ? 'exhausted' : 'absent';
  const wait = policy.uncertain === 'verify' ? 0 : backoff(policy.retry, row.tries, random);
  const reason = spent ? `Given up after ${row.attempts} attempts: ${row.reason ?? why}` : why;
  const to = next('uncertain', event);
  return { id: row.id, from: 'uncertain', to, now: clock.now(), dueAt: steady() + wait, reason };
}

function unanswered({ clock, steady }: Parts, row: Delivery, reply: Reply<unknown>): Settlement {
  const event: DeliveryEvent = reply.kind === 'rejected' ? 'held' : 'deferred';
  const refused = `It is not known whether this call was logged, and LeadSquared refuses to be asked (${reply.message})`;
  const reason =
    reply.kind === 'rejected' ? `${refused}; look there, then replay.` : reply.kind === 'denied' ? refused : row.reason;
  const to = next('uncertain', event);
  return { id: row.id, from: 'uncertain', to, now: clock.now(), dueAt: steady() + ASK_AGAIN_MS, reason };
}
