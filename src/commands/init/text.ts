/** The config that the answers come to: what was decided, with the reasons; all else is in the example. */
import type { PbxType, RecordsPlace } from './found.ts';

/** What was asked. */
export interface Answers {
  readonly type: PbxType;
  /** Of the source: every call id begins with it. */
  readonly name: string;
  readonly host: string;
  /** `null`: the usual one. */
  readonly port: number | null;
  /** AMI over TLS. */
  readonly tls: boolean;
  /** Of AMI. */
  readonly username: string;
  /** ISO 3166 code. */
  readonly country: string;
  readonly records: RecordsPlace | null;
  /** Of LeadSquared's API, or the address of a sandbox. */
  readonly crm: string;
  /** A user of LeadSquared for calls of nobody; `null`: none. */
  readonly defaultUser: string | null;
  /** An answered call whose agent has no user is posted without one, and does not wait. */
  readonly omit: boolean;
}

/** How the secrets and the database are found. */
export interface Layout {
  /** True: by the unit, which hands over credentials; false: a trial, where the files are named. */
  readonly installed: boolean;
}

export const CONFIG = 'logcalld.toml';
export const USERS = 'users.csv';
export const CREDENTIALS = 'credentials';
/** Files of the secrets, by the ids that the config has by default. */
export const SECRETS = {
  asterisk: 'ami-secret',
  freeswitch: 'esl-password',
  accessKey: 'lsq-access-key',
  secretKey: 'lsq-secret-key',
  records: 'records-password',
} as const;

/** Whether the place is logged in to with a password of its own: a service is known by its user on the socket. */
export const needsPassword = (records: RecordsPlace | null, { installed }: Layout): boolean =>
  !installed && (records?.kind === 'freepbx' || records?.kind === 'fusionpbx');

export function configText(answers: Answers, layout: Layout): string {
  const { crm } = answers;
  return [
    '# logcalld.toml, written by "logcalld init". logcalld.example.toml explains every key and its default.',
    '# `logcalld doctor` says what is wrong and what to do. Changes need a restart of logcalld.',
    '',
    ...sourceLines(answers, layout),
    ...recordsLines(answers.records, layout),
    '',
    '[leadsquared]',
    '# The API host of the account (My Account > Settings > API and Webhooks).',
    `host = ${quoted(crm)}`,
    ...(crm.startsWith('http://')
      ? ['# http:// to this machine, for the sandbox. Never for LeadSquared.', 'insecure = true']
      : []),
    ...fileKey(layout, 'access_key_file', SECRETS.accessKey),
    ...fileKey(layout, 'secret_key_file', SECRETS.secretKey),
    '',
    '[leadsquared.user]',
    '# Which LeadSquared user takes the calls of which extension.',
    `file = ${quoted(USERS)}`,
    ...unknownLines(answers),
    '',
    '[storage]',
    ...(layout.installed
      ? ['# Under systemd that of StateDirectory=.', "#path = '/var/lib/logcalld/logcalld.db'"]
      : ['# Beside this file, for a trial.', "path = 'logcalld.db'"]),
    '',
  ].join('\n');
}

function sourceLines({ type, name, host, port, tls, username, country }: Answers, layout: Layout): string[] {
  const product =
    type === 'asterisk' ? 'Asterisk or FreePBX, over AMI' : 'FreeSWITCH or FusionPBX, over the event socket';
  return [
    '[[source]]',
    `type = ${quoted(type)}${' '.repeat(Math.max(1, 38 - type.length))}# ${product}`,
    '# Begins every call id of this PBX, so do not change it later.',
    `name = ${quoted(name)}`,
    `host = ${quoted(host)}`,
    ...(port === null ? [] : [`port = ${port}`]),
    ...(type === 'asterisk' ? ['# The [section] of manager.conf.', `username = ${quoted(username)}`] : []),
    ...(type === 'asterisk'
      ? fileKey(layout, 'secret_file', SECRETS.asterisk)
      : fileKey(layout, 'password_file', SECRETS.freeswitch)),
    '# Of the numbers on the trunks: what 09845012345 means depends on it.',
    `country = ${quoted(country)}`,
    ...(tls ? ['', '[source.tls]', 'enabled = true'] : []),
  ];
}

function recordsLines(records: RecordsPlace | null, layout: Layout): string[] {
  if (records === null) return [];
  const database = needsPassword(records, layout)
    ? [`password_file = ${quoted(`${CREDENTIALS}/${SECRETS.records}`)}`]
    : ['# The server knows the user of the service by its socket.', "auth = 'peer'"];
  return [
    '',
    "# The PBX's own records: calls that were made while nobody listened are taken from there.",
    '[[source.records]]',
    ...placeLines(records, database, layout),
  ];
}

function placeLines(records: RecordsPlace, database: readonly string[], layout: Layout): string[] {
  switch (records.kind) {
    case 'freepbx':
      return ["type = 'mysql'", `socket = ${quoted(records.socket)}`, ...database];
    case 'fusionpbx':
      // Over the socket, a server that is set up as usual takes nobody's password.
      return ["type = 'fusionpbx'", ...(layout.installed ? [`socket = ${quoted(records.socket)}`] : []), ...database];
    case 'csv':
      return ["type = 'csv'", `cdr_file = ${quoted(records.file)}`];
    case 'json-cdr':
      return ["type = 'json-cdr'", `folder = ${quoted(records.folder)}`];
  }
}

/** What is done with a call that nobody took, `no_agent`, stays at its default, which lets none wait. */
function unknownLines({ defaultUser, omit }: Answers): string[] {
  const why = '# An answered call whose agent has no line there: it is that of the owner of the lead, else';
  if (defaultUser !== null)
    return [
      `${why} that of this user.`,
      '# So is one that nobody took.',
      "unknown = ['lead-owner', 'default-user', 'omit']",
      `default_user = ${quoted(defaultUser)}`,
    ];
  if (omit) return [`${why} it is posted without a user.`, "unknown = ['lead-owner', 'omit']"];
  return [`${why} it waits for that line.`, '# One that nobody took waits for nothing: it is posted without a user.'];
}

const fileKey = ({ installed }: Layout, key: string, file: string): string[] =>
  installed ? [] : [`${key} = ${quoted(`${CREDENTIALS}/${file}`)}`];

/** Text of TOML: as it is, unless something in it would end it. */
function quoted(text: string): string {
  return /['\p{Cc}]/u.test(text) ? JSON.stringify(text) : `'${text}'`;
}
