/** Answers to an operator's questions, from the database: the same in the daemon and beside its file. */
import type {
  CallDetails,
  Handlers,
  Replies,
  RequestOf,
  StatusReply,
  UserLine,
} from '../../../adapters/control/api.ts';
import { ControlError } from '../../../adapters/control/refusal.ts';
import { callBody } from '../../../adapters/leadsquared/call-body.ts';
import type { CallLogPolicy } from '../../../adapters/leadsquared/policy.ts';
import { eventsOf, keptFrames, type ReaderOf } from '../../../adapters/sqlite/journal/events.ts';
import type { SeenExtension } from '../../../adapters/sqlite/sessions/calls.ts';
import type { Modules } from '../../../adapters/sqlite/thread/modules.ts';
import type { Remotes } from '../../../adapters/sqlite/thread/rpc.ts';
import type { CallRecord } from '../../call/record.ts';
import { channelIdOf, eventsOfCall, namesIn } from '../../call/timeline.ts';
import type { CrmUser } from '../../delivery/crm.ts';
import { nameOf } from '../../delivery/parties/extension.ts';
import { whyNobody } from '../../delivery/parties/resolve.ts';
import { strangersOf } from '../../delivery/parties/strangers.ts';
import { findUser, matchRow, matchUser, type UserRow } from '../../delivery/parties/users.ts';
import type { DeliveryPolicy } from '../../delivery/policy.ts';
import type { Delivery } from '../../delivery/store.ts';
import type { Clock } from '../../ports.ts';
import type { Gap } from '../../records/gaps.ts';
import { SAME_TIME, shiftOfCalls } from '../../records/pbx-time.ts';
import type { CallEvent } from '../../telephony/call-event.ts';
import { CRM } from '../settings.ts';
import { explaining } from './explaining.ts';
import { leadOf } from './leads.ts';
import { listing } from './listing.ts';

export type Store = Remotes<Modules>;

export interface Lookup {
  readonly store: Store;
  readonly policy: DeliveryPolicy;
  readonly callLog: CallLogPolicy;
  readonly readerOf: ReaderOf;
  readonly status: () => Promise<StatusReply>;
  readonly clock: Pick<Clock, 'monotonic' | 'now'>;
}

/** What can be answered without changing anything. */
export type Readers = Pick<Handlers, 'status' | 'calls' | 'call' | 'why' | 'frames' | 'users' | 'hours' | 'gaps'>;

export function readers(lookup: Lookup): Readers {
  return {
    async status() {
      const [status, { lines }] = await Promise.all([lookup.status(), users(lookup)]);
      return { ...status, strangers: strangersOf(lines, status.at) };
    },
    calls: (query) => listing(lookup, query),
    call: async ({ id }) => details(lookup, await wholeId(lookup.store, id)),
    ...explaining(lookup),
    users: () => users(lookup),
    hours: async (span) => ({ hours: await lookup.store.calls.hours(span) }),
    gaps: (query) => gaps(lookup, query),
  };
}

/** A uniqueid of Asterisk, a uuid of FreeSWITCH, with or without the name of a source. */
const LEG = /(?:^|-)(?:\d{9,}\.\d+|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

/** The id of the one call that this is a beginning or end of. Throws `ControlError` with the remedy. */
export async function wholeId(store: Store, id: string): Promise<string> {
  const found = await store.calls.find({ id });
  if (found.found === 'one') return found.id;
  if (found.found === 'none')
    throw new ControlError(
      404,
      `No call has the id ${id}. ${LEG.test(id) ? `Where it is that of a leg: logcalld explain ${id}. ` : ''}Try: logcalld calls, or by a telephone number: logcalld calls --number NUMBER`,
    );
  throw new ControlError(409, `Several calls have an id with ${id}: ${found.ids.join(', ')}. Give more of it.`);
}

/** How long before and after a call its channels may be heard, ms. */
const AROUND_MS = 60_000;
/** Rounds in which further channels of a call are found; more than a call has parties. */
const MAX_ROUNDS = 50;

async function details({ store, policy, callLog, readerOf }: Lookup, id: string): Promise<CallDetails> {
  const found = await store.sessions.get(id);
  if (found.found !== 'one') throw new ControlError(404, `No call has the id ${id}.`);
  const { record, revision, createdAt } = found.session;
  const [delivery = null] = await store.outbox.select({ filter: { ids: [id] }, after: 0, limit: 1 });
  const resolution = { leadId: delivery?.leadId ?? null, userId: delivery?.userId ?? null };
  const crmUsers = (await store.users.load({}))?.users ?? null;
  const lead = await leadOf(store, record, delivery);
  return {
    record,
    revision,
    delivery,
    attempts: await store.outbox.attempts({ sessionId: id }),
    gaps: await gapsOf(store, record),
    events: await eventsOfRecord(store, readerOf, record, createdAt),
    lead: { id: lead.id, name: lead.name, how: lead.how },
    user: userOf(policy, record, delivery, lead.ownerId, crmUsers),
    sent: delivery?.body ?? null,
    body: callBody(record, resolution, callLog),
  };
}

async function gaps({ store }: Lookup, { calls, heard, ...query }: RequestOf<'gaps'>): Promise<Replies['gaps']> {
  const found = await store.gaps.list(query);
  const since = async (source: string) => [source, await heardSince(store, source)] as const;
  return {
    gaps: calls
      ? await Promise.all(found.map(async (gap) => ({ ...gap, calls: await store.calls.touched(gap) })))
      : found,
    ...(heard === undefined ? {} : { heardSince: Object.fromEntries(await Promise.all(heard.map(since))) }),
  };
}

/** The earliest proof: what is kept of what it said; else, as it may have said nothing, when its link stood last. */
async function heardSince(store: Store, source: string): Promise<number | null> {
  return (await store.journal.firstFrameAt({ source })) ?? (await store.gaps.lastHeard({ source }))?.at ?? null;
}

/** Gaps told with a call. */
const GAPS = 20;
/** Records tell whole seconds, and an end that nobody heard lies somewhere after the beginning of the gap, ms. */
const RECORDS_MARGIN_MS = 5000;

async function gapsOf(store: Store, { source, startedAt, endedAt, flags }: CallRecord): Promise<readonly Gap[]> {
  if (!flags.includes('blind-interval')) return [];
  const by = shiftOfCalls((await store.gaps.lastHeard({ source }))?.time ?? SAME_TIME);
  const [since, until] = [startedAt - by - RECORDS_MARGIN_MS, endedAt - by + RECORDS_MARGIN_MS];
  return store.gaps.list({ source, since, until, limit: GAPS });
}

/**
 * The clock of the PBX may differ from that of arrival, by which the journal is kept: the call came before it was stored. One
 * that was stored much later (derived anew, from call records) is looked for when the PBX says that it was.
 */
async function eventsOfRecord(
  store: Store,
  readerOf: ReaderOf,
  record: CallRecord,
  createdAt: number,
): Promise<readonly CallEvent[]> {
  const length = record.endedAt - record.startedAt;
  const spans = [
    { since: createdAt - length - 2 * AROUND_MS, until: createdAt + AROUND_MS },
    { since: record.startedAt - AROUND_MS, until: record.endedAt + AROUND_MS },
  ];
  for (const span of spans) {
    const events = await eventsWithin(store, readerOf, record, span);
    if (events.length > 0) return events;
  }
  return [];
}

/** All that is said of the channels of a call: each round finds those that the one before has named. */
async function eventsWithin(
  store: Store,
  readerOf: ReaderOf,
  record: CallRecord,
  span: { readonly since: number; readonly until: number },
): Promise<readonly CallEvent[]> {
  const { source } = record;
  const seed = channelIdOf(record);
  const read = readerOf(source);
  let named: ReadonlySet<string> = new Set([seed]);
  let own: readonly CallEvent[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const events: CallEvent[] = [];
    for await (const frames of keptFrames(store.journal, { source, from: 0, ...span, channels: [...named] })) {
      for (const frame of frames) events.push(...(eventsOf(frame, source, read) ?? []));
    }
    own = eventsOfCall(events, seed);
    const more = new Set([seed, ...own.flatMap((event) => namesIn(event))]);
    if (more.size <= named.size) break;
    named = more;
  }
  return own;
}

function userOf(
  policy: DeliveryPolicy,
  record: CallRecord,
  delivery: Delivery | null,
  ownerId: string | null,
  crm: readonly CrmUser[] | null,
): CallDetails['user'] {
  const { responsible, source, agentDomain: domain } = record;
  const of = responsible === null ? null : { extension: responsible, source, domain };
  const match = of === null ? null : matchUser(of, policy.user, crm, CRM);
  const id = delivery?.userId ?? null;
  const { name = null } = crm?.find((user) => user.id === id) ?? {};
  if (id === null) {
    const why = match === null ? whyNobody(record) : match.kind === 'unknown' ? match.why : null;
    return { id, name, how: why ?? (delivery?.state === 'skipped' ? 'not looked up' : 'not resolved yet') };
  }
  if (of !== null && match?.kind === 'known' && match.id === id) {
    return { id, name, how: `user of extension ${nameOf(of)}` };
  }
  if (ownerId === id) return { id, name, how: 'owner of the lead' };
  const fallback = policy.user.defaultUser === null ? null : findUser(policy.user.defaultUser, crm, CRM);
  if (fallback?.kind === 'known' && fallback.id === id) return { id, name, how: 'the default user' };
  return { id, name, how: 'as it was when the call was posted' };
}

async function users({ store, policy }: Lookup) {
  const kept = await store.users.load({});
  const crm = kept?.users ?? null;
  const byId = new Map(crm?.map((user) => [user.id, user]));
  const seen = await store.calls.extensions();
  const { rows } = policy.user;
  // Which line an extension has depends on those of the same extension alone.
  const ofExtension = Map.groupBy(rows, ({ extension }) => extension);
  const taken = new Map<UserRow, SeenExtension[]>(rows.map((row) => [row, []]));
  const others: SeenExtension[] = [];
  for (const one of seen) {
    const own = ofExtension.get(one.extension) ?? [];
    const { extension, domain } = one;
    const takers = own.filter((row) => matchRow(own, { extension, source: row.source ?? '', domain }) === row);
    for (const row of takers) taken.get(row)?.push(one);
    if (takers.length === 0) others.push(one);
  }
  const lines = [
    ...rows.map((row) => ({ ...row, inFile: true, of: taken.get(row) ?? [] })),
    ...others.map((one) => ({ ...one, source: null, inFile: false, of: [one] })),
  ].map(({ extension, source, domain, inFile, of }): UserLine => {
    const own = { ...policy.user, rows: ofExtension.get(extension) ?? [] };
    const match = matchUser({ extension, source: source ?? '', domain }, own, crm, CRM);
    const found = match.kind === 'known' ? byId.get(match.id) : undefined;
    const sum = (part: (one: SeenExtension) => number): number => of.reduce((all, one) => all + part(one), 0);
    const lastAt = of.length === 0 ? null : Math.max(...of.map((one) => one.lastAt));
    return {
      extension,
      source,
      domain,
      match: match.kind === 'unknown' ? 'none' : match.kind,
      userId: match.kind === 'known' ? match.id : null,
      name: found?.name ?? null,
      email: found?.email ?? null,
      note:
        match.kind === 'unknown'
          ? match.why
          : match.kind === 'not-yet'
            ? 'the users of LeadSquared were not fetched yet'
            : inFile
              ? 'users file'
              : 'number in LeadSquared',
      calls: sum((one) => one.calls),
      lastAt,
      held: { parked: sum(({ held }) => held.parked), skipped: sum(({ held }) => held.skipped) },
    };
  });
  return { lines: lines.sort(unmatchedFirst), count: crm?.length ?? 0, fetchedAt: kept?.at ?? null };
}

const heldOf = ({ held }: UserLine): number => held.parked + held.skipped;

const RANK = { none: 0, 'not-yet': 1, known: 2 } as const;

function unmatchedFirst(a: UserLine, b: UserLine): number {
  const rank = RANK[a.match] - RANK[b.match];
  if (rank !== 0) return rank;
  if (a.match === 'none') {
    const more = heldOf(b) - heldOf(a) || b.calls - a.calls;
    if (more !== 0) return more;
  }
  return a.extension.localeCompare(b.extension, 'en', { numeric: true });
}
