import type { CallLog, CallLogBody, Priority, Reply } from '../../src/delivery/crm.ts';
import { callBody, checkPolicy, moreField } from './call-body.ts';
import { cleanText } from './format.ts';
import type { Client } from './http/client.ts';
import { isObject, textOf } from './json.ts';
import { findLanded } from './landed.ts';
import type { CallLogPolicy } from './policy.ts';

/** `Message.Id` of a success. That it is the id of the activity is likely, but not documented for LogCall. */
function activityIdOf(json: unknown): { readonly activityId: string | null } {
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

type Written = Reply<{ readonly activityId: string | null }>;

/**
 * Writes with fields that LeadSquared does not document; where it refuses the request, without them: a refused request was
 * surely not done, and what it does not know must not cost what it does.
 */
async function writeWithout(
  fields: readonly string[],
  body: CallLogBody,
  write: (body: CallLogBody) => Promise<Written>,
): Promise<{ readonly reply: Written; readonly refused: boolean }> {
  const reply = await write(body);
  const documented = Object.fromEntries(Object.entries(body).filter(([name]) => !fields.includes(name)));
  if (reply.kind !== 'rejected' || Object.keys(documented).length === Object.keys(body).length) {
    return { reply, refused: false };
  }
  const second = await write(documented);
  if (second.kind !== 'accepted') return { reply: second, refused: false };
  const message = `Accepted without ${fields.join(', ')}, so without further recordings: ${reply.message}`;
  return { reply: { ...second, message }, refused: true };
}

/** @throws Error with the remedy when the policy can not work. */
export function createCallLog(client: Client, policy: CallLogPolicy): CallLog {
  checkPolicy(policy);
  const more = moreField(policy);
  // What the account takes in a field of its own choice is not ours to leave out.
  const ours = more === null || policy.extraFields.has(more) ? [] : [more];
  let refusedOnce = false;

  const write = (path: string, priority: Priority) => (body: CallLogBody) =>
    client.call({ kind: 'write', method: 'POST', path, body }, priority, activityIdOf);

  return {
    body: (record, resolution) => callBody(record, resolution, policy),
    async post(body, priority) {
      const known = refusedOnce
        ? Object.fromEntries(Object.entries(body).filter(([name]) => !ours.includes(name)))
        : body;
      const { reply, refused } = await writeWithout(ours, known, write('Telephony.svc/LogCall', priority));
      refusedOnce ||= refused;
      return reply;
    },
    async update(activityId, late, priority) {
      const body = {
        ActivityId: activityId,
        ...(late.recordingUrl === null ? {} : { RecordingURL: late.recordingUrl }),
        // Text here, though LogCall takes a number.
        ...(late.durationSeconds === null
          ? {}
          : { CallDuration: String(Math.max(0, Math.round(late.durationSeconds))) }),
        ...late.fields,
      };
      const send = write('Telephony.svc/PhoneCallActivity/Update', priority);
      return (await writeWithout(Object.keys(late.fields ?? {}), body, send)).reply;
    },
    findLanded: (queries, priority) => findLanded(client, policy, queries, priority),
    probe(): Promise<Reply<{ readonly text: string }>> {
      const path = 'Authentication.svc/UserByAccessKey.Get';
      return client.call({ kind: 'read', method: 'GET', path }, 'background', (json) =>
        describeAccount(json, client.host),
      );
    },
  };
}
