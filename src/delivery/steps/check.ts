/**
 * Whether a post that got no trustworthy answer has arrived: it is looked for among the calls of its lead, in a bounded
 * number of requests whenever that is, and is then delivered, posted again, or parked for somebody who can look.
 */
import type { Asking } from '../../permits/port.ts';
import type { Landed, LandedQuery, Lead, Reply } from '../crm.ts';
import { hasNoNumber } from '../parties/held-back.ts';
import { backoff, isLookedFor, NOT_OWN } from '../policy.ts';
import type { Delivery } from '../store.ts';
import { type Ran, type Run, resultOf, type StepParts, stored } from './step.ts';

/** So young a post of an unknown lead is looked for among all calls that changed since; later those are too many. */
const YOUNG_MS = 3_600_000;
/** A post lands within its time-out; ms after it began. */
const LANDS_WITHIN_MS = 120_000;
/** A clock is corrected by so little now and then. */
const CLOCK_MS = 60_000;

/** Rejects when the store fails, and with `PermitsClosed` when delivery stops. */
export async function check(parts: StepParts, run: Run): Promise<Ran> {
  const { policy, clock, outbox, crm } = parts;
  const { row, asking, heard } = run;
  const isWanted = isLookedFor(policy, { trigger: row.trigger, elsewhere: row.elsewhere || row.tries === 0 });
  // Held for an operator.
  if (!isWanted && policy.uncertain === 'hold') {
    const reason = `It is not known whether this call was logged (${row.reason ?? 'no answer'}); a replay looks for it in ${crm.name}, and posts it if it is not there.`;
    return { from: row, outcome: { kind: 'done', event: 'held', code: 'check-held', reason } };
  }
  if (!isWanted) {
    return {
      from: row,
      outcome: again(parts, row, row.reason ?? 'No answer.'),
    };
  }
  const startedAt = clock.now();
  const reply = await landed(parts, row, asking);
  heard(row.sessionId, reply);
  if (reply.kind !== 'accepted' || reply.value === null)
    return { from: row, outcome: unanswered(parts, startedAt, reply) };
  const { activityIds } = reply.value;
  const taken = activityIds.length === 0 ? [] : await stored(outbox.taken({ id: row.id, activityIds }));
  const activityId = activityIds.find((id) => !taken.includes(id)) ?? null;
  const result = { ...resultOf(reply), message: sentence(crm.name, activityId) };
  const seen = { certain: true, attempted: { step: 'check' as const, startedAt, result } };
  if (activityId === null) {
    return { from: row, outcome: { ...again(parts, row, `Not found in ${crm.name}.`), ...seen } };
  }
  return { from: row, outcome: { kind: 'done', event: 'landed', reason: null, activityId, ...seen } };
}

function sentence(crm: string, activityId: string | null): string {
  return activityId === null ? `Looked for: not in ${crm}.` : `Looked for: found as activity ${activityId}.`;
}

/**
 * Looks for the call of this row: among the calls of its lead, of everybody, and of the leads that have its number. That nobody has the
 * number proves nothing by itself: a lookup may not know it as the lead has it that was made by the post.
 */
export async function landed(parts: StepParts, row: Delivery, asking: Asking): Promise<Reply<Landed>> {
  const { leadId, userId, record, createdAt } = row;
  // One that was never posted from here may have been by a database that is lost: when it ended, at the earliest.
  const firstAttemptAt = row.firstAttemptAt ?? Math.min(createdAt, record.endedAt);
  const resolution = { leadId, userId };
  const body = row.body ?? parts.crm.callLog.body(record, resolution);
  const query = { record, resolution, body, firstAttemptAt };
  const hasNumber = number(row) !== null;
  if (leadId !== null) {
    const reply = await find(parts, { ...query, leadIds: [leadId] }, asking);
    // A lead that was merged or deleted, or too many calls to look through: those with the number are asked.
    if (reply.kind !== 'rejected' || !hasNumber) return reply;
    return byNumber(parts, row, query, null, asking);
  }
  const among = await amongAll(parts, row, query, asking);
  // Nothing in a time that clocks tell: they may be wrong. Where there is no number, only one that was set back tells that.
  const isProof = among.untilNow && !hasNumber && parts.clock.now() - firstAttemptAt > -CLOCK_MS;
  if (among.reply.kind !== 'rejected' && (isProof || !isNowhere(among.reply))) return among.reply;
  return byNumber(parts, row, query, among, asking);
}

/** What was found among the calls of all leads. */
interface Among {
  readonly reply: Reply<Landed>;
  /** False: only those were looked through that were not changed after the last post. */
  readonly untilNow: boolean;
}

type Query = Omit<LandedQuery, 'leadIds'>;

async function amongAll(parts: StepParts, row: Delivery, query: Query, asking: Asking): Promise<Among> {
  if (parts.clock.now() - query.firstAttemptAt < YOUNG_MS) {
    const reply = await find(parts, { ...query, leadIds: null }, asking);
    if (reply.kind !== 'rejected') return { reply, untilNow: true };
  }
  // Too many by now: those of the time of its posts.
  const until = (row.lastAttemptAt ?? row.record.endedAt) + LANDS_WITHIN_MS;
  return { reply: await find(parts, { ...query, leadIds: null, until }, asking), untilNow: false };
}

const isNowhere = ({ value }: Reply<Landed>): boolean => value !== null && value.activityIds.length === 0;

/** `among`: what was seen of the calls of all; `null`: the lead was known. */
async function byNumber(
  parts: StepParts,
  row: Delivery,
  query: Query,
  among: Among | null,
  asking: Asking,
): Promise<Reply<Landed>> {
  const called = number(row);
  if (called === null) return nothing('rejected', 'the call has neither lead nor number');
  // It may have been merged into one of these: whose the call was is not compared.
  const resolution = { leadId: null, userId: query.resolution.userId };
  const ofLeads = (leads: readonly Lead[]) =>
    find(parts, { ...query, resolution, leadIds: leads.map(({ id }) => id) }, asking);
  const answer = await parts.leads.search(called, asking);
  if (answer.kind === 'failed') return { ...answer.reply, value: null };
  const first = answer.leads.length === 0 ? null : await ofLeads(answer.leads);
  if (first !== null && !isNowhere(first)) return first;
  // A lookup shows one of several leads, or none where it does not know the number as it is written there.
  const every = await parts.leads.every(called, asking);
  if (every.kind === 'failed') return { ...every.reply, value: null };
  const others = every.leads.filter(({ id }) => !answer.leads.some((lead) => lead.id === id));
  if (others.length > 0) return ofLeads(others);
  if (first !== null) return first;
  if (among !== null && !isNowhere(among.reply))
    return nothing('rejected', `no lead has the number, and ${lowered(among.reply.message)}`);
  // With a lead that is gone its calls are; a post without one makes a lead.
  return { ...nothing('accepted', 'No lead has this number.'), value: { activityIds: [] } };
}

const lowered = (text: string): string => `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;

function find({ crm }: StepParts, query: LandedQuery, asking: Asking): Promise<Reply<Landed>> {
  return crm.callLog.findLanded(query, asking);
}

/** `null`: there is none, or it is hidden, and so no lead has it. */
const number = ({ record }: Delivery): string | null =>
  hasNoNumber(record) ? null : (record.externalE164 ?? record.external);

function nothing(kind: 'accepted' | 'rejected', message: string): Reply<Landed> {
  return { kind, value: null, message, reached: true, exception: null, http: null, body: null, durationMs: 0 };
}

/** Surely not there: another post, or parked when it was tried often enough. */
function again({ policy, random }: StepParts, row: Delivery, why: string): Ran['outcome'] {
  if (row.tries === 0) return { kind: 'done', event: 'unposted', reason: null };
  const posts = row.attempts.post;
  // With each post that was begun, whosever fault its failure was.
  const pauseMs = backoff(policy.retry, row.tries, random);
  const { maxAttempts } = policy.retry;
  // Posts whose failure was not the row's own are counted by their begins alone; each replay begins a further round.
  const spent = posts >= maxAttempts;
  if (!spent && row.tries % (NOT_OWN * maxAttempts) !== 0)
    return { kind: 'done', event: 'absent', reason: why, pauseMs };
  const count = spent ? posts : row.tries;
  return {
    kind: 'done',
    event: 'exhausted',
    code: 'post-failed',
    reason: `Given up after ${count} attempts: ${row.reason ?? why}`,
  };
}

function unanswered({ crm }: StepParts, startedAt: number, reply: Reply<unknown>): Ran['outcome'] {
  const attempted = { step: 'check' as const, startedAt, result: resultOf(reply) };
  const unknown = 'It is not known whether this call was logged';
  if (reply.kind === 'rejected') {
    const look = `look there, and if it is missing, replay it with --force`;
    const reason = `${unknown}, and ${crm.name} cannot be asked (${reply.message}); ${look}.`;
    return { kind: 'done', event: 'held', code: 'check-impossible', reason, attempted };
  }
  return {
    ...{ kind: 'failed', again: 'failed', exhausted: 'held', code: 'check-failed', reply, attempted },
    reason:
      reply.kind === 'denied' ? `${unknown}, and ${crm.name} refuses to be asked (${reply.message})` : reply.message,
    finally: `${unknown}, and ${crm.name} could not be asked in {n} attempts (${reply.message}); a replay asks again.`,
  };
}
