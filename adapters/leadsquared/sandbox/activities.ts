/**
 * Reading phone call activities back. The two methods show the same activity in two ways, as the real ones do
 * (apidocs.leadsquared.com: get-activities-of-a-lead, bulk-retrieve-activities-by-activity-event).
 */
import { isObject, numberOf } from '../json.ts';
import { type Answer, badRequest, invalid, json } from './answer.ts';
import { type SandboxActivity, utcMs, utcText, type World } from './world.ts';

function noteOf(world: World, activity: SandboxActivity): string {
  const { body } = activity;
  const source = world.rules.sourceData ? JSON.stringify(body) : '';
  const pairs: readonly (readonly [string, unknown])[] = [
    ['Caller', body.SourceNumber],
    ['UserId', ''],
    ['UserId', body.UserId ?? ''],
    ['Duration', activity.duration],
    ['Status', body.Status],
    ['ResourceURL', activity.recordingUrl ?? ''],
    ['DisplayNumber', body.DisplayNumber ?? ''],
    ['SourceData', source],
  ];
  return pairs.map(([key, value]) => `${key}{=}${String(value)}`).join('{next}');
}

const fieldsOf = (activity: SandboxActivity) => ({
  mx_Custom_1: String(activity.body.DisplayNumber ?? ''),
  mx_Custom_2: String(activity.body.StartTime),
  mx_Custom_3: activity.duration,
  mx_Custom_4: activity.recordingUrl ?? '',
  Status: String(activity.body.Status),
});

/** One row of the lead's own list: `Id`, a number as `EventCode`, and `Data` as an array of pairs. */
function leadRow(world: World, activity: SandboxActivity): unknown {
  return {
    Id: activity.id,
    EventCode: activity.event,
    EventName: activity.event === 21 ? 'Inbound Phone Call Activity' : 'Outbound Phone Call Activity',
    // An activity counts as created when its call began, not when it was posted.
    CreatedOn: String(activity.body.StartTime),
    ModifiedOn: utcText(activity.modifiedAt),
    ActivityType: 3,
    Type: '',
    SessionId: activity.id,
    RelatedProspectId: activity.leadId,
    Data: [
      { Key: 'Duration', Value: activity.duration },
      { Key: 'Status', Value: String(activity.body.Status) },
      { Key: 'CreatedBy', Value: String(activity.body.UserId ?? '') },
    ],
    ActivityFields: { ActivityEvent_Note: noteOf(world, activity), ...fieldsOf(activity) },
  };
}

/** One row of the list over all leads: `ProspectActivityId`, a string as `ActivityEvent`, and flat fields. */
function windowRow(world: World, activity: SandboxActivity): unknown {
  return {
    ProspectActivityId: activity.id,
    RelatedProspectId: activity.leadId,
    ActivityEvent: String(activity.event),
    ActivityEvent_Note: noteOf(world, activity),
    CreatedOn: String(activity.body.StartTime),
    CreatedBy: String(activity.body.UserId ?? ''),
    ModifiedOn: utcText(activity.modifiedAt),
    ...fieldsOf(activity),
  };
}

const readable = (world: World): readonly SandboxActivity[] =>
  [...world.activities.values()].filter((activity) => activity.readableAt <= world.monotonic());

/** `ProspectActivity.svc/Retrieve?leadId=`: at most 25 unless a RowCount is given; Offset is the page number from 0. */
export function activitiesOfLead(world: World, leadId: string | null, body: unknown): Answer {
  if (leadId === null || !world.leads.has(leadId)) return invalid('Parameter Name: leadId');
  if (!isObject(body)) return badRequest('The request body is not a JSON object.');
  const parameter = isObject(body.Parameter) ? body.Parameter : {};
  const paging = isObject(body.Paging) ? body.Paging : {};
  const event = numberOf(parameter.ActivityEvent);
  const size = numberOf(paging.RowCount) ?? 25;
  const page = numberOf(paging.Offset) ?? 0;
  if (size < 1 || size > 1000 || page < 0) return invalid('Parameter Name: Paging');
  const all = readable(world).filter(
    (activity) => activity.leadId === leadId && (event === null || activity.event === event),
  );
  const rows = all.slice(page * size, (page + 1) * size).map((activity) => leadRow(world, activity));
  return json(200, { RecordCount: all.length, ProspectActivities: rows });
}

/**
 * `ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent`: the window is on ModifiedOn, both ends belong to it, whole
 * seconds are compared with exact times, `List` is absent when there is nothing, and only the id is a stable order.
 */
export function activitiesInWindow(world: World, body: unknown): Answer {
  const parameter = isObject(body) && isObject(body.Parameter) ? body.Parameter : null;
  if (!isObject(body) || parameter === null) return invalid('Parameter Name: You have not passed Parameter.');
  const event = numberOf(parameter.ActivityEvent);
  const from = utcMs(String(parameter.FromDate));
  const to = utcMs(String(parameter.ToDate));
  if (event === null) return invalid('Parameter Name: You have not passed any ActivityEvent.');
  if (from === null) return invalid('Parameter Name: FromDate value is not correct.');
  if (to === null) return invalid('Parameter Name: ToDate value is not correct.');
  if (from > to) return invalid("Parameter Name: FromDate can't be greater than ToDate.");
  const paging = isObject(body.Paging) ? body.Paging : {};
  const size = numberOf(paging.PageSize) ?? 25;
  const page = numberOf(paging.PageIndex) ?? 1;
  if (size < 1 || size > 1000) return invalid('Parameter Name: PageSize can not be more than 1000.');
  const hits = readable(world).filter(
    ({ event: code, modifiedAt }) => code === event && modifiedAt >= from && modifiedAt <= to,
  );
  const sorting = isObject(body.Sorting) ? body.Sorting : {};
  if (sorting.ColumnName === 'ProspectActivityId') hits.sort((a, b) => (a.id < b.id ? -1 : 1));
  // Ties of any other column come back in another order each time: here turned round on every second page.
  else if (page % 2 === 0) hits.reverse();
  const rows = hits.slice((page - 1) * size, page * size).map((activity) => windowRow(world, activity));
  return json(200, rows.length === 0 ? { RecordCount: 0 } : { RecordCount: hits.length, List: rows });
}
