/** From the config file to the settings of each part. The only place where both are known. */

import type { DirectoryPolicy } from '../../adapters/leadsquared/directory.ts';
import {
  DEFAULT_POLICY as CALL_LOG_DEFAULTS,
  type CallLogPolicy,
  type LineSettings,
} from '../../adapters/leadsquared/policy.ts';
import type { Config, SourceConfig } from '../../config/schema.ts';
import { loadUsers } from '../../config/users.ts';
import type { CallRules } from '../call/correlate.ts';
import type { SourcePlan } from '../call/plan.ts';
import type { DeliveryPolicy } from '../delivery/policy.ts';
import { compilePattern } from '../telephony/endpoint.ts';

/** `'+918041110033' = '101@tenant-a.example'`: the domain is named where several tenants have the extension. */
function extensionsOf(lines: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(lines).map(([number, owner]) => [number, owner.replace(/@.*$/, '')]));
}

function domainsOf(lines: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const named = Object.entries(lines).map(([number, owner]) => [number, /@(.+)$/.exec(owner)?.[1]] as const);
  return new Map(named.flatMap(([number, domain]) => (domain === undefined ? [] : [[number, domain]])));
}

/** The numbering plan of one source. */
export function planOf(source: SourceConfig): SourcePlan {
  return {
    extensions: source.extensions.map(compilePattern),
    trunks: source.trunk.map((trunk) => ({
      match: trunk.match.map(compilePattern),
      country: trunk.country ?? source.country,
      format: trunk.format,
      number: trunk.number,
      dialPrefixes: trunk.dial_prefix,
    })),
    country: source.country,
    owners: extensionsOf(source.direct_lines),
    own: new Set([...Object.keys(source.direct_lines), ...source.trunk.flatMap((trunk) => trunk.number ?? [])]),
    mobiles: extensionsOf(source.agent_mobiles),
    speedDials: source.speed_dials.map(compilePattern),
    domains: domainsOf({ ...source.direct_lines, ...source.agent_mobiles }),
  };
}

export function rulesOf({ calls }: Config): CallRules {
  return {
    graceMs: calls.close_grace,
    externalGoneMs: calls.external_gone_timeout,
    agent: calls.agent,
    missed: calls.missed,
    maxAgeMs: calls.max_call_age,
  };
}

/** Throws `ConfigError` when the users file is wrong. */
/** The CRM, as it is written in messages. */
export const CRM = 'LeadSquared';

export function deliveryPolicyOf(config: Config): DeliveryPolicy {
  const { limit, lead, user, uncertain, retry } = config.leadsquared;
  const { filters } = config;
  const rows =
    user.file === null
      ? []
      : loadUsers(
          user.file,
          config.source.map((source) => source.name),
        );
  const own = config.source.flatMap((source) => [
    ...Object.keys(source.direct_lines),
    ...source.trunk.flatMap((trunk) => trunk.number ?? []),
  ]);
  return {
    limit: {
      requests: limit.requests,
      windowMs: limit.window,
      guardMs: limit.guard,
      strict: limit.strict,
      concurrency: limit.concurrency,
      perDay: limit.daily_cap === 0 ? null : limit.daily_cap,
    },
    lead: {
      formats: lead.lookup_formats,
      posted: config.leadsquared.body.number_format,
      unknown: lead.unknown === 'let-leadsquared-create' ? 'let-crm-create' : lead.unknown,
      anonymous: lead.anonymous,
      several: lead.several,
      source: lead.capture_source,
      hitMaxAgeMs: lead.found_age,
      missMaxAgeMs: lead.missing_age,
    },
    user: {
      rows,
      unknown: user.unknown,
      noAgent: user.no_agent,
      defaultUser: user.default_user,
      discover: user.phone_fields.length > 0,
      refreshMs: user.refresh,
    },
    skip: {
      dids: filters.skip_dids,
      trunks: filters.skip_trunks,
      extensions: filters.skip_extensions,
      numbers: filters.skip_numbers,
    },
    own: [...filters.own_numbers, ...own],
    internal: filters.internal,
    maxAgeMs: filters.max_age,
    liveForMs: limit.live_for,
    uncertain: uncertain.policy,
    verifyAfterMs: uncertain.wait,
    retry: { baseMs: retry.base, capMs: retry.cap, maxAttempts: retry.max_attempts },
  };
}

export function callLogPolicyOf(config: Config): CallLogPolicy {
  const { body } = config.leadsquared;
  const line = (of: {
    caller_source: string | null;
    tag: string | null;
    display_number?: string | null;
  }): LineSettings => ({
    ...(of.display_number == null ? {} : { displayNumber: of.display_number }),
    ...(of.caller_source === null ? {} : { callerSource: of.caller_source }),
    ...(of.tag === null ? {} : { tag: of.tag }),
  });
  return {
    ...CALL_LOG_DEFAULTS,
    timeZone: body.time_zone,
    duration: body.call_duration,
    status: { Inbound: body.status.inbound, Outbound: body.status.outbound, Internal: body.status.outbound },
    numberFormat: body.number_format,
    recordingUrl: body.resource_url,
    recordingTimeZone: body.resource_time_zone,
    lines: new Map(body.line.flatMap((one) => one.match.map((match) => [match, line(one)] as const))),
    defaultLine: line(body),
    agentNumbers: new Map(Object.entries(body.agent_numbers)),
    noAgent: body.no_agent,
    withheldNumber: body.withheld_number,
    extraFields: new Map(Object.entries(body.extra)),
    moreRecordings: body.more_recordings || null,
  };
}

export function directoryPolicyOf(config: Config): DirectoryPolicy {
  const { lead, user } = config.leadsquared;
  return { leadSearch: lead.search, leadFields: ['Phone', 'Mobile'], userPhoneFields: user.phone_fields };
}
