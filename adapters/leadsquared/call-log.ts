import { type CallLog, type CallLogBody, type CallWritten, type Reply, without } from '../../src/delivery/crm.ts';
import type { Asking } from '../../src/permits/port.ts';
import { callBody, checkPolicy, lateFacts, moreField } from './call-body.ts';
import { cleanText } from './format.ts';
import type { Client } from './http/client.ts';
import { isObject, textOf } from './json.ts';
import { findLanded } from './landed.ts';
import type { CallLogPolicy } from './policy.ts';

/** `Message.Id` of a success. That it is the id of the activity is likely, but not documented for LogCall. */
function activityIdOf(json: unknown): CallWritten {
  const message = isObject(json) ? json.Message : null;
  return { activityId: isObject(message) ? textOf(message.Id) : null };
}

const hostOf = (url: string | null): string | null =>
  url === null ? null : (/^(?:https?:\/\/)?([^/:\s]+)/i.exec(url)?.[1]?.toLowerCase() ?? null);

/** The answer to the probe in one line. It works on every host, so a wrong host shows only by comparing. */
function describeAccount(json: unknown, host: string): { readonly text: string } | null {
  if (!isObject(json)) return null;
  const services = isObject(json.LSQCommonServiceURLs) ? json.LSQCommonServiceURLs : {};
  const right = hostOf(textOf(services.api));
  const user = textOf(json.EmailAddress) ?? 'an unnamed user';
  const role = textOf(json.Role) ?? 'unknown role';
  const account = textOf(json.OrgShortCode) ?? 'unknown';
  const about = `The keys are good: ${user} (${role}), account ${account}`;
  const code = textOf(json.DefaultCountryCode);
  const facts = code === null ? about : `${about}, default country code ${code}`;
  const wrong = right !== null && right !== hostOf(host);
  return {
    text: cleanText(wrong ? `${facts}. But its API host is ${right}, not ${host}: change the host.` : `${facts}.`),
  };
}

type Written = Reply<CallWritten>;

const lacking = (body: CallLogBody, fields: readonly string[]): CallLogBody =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !fields.includes(name)));

/**
 * Writes with fields that LeadSquared does not document; where it refuses the request, without them: a refused request was
 * surely not done, and what it does not know must not cost what it does. The answer names those that were left out.
 */
async function writeWithout(
  fields: readonly string[],
  body: CallLogBody,
  write: (body: CallLogBody) => Promise<Written>,
): Promise<Written> {
  const reply = await write(body);
  const leftOut = fields.filter((name) => name in body);
  if (reply.kind !== 'rejected' || leftOut.length === 0) return reply;
  const second = await write(lacking(body, leftOut));
  if (second.kind !== 'accepted' || second.value === null) return second;
  const message = `Accepted without ${leftOut.join(', ')}, so without further recordings: ${reply.message}`;
  return { ...second, message, value: { ...second.value, leftOut } };
}

/**
 * `onRefused` hears of a field that LeadSquared refuses; it is left out of all further posts until the program is started again.
 * @throws Error with the remedy when the policy can not work.
 */
export function createCallLog(
  client: Client,
  policy: CallLogPolicy,
  onRefused: (field: string) => void = () => {},
): CallLog {
  checkPolicy(policy);
  const more = moreField(policy);
  // What the account takes in a field of its own choice is not ours to leave out.
  const ours = more === null || policy.extraFields.has(more) ? [] : [more];
  /** Those of them that were refused. */
  let refused: readonly string[] = [];

  const write = (path: string, asking: Asking) => (body: CallLogBody) =>
    client.call({ kind: 'write', method: 'POST', path, body }, asking, activityIdOf);

  return {
    body: (record, resolution) => lacking(callBody(record, resolution, policy), refused),
    lateFacts: (record) => without(lateFacts(record, policy), refused),
    async post(body, asking) {
      // It may have been made before one was refused.
      const known = refused.filter((name) => name in body);
      const reply = await writeWithout(ours, lacking(body, known), write('Telephony.svc/LogCall', asking));
      const fresh = reply.value?.leftOut ?? [];
      refused = [...new Set([...refused, ...fresh])];
      for (const name of fresh) onRefused(name);
      const leftOut = [...known, ...fresh];
      return reply.value === null || leftOut.length === 0 ? reply : { ...reply, value: { ...reply.value, leftOut } };
    },
    update(activityId, late, asking) {
      const body = {
        ActivityId: activityId,
        ...(late.recordingUrl === null ? {} : { RecordingURL: late.recordingUrl }),
        // Text here, though LogCall takes a number.
        ...(late.durationSeconds === null
          ? {}
          : { CallDuration: String(Math.max(0, Math.round(late.durationSeconds))) }),
        ...late.fields,
      };
      const send = write('Telephony.svc/PhoneCallActivity/Update', asking);
      return writeWithout(Object.keys(late.fields ?? {}), body, send);
    },
    findLanded: (query, asking) => findLanded(client, policy, query, asking),
    probe(asking): Promise<Reply<{ readonly text: string }>> {
      const path = 'Authentication.svc/UserByAccessKey.Get';
      return client.call({ kind: 'read', method: 'GET', path }, asking, (json) => describeAccount(json, client.host));
    },
  };
}
