/** Looks at every page of a database before it is used, and whether the log beside it is its own. Changes nothing. */
import { copyFileSync, linkSync, rmSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { explained } from '../thread/connection.ts';
import { codeOf, StorageError } from '../thread/errors.ts';
import type { Connection } from '../thread/rpc.ts';
import { counterOf, remembered } from './identity.ts';

/** What only another file can mend. */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

export const messageOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error);
  return error instanceof StorageError && error.cause instanceof Error && isDamage(error) ? error.cause.message : text;
};

/** A schema of before these values were kept has none of them. */
export function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isDamage(error)) throw error;
    return null;
  }
}

export const idOf = (db: Connection): string | null => orNull(() => remembered(db, 'database'))?.id ?? null;

/** Throws `StorageError` when a page cannot be read, or the pages do not fit together. */
export function refuseDamaged(db: Connection, path: string, thorough = false): void {
  const found = db.pragma(`${thorough ? 'integrity' : 'quick'}_check(1)`, { simple: true });
  if (found !== 'ok') throw new StorageError('SQLITE_CORRUPT', `${path} is damaged (${brief(String(found))})`);
}

/** SQLite's findings begin with a heading and may have several lines. */
const brief = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('***'))
    .join('; ')
    .slice(0, 200);

interface Seen {
  /** `null`: none. */
  readonly damage: string | null;
  /** `null`: it does not say. */
  readonly id: string | null;
  readonly counter: number;
  /** The deliveries made last: of each number, when it was made. Neither is ever changed, or given again. */
  readonly deliveries: ReadonlyMap<number, number>;
}

/** Deliveries that are compared. */
const COMPARED = 1000;

/** Read-only, as closing a connection that may write moves the log into the file, whatever it is worth. */
function see(real: string, thorough: boolean): Seen {
  let db: Connection | null = null;
  try {
    db = new BetterSqlite3(real, { readonly: true, fileMustExist: true });
    refuseDamaged(db, real, thorough);
    const open = db;
    return {
      damage: null,
      id: idOf(open),
      counter: orNull(() => counterOf(open)()) ?? 0,
      deliveries: deliveriesOf(open),
    };
  } catch (error) {
    if (!isDamage(error)) throw explained(real, error);
    return { damage: messageOf(error), id: null, counter: 0, deliveries: new Map() };
  } finally {
    db?.close();
  }
}

function deliveriesOf(db: Connection): ReadonlyMap<number, number> {
  const read = (): readonly (readonly [number, number])[] =>
    db
      .prepare<[number], [number, number]>('SELECT id, created_at FROM delivery ORDER BY id DESC LIMIT ?')
      .raw()
      .all(COMPARED);
  return new Map(orNull(read) ?? []);
}

/** Of the file together with its log; `null`: none. */
export const damageOf = (real: string, thorough: boolean): string | null => see(real, thorough).damage;

/**
 * Whether the log that stands beside it is its own, though the mark does not know it. It is, when both together are whole, and
 * contradict in nothing what the main file says alone. Where that cannot be told, it is: a log that is put aside is lost.
 */
export function logFits(real: string): boolean {
  const both = see(real, false);
  const alone = seeAlone(real);
  if (alone === null) return both.damage === null;
  // The damage is not that of the log.
  if (alone.damage !== null) return true;
  return both.damage === null && continues(alone, both);
}

function continues(alone: Seen, both: Seen): boolean {
  if (alone.id !== null && alone.id !== both.id) return false;
  if (both.counter < alone.counter) return false;
  return [...both.deliveries].every(([id, made]) => (alone.deliveries.get(id) ?? made) === made);
}

/** The main file without its log, under a name that has none. `null`: there is no way to look at it. */
function seeAlone(real: string): Seen | null {
  const name = `${real}.look`;
  const remove = (): void => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${name}${suffix}`, { force: true });
  };
  try {
    remove();
    try {
      linkSync(real, name);
    } catch {
      // File systems without hard links.
      copyFileSync(real, name);
    }
    return see(name, false);
  } catch {
    return null;
  } finally {
    remove();
  }
}
