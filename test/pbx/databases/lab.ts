/**
 * A PBX that keeps its records everywhere that Asterisk can: MariaDB as FreePBX has it, PostgreSQL, SQLite, and files. One call is then
 * a test of all places.
 */
import { join } from 'node:path';
import { installAsterisk, startAsterisk } from '../asterisk/asterisk.ts';
import { RECORDS } from '../asterisk/edition.ts';
import type { Pbx } from '../pbx.ts';
import { installDatabases } from './server.ts';
import { asteriskTables, freepbxTables, type Tables, WRITER } from './tables.ts';

export const PLACES = ['mysql', 'postgres', 'sqlite', 'csv'] as const;
export type PlaceName = (typeof PLACES)[number];

export interface RecordsLab {
  /** Its `source` has the lines of all places. */
  readonly pbx: Pbx;
  /** The same PBX to a logcalld whose config names these places only. */
  through(places: readonly PlaceName[]): Pbx;
  readonly mariadb: Tables;
  readonly postgres: Tables;
  stop(): Promise<void>;
}

/** `folder`: where PBXs are installed. Throws `Unavailable` with the reason. */
export async function startRecordsLab(folder: string): Promise<RecordsLab> {
  await installDatabases();
  const version = await installAsterisk(folder, RECORDS);
  const started: { stop(): Promise<void> }[] = [];
  let named: readonly PlaceName[] = PLACES;
  const stop = async (): Promise<void> => {
    for (const one of started.toReversed()) await one.stop();
  };
  const keep = (tables: Tables): Tables => {
    started.push({ stop: () => tables.server.remove() });
    return tables;
  };
  try {
    const [mariadb, postgres] = await Promise.all([freepbxTables().then(keep), asteriskTables().then(keep)]);
    const pbx = await startAsterisk(folder, RECORDS, version, {
      settings: {
        MARIADB: String(mariadb.server.port),
        POSTGRES: String(postgres.server.port),
        DATABASE_PASSWORD: WRITER.password,
      },
      lines: (disk) => named.flatMap((place) => linesOf(place, disk, mariadb, postgres)),
    });
    started.push(pbx);
    const through = (places: readonly PlaceName[]): Pbx => ({
      ...pbx,
      source(port, secretFile) {
        named = places;
        const text = pbx.source(port, secretFile);
        named = PLACES;
        return text;
      },
    });
    return { pbx, through, mariadb, postgres, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function linesOf(place: PlaceName, disk: string, mariadb: Tables, postgres: Tables): readonly string[] {
  const log = (name: string): string => join(disk, 'log', name);
  switch (place) {
    case 'mysql':
      return mariadb.config;
    case 'postgres':
      return postgres.config;
    case 'sqlite':
      return ['[[source.records]]', 'type = "sqlite"', `file = "${log('master.db')}"`];
    case 'csv':
      return [
        '[[source.records]]',
        'type = "csv"',
        `cdr_file = "${log('cdr-csv/Master.csv')}"`,
        `cel_file = "${log('cel-custom/Master.csv')}"`,
      ];
  }
}
