/** `[[source.records]]`: where a PBX keeps its own records of calls. Every default is explained in logcalld.example.toml. */
import { z } from 'zod';
import { choice, credential, file, host, inlineSecret, optional, port, text, timeZone, tls } from './values.ts';

const address = {
  host: host('the name or address of the database server').default('127.0.0.1'),
  socket: optional(
    text('the path of a socket').regex(/^\//, { error: "a whole path, e.g. '/run/mysqld/mysqld.sock'" }),
  ),
};

const login = {
  username: text('the name of a user of the database who may read the tables').default('logcalld'),
  auth: choice(['password', 'peer']).default('password'),
  password_credential: credential.default('records-password'),
  password_file: optional(file),
  password: inlineSecret,
};

/** Goes into statements, where no parameter can stand for it: letters, digits, "_" and "$", with the schema before a dot. */
const tableName = z
  .string({ error: "the name of a table in quotes; '' where there is none" })
  .regex(/^(?:[A-Za-z_][\w$]{0,62}(?:\.[A-Za-z_][\w$]{0,62})?)?$/, {
    error:
      "the name of a table: letters, digits, '_' and '$', also with its schema before a dot; '' where there is none",
  });

/** Stands before the ids of the calls. */
const systemName = optional(
  z
    .string({ error: "systemname of asterisk.conf in quotes, e.g. 'pbx1'" })
    .regex(/^[\w.-]{1,64}$/, { error: "systemname of asterisk.conf: letters, digits, '_', '-' and '.'" }),
);

const tables = {
  cdr_table: tableName.default('cdr'),
  cel_table: tableName.default('cel'),
  system_name: systemName,
};

const columns = z
  .array(text("names in quotes, e.g. 'uniqueid'"), { error: "a list of names, e.g. ['start', 'src', 'dst']" })
  .default([]);

const mysql = z.strictObject({
  type: z.literal('mysql'),
  ...address,
  port: port.default(3306),
  database: text('the name of the database').default('asteriskcdrdb'),
  ...login,
  ...tables,
  tls,
});

const postgres = z.strictObject({
  type: z.literal('postgres'),
  ...address,
  port: port.default(5432),
  database: text('the name of the database').default('asterisk'),
  ...login,
  ...tables,
  tls,
});

const sqlite = z.strictObject({
  type: z.literal('sqlite'),
  file: file.default('/var/log/asterisk/master.db'),
  cel_file: optional(file),
  ...tables,
});

const asteriskCsv = z.strictObject({
  type: z.literal('csv'),
  cdr_file: z
    .string({ error: "the path of a file; '' where there is none" })
    .trim()
    .default('/var/log/asterisk/cdr-csv/Master.csv'),
  cel_file: optional(file),
  cdr_columns: columns,
  cel_columns: columns,
  system_name: systemName,
});

const jsonCdr = z.strictObject({
  type: z.literal('json-cdr'),
  folder: text('the path of a folder').default('/var/log/freeswitch/json_cdr'),
  spool_folder: optional(text('the path of a folder')),
});

const fusionpbx = z.strictObject({
  type: z.literal('fusionpbx'),
  ...address,
  port: port.default(5432),
  database: text('the name of the database').default('fusionpbx'),
  ...login,
  domain: optional(text("the domain of a tenant, e.g. 'first.example'")),
  tls,
});

const freeswitchCsv = z.strictObject({
  type: z.literal('csv'),
  file: file.default('/var/log/freeswitch/cdr-csv/Master.csv'),
  template: optional(text('the template of cdr_csv.conf.xml, in quotes')),
  time_zone: optional(timeZone),
});

const placesError = 'tables [[source.records]]';

/** Of a source of type `asterisk`. */
export const asteriskRecords = z
  .array(
    z.discriminatedUnion('type', [mysql, postgres, sqlite, asteriskCsv], {
      error: "'mysql', 'postgres', 'sqlite' or 'csv'",
    }),
    { error: placesError },
  )
  .default([]);

/** Of a source of type `freeswitch`. */
export const freeswitchRecords = z
  .array(
    z.discriminatedUnion('type', [jsonCdr, fusionpbx, freeswitchCsv], { error: "'json-cdr', 'fusionpbx' or 'csv'" }),
    { error: placesError },
  )
  .default([]);

type Place = Readonly<Record<string, unknown>> & { readonly type: string };

/**
 * Places that several sources name, a sentence each: with what tells the calls of the PBXs apart, where there is a key for it and it is
 * not set.
 */
export function sharedPlaces(
  sources: readonly { readonly name: string; readonly records: readonly Place[] }[],
): readonly string[] {
  const all = sources.flatMap(({ name, records }) => records.map((place) => ({ name, place })));
  return all.flatMap(({ name, place }, index) =>
    all.slice(index + 1).flatMap((other) => {
      const shared = addressesOf(place).find((one) => addressesOf(other.place).includes(one));
      if (shared === undefined || other.name === name) return [];
      const key = 'system_name' in place ? 'system_name' : 'domain' in place ? 'domain' : null;
      const [own, others] = key === null ? [null, null] : [place[key], other.place[key]];
      if (own !== null && others !== null && own !== others) return [];
      const remedy = key === null ? 'give each PBX a place of its own' : `set ${key} in [[source.records]] of each`;
      return [
        `sources ${name} and ${other.name} read their records from one place (${shared}), so a call that neither of them heard may be logged as one of the other: ${remedy}.`,
      ];
    }),
  );
}

/** Where the records lie: the tables of a server, or files and folders. Two places with one of them in common are one. */
export function addressesOf(place: Place): readonly string[] {
  const textsOf = (...keys: readonly string[]): string[] =>
    keys.flatMap((key) => {
      const value = place[key];
      return typeof value === 'string' && value !== '' ? [value] : [];
    });
  if ('host' in place) {
    const server = `${place.database} at ${place.socket ?? place.host}:${place.port}`;
    const tables = textsOf('cdr_table', 'cel_table');
    return tables.length === 0 ? [server] : tables.map((table) => `table ${table} of ${server}`);
  }
  return textsOf('file', 'cdr_file', 'cel_file', 'folder', 'spool_folder');
}
