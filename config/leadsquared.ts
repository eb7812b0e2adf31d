/** `[leadsquared]`: the CRM. Every default is explained in logcalld.example.toml. */
import { z } from 'zod';
import { NUMBER_FORMATS } from '../src/telephony/number.ts';
import {
  choice,
  compared,
  credential,
  duration,
  file,
  flag,
  inlineSecret,
  optional,
  text,
  timeZone,
  whole,
} from './values.ts';

/** `api-in21.leadsquared.com` or a URL; in the program the origin, e.g. `https://api-in21.leadsquared.com`. */
const host = text("the API host, e.g. 'api-in21.leadsquared.com'").transform((value, context) => {
  const expected = "the API host, e.g. 'api-in21.leadsquared.com', without a path";
  const url = URL.parse(value.includes('://') ? value : `https://${value}`);
  const rest = url === null ? '' : url.username + url.password + url.search + url.hash + url.pathname.replace('/', '');
  const plain = url !== null && rest === '' && /^(?:[\w.-]+|\[[\da-f:.]+\])$/.test(url.hostname);
  if (plain && (url.protocol === 'https:' || url.protocol === 'http:')) return url.origin;
  context.addIssue({ code: 'custom', message: expected });
  return z.NEVER;
});

const word = text('a word LeadSquared shows as the status of the call');

/** The words seen on real activities: inbound Answered, Missed; outbound Answered, NotAnswered, CallFailure. */
const inboundStatus = z.strictObject({
  Answered: word.default('Answered'),
  Abandoned: word.default('Missed'),
  Missed: word.default('Missed'),
  Busy: word.default('Missed'),
  Voicemail: word.default('Missed'),
  NoAnswer: word.default('Missed'),
  Cancelled: word.default('Missed'),
  Failed: word.default('Missed'),
});
const outboundStatus = z.strictObject({
  Answered: word.default('Answered'),
  NoAnswer: word.default('NotAnswered'),
  Busy: word.default('NotAnswered'),
  Cancelled: word.default('NotAnswered'),
  Failed: word.default('CallFailure'),
  Voicemail: word.default('NotAnswered'),
  Abandoned: word.default('NotAnswered'),
  Missed: word.default('NotAnswered'),
});

/** LeadSquared takes at most 50 characters. */
const callerSource = text('a lead source of at most 50 characters').max(50, {
  error: 'a lead source of at most 50 characters',
});

const line = z.strictObject({
  match: z
    .array(compared("a number or trunk in quotes, e.g. '+918041110001'"), { error: "a list, e.g. ['+918041110001']" })
    .min(1, { error: "at least one number or trunk, e.g. ['+918041110001']" }),
  display_number: optional(text('a number in quotes')),
  caller_source: optional(callerSource),
  tag: optional(text('a tag')),
});

const limit = z.strictObject({
  requests: whole(1, 1_000).default(25),
  window: duration('1s', '1h', '5s'),
  guard: duration('1ms', '5s', '25ms'),
  strict: flag.default(false),
  concurrency: whole(1, 100).default(10),
  daily_cap: whole(0, 10_000_000).default(0),
  live_for: duration('0s', '24h', '5m'),
});

const lead = z.strictObject({
  lookup_formats: z
    .array(choice(NUMBER_FORMATS), { error: "a list of number formats, e.g. ['NSN', '+CC-NSN']" })
    .min(1, { error: "at least one number format, e.g. ['NSN']" })
    .default(['NSN', 'CCNSN', '+CC-NSN', '+CCNSN']),
  unknown: choice(['let-leadsquared-create', 'capture', 'park', 'skip']).default('let-leadsquared-create'),
  capture_source: optional(callerSource),
  search: choice(['latest', 'all']).default('latest'),
  several: choice(['first', 'by-name', 'park']).default('first'),
  found_age: duration('0s', '30d', '24h'),
  missing_age: duration('0s', '30d', '10m'),
  anonymous: choice(['skip', 'park', 'send']).default('skip'),
});

/** Whose a call is that no user is known of: tried in this order. */
const withoutUser = z
  .array(choice(['lead-owner', 'default-user', 'omit', 'park', 'skip']), {
    error: "a list, e.g. ['lead-owner', 'park']",
  })
  .min(1, { error: "at least one of 'lead-owner', 'default-user', 'omit', 'park', 'skip'" });

const user = z.strictObject({
  file: optional(file),
  unknown: withoutUser.default(['lead-owner', 'default-user', 'park']),
  no_agent: withoutUser.default(['lead-owner', 'default-user', 'omit']),
  default_user: optional(text('the e-mail address or id of a LeadSquared user')),
  phone_fields: z
    .array(text('the name of a user field'), { error: "a list of user fields, e.g. ['TelephonyAgentId']" })
    .default([]),
  refresh: duration('1m', '30d', '6h'),
});

const urlTemplate = z
  .string({ error: "a URL with {file} in it, e.g. 'https://pbx.example.com/rec/{file}'" })
  .regex(/^https?:\/\/[^\s{}]+\//, { error: "a URL that begins with 'https://'" });

const template = text('text in quotes');

const body = z.strictObject({
  number_format: choice(NUMBER_FORMATS).default('+CC-NSN'),
  call_duration: choice(['conversation', 'talk', 'total']).default('conversation'),
  time_zone: timeZone.default('UTC'),
  caller_source: optional(callerSource),
  tag: optional(text('a tag')),
  resource_url: optional(urlTemplate),
  resource_time_zone: timeZone.default('UTC'),
  more_recordings: z.string({ error: "the name of a field, or '' for none" }).trim().default('CallNotes'),
  no_agent: optional(text('what stands for the agent, in quotes')),
  withheld_number: text('what stands for a hidden number, in quotes').default('Anonymous'),
  status: z.strictObject({ inbound: inboundStatus.prefault({}), outbound: outboundStatus.prefault({}) }).prefault({}),
  line: z.array(line, { error: 'tables [[leadsquared.body.line]]' }).default([]),
  agent_numbers: z
    .record(z.string(), text('a number in quotes'), { error: 'a table of extensions and numbers' })
    .default({}),
  extra: z.record(z.string(), template, { error: 'a table of field names and texts' }).default({}),
});

export const leadsquared = z.strictObject({
  host,
  access_key_credential: credential.default('lsq-access-key'),
  access_key_file: optional(file),
  access_key: inlineSecret,
  secret_key_credential: credential.default('lsq-secret-key'),
  secret_key_file: optional(file),
  secret_key: inlineSecret,
  auth: choice(['headers', 'query']).default('headers'),
  connect_timeout: duration('1s', '2m', '10s'),
  reply_timeout: duration('1s', '5m', '30s'),
  total_timeout: duration('1s', '10m', '60s'),
  insecure: flag.default(false),
  limit: limit.prefault({}),
  lead: lead.prefault({}),
  user: user.prefault({}),
  body: body.prefault({}),
  retry: z
    .strictObject({
      base: duration('100ms', '10m', '5s'),
      cap: duration('1s', '24h', '30m'),
      max_attempts: whole(1, 1_000).default(10),
    })
    .prefault({}),
  uncertain: z
    .strictObject({ policy: choice(['verify', 'resend', 'hold']).default('verify'), wait: duration('0s', '1h', '60s') })
    .prefault({}),
});
