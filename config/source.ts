/** `[[source]]`: one PBX. Every default is explained in logcalld.example.toml. */
import { z } from 'zod';
import { asteriskRecords, freeswitchRecords } from './records.ts';
import {
  choice,
  country,
  credential,
  file,
  host,
  inlineSecret,
  optional,
  patterns,
  port,
  text,
  tls,
} from './values.ts';

/** Phones of a stock Asterisk or FreePBX, named after their extensions. Other names are told by what the PBX shows of them. */
export const asteriskExtensions = ['/^(?:PJSIP|SIP|IAX2|SCCP)\\/(?<ext>\\d{2,6})$/'] as const;

/** Phones of a stock FreeSWITCH register on the profile `internal`. */
export const freeswitchExtensions = ['/^sofia\\/internal\\/(?<ext>\\d{2,6})(?:@.*)?$/'] as const;

const name = z
  .string({ error: "a short name, e.g. 'pbx1'" })
  .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, { error: 'lower-case letters, digits, "-" and "_", at most 32 characters' });

const e164 = z.string({ error: "a number in quotes, e.g. '+918041110001'" }).regex(/^\+[1-9]\d{6,14}$/, {
  error: "an international number in quotes, e.g. '+918041110001'",
});

const dialPrefix = z
  .string({ error: "what is dialled before the number, in quotes, e.g. '1234#'" })
  .regex(/^\+?[\d*#]{1,16}$/, { error: 'digits, "*" and "#", at most 16' });

const speedDial = z
  .string({ error: "a short number in quotes, e.g. '701', or a beginning with \"*\", e.g. '7*'" })
  .regex(/^(?:\d{2,6}|\d{1,5}\*)$/, { error: '2 to 6 digits, or a beginning with "*" after it' });

const trunk = z.strictObject({
  match: patterns.min(1, { error: "at least one pattern, e.g. ['PJSIP/carrier*']" }),
  country: optional(country),
  format: choice(['auto', 'national', 'international']).default('auto'),
  number: optional(e164),
  dial_prefix: z
    .array(dialPrefix, { error: "a list of beginnings in quotes, e.g. ['1234#', '9']" })
    .max(20, { error: 'at most 20 beginnings' })
    .default([]),
});

const common = {
  name,
  host: host('the name or address of the PBX').default('127.0.0.1'),
  country: country.default('IN'),
  direct_lines: z
    .record(e164, text("an extension in quotes, e.g. '1001'"), {
      error: "a table of numbers, e.g. '+918041110001' = '1001'",
    })
    .default({}),
  agent_mobiles: z
    .record(e164, text("an extension in quotes, e.g. '1001'"), {
      error: "a table of outside numbers, e.g. '+919811100002' = '1002'",
    })
    .default({}),
  speed_dials: z.array(speedDial, { error: "a list of short numbers in quotes, e.g. ['701', '7*']" }).default([]),
  trunk: z.array(trunk, { error: 'tables [[source.trunk]]' }).default([]),
};

export const asteriskSource = z.strictObject({
  type: z.literal('asterisk'),
  ...common,
  port: port.default(5038),
  username: text('the name of the AMI user in manager.conf'),
  auth: choice(['md5', 'plain']).default('md5'),
  secret_credential: credential.default('ami-secret'),
  secret_file: optional(file),
  secret: inlineSecret,
  extensions: patterns.default([...asteriskExtensions]),
  tls,
  records: asteriskRecords,
});

export const freeswitchSource = z.strictObject({
  type: z.literal('freeswitch'),
  ...common,
  port: port.default(8021),
  password_credential: credential.default('esl-password'),
  password_file: optional(file),
  password: inlineSecret,
  extensions: patterns.default([...freeswitchExtensions]),
  records: freeswitchRecords,
});

export const source = z.discriminatedUnion('type', [asteriskSource, freeswitchSource], {
  error: "'asterisk' or 'freeswitch'",
});
