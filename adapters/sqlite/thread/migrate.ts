/**
 * Brings the schema up to date: `migrations/NNNN-name.sql`, numbered from 1 without gaps, forward only. Each file runs in
 * a transaction of its own together with the new `PRAGMA user_version`, so a crash leaves a whole version behind.
 *
 * The files are read from beside this module. A compiled copy of the program needs the folder copied beside it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { convertJournal } from '../journal/convert.ts';
import { APPLICATION_ID } from './connection.ts';
import { StorageError, storageError } from './errors.ts';
import type { Connection } from './rpc.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** What SQL cannot do, in the same transaction, after it. */
  readonly after?: (db: Connection) => void;
}

const AFTER: Readonly<Record<string, Migration['after']>> = { '0005-segments.sql': convertJournal };

const FILE_NAME = /^(\d{4})-[a-z0-9-]+\.sql$/;

/** Reads the folder; throws `StorageError` when it is missing or a number is missing or double. */
export function loadMigrations(folder: URL = new URL('../migrations/', import.meta.url)): readonly Migration[] {
  const migrations: Migration[] = [];
  for (const name of namesIn(folder)) {
    const version = Number(FILE_NAME.exec(name)?.[1]);
    if (version !== migrations.length + 1) {
      throw new StorageError(
        'SCHEMA_MIGRATIONS',
        `Migration ${migrations.length + 1} is missing in ${folder.pathname}, found ${name} instead: install logcalld again.`,
      );
    }
    const after = AFTER[name];
    const sql = readFileSync(new URL(name, folder), 'utf8');
    migrations.push({ version, name, sql, ...(after === undefined ? {} : { after }) });
  }
  return migrations;
}

function namesIn(folder: URL): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .sort();
  } catch (cause) {
    const message = `The schema files in ${folder.pathname} cannot be read: install logcalld again.`;
    throw new StorageError('SCHEMA_MIGRATIONS', message, { cause });
  }
}

/** Version of the schema in the file; 0 for a new file. */
export function schemaVersion(db: Connection): number {
  return Number(db.pragma('user_version', { simple: true }));
}

/**
 * Runs what is missing; answers the names of the files that ran. Throws `StorageError` with code `SCHEMA_NEWER` when the
 * file was written by a later program, whose rows this one could misread.
 */
export function migrate(db: Connection, migrations: readonly Migration[] = loadMigrations()): readonly string[] {
  refuseNewer(db, migrations);
  const found = schemaVersion(db);
  const missing = migrations.filter(({ version }) => version > found);
  for (const migration of missing) run(db, migration);
  return missing.map(({ name }) => name);
}

/** Throws `StorageError` with code `SCHEMA_NEWER` when the file was written by a later program. */
export function refuseNewer(db: Connection, migrations: readonly Migration[] = loadMigrations()): void {
  const found = schemaVersion(db);
  const known = migrations.at(-1)?.version ?? 0;
  if (found <= known) return;
  throw new StorageError(
    'SCHEMA_NEWER',
    `The database ${db.name} has schema version ${found}, but this logcalld knows versions up to ${known}: ` +
      'install the newer logcalld again, or restore a backup made before the upgrade.',
  );
}

function run(db: Connection, { version, name, sql, after }: Migration): void {
  try {
    db.transaction(() => {
      // Another process that opens the file as well may have been first.
      if (schemaVersion(db) >= version) return;
      db.exec(sql);
      after?.(db);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${version}`);
    }).immediate();
  } catch (cause) {
    // A full or locked file is no fault of the migration; the caller has the sentence for it.
    if (storageError(cause).trouble !== 'program') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Migration ${name} of the database ${db.name} failed (${reason}); the file is unchanged at version ${version - 1}.`;
    throw new StorageError('SCHEMA_MIGRATION', message, { cause });
  }
}
