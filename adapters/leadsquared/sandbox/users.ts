/** Listing users, and who the keys belong to (apidocs.leadsquared.com: get-users, user-advanced-search, user-authentication). */
import { isObject, numberOf, textOf } from '../json.ts';
import { type Answer, badRequest, exception, invalid, json } from './answer.ts';
import type { SandboxUser, World } from './world.ts';

/** `Users.Get`: the key is `ID`, StatusCode is a number with 0 for active, and there are no phone numbers. */
export function usersList(world: World): Answer {
  return json(
    200,
    world.users.map((user) => ({
      ID: user.id,
      FirstName: user.firstName,
      LastName: user.lastName ?? '',
      EmailAddress: user.email,
      Role: 'Sales_User',
      StatusCode: user.active === false ? 1 : 0,
      MemberOfGroups: [],
      Tag: null,
      IsPhoneCallAgent: true,
    })),
  );
}

const SEARCHABLE = [
  'UserId',
  'FirstName',
  'LastName',
  'EmailAddress',
  'Role',
  'StatusCode',
  'PhoneMain',
  'PhoneMobile',
  'PhoneOthers',
  'AssociatedPhoneNumbers',
  'TelephonyAgentId',
  'mx_Custom_1',
  'mx_Custom_2',
];

function searchRow(user: SandboxUser, columns: readonly string[]): Readonly<Record<string, string | null>> {
  const all: Record<string, string | null> = {
    ...user.fields,
    UserId: user.id,
    FirstName: user.firstName,
    LastName: user.lastName ?? '',
    EmailAddress: user.email,
    Role: 'Sales_User',
    StatusCode: user.active === false ? '1' : '0',
  };
  return Object.fromEntries(columns.map((column) => [column, all[column] ?? null]));
}

/** `User/AdvancedSearch`: the key is `UserId`, StatusCode is a string, an unknown column spoils the whole request. */
export function usersSearch(world: World, body: unknown): Answer {
  if (!isObject(body)) return badRequest('The request body is not a JSON object.');
  const csv = textOf(isObject(body.Columns) ? body.Columns.Include_CSV : null);
  if (csv === null) return invalid('Parameter Name: Columns');
  if (!Array.isArray(body.GroupConditions)) return invalid('Parameter Name: GroupConditions');
  const columns = csv === '*' ? SEARCHABLE : csv.split(',');
  if (columns.some((column) => !SEARCHABLE.includes(column))) {
    return exception('MXInvalidInputException', 'User search has some invalid Attributes');
  }
  const paging = isObject(body.Paging) ? body.Paging : {};
  const size = numberOf(paging.PageSize) ?? 25;
  const page = numberOf(paging.PageIndex) ?? 1;
  if (size < 1 || size > 1000) return invalid('Parameter Name: PageSize can not be more than 1000.');
  const rows = world.users.slice((page - 1) * size, page * size).map((user) => searchRow(user, columns));
  return json(200, { Users: rows });
}

/** `Authentication.svc/UserByAccessKey.Get`: works on any host and names the right one. */
export function ownerOfKeys(world: World, apiUrl: string): Answer {
  const user = world.users[0];
  return json(200, {
    UserId: user?.id ?? '00000000-0000-4000-8000-000000000000',
    EmailAddress: user?.email ?? 'admin@example.com',
    Role: 'Administrator',
    TimeZone: 'Asia/Kolkata',
    DefaultCountryCode: world.rules.defaultCountryCode,
    OrgShortCode: 'SANDBOX',
    LSQCommonServiceURLs: { api: apiUrl, app: apiUrl },
  });
}
