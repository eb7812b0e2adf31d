import type { CallLog, Reply } from '../../src/delivery/crm.ts';
import { callBody, checkPolicy } from './call-body.ts';
import type { Client } from './client.ts';
import { isObject, textOf } from './json.ts';
import { findLanded } from './landed.ts';
import type { CallLogPolicy } from './policy.ts';
import { cleanText } from './text.ts';

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

/** @throws Error with the remedy when the policy can not work. */
export function createCallLog(client: Client, policy: CallLogPolicy): CallLog {
  checkPolicy(policy);
  return {
    body: (record, resolution) => callBody(record, resolution, policy),
    post: (body, priority) =>
      client.call({ kind: 'write', method: 'POST', path: 'Telephony.svc/LogCall', body }, priority, activityIdOf),
    update(activityId, late, priority) {
      const body = {
        ActivityId: activityId,
        ...(late.recordingUrl === null ? {} : { RecordingURL: late.recordingUrl }),
        // Text here, though LogCall takes a number.
        ...(late.durationSeconds === null
          ? {}
          : { CallDuration: String(Math.max(0, Math.round(late.durationSeconds))) }),
      };
      const path = 'Telephony.svc/PhoneCallActivity/Update';
      return client.call({ kind: 'write', method: 'POST', path, body }, priority, activityIdOf);
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
