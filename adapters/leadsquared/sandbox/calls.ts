/**
 * LogCall and its later update, as strict as their pages are
 * (apidocs.leadsquared.com: call-log-api-for-leadsquared-generic-telephony-connector,
 * update-call-recordings-duration-for-phone-call-activities). Which exception the real API gives for which mistake is not
 * documented; the types used here are those seen on its other methods.
 */
import { isObject, type JsonObject } from '../json.ts';
import { type Answer, badRequest, exception, invalid, missing, success, wrongType } from './answer.ts';
import type { LedgerEntry } from './ledger.ts';
import { fileLead, isGuid, leadsWithNumber, utcMs, type World } from './world.ts';

const REQUIRED = [
  'SourceNumber',
  'DestinationNumber',
  'StartTime',
  'EndTime',
  'CallDuration',
  'Status',
  'Direction',
  'CallSessionId',
] as const;

const TEXTS: readonly string[] = [
  'SourceNumber',
  'CallerSource',
  'DestinationNumber',
  'DisplayNumber',
  'StartTime',
  'EndTime',
  'Status',
  'ResourceURL',
  'Direction',
  'CallSessionId',
  'LeadId',
  'Tag',
  'UserId',
];

const UPDATABLE: readonly string[] = ['ActivityId', 'RecordingURL', 'CallDuration', 'OwnerId'];

const SCRIPT_LIKE = /<\s*\/?\s*[a-z!]|javascript:/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

function problemWithText(name: string, value: unknown): Answer | null {
  if (typeof value !== 'string') return wrongType(name, 'String');
  if (value === '') return missing(name);
  if (SCRIPT_LIKE.test(value)) return exception('MXXSSException', `'${name}' holds text that is not allowed`);
  if (CONTROL.test(value)) return invalid(`'${name}' holds a control character`);
  return null;
}

function problemWithFields(world: World, body: JsonObject): Answer | null {
  for (const name of REQUIRED) {
    if (body[name] === undefined || body[name] === null) return missing(name);
  }
  for (const [name, value] of Object.entries(body)) {
    if (name === 'CallDuration') continue;
    if (!TEXTS.includes(name) && !world.rules.extraFields.includes(name)) {
      return exception('MXUnknownAttributeException', `Attribute(s) does not exist - ${name}`);
    }
    const problem = problemWithText(name, value);
    if (problem !== null) return problem;
  }
  return null;
}

function problemWithIds(world: World, body: JsonObject): Answer | null {
  const { LeadId: lead, UserId: user } = body;
  if (world.rules.requireLead && lead === undefined) return missing('LeadId');
  if (world.rules.requireUser && user === undefined) return missing('UserId');
  if (typeof lead === 'string' && !isGuid(lead)) return wrongType('LeadId', 'Guid');
  if (typeof lead === 'string' && !world.leads.has(lead)) return invalid('Lead does not exist.');
  if (typeof user === 'string' && !isGuid(user)) return wrongType('UserId', 'Guid');
  if (typeof user === 'string' && !world.users.some((known) => known.id === user && known.active !== false)) {
    return invalid('User does not exist or is not active.');
  }
  return null;
}

/** The refusal for this LogCall body, `null` when it is good. */
export function problemWithCall(world: World, body: unknown): Answer | null {
  if (!isObject(body)) return badRequest('The request body is not a JSON object.');
  const problem = problemWithFields(world, body);
  if (problem !== null) return problem;
  const { CallDuration: duration, Direction: direction, CallerSource: source } = body;
  if (typeof duration !== 'number' || !Number.isInteger(duration)) return wrongType('CallDuration', 'Integer');
  if (duration < 0) return invalid('CallDuration is negative.');
  if (direction !== 'Inbound' && direction !== 'Outbound') return invalid('Direction is neither Inbound nor Outbound.');
  if (typeof source === 'string' && source.length > 50) return invalid('CallerSource is longer than 50 characters.');
  const start = utcMs(String(body.StartTime));
  const end = utcMs(String(body.EndTime));
  if (start === null) return invalid('StartTime is not YYYY-MM-DD HH:MM:SS.');
  if (end === null) return invalid('EndTime is not YYYY-MM-DD HH:MM:SS.');
  if (end < start) return invalid('EndTime is before StartTime.');
  return problemWithIds(world, body);
}

/** Puts an accepted call among the activities; also used to build them again from a ledger on disk. */
export function fileActivity(world: World, entry: LedgerEntry, readableAt: number): void {
  if (entry.activityId === null || entry.leadId === null) return;
  world.activities.set(entry.activityId, {
    id: entry.activityId,
    leadId: entry.leadId,
    event: entry.body.Direction === 'Inbound' ? 21 : 22,
    body: entry.body,
    readableAt,
    modifiedAt: entry.at,
    recordingUrl: typeof entry.body.ResourceURL === 'string' ? entry.body.ResourceURL : null,
    duration: String(entry.body.CallDuration),
  });
}

function leadOf(world: World, body: JsonObject): string | null {
  if (typeof body.LeadId === 'string') return body.LeadId;
  const phone = String(body.Direction === 'Inbound' ? body.SourceNumber : body.DestinationNumber);
  const known = leadsWithNumber(world, phone)[0];
  if (known !== undefined) return known.id;
  if (!world.rules.createLeads) return null;
  const id = world.newId();
  const source = typeof body.CallerSource === 'string' ? body.CallerSource : null;
  fileLead(world, { id, phone, source });
  return id;
}

export function logCall(world: World, body: unknown): Answer {
  const problem = problemWithCall(world, body);
  if (problem !== null || !isObject(body)) return problem ?? badRequest('The request body is not a JSON object.');
  const leadId = leadOf(world, body);
  if (leadId === null) return missing('LeadId');
  const activityId = world.newId();
  const entry = world.ledger.append({ kind: 'logcall', at: world.now(), body, activityId, leadId });
  fileActivity(world, entry, world.monotonic() + world.rules.readableAfterMs);
  return success({ Id: activityId, Message: 'Phone call logged successfully' });
}

/** Carries an accepted update into its activity. */
export function applyUpdate(world: World, entry: LedgerEntry): void {
  const activity = entry.activityId === null ? undefined : world.activities.get(entry.activityId);
  if (activity === undefined) return;
  const { RecordingURL: url, CallDuration: duration } = entry.body;
  if (typeof url === 'string') activity.recordingUrl = url;
  if (typeof duration === 'string') activity.duration = duration;
  activity.modifiedAt = entry.at;
}

export function updateCall(world: World, body: unknown): Answer {
  if (!isObject(body)) return badRequest('The request body is not a JSON object.');
  const unknown = Object.keys(body).find(
    (name) => !UPDATABLE.includes(name) && !world.rules.extraFields.includes(name),
  );
  if (unknown !== undefined)
    return exception('MXUnknownAttributeException', `Attribute(s) does not exist - ${unknown}`);
  const { ActivityId: id, RecordingURL: url, CallDuration: duration } = body;
  if (id === undefined) return missing('ActivityId');
  if (typeof id !== 'string' || !isGuid(id)) return wrongType('ActivityId', 'Guid');
  if (url === undefined && duration === undefined) return missing('RecordingURL or CallDuration');
  if (duration !== undefined && (typeof duration !== 'string' || !/^\d+$/.test(duration))) {
    return wrongType('CallDuration', 'String of digits');
  }
  const problem = url === undefined ? null : problemWithText('RecordingURL', url);
  if (problem !== null) return problem;
  const activity = world.activities.get(id);
  if (activity === undefined) return invalid('Activity does not exist.');
  const entry = world.ledger.append({ kind: 'update', at: world.now(), body, activityId: id, leadId: activity.leadId });
  applyUpdate(world, entry);
  return success({ Id: id, Message: 'Activity updated successfully' });
}
