/** Which PBXs the program knows. A further one is one line in each table. */
import type { AsteriskSourceConfig, FreeswitchSourceConfig, SourceConfig } from '../config/schema.ts';
import type { CdrReader } from '../src/call/backfill.ts';
import type { FrameReader } from '../src/inspect.ts';
import type { Clock, EventSource } from '../src/ports.ts';
import { readAmiFrame } from './asterisk/capture.ts';
import { readAsteriskCdr } from './asterisk/cdr.ts';
import { createAsteriskSource } from './asterisk/source.ts';
import { readEslFrame } from './freeswitch/capture.ts';
import { readFreeswitchCdr } from './freeswitch/cdr.ts';
import { createFreeswitchSource } from './freeswitch/source.ts';

export interface SourceSetup {
  readonly clock: Clock;
  /** Reads the password anew for each login. */
  readonly secret: () => string;
  /** The exact bytes of every frame, wanted or not. */
  readonly onRaw?: (raw: Uint8Array, receivedAt: number) => void;
  /** Something the administrator should change, one sentence. */
  readonly onWarning?: (text: string) => void;
}

const factories = {
  asterisk: (config: AsteriskSourceConfig, setup: SourceSetup): EventSource =>
    createAsteriskSource({
      name: config.name,
      host: config.host,
      port: config.port,
      username: config.username,
      auth: config.auth,
      secret: setup.secret,
      clock: setup.clock,
      ...(setup.onRaw === undefined ? {} : { onRaw: setup.onRaw }),
      ...(config.tls.enabled
        ? {
            tls: {
              ...(config.tls.ca_file === null ? {} : { caFile: config.tls.ca_file }),
              servername: config.tls.servername ?? config.host,
            },
          }
        : {}),
    }),
  freeswitch: (config: FreeswitchSourceConfig, setup: SourceSetup): EventSource =>
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

export function createSource(config: SourceConfig, setup: SourceSetup): EventSource {
  return config.type === 'asterisk' ? factories.asterisk(config, setup) : factories.freeswitch(config, setup);
}

/** Readers of captured frames by the `pbx` of the capture file. */
export const frameReaders: Readonly<Record<string, FrameReader>> = { asterisk: readAmiFrame, freeswitch: readEslFrame };

/** Readers of call detail records by the `pbx` of the capture file. */
export const cdrReaders: Readonly<Record<string, CdrReader>> = {
  asterisk: readAsteriskCdr,
  freeswitch: readFreeswitchCdr,
};
