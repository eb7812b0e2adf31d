/**
 * The LogCall body of a finished call. Fields and their meaning: apidocs.leadsquared.com,
 * call-log-api-for-leadsquared-generic-telephony-connector. For an inbound call the source is the lead and the destination the
 * agent, for an outbound one the other way round.
 */
import type { CallRecord } from '../../src/call/record.ts';
import { type CallLogBody, insideParties, type LateFacts, type Resolution } from '../../src/delivery/crm.ts';
import { formatNumber } from '../../src/telephony/number.ts';
import { cleanText, cutText, timeText } from './format.ts';
import { type CallLogPolicy, DEFAULT_STATUS, type LineSettings } from './policy.ts';
import { checkTemplate, fillText, fillUrl, namesRecordings } from './template.ts';

/** The documented limit of CallerSource; of no other field one is known. */
const CALLER_SOURCE_CHARACTERS = 50;

const DOCUMENTED: ReadonlySet<string> = new Set([
  'SourceNumber',
  'DestinationNumber',
  'DisplayNumber',
  'CallerSource',
  'StartTime',
  'EndTime',
  'CallDuration',
  'Status',
  'ResourceURL',
  'Direction',
  'CallSessionId',
  'LeadId',
  'Tag',
  'UserId',
]);

/** @throws Error with the remedy when the policy can not work: an unknown zone, variable or a field named twice. */
export function checkPolicy(policy: CallLogPolicy): void {
  for (const zone of [policy.timeZone, policy.recordingTimeZone]) {
    try {
      timeText(0, zone);
    } catch {
      throw new Error(`The time zone "${zone}" does not exist: write it like UTC or Asia/Kolkata.`);
    }
  }
  if (policy.recordingUrl !== null) {
    checkTemplate('The recording URL', policy.recordingUrl, 'url');
    if (!/^https?:\/\//i.test(policy.recordingUrl)) {
      throw new Error('The recording URL must begin with https:// or http://: LeadSquared shows it as a link.');
    }
  }
  for (const [name, template] of policy.extraFields) {
    if (DOCUMENTED.has(name)) {
      throw new Error(`The extra field "${name}" is a field that logcalld fills itself: choose another name.`);
    }
    checkTemplate(`The extra field "${name}"`, template, 'text');
    if (policy.recordingUrl === null && template.includes('{recordings}')) {
      throw new Error(
        `The extra field "${name}" uses {recordings}, which are links: set resource_url, or use {files}.`,
      );
    }
  }
  if (policy.moreRecordings !== null && DOCUMENTED.has(policy.moreRecordings)) {
    throw new Error(
      `The field "${policy.moreRecordings}" is one that logcalld fills itself: choose another for more recordings.`,
    );
  }
}

function lineOf(record: CallRecord, policy: CallLogPolicy): LineSettings {
  for (const key of [record.didE164, record.did, record.trunk]) {
    const line = key === null ? undefined : policy.lines.get(key);
    if (line !== undefined) return { ...policy.defaultLine, ...line };
  }
  return policy.defaultLine;
}

function durationOf(record: CallRecord, policy: CallLogPolicy): number {
  const seconds = {
    conversation: record.durationSeconds,
    talk: record.talkSeconds,
    total: (record.endedAt - record.startedAt) / 1000,
  }[policy.duration];
  return Math.max(0, Math.round(seconds));
}

/** The field for further recordings; `null` when an extra field has them, or none is wanted. */
export function moreField({ extraFields, moreRecordings }: CallLogPolicy): string | null {
  return [...extraFields.values()].some(namesRecordings) ? null : moreRecordings;
}

/** URL of the first recording, as LeadSquared shows it; `null`: there is none, or it has no address. */
function resourceUrl(record: CallRecord, { recordingUrl, recordingTimeZone }: CallLogPolicy): string | null {
  if (recordingUrl === null || record.recording === null) return null;
  return fillUrl(recordingUrl, record, recordingTimeZone) || null;
}

function extrasOf(
  record: CallRecord,
  policy: CallLogPolicy,
  fields: ReadonlyMap<string, string> = policy.extraFields,
): Readonly<Record<string, string>> {
  const { recordingUrl: template, recordingTimeZone: zone } = policy;
  const urlsOf = (files: readonly string[]): readonly string[] =>
    template === null ? [] : files.flatMap((recording) => fillUrl(template, { ...record, recording }, zone) ?? []);
  const context = { zone, urls: urlsOf(record.recordings) };
  const extras = Object.fromEntries([...fields].map(([name, text]) => [name, fillText(text, record, context)]));
  const more = moreField(policy);
  const further = urlsOf(record.recordings.filter((file) => file !== record.recording));
  if (more === null || further.length === 0) return extras;
  const text = `Further recordings: ${further.join(' ')}`;
  return { ...extras, [more]: extras[more] ? `${extras[more]} ${text}` : text };
}

/**
 * What may change after the post: the recording, the duration, and the fields that hold further recordings, each as in the
 * body of this record.
 */
export function lateFacts(record: CallRecord, policy: CallLogPolicy): LateFacts {
  const more = moreField(policy);
  const named = [...policy.extraFields].filter(([name, template]) =>
    more === null ? namesRecordings(template) : name === more,
  );
  const extras = extrasOf(record, policy, new Map(named));
  return {
    recordingUrl: resourceUrl(record, policy),
    durationSeconds: durationOf(record, policy),
    fields: Object.fromEntries(Object.entries(extras).filter(([, value]) => value !== '')),
  };
}

/** As in the users file: where an extension is listed with domains, its plain entry stands for none of them. */
function agentNumber(extension: string, domain: string | null, { agentNumbers }: CallLogPolicy): string | undefined {
  const inTenants = [...agentNumbers].filter(([key]) => key.startsWith(`${extension}@`));
  const own = inTenants.find(([key]) => key.slice(extension.length + 1).toLowerCase() === domain?.toLowerCase());
  return own?.[1] ?? (inTenants.length > 0 ? undefined : agentNumbers.get(extension));
}

/** Source and destination: the lead's number and the agent's, by the direction. */
function numbersOf(record: CallRecord, policy: CallLogPolicy, display: string | null) {
  const { direction, responsible, agentDomain } = record;
  const phone = (extension: string): string =>
    written(agentNumber(extension, agentDomain, policy), policy) ?? cleanText(extension);
  if (direction === 'Internal') {
    const inside = insideParties(record);
    return { source: phone(record.agent ?? ''), destination: phone(inside?.to ?? '') };
  }
  const { withheldNumber, noAgent } = policy;
  const number = record.withheld ? null : (written(record.externalE164, policy) ?? written(record.external, policy));
  const lead = number ?? withheldNumber;
  const reached = responsible === null ? written(noAgent, policy) : phone(responsible);
  const agent = reached || display || withheldNumber;
  return direction === 'Inbound' ? { source: lead, destination: agent } : { source: agent, destination: lead };
}

const written = (number: string | null | undefined, { numberFormat }: CallLogPolicy): string | null =>
  number == null ? null : (formatNumber(number, numberFormat) ?? (cleanText(number) || null));

/** A clock that was set back during the call must not make it end before it began; nor must the end of summer time in a zone. */
function endText({ startedAt, endedAt }: CallRecord, zone: string): string {
  const ended = Math.max(startedAt, endedAt);
  const [start, end] = [timeText(startedAt, zone), timeText(ended, zone)];
  if (end >= start) return end;
  return timeText(Date.parse(`${start.replace(' ', 'T')}Z`) + ended - startedAt, 'UTC');
}

/** The body for this call; the same record and resolution always give the same body. */
export function callBody(record: CallRecord, resolution: Resolution, policy: CallLogPolicy): CallLogBody {
  const line = lineOf(record, policy);
  const display = written(line.displayNumber, policy) ?? written(record.didE164, policy) ?? written(record.did, policy);
  const { source, destination } = numbersOf(record, policy, display);

  const fields: Readonly<Record<string, string | number | null>> = {
    SourceNumber: source,
    CallerSource: cutText(cleanText(line.callerSource ?? ''), CALLER_SOURCE_CHARACTERS),
    DestinationNumber: destination,
    DisplayNumber: display,
    StartTime: timeText(record.startedAt, policy.timeZone),
    EndTime: endText(record, policy.timeZone),
    CallDuration: durationOf(record, policy),
    Status: policy.status[record.direction]?.[record.status] ?? DEFAULT_STATUS[record.direction][record.status],
    ResourceURL: resourceUrl(record, policy),
    // LeadSquared has no third word: an internal call is told as it was for who dialled.
    Direction: record.direction === 'Inbound' ? 'Inbound' : 'Outbound',
    CallSessionId: record.callSessionId,
    LeadId: resolution.leadId,
    Tag: cleanText(line.tag ?? ''),
    UserId: resolution.userId,
    ...extrasOf(record, policy),
  };
  const body: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && value !== '') body[name] = value;
  }
  return body;
}
