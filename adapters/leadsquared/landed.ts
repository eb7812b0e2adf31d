/**
 * Whether posts whose reply was lost have arrived. LeadSquared has no idempotency key and documents no de-duplication by
 * CallSessionId, so the call activities are read back before anything is posted again.
 */
import type { Landed, LandedQuery, Reply } from '../../src/delivery/crm.ts';
import type { Asking } from '../../src/permits/port.ts';
import { type Activity, readActivity } from './activity.ts';
import { timeText } from './format.ts';
import type { Client } from './http/client.ts';
import { isObject, type JsonObject, numberOf } from './json.ts';
import type { CallLogPolicy } from './policy.ts';

const LEAD_PAGE = 100;
const LEAD_PAGES = 10;
const WINDOW_PAGE = 1000;
/** At the full rate of an account half an hour of calls and more. A request for each is cheaper than somebody who has to look. */
const WINDOW_PAGES = 10;
/** Leads that share a number, of which so many are asked. */
const LEADS_ASKED = 5;
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
  const { users, writtenBy } = activity;
  // That somebody else wrote it is no objection.
  if (userId !== null && users.length > 0 && !users.includes(userId) && writtenBy !== userId) return false;
  const told = activity.numbers.filter((number) => number.length >= SIGNIFICANT_DIGITS);
  const ours = [body.SourceNumber, body.DestinationNumber].map((number) => String(number).replace(/\D/g, ''));
  return told.length === 0 || told.some((number) => ours.some((own) => sameNumber(number, own)));
}

/**
 * The activities that can be this call, the likeliest first: those with its CallSessionId, then those that show none and are
 * like it in all they tell. Of two equal calls only one may have arrived: whose an activity is, the caller knows.
 */
export function matchLanded(query: LandedQuery, activities: readonly Activity[]): readonly string[] {
  const named = activities.filter(({ callSessionId }) => callSessionId === query.body.CallSessionId);
  const like = activities.filter((activity) => activity.callSessionId === null && looksLike(query, activity));
  return [...named, ...like].map(({ id }) => id);
}

interface Page {
  readonly total: number;
  /** Of the page, whether they can be read or not. */
  readonly rows: number;
  readonly activities: readonly Activity[];
}

function readPage(list: string): (json: unknown) => Page | null {
  return (json) => {
    const total = isObject(json) ? numberOf(json.RecordCount) : null;
    if (!isObject(json) || total === null) return null;
    const rows = json[list] ?? [];
    if (!Array.isArray(rows)) return null;
    return { total, rows: rows.length, activities: rows.flatMap((row) => readActivity(row) ?? []) };
  };
}

/**
 * Reads pages to the end of the list. What is added meanwhile may push others to a later page, so that as many as the first page counted
 * are in hand before the last of these; what is taken out may let others be passed over, so that there are fewer in the end. More than
 * `maxPages` of them are too many to look through (`rejected`): what is not among those that were read could still be there.
 */
async function readAll(
  maxPages: number,
  pageSize: number,
  ask: (page: number) => Promise<Reply<Page>>,
): Promise<Found> {
  const seen = new Map<string, Activity>();
  let first: Reply<Page> | null = null;
  for (let page = 0; page <= maxPages; page++) {
    const reply = await ask(page);
    if (reply.value === null) return { ...reply, value: null };
    first ??= reply;
    const total = first.value?.total ?? 0;
    if (total > maxPages * pageSize) {
      return { ...reply, kind: 'rejected', value: null, message: `There are ${total} calls to look through` };
    }
    for (const activity of reply.value.activities) seen.set(activity.id, activity);
    const isLast = reply.value.rows < pageSize || seen.size >= reply.value.total;
    if (isLast && seen.size >= total) return { ...reply, value: [...seen.values()] };
    if (reply.value.rows === 0) break;
  }
  const message = `The list of calls could not be read to its end: ${seen.size} of ${first?.value?.total ?? 0} were shown.`;
  return { ...NOTHING, kind: 'unavailable', message, http: first?.http ?? null, durationMs: first?.durationMs ?? 0 };
}

const NOTHING: Found = {
  kind: 'accepted',
  value: null,
  message: 'Nothing to look for.',
  reached: true,
  exception: null,
  http: null,
  body: null,
  durationMs: 0,
};

function callsOfLead(client: Client, leadId: string, event: 21 | 22, asking: Asking): Promise<Found> {
  const path = 'ProspectActivity.svc/Retrieve';
  return readAll(LEAD_PAGES, LEAD_PAGE, (page) => {
    const body: JsonObject = {
      Parameter: { ActivityEvent: event },
      Paging: { Offset: String(page), RowCount: String(LEAD_PAGE) },
    };
    return client.call(
      { kind: 'read', method: 'POST', path, query: { leadId }, body },
      asking,
      readPage('ProspectActivities'),
    );
  });
}

/**
 * The calls of these leads; `rejected` when one of them is not known any more (merged, deleted), or when they are so many that
 * not all are asked and the call is not among those of the first.
 */
async function ofLeads(client: Client, query: LandedQuery, leadIds: readonly string[], asking: Asking): Promise<Found> {
  const activities: Activity[] = [];
  let last: Found = NOTHING;
  for (const leadId of leadIds.slice(0, LEADS_ASKED)) {
    last = await callsOfLead(client, leadId, eventOf(query), asking);
    if (last.value === null) return last;
    activities.push(...last.value);
  }
  if (leadIds.length > LEADS_ASKED && matchLanded(query, activities).length === 0) {
    return { ...last, kind: 'rejected', value: null, message: `${leadIds.length} leads have this number` };
  }
  return { ...last, value: activities };
}

/**
 * All calls that changed since the first attempt: the window is on the time of the last change, which is never before. That time is by
 * LeadSquared's clock: where its answer shows that ours is another one than was thought, the window was the wrong one.
 */
async function sinceAttempt(client: Client, policy: CallLogPolicy, query: LandedQuery, asking: Asking): Promise<Found> {
  const thought = client.aheadMs();
  const found = await inWindow(client, policy, query, asking);
  const isOff = Math.abs(client.aheadMs() - thought) > policy.landedMarginMs / 2;
  return isOff ? inWindow(client, policy, query, asking) : found;
}

function inWindow(client: Client, policy: CallLogPolicy, query: LandedQuery, asking: Asking): Promise<Found> {
  const path = 'ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent';
  const now = client.now();
  const ahead = client.aheadMs();
  const from = Math.min(query.firstAttemptAt, now) + ahead - policy.landedMarginMs;
  const to = Math.min(query.until ?? now, now) + ahead + policy.landedMarginMs;
  return readAll(WINDOW_PAGES, WINDOW_PAGE, (page) => {
    const body: JsonObject = {
      Parameter: { FromDate: timeText(from, 'UTC'), ToDate: timeText(to, 'UTC'), ActivityEvent: eventOf(query) },
      Paging: { PageIndex: page + 1, PageSize: WINDOW_PAGE },
      // Any other column has equal values, and those come in another order on every page.
      Sorting: { ColumnName: 'ProspectActivityId', Direction: 0 },
    };
    return client.call({ kind: 'read', method: 'POST', path, body }, asking, readPage('List'));
  });
}

/**
 * Looks for the call of `query` among the calls of its leads, or, where none is known, among all that changed since its first attempt.
 * Costs a request for each 100 calls of a lead (1,000 at most, of 5 leads), else for each 1,000 of all calls (10,000 at most). `rejected`:
 * there are more than that, or a lead is not known any more.
 */
export async function findLanded(
  client: Client,
  policy: CallLogPolicy,
  query: LandedQuery,
  asking: Asking,
): Promise<Reply<Landed>> {
  const { leadIds } = query;
  const found = await (leadIds === null
    ? sinceAttempt(client, policy, query, asking)
    : ofLeads(client, query, leadIds, asking));
  if (found.value === null) return { ...found, value: null };
  const activityIds = matchLanded(query, found.value);
  return { ...found, value: { activityIds }, message: `Looked through ${found.value.length} calls.` };
}
