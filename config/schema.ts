/** The one config file: its sections, and the types the rest of the program sees. */
import { z } from 'zod';
import type { SecretRef } from '../src/secret.ts';
import { secretKeys } from './keys.ts';
import { leadsquared } from './leadsquared.ts';
import { page } from './page.ts';
import { DEFAULT_DATABASE } from './read.ts';
import { source } from './source.ts';
import {
  beginnings,
  choice,
  duration,
  file,
  flag,
  folder,
  loopback,
  numberBeginnings,
  optional,
  optionalDuration,
  size,
  timeOfDay,
  whole,
} from './values.ts';

/** A schema is used once or a few times in a process: to compile functions for each costs a start 10 ms, and keeps 1 MB of them. */
z.config({ jitless: true });

const calls = z.strictObject({
  close_grace: duration('0s', '5m', '2s'),
  external_gone_timeout: duration('1s', '1h', '30s'),
  agent: choice(['last', 'first', 'longest']).default('last'),
  missed: choice(['owner', 'last', 'first', 'nobody']).default('owner'),
  max_call_age: duration('1h', '30d', '24h'),
  record_wait: duration('0s', '1h', '2m'),
});

const filters = z.strictObject({
  internal: choice(['skip', 'post']).default('skip'),
  max_age: optionalDuration('1m', '3650d'),
  own_numbers: numberBeginnings.default([]),
  skip_dids: numberBeginnings.default([]),
  skip_trunks: beginnings.default([]),
  skip_extensions: beginnings.default([]),
  skip_numbers: numberBeginnings.default([]),
});

const storage = z.strictObject({
  path: file.default(DEFAULT_DATABASE),
  retention: z
    .strictObject({
      journal: duration('0s', '3650d', '30d'),
      journal_max: size('2GB'),
      calls: duration('7d', '3650d', '400d'),
    })
    .prefault({}),
  backup: z
    .strictObject({
      enabled: flag.default(true),
      at: timeOfDay('03:30'),
      keep: whole(1, 14).default(2),
      folder: optional(folder),
    })
    .prefault({}),
});

const metrics = z.strictObject({ listen: optional(loopback) });

const log = z.strictObject({
  level: choice(['error', 'warn', 'notice', 'info', 'debug']).default('info'),
  format: choice(['auto', 'json', 'text']).default('auto'),
  mask_numbers: flag.default(true),
});

const noSource = 'at least one [[source]] table: the PBX to watch';

export const configSchema = z.strictObject({
  allow_inline_secrets: flag.default(false),
  source: z.array(source, { error: noSource }).min(1, { error: noSource }),
  calls: calls.prefault({}),
  leadsquared,
  filters: filters.prefault({}),
  storage: storage.prefault({}),
  log: log.prefault({}),
  metrics: metrics.prefault({}),
  page: page.prefault({}),
});

/** No value of these is ever shown. */
export const SECRET_KEYS = secretKeys(configSchema);

type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends { reveal(): string }
    ? T
    : T extends object
      ? { readonly [Key in keyof T]: Immutable<T[Key]> }
      : T;

/** The config as the program uses it: names as in the file, durations in ms, absent values `null`. */
export type Config = Immutable<z.output<typeof configSchema>> & {
  /** What the administrator should change in the file, a sentence each; none when all is as it should be. */
  readonly notes: readonly string[];
};
export type SourceConfig = Config['source'][number];
export type AsteriskSourceConfig = Extract<SourceConfig, { type: 'asterisk' }>;
export type FreeswitchSourceConfig = Extract<SourceConfig, { type: 'freeswitch' }>;
export type AsteriskRecordsConfig = AsteriskSourceConfig['records'][number];
export type FreeswitchRecordsConfig = FreeswitchSourceConfig['records'][number];
/** One place where a PBX keeps its own records of calls. */
export type RecordsConfig = AsteriskRecordsConfig | FreeswitchRecordsConfig;
export { pageSecret } from './page.ts';
export type LeadsquaredConfig = Config['leadsquared'];

/** Where the password of a PBX is to be found. */
export function sourceSecret(of: SourceConfig): SecretRef {
  return of.type === 'asterisk'
    ? {
        what: `AMI secret of source "${of.name}"`,
        credential: of.secret_credential,
        file: of.secret_file,
        fileKey: 'secret_file',
        inline: of.secret,
      }
    : {
        what: `event socket password of source "${of.name}"`,
        credential: of.password_credential,
        file: of.password_file,
        fileKey: 'password_file',
        inline: of.password,
      };
}

/** Where the password of a place of records is to be found; `null` when the place needs none. `source`: the name of its PBX. */
export function recordsSecret(source: string, of: RecordsConfig): SecretRef | null {
  if (!('auth' in of) || of.auth === 'peer') return null;
  return {
    what: `password of ${of.username} for database ${of.database} of source "${source}"`,
    credential: of.password_credential,
    file: of.password_file,
    fileKey: 'password_file',
    inline: of.password,
  };
}

/** Where the two keys of LeadSquared are to be found. */
export function leadsquaredSecrets(of: LeadsquaredConfig): {
  readonly accessKey: SecretRef;
  readonly secretKey: SecretRef;
} {
  return {
    accessKey: {
      what: 'LeadSquared access key',
      credential: of.access_key_credential,
      file: of.access_key_file,
      fileKey: 'leadsquared.access_key_file',
      inline: of.access_key,
    },
    secretKey: {
      what: 'LeadSquared secret key',
      credential: of.secret_key_credential,
      file: of.secret_key_file,
      fileKey: 'leadsquared.secret_key_file',
      inline: of.secret_key,
    },
  };
}
