/**
 * Whether posts whose reply was lost have arrived. LeadSquared has no idempotency key and documents no de-duplication by
 * CallSessionId, so the call activities are read back before anything is posted again.
 */
import type { Landed, LandedQuery, Priority, Reply } from '../../src/delivery/crm.ts';
import { type Activity, readActivity } from './activity.ts';
import { timeText } from './format.ts';
import type { Client } from './http/client.ts';
import { isObject, type JsonObject, numberOf } from './json.ts';
import type { CallLogPolicy } from './policy.ts';

const LEAD_PAGE = 100;
const WINDOW_PAGE = 1000;
const MAX_PAGES = 20;
/** Shorter numbers are extensions, which many calls share. */
const SIGNIFICANT_DIGITS = 7;

type Found = Reply<readonly Activity[]>;

/** The system activities of phone calls. */
const eventOf = ({ body }: LandedQuery): 21 | 22 => (body.Direction === 'Inbound' ? 21 : 22);

const sameNumber = (a: string, b: string): boolean =>
  Math.min(a.length, b.length) >= SIGNIFICANT_DIGITS && (a.endsWith(b) || b.endsWith(a));

/** The same call, judged by what an activity without our CallSessionId tells. What it does not tell is no objection. */
function looksLike({ record, resolution, body }: LandedQuery, activity: Activity): boolean {
  const starts = [timeText(record.startedAt, 'UTC'), body.StartTime];
  if (!activity.starts.some((start) => starts.includes(start))) return false;
  if (activity.duration !== null && activity.duration !== body.CallDuration) return false;
  const { leadId, userId } = resolution;
  if (leadId !== null && activity.leadId !== null && activity.leadId !== leadId) return false;
  if (userId !== null && activity.users.length > 0 && !activity.users.includes(userId)) return false;
  const told = activity.numbers.filter((number) => number.length >= SIGNIFICANT_DIGITS);
  const ours = [body.SourceNumber, body.DestinationNumber].map((number) => String(number).replace(/\D/g, ''));
  return told.length === 0 || told.some((number) => ours.some((own) => sameNumber(number, own)));
}

/**
 * Pairs posts with activities: first by CallSessionId, then by the facts of the call. An activity stands for one post only,
 * so two equal calls of which one arrived stay one found and one missing.
 */
export function matchLanded(queries: readonly LandedQuery[], activities: readonly Activity[]): readonly Landed[] {
  const free = new Set(activities);
  const taken = (fits: (activity: Activity) => boolean): string | null => {
    const activity = [...free].find(fits);
    if (activity === undefined) return null;
    free.delete(activity);
    return activity.id;
  };
  const byId = queries.map(({ body }) => taken(({ callSessionId }) => callSessionId === body.CallSessionId));
  return queries.map((query, index) => ({
    activityId: byId[index] ?? taken((activity) => activity.callSessionId === null && looksLike(query, activity)),
  }));
}

interface Page {
  readonly total: number;
  readonly activities: readonly Activity[];
}

function readPage(list: string): (json: unknown) => Page | null {
  return (json) => {
    const total = isObject(json) ? numberOf(json.RecordCount) : null;
    if (!isObject(json) || total === null) return null;
    const rows = json[list] ?? [];
    if (!Array.isArray(rows)) return null;
    return { total, activities: rows.flatMap((row) => readActivity(row) ?? []) };
  };
}

/** Reads pages until as many different activities are in hand as the first page counted. */
async function readAll(ask: (page: number) => Promise<Reply<Page>>): Promise<Found> {
  const seen = new Map<string, Activity>();
  let first: Reply<Page> | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const reply = await ask(page);
    if (reply.value === null) return { ...reply, value: null };
    first ??= reply;
    for (const activity of reply.value.activities) seen.set(activity.id, activity);
    if (seen.size >= (first.value?.total ?? 0)) return { ...reply, value: [...seen.values()] };
    if (reply.value.activities.length === 0) break;
  }
  return {
    kind: 'unavailable',
    value: null,
    message: `The list of calls could not be read to its end: ${seen.size} of ${first?.value?.total ?? 0} were shown.`,
    exception: null,
    http: first?.http ?? null,
    body: null,
    durationMs: first?.durationMs ?? 0,
  };
}

function callsOfLead(client: Client, leadId: string, event: 21 | 22, priority: Priority): Promise<Found> {
  const path = 'ProspectActivity.svc/Retrieve';
  return readAll((page) => {
    const body: JsonObject = {
      Parameter: { ActivityEvent: event },
      Paging: { Offset: String(page), RowCount: String(LEAD_PAGE) },
    };
    return client.call(
      { kind: 'read', method: 'POST', path, query: { leadId }, body },
      priority,
      readPage('ProspectActivities'),
    );
  });
}

function callsInWindow(client: Client, event: 21 | 22, from: number, to: number, priority: Priority): Promise<Found> {
  const path = 'ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent';
  return readAll((page) => {
    const body: JsonObject = {
      Parameter: { FromDate: timeText(from, 'UTC'), ToDate: timeText(to, 'UTC'), ActivityEvent: event },
      Paging: { PageIndex: page + 1, PageSize: WINDOW_PAGE },
      // Any other column has equal values, and those come in another order on every page.
      Sorting: { ColumnName: 'ProspectActivityId', Direction: 0 },
    };
    return client.call({ kind: 'read', method: 'POST', path, body }, priority, readPage('List'));
  });
}

/** One lead after the other; a lead that LeadSquared does not know any more (merged, deleted) makes it give up. */
async function askLeads(client: Client, queries: readonly LandedQuery[], priority: Priority): Promise<Found | null> {
  const asked = new Set<string>();
  const activities: Activity[] = [];
  let last: Found | null = null;
  for (const query of queries) {
    const { leadId } = query.resolution;
    const key = `${leadId} ${eventOf(query)}`;
    if (leadId === null || asked.has(key)) continue;
    asked.add(key);
    last = await callsOfLead(client, leadId, eventOf(query), priority);
    if (last.value === null) return last.kind === 'rejected' ? null : last;
    activities.push(...last.value);
  }
  return last === null ? null : { ...last, value: activities };
}

async function askWindow(
  client: Client,
  policy: CallLogPolicy,
  queries: readonly LandedQuery[],
  priority: Priority,
): Promise<Found | null> {
  const activities: Activity[] = [];
  let last: Found | null = null;
  for (const event of new Set(queries.map(eventOf))) {
    const firsts = queries.filter((query) => eventOf(query) === event).map(({ firstAttemptAt }) => firstAttemptAt);
    // The window is on the time of the last change, which is never before the first attempt.
    const from = Math.min(...firsts) - policy.landedMarginMs;
    last = await callsInWindow(client, event, from, client.now() + policy.landedMarginMs, priority);
    if (last.value === null) return last;
    activities.push(...last.value);
  }
  return last === null ? null : { ...last, value: activities };
}

/** Few leads are asked one by one; for more of them, or unknown ones, one list per direction settles all at once. */
export async function findLanded(
  client: Client,
  policy: CallLogPolicy,
  queries: readonly LandedQuery[],
  priority: Priority,
): Promise<Reply<readonly Landed[]>> {
  const leads = new Set(queries.map((query) => `${query.resolution.leadId} ${eventOf(query)}`));
  const few = leads.size <= policy.landedLeadRequests && queries.every(({ resolution }) => resolution.leadId !== null);
  const found =
    (few ? await askLeads(client, queries, priority) : null) ?? (await askWindow(client, policy, queries, priority));
  if (found === null) {
    return {
      kind: 'accepted',
      value: [],
      message: 'Nothing to look for.',
      exception: null,
      http: null,
      body: null,
      durationMs: 0,
    };
  }
  if (found.value === null) return { ...found, value: null };
  const landed = matchLanded(queries, found.value);
  const count = landed.filter(({ activityId }) => activityId !== null).length;
  return { ...found, value: landed, message: `${count} of ${queries.length} lost posts have arrived in LeadSquared.` };
}
