/** The lists of calls, page by page, and whom the names in a request mean. */
import { z } from 'zod';
import type { CallsAnswer, ListedCall, RequestOf } from '../../../adapters/control/api.ts';
import { ControlError } from '../../../adapters/control/refusal.ts';
import type { Arrival } from '../../../adapters/sqlite/sessions/arrivals.ts';
import type { CallPlace, CallQuery } from '../../../adapters/sqlite/sessions/list.ts';
import type { AgentWanted } from '../../../adapters/sqlite/sessions/people.ts';
import type { CrmUser } from '../../delivery/crm.ts';
import { nameOf } from '../../delivery/parties/extension.ts';
import { matchUser } from '../../delivery/parties/users.ts';
import { CRM } from '../settings.ts';
import type { Lookup } from './lookup.ts';
import { cursorOf, firstFound, placeOf, SCAN_ROWS } from './pages.ts';

type Request = RequestOf<'calls'>;

const callPlace: z.ZodType<CallPlace> = z.object({ startedAt: z.number(), id: z.string() });
const arrivalPlace: z.ZodType<Arrival> = z.object({ arrival: z.number().int().min(0) });

export async function listing(lookup: Lookup, request: Request): Promise<CallsAnswer> {
  const { cursor: _cursor, order, last: _last, ...rest } = request;
  const { meant, ...query } = await withPeople(lookup, rest);
  return { ...(await (order === 'arrival' ? arrived : newest)(lookup, request, { ...query, scan: SCAN_ROWS })), meant };
}

interface Named {
  readonly agent?: string | undefined;
  readonly user?: string | undefined;
}

/** With extensions and ids for the agent and the user that are named. `meant`: whom they were taken for. Throws `ControlError`. */
export async function withPeople<Q extends Named>(
  lookup: Pick<Lookup, 'store' | 'policy'>,
  { agent, user, ...rest }: Q,
) {
  const people = agent === undefined && user === undefined ? NOBODY : await wanted(lookup, agent, user);
  return { ...rest, ...people };
}

type Page = Omit<CallsAnswer, 'meant'>;
type Query = Omit<CallQuery, 'after'>;

async function newest({ store, clock }: Lookup, request: Request, query: Query): Promise<Page> {
  const selection = selectionOf(request);
  const begin = request.cursor === undefined ? undefined : placeOf(selection, request.cursor, callPlace);
  const { found, next } = await firstFound<CallPlace | undefined, ListedCall>(clock, begin, async (after) => {
    const page = await store.calls.list({ ...query, after });
    return {
      found: page.rows.map((row) => ({ ...row, cursor: cursorOf(selection, placeOfRow(row)) })),
      next: page.next,
    };
  });
  return { rows: found, cursor: next == null ? null : cursorOf(selection, next), more: next != null };
}

/** As the table has it: whole milliseconds. */
const placeOfRow = ({ record: { startedAt, callSessionId: id } }: Omit<ListedCall, 'cursor'>): CallPlace => ({
  startedAt: Math.floor(startedAt),
  id,
});

async function arrived({ store, clock }: Lookup, request: Request, query: Query): Promise<Page> {
  const selection = selectionOf(request);
  const begin = request.cursor === undefined ? undefined : placeOf(selection, request.cursor, arrivalPlace);
  let reached: Arrival = begin ?? { arrival: 0 };
  const { found, next } = await firstFound<Arrival | undefined, ListedCall>(clock, begin, async (after) => {
    const page = await store.calls.arrived({ ...query, after, last: request.last });
    reached = page.next;
    return {
      found: page.rows.map(({ place, ...row }) => ({ ...row, cursor: cursorOf(selection, place) })),
      next: page.more ? page.next : null,
    };
  });
  return { rows: found, cursor: cursorOf(selection, reached), more: next !== null };
}

/** What must be the same when a cursor comes back. Times need not: `2h` is another moment by then, and the place counts. */
function selectionOf(request: Request): object {
  const {
    cursor: _cursor,
    limit: _limit,
    last: _last,
    since: _since,
    until: _until,
    during: _during,
    ...rest
  } = request;
  return rest;
}

interface People {
  readonly agents: readonly AgentWanted[] | undefined;
  readonly users: readonly string[] | undefined;
  readonly meant: readonly string[];
}

const NOBODY: People = { agents: undefined, users: undefined, meant: [] };

/** Throws `ControlError` when a name is nobody's. */
async function wanted(
  { store, policy }: Pick<Lookup, 'store' | 'policy'>,
  agent: string | undefined,
  user: string | undefined,
): Promise<People> {
  const crm = (await store.users.load({}))?.users ?? [];
  const users = user === undefined ? undefined : usersCalled(user, crm);
  if (users?.length === 0) {
    const why = crm.length === 0 ? 'its users were not fetched yet' : 'by id, address or name';
    throw new ControlError(404, `${CRM} has no user ${user} (${why}). Try: logcalld users`);
  }
  if (agent === undefined) return { agents: undefined, users: users?.map(({ id }) => id), meant: names(users ?? []) };
  const [extension = agent, domain = null] = agent.split('@');
  const itself: AgentWanted = { extension, domain, source: null };
  // A number is an extension; a word may be one as well, as on a PBX where phones have names.
  const owners = /^\d+$/.test(extension) ? [] : usersCalled(agent, crm);
  const ids = new Set(owners.map(({ id }) => id));
  const seen = await store.calls.extensions();
  const all = [...policy.user.rows, ...seen.map((one) => ({ ...one, source: null }))];
  const theirs = all.filter((one) => {
    const match = matchUser({ ...one, source: one.source ?? '' }, policy.user, crm, CRM);
    return match.kind === 'known' && ids.has(match.id);
  });
  const known = all.some((one) => one.extension === extension);
  if (!known && theirs.length === 0 && !/^\d+$/.test(extension)) {
    const whose =
      owners.length === 0 ? `no user of ${CRM}` : `the user ${names(owners).join(', ')}, who has no extension`;
    throw new ControlError(404, `${agent} is no extension, and ${whose}. Try: logcalld users`);
  }
  const extensions = theirs.map(({ extension, domain, source }) => ({ extension, domain, source }));
  return {
    agents: known || theirs.length === 0 ? [itself, ...extensions] : extensions,
    users: users?.map(({ id }) => id),
    meant: [...names([...(users ?? []), ...owners]), ...new Set(extensions.map(nameOf))],
  };
}

const names = (users: readonly CrmUser[]): string[] => users.map(({ name, email }) => (name === '' ? email : name));

/** By id, address or whole name, else by a part of name or address. Upper and lower case are the same. */
function usersCalled(word: string, users: readonly CrmUser[]): readonly CrmUser[] {
  const sought = word.trim().toLowerCase();
  const exact = users.filter(({ id, email, name }) => [id, email, name].some((one) => one.toLowerCase() === sought));
  if (exact.length > 0) return exact;
  return users.filter(({ email, name }) => name.toLowerCase().includes(sought) || email.toLowerCase().includes(sought));
}
