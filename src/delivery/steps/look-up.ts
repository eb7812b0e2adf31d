/** Who a call belongs to: lead and user, or why it is not to be posted. */
import type { Reply } from '../crm.ts';
import { type Ran, type Run, resultOf, type StepParts } from './step.ts';

/** How long a call waits for the CRM's users to be known, and how often it looks. */
const WAITS_MS = 24 * 3_600_000;
const AGAIN_MS = 15_000;

/** Rejects only when delivery is stopping, or the store fails: see `Resolve`. */
export async function lookUp({ resolve, clock }: StepParts, { row, asking, heard }: Run): Promise<Ran> {
  const startedAt = clock.now();
  const resolved = await resolve(row.record, asking, row.named);
  if (resolved.reply !== null) heard(subjectOf(row.record), resolved.reply);
  switch (resolved.kind) {
    case 'send': {
      const { resolution: found, choice, reply } = resolved;
      const told = choice === null ? answeredWith(startedAt, reply, found.leadId) : choosing(startedAt, choice, reply);
      return { from: row, outcome: { kind: 'done', event: 'found', reason: null, found, ...told } };
    }
    case 'skip':
      return { from: row, outcome: { kind: 'done', event: 'filtered', code: resolved.code, reason: resolved.reason } };
    case 'park':
      return {
        from: row,
        outcome: {
          kind: 'done',
          event: 'unresolvable',
          code: resolved.code,
          reason: resolved.reason,
          ...(resolved.choice === undefined
            ? attempted(startedAt, resolved.reply)
            : choosing(startedAt, resolved.choice, resolved.reply)),
        },
      };
    case 'waits': {
      if (clock.now() - row.createdAt < WAITS_MS) {
        return { from: row, outcome: { kind: 'done', event: 'put-off', reason: resolved.reason, pauseMs: AGAIN_MS } };
      }
      const reason = `${resolved.reason} They could not be had for a day; see the condition crm-users-stale in status, then replay.`;
      return { from: row, outcome: { kind: 'done', event: 'unresolvable', code: 'users-unknown', reason } };
    }
    case 'later':
      return {
        from: row,
        outcome: {
          kind: 'failed',
          reason: resolved.reason,
          code: 'lookup-failed',
          again: 'failed',
          exhausted: 'exhausted',
          reply: resolved.reply,
          finally: `Given up after {n} lookups: ${resolved.reason} Remove the cause, then replay.`,
          ...attempted(startedAt, resolved.reply),
        },
      };
  }
}

/** A choice among several leads is kept: nothing else tells of those that were not taken. */
function choosing(startedAt: number, message: string, reply: Reply<unknown> | null) {
  const { http = null, durationMs = 0 } = reply ?? {};
  const result = { outcome: 'accepted', http, exception: null, message, answer: null, durationMs } as const;
  return { attempted: { step: 'look-up' as const, startedAt, result } };
}

/** Of a lookup that worked it is kept that it was made and what it found, not the lead itself. Without a request: nothing. */
function answeredWith(startedAt: number, reply: Reply<unknown> | null, leadId: string | null) {
  if (reply === null) return {};
  const message = leadId === null ? 'No lead has the number.' : `Lead ${leadId}.`;
  return { attempted: { step: 'look-up' as const, startedAt, result: { ...resultOf(reply), message, answer: null } } };
}

/** Of the others what went wrong. */
function attempted(startedAt: number, reply: Reply<unknown> | null) {
  if (reply === null || reply.kind === 'accepted') return {};
  return { attempted: { step: 'look-up' as const, startedAt, result: resultOf(reply) } };
}

/** What a lookup is about: different calls of one number are one witness. */
function subjectOf({ externalE164, external, callSessionId }: Run['row']['record']): string {
  return externalE164 ?? external ?? callSessionId;
}
