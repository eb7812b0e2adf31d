/** Which PBXs the program knows. A further one is one line in each table. */
import type { AsteriskSourceConfig, FreeswitchSourceConfig, RecordsConfig, SourceConfig } from '../config/schema.ts';
import type { RecordsReader } from '../src/call/cdr/backfill.ts';
import type { FrameReader } from '../src/capture/reader.ts';
import type { Clock, EndpointLister, EventSource } from '../src/ports.ts';
import { type CallRecords, RecordsError } from '../src/records/port.ts';
import { amiCaptureProblem, readAmiFrame } from './asterisk/capture.ts';
import type { TlsOptions } from './asterisk/link/tls.ts';
import { readAsteriskRecords } from './asterisk/records/reader.ts';
import { createAsteriskSource } from './asterisk/source.ts';
import { readEslFrame } from './freeswitch/capture.ts';
import { readFreeswitchCdr } from './freeswitch/cdr/reader.ts';
import { createFreeswitchSource } from './freeswitch/source.ts';

export type CaptureProblem = (file: string, frames: Iterable<Uint8Array>) => string | null;

export interface SourceSetup {
  readonly clock: Clock;
  /** Reads the password anew for each login. */
  readonly secret: () => string;
  /** The exact bytes of every frame, wanted or not. */
  readonly onRaw?: (raw: Uint8Array, receivedAt: number) => void;
  /** Something the administrator should change, one sentence. */
  readonly onWarning?: (text: string) => void;
}

/** A type of its own, so that the compiler finds a key that the adapter does not know. */
function tlsOf({ ca_file: caFile, servername }: AsteriskSourceConfig['tls']): TlsOptions {
  return { ...(caFile === null ? {} : { caFile }), ...(servername === null ? {} : { servername }) };
}

const factories = {
  asterisk: (config: AsteriskSourceConfig, setup: SourceSetup): EventSource & EndpointLister =>
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
      ...(config.tls.enabled ? { tls: tlsOf(config.tls) } : {}),
    }),
  freeswitch: (config: FreeswitchSourceConfig, setup: SourceSetup): EventSource & EndpointLister =>
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

export function createSource(config: SourceConfig, setup: SourceSetup): EventSource & EndpointLister {
  return config.type === 'asterisk' ? factories.asterisk(config, setup) : factories.freeswitch(config, setup);
}

export interface RecordsSetup {
  /**
   * The password of a place that needs one (`recordsSecret` says where it is to be found), read anew for each connection. Throws
   * an Error with one sentence when there is none.
   */
  readonly secret: (records: RecordsConfig) => string;
}

/** The places of `[[source.records]]`, in their order. Opens nothing: each place connects when it is read. */
export function createRecords(config: SourceConfig, _setup: RecordsSetup): readonly CallRecords[] {
  return config.records.map(({ type }) => {
    throw new RecordsError(`Records of type ${type} cannot be read yet.`);
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
