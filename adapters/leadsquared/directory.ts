import type { CrmUser, Directory, Lead, Reply } from '../../src/delivery/crm.ts';
import type { Asking } from '../../src/permits/port.ts';
import { cleanText, cutText } from './format.ts';
import type { Client } from './http/client.ts';
import { isObject, numberOf, parseJson, textOf } from './json.ts';

export interface DirectoryPolicy {
  /**
   * `latest`: one request, which answers with the lead of the most recent activity when several have the number.
   * `all`: an exact search in each of `leadFields`, one request each, which shows every lead.
   */
  readonly leadSearch: 'latest' | 'all';
  readonly leadFields: readonly string[];
  /** User fields that may hold an extension or number, e.g. `TelephonyAgentId`; none: users are not searched for phones. */
  readonly userPhoneFields: readonly string[];
}

export const DEFAULT_DIRECTORY_POLICY: DirectoryPolicy = {
  leadSearch: 'latest',
  leadFields: ['Phone', 'Mobile'],
  userPhoneFields: [],
};

const USER_PAGE = 1000;
const MAX_USER_PAGES = 50;

type Row = Readonly<Record<string, unknown>>;

const nameOf = (row: Row): string =>
  [textOf(row.FirstName), textOf(row.LastName)].filter((part) => part !== null).join(' ');

function leadOf(row: Row): Lead | null {
  const id = textOf(row.ProspectID);
  if (id === null) return null;
  return {
    id,
    name: nameOf(row) || null,
    ownerId: textOf(row.OwnerId),
    phone: textOf(row.Phone),
    mobile: textOf(row.Mobile),
  };
}

/** `null` when the body is not a list. */
function readLeads(json: unknown): readonly Lead[] | null {
  if (!Array.isArray(json)) return null;
  return json.filter(isObject).flatMap((row) => leadOf(row) ?? []);
}

/**
 * On some accounts the method says 404 for a number that nobody has. With an exception or an empty list in the body that is an answer of
 * the method; without, there is no such method on this host.
 */
function nobodyIsNoError(reply: Reply<readonly Lead[]>): Reply<readonly Lead[]> {
  if (reply.http !== 404 || (reply.kind !== 'rejected' && !isAnswer(parseJson(reply.body ?? '')))) return reply;
  return { ...reply, kind: 'accepted', value: [], message: 'No lead has this number.' };
}

const isAnswer = (json: unknown): boolean =>
  Array.isArray(json) ? json.length === 0 : isObject(json) && textOf(json.ExceptionType) !== null;

async function searchAll(
  client: Client,
  policy: DirectoryPolicy,
  phone: string,
  asking: Asking,
): Promise<Reply<readonly Lead[]>> {
  const leads = new Map<string, Lead>();
  let last: Reply<readonly Lead[]> | null = null;
  for (const field of policy.leadFields) {
    const columns = new Set(['ProspectID', 'FirstName', 'LastName', 'Phone', 'Mobile', 'OwnerId', field]);
    const body = {
      Parameter: { LookupName: field, LookupValue: phone, SqlOperator: '=' },
      Columns: { Include_CSV: [...columns].join(',') },
      Sorting: { ColumnName: 'ModifiedOn', Direction: '1' },
      Paging: { PageIndex: 1, PageSize: 100 },
    };
    last = await client.call(
      { kind: 'read', method: 'POST', path: 'LeadManagement.svc/Leads.Get', body },
      asking,
      // A search that LeadSquared does not understand answers with any leads, so each is looked at.
      (json) =>
        Array.isArray(json) ? readLeads(json.filter((row) => isObject(row) && textOf(row[field]) === phone)) : null,
    );
    if (last.value === null) return last;
    for (const lead of last.value) leads.set(lead.id, lead);
  }
  if (last === null) throw new Error('The search for leads needs at least one lead field.');
  return { ...last, value: [...leads.values()] };
}

/** StatusCode 0 is active; a number in one method, text in the other. */
function userOf(row: Row, phoneFields: readonly string[]): CrmUser | null {
  const id = textOf(row.ID) ?? textOf(row.UserId);
  if (id === null) return null;
  const email = textOf(row.EmailAddress) ?? '';
  const phones = phoneFields.flatMap((field) => textOf(row[field])?.split(/[,;]/) ?? []);
  return {
    id,
    name: nameOf(row) || email,
    email,
    active: numberOf(row.StatusCode) === 0,
    phones: [...new Set(phones.map((phone) => phone.trim()).filter((phone) => phone !== ''))],
  };
}

/** `null` when it is no list of users. Whether the page after the last has a list is not documented; the first has the user of the keys. */
function usersOf(json: unknown, isFirst: boolean): readonly Row[] | null {
  if (!isObject(json)) return null;
  if (Array.isArray(json.Users)) return json.Users.filter(isObject);
  return isFirst || json.Users != null ? null : [];
}

async function searchPhones(
  client: Client,
  fields: readonly string[],
  asking: Asking,
): Promise<Reply<ReadonlyMap<string, readonly string[]>>> {
  const phones = new Map<string, readonly string[]>();
  for (let page = 1; ; page++) {
    const body = {
      Columns: { Include_CSV: ['UserId', 'EmailAddress', 'StatusCode', ...fields].join(',') },
      GroupConditions: [
        {
          Condition: [{ LookupName: 'EmailAddress', Operator: 'lik', LookupValue: '@', ConditionOperator: null }],
          GroupOperator: null,
        },
      ],
      GroupOperator: null,
      Sorting: [{ ColumnName: 'EmailAddress', Direction: 0 }],
      Paging: { PageIndex: page, PageSize: USER_PAGE },
    };
    const reply = await client.call(
      { kind: 'read', method: 'POST', path: 'UserManagement.svc/User/AdvancedSearch', body },
      asking,
      (json) => usersOf(json, page === 1),
    );
    if (reply.value === null) return { ...reply, value: null };
    for (const row of reply.value) {
      const user = userOf(row, fields);
      if (user !== null) phones.set(user.id, user.phones);
    }
    if (reply.value.length < USER_PAGE || page >= MAX_USER_PAGES) return { ...reply, value: phones };
  }
}

/** Leads by phone number and users, from LeadSquared itself; nothing is cached here. */
export function createDirectory(client: Client, policy: DirectoryPolicy): Directory {
  return {
    async findLeads(phone, asking) {
      if (policy.leadSearch === 'all') return searchAll(client, policy, phone, asking);
      const path = 'LeadManagement.svc/RetrieveLeadByPhoneNumber';
      return nobodyIsNoError(
        await client.call({ kind: 'read', method: 'GET', path, query: { phone } }, asking, readLeads),
      );
    },

    findEveryLead: (phone, asking) => searchAll(client, policy, phone, asking),

    captureLead(phone, source, asking) {
      const cleanSource = cutText(cleanText(source ?? ''), 50);
      const body = [
        { Attribute: 'Phone', Value: phone },
        ...(cleanSource === '' ? [] : [{ Attribute: 'Source', Value: cleanSource }]),
        { Attribute: 'SearchBy', Value: 'Phone' },
      ];
      return client.call(
        {
          kind: 'write',
          method: 'POST',
          path: 'LeadManagement.svc/Lead.Capture',
          // A lead that exists keeps its source: somebody may have set it by hand.
          query: { LeadUpdateBehavior: 'DoNotUpdate' },
          body,
        },
        asking,
        (json) => {
          const message = isObject(json) && isObject(json.Message) ? json.Message : {};
          return textOf(message.RelatedId) ?? textOf(message.Id);
        },
      );
    },

    async users(asking) {
      const reply = await client.call(
        { kind: 'read', method: 'GET', path: 'UserManagement.svc/Users.Get' },
        asking,
        (json) => (Array.isArray(json) ? json.filter(isObject).flatMap((row) => userOf(row, []) ?? []) : null),
      );
      if (reply.value === null || policy.userPhoneFields.length === 0) return reply;
      const phones = await searchPhones(client, policy.userPhoneFields, asking);
      // A field that the account does not have must not cost the whole list; a passing trouble may be tried again.
      if (phones.value === null && phones.kind !== 'rejected') return { ...phones, value: null };
      const users = reply.value.map((user) => ({ ...user, phones: phones.value?.get(user.id) ?? [] }));
      const message = phones.value === null ? `Users without their numbers: ${phones.message}` : reply.message;
      return { ...reply, value: users, message };
    },
  };
}
