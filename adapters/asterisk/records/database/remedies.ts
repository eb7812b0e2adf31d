/** What is to be done where a table of records lacks something: with the lines to type. */
import type { Dialect } from '../../../database/port.ts';
import type { TableKind } from './shape.ts';

const MODULES: Readonly<Record<Dialect, Readonly<Record<TableKind, string>>>> = {
  mysql: { cdr: 'cdr_adaptive_odbc', cel: 'cel_odbc' },
  postgres: { cdr: 'cdr_pgsql', cel: 'cel_pgsql' },
  sqlite: { cdr: 'cdr_sqlite3_custom', cel: 'cel_sqlite3_custom' },
};

/** The module of Asterisk that writes such a table. */
export const writerOf = (dialect: Dialect, kind: TableKind): string => MODULES[dialect][kind];

const NAMES: Readonly<Record<TableKind, string>> = {
  cdr: 'call detail records',
  cel: 'channel events (CEL)',
};

export function missingTable(place: string, dialect: Dialect, kind: TableKind, name: string): string {
  const rights =
    dialect === 'mysql'
      ? ', or let the user read it (GRANT SELECT)'
      : dialect === 'sqlite'
        ? ''
        : ', or name its schema';
  return `${place}: there is no table ${name}: correct ${kind}_table of [[source.records]]${rights}, or set ${kind}_table = '' where ${NAMES[kind]} are not kept there.`;
}

const TYPES: Readonly<Record<string, string>> = {
  calldate: 'TIMESTAMP',
  eventtime: 'TIMESTAMP',
  end: 'TIMESTAMP',
  sequence: 'INTEGER',
};

export function missingColumns(
  place: string,
  dialect: Dialect,
  kind: TableKind,
  name: string,
  missing: readonly string[],
): string {
  const lacks = `${place}: table ${name} has no column ${missing.join(', ')}`;
  const module = writerOf(dialect, kind);
  if (dialect === 'sqlite') {
    const value = (column: string): string => (kind === 'cdr' ? `'\${CDR(${column})}'` : `'\${${column}}'`);
    return `${lacks}: add it with ALTER TABLE, and to columns and values of ${module}.conf (${missing.map(value).join(', ')}), then "module reload ${module}.so".`;
  }
  const added = missing.map((column) => `ADD COLUMN ${column} ${TYPES[column] ?? 'VARCHAR(80)'}`).join(', ');
  return `${lacks}: ALTER TABLE ${name} ${added}; then "module reload ${module}.so" in Asterisk, which fills it from then on.`;
}

/** Rows that no call can be told from. */
export function withoutLinkedId(place: string, name: string): string {
  return `${place}: table ${name} has rows without linkedid, which cannot be told apart by call; Asterisk fills the column since version 1.8.`;
}
