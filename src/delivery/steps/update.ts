/** Facts that came after the post (recording, corrected duration): the posted call log is updated, never a second made. */
import { type CallWritten, type LateFacts, type Reply, without } from '../crm.ts';
import type { Delivery } from '../store.ts';
import { landed } from './check.ts';
import { type Ran, type Run, resultOf, type StepParts, stored } from './step.ts';

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

/** Rejects as `check` does. An update may be repeated, so none of its failures is `doubtful`. */
export async function update(parts: StepParts, run: Run): Promise<Ran> {
  const { crm, clock } = parts;
  const { row } = run;
  const facts = crm.callLog.lateFacts(row.record);
  const late = difference(row.posted, facts);
  if (late === null) return done(row, null, { updated: { facts } });
  const startedAt = clock.now();
  if (row.activityId === null) return elsewhere(parts, run, { facts, late, startedAt, refusal: null });
  const reply = await sent(parts, run, row.activityId, late);
  if (reply.kind !== 'rejected') return ended(parts, row, row.activityId, { facts, startedAt, reply });
  return elsewhere(parts, run, { facts, late, startedAt, refusal: reply });
}

interface Unsent {
  readonly facts: LateFacts;
  readonly late: LateFacts;
  readonly startedAt: number;
  /** What was said of the id that is stored; `null`: none is. */
  readonly refusal: Reply<CallWritten> | null;
}

/**
 * The post was answered without an id, or with one that the CRM refuses: it need not be that of the activity. That is looked for, once the
 * CRM has had time to show it, and kept. Where it is the one that was refused, the facts were.
 */
async function elsewhere(parts: StepParts, run: Run, { facts, late, startedAt, refusal }: Unsent): Promise<Ran> {
  const { outbox } = parts;
  const { row, asking, heard } = run;
  const attempted = refusal === null ? {} : { attempted: attemptOf(startedAt, refusal) };
  const pauseMs = unseenMs(parts, row);
  if (pauseMs > 0)
    return { from: row, outcome: { kind: 'done', event: 'put-off', reason: null, pauseMs, ...attempted } };
  const found = await landed(parts, row, asking);
  heard(row.sessionId, found);
  if (found.kind !== 'accepted' && found.kind !== 'rejected') return { from: row, outcome: failed(startedAt, found) };
  const activityIds = found.value?.activityIds ?? [];
  if (refusal !== null && row.activityId !== null && activityIds.includes(row.activityId))
    return ended(parts, row, row.activityId, { facts, startedAt, reply: refusal });
  const taken = activityIds.length === 0 ? [] : await stored(outbox.taken({ id: row.id, activityIds }));
  const activityId = activityIds.find((id) => !taken.includes(id));
  if (activityId === undefined) {
    tell(parts, true);
    const why =
      refusal === null
        ? 'the posted call log was not found'
        : `no other call log was found than the one that is refused (${refusal.message})`;
    return done(row, `Late facts not sent: ${why}.`, { updated: { facts: row.posted }, ...attempted });
  }
  const reply = await sent(parts, run, activityId, late);
  return ended(parts, row, activityId, { facts, startedAt, reply });
}

/** ms until the CRM shows the post. One that seems to be still to come was made before the clock was set back. */
function unseenMs({ policy, clock }: StepParts, { lastAttemptAt }: Delivery): number {
  const ageMs = lastAttemptAt === null ? -1 : clock.now() - lastAttemptAt;
  return ageMs < 0 ? 0 : Math.max(0, policy.verifyAfterMs - ageMs);
}

async function sent({ crm }: StepParts, { row, asking, heard }: Run, activityId: string, late: LateFacts) {
  const reply = await crm.callLog.update(activityId, late, asking);
  heard(row.sessionId, reply);
  return reply;
}

interface Sent {
  readonly facts: LateFacts;
  readonly startedAt: number;
  readonly reply: Reply<CallWritten>;
}

function ended(parts: StepParts, row: Delivery, activityId: string, { facts, startedAt, reply }: Sent): Ran {
  const attempted = attemptOf(startedAt, reply);
  switch (reply.kind) {
    case 'accepted':
      tell(parts, false);
      return done(row, null, { activityId, updated: { facts: without(facts, reply.value?.leftOut) }, attempted });
    case 'rejected': {
      tell(parts, true);
      const reason = `Late facts not sent: ${reply.message}`;
      return done(row, reason, { activityId, updated: { facts: row.posted }, attempted });
    }
    default:
      // An update that failed does no harm when repeated, so `uncertain` is a failure like any other.
      return { from: row, outcome: { ...failed(startedAt, reply), activityId } };
  }
}

type Done = Extract<Ran['outcome'], { kind: 'done' }>;

const done = (row: Delivery, reason: string | null, more: Partial<Done>): Ran => ({
  from: row,
  outcome: { kind: 'done', event: 'updated', reason, ...more },
});

const attemptOf = (startedAt: number, reply: Reply<unknown>) => ({
  ...{ step: 'update' as const, startedAt, result: resultOf(reply) },
});

/** Such a call is delivered, and nothing more happens to it by itself. */
function tell({ crm, onCondition }: StepParts, raised: boolean): void {
  const text = `${crm.name} does not take what comes late of calls (a recording, a corrected duration): they are logged without it, and it is not sent again. Each tells why: logcalld calls --state delivered --reason "Late facts not sent". Correct what they name.`;
  onCondition({ code: 'crm-update-refused', raised, severity: 'warning', text });
}

function failed(startedAt: number, reply: Parameters<typeof resultOf>[0]): Exclude<Ran['outcome'], { kind: 'lost' }> {
  const attempted = attemptOf(startedAt, reply);
  const reason = `Late facts not sent: ${reply.message}`;
  return {
    ...{ kind: 'failed', again: 'failed', exhausted: 'exhausted', reason, reply, attempted },
    finally: `Late facts not sent, given up after {n} attempts: ${reply.message}`,
  };
}
