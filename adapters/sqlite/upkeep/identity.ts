/** What a database says of itself, beside its calls: small values in `delivery_memory`. */
import type { Connection } from '../thread/rpc.ts';

/** Keys of `delivery_memory`. */
const KEY = {
  /** Which database it is, and when it was last opened for writing. */
  database: 'database',
  /** The file is a copy that was made at a moment; taken away when it is put to use. */
  copy: 'database-copy',
  /** Calls that began before may have been posted by a database that is lost. */
  doubt: 'database-doubt',
  /** What an operator should know. */
  notices: 'database-notices',
} as const;

export interface Copied {
  /** When, ms since the epoch. */
  readonly at: number;
}

export interface Doubt {
  /** ms since the epoch. */
  readonly until: number;
  /** A post is looked for no sooner than so long after it, ms. */
  readonly waitMs: number;
}

/** Something that happened to the database. */
export interface Notice {
  readonly kind: 'damaged' | 'lost' | 'older' | 'restored' | 'log';
  /** ms since the epoch. */
  readonly at: number;
  /** A sentence or two, with the remedy. */
  readonly text: string;
}

interface Values {
  readonly database: { readonly id: string };
  readonly copy: Copied;
  readonly doubt: Doubt;
  readonly notices: readonly Notice[];
}

type Reader = ReturnType<Connection['prepare']>;
const readers = new WeakMap<Connection, Reader>();

/** Asked for each call that is stored. */
function readerOf(db: Connection): Reader {
  const known = readers.get(db) ?? db.prepare('SELECT value FROM delivery_memory WHERE key = ?').pluck();
  readers.set(db, known);
  return known;
}

/** `null`: it is not there. Throws where there is no such table. */
export function remembered<K extends keyof Values>(db: Connection, key: K): Values[K] | null {
  const text = readerOf(db).get(KEY[key]);
  return typeof text === 'string' ? (JSON.parse(text) as Values[K]) : null;
}

/** `null` takes it away. `at`: ms since the epoch. */
export function remember<K extends keyof Values>(db: Connection, key: K, value: Values[K] | null, at: number): void {
  if (value === null) db.prepare('DELETE FROM delivery_memory WHERE key = ?').run(KEY[key]);
  else
    db.prepare(
      `INSERT INTO delivery_memory (key, value, at) VALUES (?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at`,
    ).run(KEY[key], JSON.stringify(value), Math.floor(at));
}

/**
 * Grows with each call that is stored and each request of the CRM, and is never less: the numbers that SQLite gives to rows of these
 * tables, whose last ones it keeps when the rows go.
 */
export function counterOf(db: Connection): () => number {
  const read = db
    .prepare<[], number | null>("SELECT sum(seq) FROM sqlite_sequence WHERE name IN ('delivery', 'permit')")
    .pluck();
  return () => read.get() ?? 0;
}

/** When something was last stored, about: ms since the epoch; `null`: nothing is stored. */
export function lastStoredAt(db: Connection): number | null {
  return (
    db
      .prepare<[], number | null>(
        `SELECT max(at) FROM (SELECT max(last_at) AS at FROM hot_segment
         UNION ALL SELECT last_at FROM (SELECT last_at FROM segment ORDER BY id DESC LIMIT 1)
         UNION ALL SELECT updated_at FROM (SELECT updated_at FROM delivery ORDER BY id DESC LIMIT 1))`,
      )
      .pluck()
      .get() ?? null
  );
}
