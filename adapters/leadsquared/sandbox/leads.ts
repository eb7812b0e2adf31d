/** Finding and capturing leads (apidocs.leadsquared.com: get-lead-by-phone, search-by-lead-criteria, capture-lead). */
import { isObject, type JsonObject, listOf, numberOf, textOf } from '../json.ts';
import { type Answer, badRequest, exception, invalid, json, missing, success } from './answer.ts';
import { fileLead, isGuid, leadsWithNumber, nationalDigits, type SandboxLead, type World } from './world.ts';

/** All values of a lead are strings or null. */
function leadRow(lead: SandboxLead): Readonly<Record<string, string | null>> {
  return {
    ProspectID: lead.id,
    FirstName: lead.firstName ?? null,
    LastName: lead.lastName ?? null,
    Phone: lead.phone,
    Mobile: lead.mobile ?? null,
    Source: lead.source ?? null,
    OwnerId: lead.ownerId ?? null,
  };
}

/** The activity that was filed last decides between several leads with one number. */
function latestActivity(world: World, lead: SandboxLead): number {
  let latest = 0;
  for (const activity of world.activities.values()) {
    if (activity.leadId === lead.id) latest = Math.max(latest, activity.modifiedAt);
  }
  return latest;
}

export function leadByPhone(world: World, phone: string | null): Answer {
  if (phone === null || phone === '') return missing('phone');
  const found =
    world.rules.phoneMatch === 'exact'
      ? [...world.leads.values()].filter((lead) => lead.phone === phone || lead.mobile === phone)
      : /^\d+$/.test(phone)
        ? leadsWithNumber(world, phone)
        : [];
  const [first] = [...found].sort((a, b) => latestActivity(world, b) - latestActivity(world, a));
  return json(200, first === undefined ? [] : [leadRow(first)]);
}

function compare(stored: string | null, operator: string, wanted: string): boolean {
  const value = stored ?? '';
  switch (operator) {
    case '=':
      return value === wanted;
    case '<>':
      return value !== wanted;
    case 'LIKE':
      return value.includes(wanted.replaceAll('%', ''));
    case '>':
      return value > wanted;
    case '<':
      return value < wanted;
    case '>=':
      return value >= wanted;
    default:
      return value <= wanted;
  }
}

/** `Leads.Get`. A body without a `Parameter` that it knows (a `Query` wrapper, for one) answers with leads unfiltered. */
export function leadsByField(world: World, body: unknown): Answer {
  if (!isObject(body)) return badRequest('The request body is not a JSON object.');
  const parameter = isObject(body.Parameter) ? body.Parameter : null;
  const operator = textOf(parameter?.SqlOperator) ?? '=';
  if (!['=', 'LIKE', '>', '<', '<=', '>=', '<>'].includes(operator)) return invalid('Parameter Name: SqlOperator');
  const field = textOf(parameter?.LookupName);
  const wanted = textOf(parameter?.LookupValue) ?? '';
  const rows = [...world.leads.values()].map(leadRow);
  const sample = leadRow({ id: '', phone: null });
  if (field !== null && !(field in sample)) {
    return exception('MXUnknownAttributeException', `Attribute(s) does not exist - ${field}`);
  }
  const found = field === null ? rows : rows.filter((row) => compare(row[field] ?? null, operator, wanted));
  const paging: JsonObject = isObject(body.Paging) ? body.Paging : {};
  const size = numberOf(paging.PageSize) ?? 100;
  const page = numberOf(paging.PageIndex) ?? 1;
  const columns = textOf(isObject(body.Columns) ? body.Columns.Include_CSV : null)?.split(',');
  const chosen = found.slice((page - 1) * size, page * size).map((row) => {
    if (columns === undefined) return row;
    return Object.fromEntries(Object.entries(row).filter(([name]) => columns.includes(name)));
  });
  return json(200, chosen);
}

const CAPTURED = ['FirstName', 'LastName', 'Phone', 'Mobile', 'Source', 'OwnerId', 'EmailAddress', 'SearchBy'];

/** `Lead.Capture`: finds or makes. `Id` is not the lead: `RelatedId` is. */
export function captureLead(world: World, body: unknown): Answer {
  if (!Array.isArray(body)) return badRequest('The request body is not a JSON array.');
  const values = new Map<string, string>();
  for (const pair of listOf(body)) {
    const name = isObject(pair) ? textOf(pair.Attribute) : null;
    const value = isObject(pair) ? pair.Value : null;
    if (name === null || typeof value !== 'string') return invalid('Parameter Name: Attribute');
    if (!CAPTURED.includes(name)) {
      return exception('MXUnknownAttributeException', `Attribute(s) does not exist - ${name}`);
    }
    values.set(name, value);
  }
  const phone = values.get('Phone') ?? null;
  if (phone === null || nationalDigits(phone, world.rules.defaultCountryCode) === '') return missing('Phone');
  const owner = values.get('OwnerId');
  if (owner !== undefined && !isGuid(owner)) return invalid('Parameter Name: OwnerId');
  const known = leadsWithNumber(world, phone)[0];
  if (known !== undefined && values.get('SearchBy') !== 'Phone') {
    return exception('MXDuplicateEntryException', 'A Lead with same Phone Number already exists.');
  }
  const id = known?.id ?? world.newId();
  if (known === undefined) {
    fileLead(world, { id, phone, source: values.get('Source') ?? null, ownerId: owner ?? null });
    world.ledger.append({ kind: 'capture', at: world.now(), body: { Phone: phone }, activityId: null, leadId: id });
  }
  return success({ Id: world.newId(), RelatedId: id, IsCreated: known === undefined });
}
