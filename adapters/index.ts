/** Which PBXs the program knows. A further one is one line in each table. */
import type {
  AsteriskRecordsConfig,
  AsteriskSourceConfig,
  FreeswitchRecordsConfig,
  FreeswitchSourceConfig,
  RecordsConfig,
  SourceConfig,
} from '../config/schema.ts';
import type { RecordsReader } from '../src/call/cdr/backfill.ts';
import type { FrameReader } from '../src/capture/reader.ts';
import type { Clock, EndpointLister, EventSource, ProbedSource } from '../src/ports.ts';
import type { CallRecords } from '../src/records/port.ts';
import { amiCaptureProblem, readAmiFrame } from './asterisk/capture.ts';
import { createTableRecords, type TablePlace } from './asterisk/records/database/place.ts';
import { createFileRecords, type FilePlace } from './asterisk/records/files/place.ts';
import { readAsteriskRecords } from './asterisk/records/reader.ts';
import { createAsteriskSource } from './asterisk/source.ts';
import { createQuestions } from './database/idle.ts';
import { createMysql } from './database/mysql.ts';
import { type Database, placeOf, type ServerOptions } from './database/port.ts';
import { createPostgres } from './database/postgres.ts';
import { createSqlite } from './database/sqlite.ts';
import { readEslFrame } from './freeswitch/capture.ts';
import { readFreeswitchCdr } from './freeswitch/cdr/reader.ts';
import { createCsvRecords, createFusionPbxRecords, createJsonCdrRecords } from './freeswitch/records/index.ts';
import { createFreeswitchSource } from './freeswitch/source.ts';
import { type SecureSettings, tlsSettings } from './tls/settings.ts';

export type CaptureProblem = (file: string, frames: Iterable<Uint8Array>) => string | null;

/** A PBX with all that may be asked of it. */
export type Source = EventSource & EndpointLister & ProbedSource;

export interface SourceSetup {
  readonly clock: Clock;
  /** Reads the password anew for each login. */
  readonly secret: () => string;
  /** The exact bytes of every frame, wanted or not. */
  readonly onRaw?: (raw: Uint8Array, receivedAt: number) => void;
  /** Something the administrator should change, one sentence. */
  readonly onWarning?: (text: string) => void;
}

/** Of a table with the keys of `[source.tls]`; `undefined` where it is not enabled. */
function tlsOf(
  { enabled, ca_file: caFile, servername }: AsteriskSourceConfig['tls'],
  table: string,
): SecureSettings | undefined {
  if (!enabled) return undefined;
  const named = servername === null ? {} : { servername };
  return () => tlsSettings({ table, ...(caFile === null ? {} : { caFile }), ...named });
}

const factories = {
  asterisk: (config: AsteriskSourceConfig, setup: SourceSetup): Source =>
    createAsteriskSource({
      name: config.name,
      host: config.host,
      port: config.port,
      username: config.username,
      auth: config.auth,
      secret: setup.secret,
      clock: setup.clock,
      ...(setup.onRaw === undefined ? {} : { onRaw: setup.onRaw }),
      ...(setup.onWarning === undefined ? {} : { onWarning: setup.onWarning }),
      tls: tlsOf(config.tls, '[source.tls]'),
    }),
  freeswitch: (config: FreeswitchSourceConfig, setup: SourceSetup): Source =>
    createFreeswitchSource({
      name: config.name,
      host: config.host,
      port: config.port,
      password: setup.secret,
      clock: setup.clock,
      ...(setup.onRaw === undefined ? {} : { onRaw: setup.onRaw }),
      ...(setup.onWarning === undefined ? {} : { onWarning: setup.onWarning }),
    }),
};

export function createSource(config: SourceConfig, setup: SourceSetup): Source {
  return config.type === 'asterisk' ? factories.asterisk(config, setup) : factories.freeswitch(config, setup);
}

export interface RecordsSetup {
  /**
   * The password of a place that needs one (`recordsSecret` says where it is to be found), read anew for each connection. Throws
   * an Error with one sentence when there is none.
   */
  readonly secret: (records: RecordsConfig) => string;
}

type Setup = RecordsSetup & { readonly source: string };

/** Where a server listens, and who asks it. */
function serverOf(records: Extract<RecordsConfig, { auth: string }>, { secret }: RecordsSetup): ServerOptions {
  const { host, port, socket, database, username, auth, tls } = records;
  return {
    tls: tlsOf(tls, '[source.records.tls]'),
    address: { host, port, socket },
    database,
    username,
    password: auth === 'peer' ? null : () => secret(records),
  };
}

/** The tables that there are: an empty name is none. */
function tablesOf(
  { cdr_table: cdr, cel_table: cel }: { readonly cdr_table: string; readonly cel_table: string },
  database: { readonly cdr: Database; readonly cel: Database },
): readonly TablePlace[] {
  const both = [
    { kind: 'cdr', table: cdr, database: database.cdr },
    { kind: 'cel', table: cel, database: database.cel },
  ] as const;
  return both.filter(({ table }) => table !== '');
}

function filesOf(records: Extract<AsteriskRecordsConfig, { type: 'csv' }>): FilePlace[] {
  const { cdr_file: cdr, cel_file: cel } = records;
  return [
    ...(cdr === '' ? [] : [{ table: 'cdr', file: cdr, columns: records.cdr_columns } as const]),
    ...(cel === null ? [] : [{ table: 'cel', file: cel, columns: records.cel_columns } as const]),
  ];
}

function asteriskRecords(records: AsteriskRecordsConfig, setup: Setup): CallRecords {
  const own = { source: setup.source, systemName: records.system_name };
  switch (records.type) {
    case 'mysql': {
      const database = createMysql(serverOf(records, setup));
      return createTableRecords({ ...own, tables: tablesOf(records, { cdr: database, cel: database }) });
    }
    case 'postgres': {
      const database = createPostgres(serverOf(records, setup));
      return createTableRecords({ ...own, tables: tablesOf(records, { cdr: database, cel: database }) });
    }
    case 'sqlite': {
      const cdr = createSqlite({ file: records.file });
      const cel = records.cel_file === null ? cdr : createSqlite({ file: records.cel_file });
      return createTableRecords({ ...own, tables: tablesOf(records, { cdr, cel }) });
    }
    case 'csv':
      return createFileRecords({ ...own, files: filesOf(records) });
  }
}

function freeswitchRecords(records: FreeswitchRecordsConfig, setup: Setup): CallRecords {
  const { source } = setup;
  switch (records.type) {
    case 'json-cdr': {
      const folders = [records.folder, ...(records.spool_folder === null ? [] : [records.spool_folder])];
      return createJsonCdrRecords({ name: folders.join(', '), folders, source });
    }
    case 'fusionpbx': {
      const database = createPostgres(serverOf(records, setup));
      const domain = records.domain === null ? {} : { domain: records.domain };
      const whose = records.domain === null ? '' : `, ${records.domain}`;
      return createFusionPbxRecords({
        ...{ name: `${database.name} (v_xml_cdr${whose})`, source },
        ...createQuestions(database),
        ...domain,
      });
    }
    case 'csv': {
      const template = records.template === null ? {} : { template: records.template };
      const timeZone = records.time_zone === null ? {} : { timeZone: records.time_zone };
      return createCsvRecords({ name: records.file, file: records.file, source, ...template, ...timeZone });
    }
  }
}

/** The places of `[[source.records]]`, in their order. Opens nothing: each place connects when it is read. */
export function createRecords(config: SourceConfig, setup: RecordsSetup): readonly CallRecords[] {
  const own = { ...setup, source: config.name };
  const places =
    config.type === 'asterisk'
      ? config.records.map((records) => asteriskRecords(records, own))
      : config.records.map((records) => freeswitchRecords(records, own));
  const names = places.map(({ name }) => name);
  return places.map((place, index) => {
    const records = config.records[index];
    const alone = names.filter((name) => name === place.name).length === 1;
    // One name of a database may stand on several servers.
    if (alone || records === undefined || !('host' in records)) return place;
    return { ...place, name: `${place.name} at ${placeOf(records)}` };
  });
}

/** Readers of captured frames by the `pbx` of the capture file. */
export const frameReaders: Readonly<Record<string, FrameReader>> = { asterisk: readAmiFrame, freeswitch: readEslFrame };

/** By the `pbx` of the capture file: why no calls can be read from these frames; `null` when they can. */
export const captureProblems: Readonly<Record<string, CaptureProblem>> = { asterisk: amiCaptureProblem };

/** Readers of the PBX's own records, as files, by the `pbx` of the capture file. */
export const recordsReaders: Readonly<Record<string, RecordsReader>> = {
  asterisk: readAsteriskRecords,
  freeswitch: (files, source, during) => ({ events: readFreeswitchCdr(files, source, during), skipped: [] }),
};
