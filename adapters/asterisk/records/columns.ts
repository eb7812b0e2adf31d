/** Values in tables of Asterisk's own records: what is common to call detail records (CDR) and channel events (CEL). */
import { epochOf } from '../events/channel.ts';

/** One row as the database or the file has it: values by the lower-case names of the columns. */
export type RawRow = Readonly<Record<string, string>>;

/** Why a row cannot be used. */
export interface WrongColumn {
  readonly column: string;
  /** What is wrong with it, to be said behind the name of the column. The value itself may hold a number or a name. */
  readonly what: string;
}

/** The first of these columns that the row has; databases and backends give one thing several names. */
export function column(row: RawRow, ...names: readonly string[]): string {
  for (const name of names) {
    const value = row[name];
    if (value !== undefined) return value;
  }
  return '';
}

/**
 * A time as it is written, `2026-11-22 16:33:25` with or without a fraction, in ms since the epoch as if it were UTC; `null` for
 * anything else, also for the zeros with which MariaDB stands for no time.
 */
export function timeIn(text: string): number | null {
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?$/.exec(text);
  if (parts === null) return null;
  const second = Date.parse(`${parts[1]}T${parts[2]}Z`);
  return Number.isNaN(second) ? null : second + Math.floor(Number(parts[3] ?? 0) * 1000);
}

/** True for calls of the PBX that is read; several may write into one place. */
export type Owns = (linkedId: string) => boolean;

/** `systemName`: as in asterisk.conf, which stands before all ids of that Asterisk; `null`: all calls are its own. */
export function ownedBy(systemName: string | null): Owns {
  if (systemName === null) return () => true;
  return (id) => id.startsWith(`${systemName}-`) && /^\d{9,11}\.\d+$/.test(id.slice(systemName.length + 1));
}

export const TIME_FORM = 'is not a time like 2026-11-22 16:33:25';

/** What is wrong with the ids of a row, `null` when they are ids. */
export function wrongId(row: RawRow): WrongColumn | null {
  const wrong = ['uniqueid', 'linkedid'].find((name) => epochOf(column(row, name)) === null);
  return wrong === undefined ? null : { column: wrong, what: 'is not an id like 1795345405.1' };
}
