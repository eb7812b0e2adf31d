/** The tables of a PBX on each server, as its Asterisk would fill them. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startMariadb } from './mariadb.ts';
import { startPostgres } from './postgres.ts';
import type { DatabaseServer } from './server.ts';

/** Both users of the tables: who reads them, and the PBX that writes them. */
export const READER = { username: 'logcalld', password: 'only-for-tests' } as const;
export const WRITER = { username: 'asteriskuser', password: 'only-for-tests' } as const;

export interface Tables {
  readonly server: DatabaseServer;
  readonly type: 'mysql' | 'postgres';
  readonly database: string;
  /** Appends rows, with those of their columns that the table has. */
  fill(table: 'cdr' | 'cel', rows: readonly Readonly<Record<string, string>>[]): Promise<void>;
  /** The lines of the config that read them. */
  readonly config: readonly string[];
}

const statements = (file: string): Promise<string> => readFile(join(import.meta.dirname, file), 'utf8');

/** MariaDB with the tables of FreePBX. */
export async function freepbxTables(): Promise<Tables> {
  const server = await startMariadb();
  await server.admin(await statements('freepbx.sql'));
  return tablesOn(server, 'mysql', 'asteriskcdrdb');
}

/** PostgreSQL with the tables of cdr_pgsql and cel_pgsql. */
export async function asteriskTables(): Promise<Tables> {
  const server = await startPostgres();
  await server.admin('CREATE DATABASE asterisk;');
  await server.admin(await statements('asterisk.sql'), 'asterisk');
  return tablesOn(server, 'postgres', 'asterisk');
}

async function tablesOn(server: DatabaseServer, type: Tables['type'], database: string): Promise<Tables> {
  const passwordFile = join(server.folder, 'password');
  await writeFile(passwordFile, READER.password, { mode: 0o600 });
  const quote = type === 'mysql' ? '`' : '"';
  return {
    server,
    type,
    database,
    async fill(table, rows) {
      const [first] = rows;
      if (first === undefined) return;
      const columns = Object.keys(first);
      const names = columns.map((name) => quote + name + quote).join(', ');
      const lines = rows.map((row) => `(${columns.map((name) => text(type, row[name] ?? '')).join(', ')})`);
      await server.admin(`INSERT INTO ${table} (${names}) VALUES\n${lines.join(',\n')};`, database);
    },
    config: [
      '[[source.records]]',
      `type = "${type}"`,
      `port = ${server.port}`,
      `database = "${database}"`,
      `username = "${READER.username}"`,
      `password_file = "${passwordFile}"`,
    ],
  };
}

function text(type: Tables['type'], value: string): string {
  const escaped = type === 'mysql' ? value.replaceAll('\\', '\\\\') : value;
  return `'${escaped.replaceAll("'", "''")}'`;
}
